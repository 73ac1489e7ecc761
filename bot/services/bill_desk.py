"""The parents' own shares as staff see them (手册·电子保险卡 E3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import local
from bot.services.desk_search import MOST, matching
from bot.services.errors import NotFound
from bot.store.models import Hospital, SelfPayBill
from bot.store.session import Store

STATES = ("unpaid", "paid", "waived")


@dataclass(frozen=True)
class DeskBill:
    """A parent's share of a settled visit: CNY, times in Asia/Shanghai.

    ``id`` names its row; without ``issued_at`` it counts as issued on the day of the visit.
    """

    id: int
    reference: str
    number: str
    child: str
    hospital: str
    visited_on: date
    amount: Decimal
    status: str
    issued_at: datetime | None
    paid_at: datetime | None
    version: int


def bills(store: Store, *, state: str | None = None, query: str = "") -> tuple[DeskBill, ...]:
    """Return bills: unpaid ones that wait longest first, those that are over latest first.

    Args:
        store: The store.
        state: Of one state; else unpaid ones.
        query: Part of a number, a child's name or a policy's number; then of any state.
    """
    wanted = matching(sa.select(SelfPayBill), SelfPayBill, query)
    if state or not query:
        wanted = wanted.where(SelfPayBill.status == (state or "unpaid"))
    unpaid: Any = SelfPayBill.status == "unpaid"
    # Rows are numbered as they are made: the older of those that wait, the newer of the others.
    order: Any = sa.case((unpaid, SelfPayBill.id), else_=-SelfPayBill.id)
    wanted = wanted.order_by(sa.desc(unpaid), order).limit(MOST)
    with store.read() as session:
        return tuple(_view(row) for row in session.scalars(wanted))


def bill(store: Store, *, reference: str) -> DeskBill:
    """Return a bill.

    Raises:
        NotFound: There is none.
    """
    with store.read() as session:
        row = session.scalar(sa.select(SelfPayBill).where(SelfPayBill.reference == reference))
        if row is None:
            raise NotFound(reference)
        return _view(row)


def hospitals(store: Store) -> tuple[str, ...]:
    """Return the names under which hospitals can be billed."""
    with store.read() as session:
        return tuple(session.scalars(sa.select(Hospital.name).order_by(Hospital.name)))


def _view(row: SelfPayBill) -> DeskBill:
    child: str = row.policy.child.name
    return DeskBill(
        id=row.id,
        reference=row.reference,
        number=row.policy.number,
        child=child,
        hospital=row.hospital.name,
        visited_on=row.visited_on,
        amount=Decimal(row.amount),
        status=row.status,
        issued_at=local(row.issued_at) if row.issued_at else None,
        paid_at=local(row.paid_at) if row.paid_at else None,
        version=row.version,
    )
