from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from bot.settings import get_settings
from bot.store import migrate
from bot.store.demo.loader import load_demo
from bot.store.models import BenefitUse, Household, Policy
from bot.store.session import ReadOnlyError, Store, get_store

TODAY = date(2026, 11, 23)


def phones(store: Store) -> list[str]:
    with store.begin() as session:
        return list(session.scalars(sa.select(Household.phone).order_by(Household.phone)))


def test_commits_on_success(any_store: Store) -> None:
    with any_store.begin() as session:
        household = Household(phone="13800000101")
        session.add(household)
    assert household.phone == "13800000101"
    assert phones(any_store) == ["13800000101"]


def test_rolls_back_on_any_error(any_store: Store) -> None:
    class SomethingElseError(Exception):
        pass

    def fail_half_way() -> None:
        with any_store.begin() as session:
            session.add(Household(phone="13800000101"))
            session.flush()
            raise SomethingElseError

    with pytest.raises(SomethingElseError):
        fail_half_way()
    assert phones(any_store) == []


def test_stale_write_is_refused(any_store: Store) -> None:
    with any_store.begin() as session:
        load_demo(session, TODAY)
    query = (
        sa.select(BenefitUse)
        .where(BenefitUse.benefit == "outpatient")
        .order_by(BenefitUse.id)
        .limit(1)
    )
    with any_store.begin() as session:
        mine = session.scalars(query).one()
    with any_store.begin() as session:
        theirs = session.scalars(query).one()
        theirs.used += 100
    assert theirs.version == mine.version + 1
    mine.used += 7
    with pytest.raises(StaleDataError), any_store.begin() as session:
        session.add(mine)
    with any_store.begin() as session:
        assert session.scalars(query).one().used == theirs.used


def test_two_open_sessions_of_one_row(postgres_database: str) -> None:
    migrate.upgrade(postgres_database)
    store = Store(postgres_database)
    with store.begin() as session:
        load_demo(session, TODAY)
    query = sa.select(Policy).order_by(Policy.id).limit(1)

    def interleave() -> None:
        with store.begin() as slow:
            mine = slow.scalars(query).one()
            with store.begin() as fast:
                fast.scalars(query).one().clinic_brand = "青禾"
            mine.clinic_brand = None

    with pytest.raises(StaleDataError):
        interleave()
    with store.begin() as session:
        assert session.scalars(query).one().clinic_brand == "青禾"
    store.dispose()


def test_many_threads_lose_no_update(any_store: Store) -> None:
    with any_store.begin() as session:
        load_demo(session, TODAY)
    first = sa.select(sa.func.min(BenefitUse.id)).scalar_subquery()
    query = sa.select(BenefitUse).where(BenefitUse.id == first)
    with any_store.begin() as session:
        before = session.scalars(query).one().used

    def add_one(_: int) -> None:
        with any_store.begin() as session:
            # PostgreSQL lets both read; SQLite admits one at a time.
            session.scalars(query.with_for_update()).one().used += 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(40)))
    with any_store.begin() as session:
        assert session.scalars(query).one().used == before + 40


def test_readers_wait_for_no_writer(demo: Store) -> None:
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with demo.begin() as session:
            session.add(Household(phone="13900000000"))
            session.flush()
            writing.set()
            assert done.wait(10)

    query = sa.select(sa.func.count(Household.id))
    with ThreadPoolExecutor(1) as threads:
        writer = threads.submit(write)
        assert writing.wait(10)
        with demo.read() as session:
            assert session.scalar(query) == 5
        done.set()
        writer.result(10)
    with demo.read() as session:
        assert session.scalar(query) == 6


def test_nothing_is_written_while_reading(demo: Store) -> None:
    with pytest.raises(ReadOnlyError, match="Household"), demo.read() as session:
        session.add(Household(phone="13900000000"))
    with pytest.raises(ReadOnlyError, match="Household"), demo.read() as session:
        session.scalars(sa.select(Household)).first().phone = "13900000000"
    with pytest.raises(ReadOnlyError, match="Policy"), demo.read() as session:
        session.delete(session.scalars(sa.select(Policy)).first())
    assert "13900000000" not in phones(demo)


def test_disposed_store_opens_again(store: Store) -> None:
    store.dispose()
    assert phones(store) == []


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("BOT_DATABASE_URL", raising=False)
    monkeypatch.delenv("BOT_NOW", raising=False)
    monkeypatch.setenv("BOT_VAR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def test_get_store_follows_the_settings(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = get_store()
    assert store.url == f"sqlite:///{var / 'store.sqlite'}"
    assert get_store() is store
    monkeypatch.setenv("BOT_NOW", "2026-11-23T20:30:00+08:00")
    get_settings.cache_clear()
    assert get_store().url != store.url
