"""What partners read: bookings, authorizations, claims and bills, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.services.authorizations import AuthorizationView
from bot.services.authorizations import view as authorization_view
from bot.services.claims import ClaimView
from bot.services.claims import view as claim_view
from bot.services.errors import NotFound
from bot.store.models import Appointment, Authorization, Claim, SelfPayBill
from bot.store.session import Store

T = TypeVar("T")


@dataclass(frozen=True)
class BookingView:
    """A visit as partners see it; times in Asia/Shanghai.

    ``day_part`` is set when only a part of the day was asked for.
    """

    reference: str
    policy_number: str
    child: str
    hospital: str
    department: str
    visit_at: datetime
    day_part: str | None
    status: str
    urgent: bool
    requested_at: datetime
    due_at: datetime | None
    decline_reason: str | None
    proposed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_late: bool
    version: int


@dataclass(frozen=True)
class BillView:
    """A parent's share of a visit (E3); CNY, times in Asia/Shanghai."""

    reference: str
    policy_number: str
    hospital: str
    visited_on: date
    amount: Decimal
    status: str
    issued_at: datetime | None
    paid_at: datetime | None
    version: int


@dataclass(frozen=True)
class Chunk(Generic[T]):
    """Some rows by their keys, and the key after which the next begin."""

    items: list[T]
    next_after: int | None


@dataclass(frozen=True)
class Part:
    """Which rows: those after a key, so many, in one state if one is named."""

    after: int
    limit: int
    status: str | None = None


def bookings(store: Store, part: Part) -> Chunk[BookingView]:
    """Return visits, oldest first."""
    return _chunk(store, Appointment, _booking, part)


def authorizations(store: Store, part: Part) -> Chunk[AuthorizationView]:
    """Return prior authorizations, oldest first."""
    return _chunk(store, Authorization, authorization_view, part)


def claims(store: Store, part: Part) -> Chunk[ClaimView]:
    """Return claims, oldest first; drafts are the parents' own and left out."""
    return _chunk(store, Claim, claim_view, part, Claim.status != "draft")


def bills(store: Store, part: Part) -> Chunk[BillView]:
    """Return bills, oldest first."""
    return _chunk(store, SelfPayBill, _bill, part)


def booking(store: Store, reference: str) -> BookingView:
    """Return a visit. Raises NotFound."""
    return _one(store, Appointment, _booking, reference)


def authorization(store: Store, reference: str) -> AuthorizationView:
    """Return a prior authorization. Raises NotFound."""
    return _one(store, Authorization, authorization_view, reference)


def claim(store: Store, reference: str) -> ClaimView:
    """Return a claim. Raises NotFound, for a draft as well."""
    found = _one(store, Claim, claim_view, reference)
    if found.status == "draft":
        raise NotFound(reference)
    return found


def bill(store: Store, reference: str) -> BillView:
    """Return a bill. Raises NotFound."""
    return _one(store, SelfPayBill, _bill, reference)


def _chunk(store: Store, table: Any, view: Callable[[Any], T], part: Part, *only: Any) -> Chunk[T]:
    query = sa.select(table).where(table.id > part.after, *only).order_by(table.id)
    if part.status is not None:
        query = query.where(table.status == part.status)
    with store.read() as session:
        # One more tells whether anything follows.
        rows = list(session.scalars(query.limit(part.limit + 1)))
        shown = rows[: part.limit]
        more = shown[-1].id if len(rows) > part.limit else None
        return Chunk([view(row) for row in shown], more)


def _one(store: Store, table: Any, view: Callable[[Any], T], reference: str) -> T:
    with store.read() as session:
        row = session.scalar(sa.select(table).where(table.reference == reference))
        if row is None:
            raise NotFound(reference)
        return view(row)


def _booking(row: Appointment) -> BookingView:
    child: str = row.policy.child.name
    return BookingView(
        reference=row.reference,
        policy_number=row.policy.number,
        child=child,
        hospital=row.hospital.name,
        department=row.department,
        visit_at=row.visit_at.astimezone(TZ),
        day_part=row.day_part,
        status=row.status,
        urgent=row.urgent,
        requested_at=row.requested_at.astimezone(TZ),
        due_at=_local(row.due_at),
        decline_reason=row.decline_reason,
        proposed_at=_local(row.proposed_at),
        cancelled_at=_local(row.cancelled_at),
        cancelled_late=row.cancelled_late,
        version=row.version,
    )


def _bill(row: SelfPayBill) -> BillView:
    return BillView(
        reference=row.reference,
        policy_number=row.policy.number,
        hospital=row.hospital.name,
        visited_on=row.visited_on,
        amount=Decimal(row.amount),
        status=row.status,
        issued_at=_local(row.issued_at),
        paid_at=_local(row.paid_at),
        version=row.version,
    )


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone(TZ) if moment else None
