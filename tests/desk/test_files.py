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
from bot.rules.handoffs import AgentStatus
from bot.services import presence
from bot.services.chat_files import agent_file
from bot.services.claims import ClaimWish, open_claim
from bot.services.handoff_desk import accept
from bot.services.handoffs import request_handoff
from bot.services.identity import identify
from bot.services.links import chat_file_link, claim_form_link
from bot.settings import get_settings
from bot.store.demo.loader import load_demo
from bot.store.files import FileStore
from bot.store.migrate import upgrade
from bot.store.models import Binding, HandOffMessage, Household
from bot.store.session import Store
from bot.texts import texts
from tests.pictures import fixture

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
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    store = FileStore(str(tmp_path / "files"), ["a key of the tests"])
    monkeypatch.setattr("bot.desk.files.get_files", lambda: store)
    return store


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


def test_an_agents_file_opens_for_its_parent_alone_and_for_a_week(
    web: TestClient,
    store: Store,
    who: int,
    files: FileStore,
    turn_to: Callable[[datetime], None],
) -> None:
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=NOW)
    item = request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id
    accept(store, handoff_id=item, agent_id=1, now=NOW)
    content = fixture("invoice.jpg", 5)
    line = agent_file(
        store, files, handoff_id=item, agent_id=1, content=content, name="a.jpg", now=NOW
    )
    assert line.media_type == "image/jpeg"
    with store.read() as session:
        number = session.scalar(sa.select(sa.func.max(HandOffMessage.id)))
    path = chat_file_link(number, who, NOW).url.removeprefix("http://127.0.0.1:8080")
    answer = web.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store, private"
    for other in (path[:-2] + "zz", path.replace(f".{who}.", f".{who + 1}.")):
        assert web.get(other).status_code == 404
    # A link for another account, though it is ours.
    foreign = chat_file_link(number, who + 1, NOW).url.removeprefix("http://127.0.0.1:8080")
    assert web.get(foreign).status_code == 404
    assert web.get(path.replace("/chat/", "/claim-form/")).status_code == 404
    turn_to(NOW + timedelta(days=7))
    assert web.get(path).status_code == 410
