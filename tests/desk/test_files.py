"""Files behind signed links: for whom, how long, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.desk.app import create_app
from bot.rules.claims import ClaimKind
from bot.services.claims import ClaimWish, open_claim
from bot.services.identity import identify
from bot.services.links import claim_form_link
from bot.settings import get_settings
from bot.store.demo.loader import load_demo
from bot.store.migrate import upgrade
from bot.store.models import Binding, Household
from bot.store.session import Store
from bot.texts import texts

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def turn_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[datetime], None]]:
    def turn(moment: datetime) -> None:
        monkeypatch.setenv("BOT_NOW", moment.isoformat())
        get_settings.cache_clear()

    turn(NOW)
    yield turn
    get_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    with store.begin() as session:
        load_demo(session, NOW.date())
    monkeypatch.setattr("bot.desk.files.get_store", lambda: store)
    yield store
    store.dispose()


@pytest.fixture
def who(store: Store) -> int:
    identity = identify(store, "rest", "parent").id
    with store.begin() as session:
        home = session.scalars(sa.select(Household).where(Household.phone == "13800000101")).one()
        session.add(Binding(identity_id=identity, household_id=home.id, verified_at=NOW))
    return identity


@pytest.fixture
def path(store: Store, who: int, turn_to: Callable[[datetime], None]) -> str:
    wish = ClaimWish(
        ClaimKind.PUBLIC_OUTPATIENT, "上海市儿童医院", date(2026, 11, 20), Decimal(580)
    )
    seen, _ = open_claim(store, identity_id=who, number="YX2026-000101", wish=wish, now=NOW)
    url = claim_form_link(seen.reference, who, NOW).url
    assert url.startswith("http://127.0.0.1:8080/")
    return url.removeprefix("http://127.0.0.1:8080")


@pytest.fixture
def web() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


def test_the_form_comes_as_a_pdf_that_nobody_keeps(web: TestClient, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.headers["content-disposition"].startswith('attachment; filename="C1')
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content.startswith(b"%PDF-")


def test_the_link_ends_after_a_quarter_of_an_hour(
    web: TestClient, path: str, turn_to: Callable[[datetime], None]
) -> None:
    turn_to(NOW + timedelta(minutes=14, seconds=59))
    assert web.get(path).status_code == 200
    turn_to(NOW + timedelta(minutes=15))
    answer = web.get(path)
    assert answer.status_code == 410
    assert answer.text == texts()["file_link_over"].text


def test_a_changed_link_opens_nothing(web: TestClient, path: str, who: int) -> None:
    for other in (path[:-2] + "zz", path.replace(f".{who}.", f".{who + 1}."), f"{path}/x"):
        answer = web.get(other)
        assert answer.status_code == 404
        assert b"%PDF" not in answer.content


def test_whoever_is_no_longer_bound_gets_nothing(
    web: TestClient, path: str, store: Store, who: int
) -> None:
    with store.begin() as session:
        session.execute(sa.delete(Binding).where(Binding.identity_id == who))
    assert web.get(path).status_code == 404


def test_another_familys_claim_is_not_found(
    web: TestClient, path: str, who: int, turn_to: Callable[[datetime], None]
) -> None:
    url = claim_form_link("C3001", who, datetime.now(UTC)).url
    turn_to(datetime.now(UTC))
    assert web.get(url.removeprefix("http://127.0.0.1:8080")).status_code == 404


def test_a_form_is_only_read(web: TestClient, path: str) -> None:
    assert web.post(path).status_code == 405
