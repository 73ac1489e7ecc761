"""``bot staff complaints`` and ``bot staff data``, on a store of their own."""

from collections.abc import Callable
from datetime import datetime

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.clock import TZ
from bot.services import api_keys
from bot.services.complaints import file_complaint, own_complaints
from bot.services.data_requests import own_requests, request_erasure
from bot.services.identity import identify
from bot.store.models import Complaint, HandOff, OutboxMessage
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def store(command_store: Store) -> Store:
    return command_store


@pytest.fixture
def run(store: Store) -> Callable[..., tuple[int, str]]:
    def staff(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["staff", *words])
        return done.exit_code, done.output

    return staff


@pytest.fixture
def parent(store: Store) -> int:
    return identify(store, "rest", "parent").id


def test_a_complaint_is_listed_taken_up_and_answered(
    run: Callable[..., tuple[int, str]], store: Store, parent: int
) -> None:
    file_complaint(store, identity_id=parent, kind="complaint", text="[等了]三天", now=NOW)
    status, listed = run("complaints", "list")
    assert status == 0
    assert "F10001  版本 2  complaint  received  期限 11-25 23:59" in listed
    assert "[等了]三天" in listed
    as_lin = ("--as", "lin", "--version")
    status, refused = run("complaints", "answer", "F10001", *as_lin, "2", "--text", "好")
    assert status == 1
    assert "先受理" in refused
    assert run("complaints", "take", "F10001", *as_lin, "2")[0] == 0
    status, stale = run("complaints", "answer", "F10001", *as_lin, "2", "--text", "好")
    assert status == 1
    assert "list 再看一遍" in stale
    status, done = run("complaints", "answer", "F10001", *as_lin, "3", "--text", "已改进")
    assert status == 0
    assert "resolved" in done
    (seen,) = own_complaints(store, identity_id=parent)
    assert seen.answer == "已改进"
    with store.read() as session:
        assert session.query(OutboxMessage).count() == 2
        assert session.query(HandOff).one().status == "resolved"
    assert run("complaints", "list") == (0, "")


def test_a_number_that_is_not_there(run: Callable[..., tuple[int, str]], store: Store) -> None:
    status, said = run("complaints", "take", "F10009", "--as", "lin", "--version", "1")
    assert status == 1
    assert "没有这个编号" in said


def test_erasure_is_listed_checked_and_refused_with_a_reason(
    run: Callable[..., tuple[int, str]], store: Store, parent: int
) -> None:
    request_erasure(store, identity_id=parent, now=NOW)
    assert "D10001  版本 2  received  期限 12-14 23:59" in run("data", "list")[1]
    as_lin = ("--as", "lin", "--version")
    assert run("data", "take", "D10001", *as_lin, "2")[0] == 0
    status, _ = run("data", "refuse", "D10001", *as_lin, "3", "--reason", "有理赔在办")
    assert status == 0
    (seen,) = own_requests(store, identity_id=parent)
    assert (seen.status, seen.answer) == ("refused", "有理赔在办")


def test_nothing_is_erased_without_saying_so_twice(
    run: Callable[..., tuple[int, str]], store: Store, parent: int
) -> None:
    request_erasure(store, identity_id=parent, now=NOW)
    as_lin = ("--as", "lin", "--version")
    run("data", "take", "D10001", *as_lin, "2")
    status, said = run("data", "erase", "D10001", *as_lin, "3")
    assert status == 1
    assert "--yes" in said
    assert identify(store, "rest", "parent").id == parent
    assert run("data", "erase", "D10001", *as_lin, "3", "--yes")[0] == 0
    assert identify(store, "rest", "parent").id != parent
    with store.read() as session:
        assert session.query(Complaint).count() == 0


def test_an_api_key_is_shown_once_listed_and_revoked(
    run: Callable[..., tuple[int, str]], store: Store
) -> None:
    status, key = run("api-keys", "create", "core", "--scope", "bookings:read", "--days", "30")
    assert status == 0
    partner = api_keys.authenticate(store, key.strip(), now=NOW)
    assert partner is not None
    assert partner.scopes == {"bookings:read"}
    assert run("api-keys", "create", "core", "--scope", "all")[0] == 1
    assert run("api-keys", "create", "other", "--scope", "bookings:fly")[0] == 1
    status, listed = run("api-keys", "list")
    assert status == 0
    assert "bookings:read" in listed
    assert key.strip() not in listed
    assert run("api-keys", "revoke", "core")[0] == 0
    assert api_keys.authenticate(store, key.strip(), now=NOW) is None
    status, again = run("api-keys", "revoke", "core")
    assert status == 1
    assert "不能办" in again
