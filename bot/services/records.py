"""Past visits of a child, and what they cost whom (手册·电子保险卡 E2, E3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from bot.rules.periods import Period
from bot.services.identity import bound_policies, own_policy
from bot.store.models import Policy, SelfPayBill, Visit
from bot.store.session import Store

NOTHING = Decimal(0)


@dataclass(frozen=True)
class VisitView:
    """A past visit, amounts in CNY."""

    visited_on: date
    hospital: str
    department: str
    total: Decimal
    insurer_paid: Decimal
    self_pay: Decimal


@dataclass(frozen=True)
class BillView:
    """A self-pay bill in CNY (E3); ``status`` is ``unpaid``, ``paid`` or ``waived``."""

    reference: str
    hospital: str
    visited_on: date
    amount: Decimal
    status: str


@dataclass(frozen=True)
class Records:
    """Visits and self-pay bills that fit the question, newest first.

    ``latest`` is the newest visit of all, whether or not it fits.
    """

    child: str
    visits: tuple[VisitView, ...]
    bills: tuple[BillView, ...]
    latest: VisitView | None

    @property
    def total(self) -> Decimal:
        """What the visits cost."""
        return sum((v.total for v in self.visits), NOTHING)

    @property
    def insurer_paid(self) -> Decimal:
        """What the insurer paid of it."""
        return sum((v.insurer_paid for v in self.visits), NOTHING)

    @property
    def self_pay(self) -> Decimal:
        """What the parents paid of it."""
        return sum((v.self_pay for v in self.visits), NOTHING)


def visit_records(
    store: Store,
    *,
    identity_id: int,
    number: str,
    period: Period | None = None,
    hospital: str | None = None,
    department: str | None = None,
) -> Records:
    """Return a child's visits over all of its bound policies (E2).

    Args:
        store: The store.
        identity_id: Who asks.
        number: A bound policy of the child.
        period: Only visits of these days.
        hospital: Only visits to this hospital, by its full name.
        department: Only visits to this department; bills have none and are left out then.

    Raises:
        NotBound, NotFound: see :func:`bot.services.identity.own_policy`.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        ids = [p.id for p in bound_policies(session, identity_id) if p.child_id == policy.child_id]
        everything = _visits(session, ids)

        def fits(day: date, place: str) -> bool:
            return (period is None or day in period) and hospital in (None, place)

        return Records(
            child=_child(policy),
            visits=tuple(
                v
                for v in everything
                if fits(v.visited_on, v.hospital) and department in (None, v.department)
            ),
            bills=tuple(
                b
                for b in _bills(session, ids)
                if department is None and fits(b.visited_on, b.hospital)
            ),
            latest=everything[0] if everything else None,
        )


def _child(policy: Policy) -> str:
    name: str = policy.child.name
    return name


def _of(column: Any, ids: Iterable[int]) -> Any:
    return column.in_(list(ids))


def _visits(session: Any, ids: list[int]) -> list[VisitView]:
    query = (
        sa.select(Visit)
        .where(_of(Visit.policy_id, ids))
        .options(joinedload(Visit.hospital))
        .order_by(sa.desc(Visit.visited_on), sa.desc(Visit.id))
    )
    return [
        VisitView(v.visited_on, v.hospital.name, v.department, v.total, v.insurer_paid, v.self_pay)
        for v in session.scalars(query)
    ]


def _bills(session: Any, ids: list[int]) -> list[BillView]:
    query = (
        sa.select(SelfPayBill)
        .where(_of(SelfPayBill.policy_id, ids))
        .options(joinedload(SelfPayBill.hospital))
        .order_by(sa.desc(SelfPayBill.visited_on), sa.desc(SelfPayBill.id))
    )
    return [
        BillView(b.reference, b.hospital.name, b.visited_on, b.amount, b.status)
        for b in session.scalars(query)
    ]
