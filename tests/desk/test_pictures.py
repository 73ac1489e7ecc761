"""Pictures over HTTP: for whom, how long, and kept by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.desk.app import create_app
from bot.services import pictures
from bot.services.identity import identify
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
def path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn_to: Callable[[datetime], None]
) -> Iterator[str]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    with store.begin() as session:
        load_demo(session, NOW.date())
    monkeypatch.setattr("bot.desk.pictures.get_store", lambda: store)
    who = identify(store, "rest", "parent").id
    with store.begin() as session:
        home = session.scalars(sa.select(Household).where(Household.phone == "13800000101")).one()
        session.add(Binding(identity_id=who, household_id=home.id, verified_at=NOW))
    yield pictures.e_card(store, identity_id=who, number="YX2026-000101", now=NOW).path
    store.dispose()


@pytest.fixture
def web() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


def test_the_picture_comes_and_nobody_keeps_it(web: TestClient, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content.startswith(b"\x89PNG")


def test_a_changed_address_shows_nothing(web: TestClient, path: str) -> None:
    for other in (path[:-2] + "zz", path.replace("/card.", "/limits."), path + "/x", "/pictures/x"):
        assert web.get(other).status_code == 404


def test_it_ends(web: TestClient, path: str, turn_to: Callable[[datetime], None]) -> None:
    turn_to(NOW + timedelta(hours=24))
    answer = web.get(path)
    assert answer.status_code == 410
    assert answer.text == texts()["picture_over"].text


def test_it_is_only_read(web: TestClient, path: str) -> None:
    assert web.post(path).status_code == 405
