"""A store of its own for each test, with the demonstration data; nothing else is started."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services.claims import ClaimWish, open_claim
from bot.services.identity import identify
from bot.store.files import FileStore
from bot.store.models import Binding, Claim, Household
from bot.store.session import Store

TODAY = date(2026, 11, 23)  # a Monday


@pytest.fixture
def store(demo_store: Store) -> Store:
    return demo_store


@pytest.fixture
def now() -> datetime:
    """Monday, 2026-11-23 10:00 in Shanghai."""
    return datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def new_identity(store: Store) -> Callable[[str], int]:
    """Return the id of a chat account that is not bound to anything."""
    return lambda account: identify(store, "rest", account).id


@pytest.fixture
def bound(store: Store, now: datetime) -> Callable[..., int]:
    """Return the id of a chat account, bound to the households of the phones given.

    ``bound("13800000101")`` or ``bound("13800000101", account="grandmother")``; without a phone,
    as :func:`new_identity`.
    """

    def bind(*phones: str, account: str = "parent") -> int:
        identity_id = identify(store, "rest", account).id
        with store.begin() as session:
            for phone in phones:
                household = session.scalars(
                    sa.select(Household).where(Household.phone == phone)
                ).one()
                session.add(
                    Binding(identity_id=identity_id, household_id=household.id, verified_at=now)
                )
        return identity_id

    return bind


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    """A file store of the test's own."""
    return FileStore(str(tmp_path / "files"), ["a key of the tests"])


@pytest.fixture
def count(store: Store) -> Callable[..., int]:
    """Return the number of rows of a table; ``count(Claim, status="draft")`` for some of them."""

    def rows(table: type, **equal: object) -> int:
        query = sa.select(sa.func.count()).select_from(table).filter_by(**equal)
        with store.read() as session:
            found: int = session.scalar(query)
            return found

    return rows


@pytest.fixture
def claim(store: Store, now: datetime) -> Callable[..., str]:
    """Open a claim; return its number. ``claim(who, complete=True)`` has all its documents."""

    def opened(
        who: int,
        number: str = "YX2026-000101",
        kind: ClaimKind = ClaimKind.PUBLIC_OUTPATIENT,
        amount: str = "580.00",
        *,
        complete: bool = False,
        day: date = date(2026, 11, 20),
    ) -> str:
        wish = ClaimWish(kind, "上海市儿童医院", day, Decimal(amount), follow_up=True)
        seen, _ = open_claim(store, identity_id=who, number=number, wish=wish, now=now)
        if complete:
            receive(store, seen.reference)
        return seen.reference

    return opened


def receive(store: Store, reference: str, *kept: str) -> None:
    """Note all documents of a claim as received but these."""
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        for requirement in row.requirements:
            requirement.received = requirement.document not in kept


@pytest.fixture
def received(store: Store) -> Callable[..., None]:
    """Note a claim's documents as received, but those named."""
    return lambda reference, *kept: receive(store, reference, *kept)
