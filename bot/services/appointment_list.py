"""Visits as staff see them: the list, those found, and one with what was answered (V2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from bot.rules.calendar import local
from bot.rules.states import AppointmentState
from bot.services.desk_search import MOST, matching
from bot.services.errors import NotFound
from bot.store.models import Appointment, Policy
from bot.store.queries import OPEN_APPOINTMENTS
from bot.store.session import Store


@dataclass(frozen=True)
class DeskAppointment:
    """A visit as staff see it; times in Asia/Shanghai, ``version`` guards the next change.

    ``day_part`` is set when no clock time was given; the clock in ``visit_at`` then only stands
    for that part of the day, which is ``any`` if none was named either.
    """

    reference: str
    number: str
    child: str
    hospital: str
    department: str
    visit_at: datetime
    day_part: str | None
    status: str
    urgent: bool
    requested_at: datetime
    due_at: datetime | None
    version: int


@dataclass(frozen=True)
class Found:
    """A visit with its row's number, for its history, and what was answered or cancelled."""

    id: int
    appointment: DeskAppointment
    decline_reason: str | None
    proposed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_late: bool


def waiting(store: Store, *, status: str | None = None) -> list[DeskAppointment]:
    """Return visits in a state, or those to be arranged and then the confirmed ones.

    To be arranged: urgent, then oldest. Confirmed: by the day of the visit. Those that are over:
    latest first, 200 at most.

    Args:
        store: The store.
        status: One of :class:`AppointmentState`; by default all open ones, requested first.

    Raises:
        ValueError: There is no such state.
    """
    states = [AppointmentState(status).value] if status else list(OPEN_APPOINTMENTS)
    query = _all().where(Appointment.status.in_(states))  # type: ignore[attr-defined]
    if not set(states) & set(OPEN_APPOINTMENTS):
        query = query.order_by(sa.desc(Appointment.visit_at), sa.desc(Appointment.id)).limit(MOST)
    else:
        asked = Appointment.status == AppointmentState.REQUESTED.value
        query = query.order_by(
            sa.desc(asked),
            sa.desc(sa.and_(asked, Appointment.urgent)),
            sa.case((asked, Appointment.requested_at), else_=Appointment.visit_at),
            Appointment.id,
        )
    with store.read() as session:
        return [view(row) for row in session.scalars(query)]


def listed(
    store: Store, *, state: str | None = None, query: str = ""
) -> tuple[DeskAppointment, ...]:
    """Return open visits as :func:`waiting`, or those of a state, or those found.

    Args:
        store: The store.
        state: Of one state.
        query: Part of a number, a child's name or a policy's number; then of any state.
    """
    if not query:
        return tuple(waiting(store, status=state))
    wanted = matching(_all(), Appointment, query)
    if state:
        wanted = wanted.where(Appointment.status == state)
    wanted = wanted.order_by(sa.desc(Appointment.visit_at), sa.desc(Appointment.id)).limit(MOST)
    with store.read() as session:
        return tuple(view(row) for row in session.scalars(wanted))


def look_up(store: Store, *, reference: str) -> Found:
    """Return a visit by its number.

    Raises:
        NotFound: There is none.
    """
    with store.read() as session:
        row = session.scalar(_all().where(Appointment.reference == reference))
        if row is None:
            raise NotFound("appointment")
        return Found(
            row.id,
            view(row),
            row.decline_reason,
            _local(row.proposed_at),
            _local(row.cancelled_at),
            row.cancelled_late,
        )


def view(row: Appointment) -> DeskAppointment:
    """Return a visit that was read, or changed and flushed, in a transaction."""
    return DeskAppointment(
        reference=row.reference,
        number=row.policy.number,
        child=row.policy.child.name,
        hospital=row.hospital.name,
        department=row.department,
        visit_at=local(row.visit_at),
        day_part=None if row.clock_given else row.day_part or "any",
        status=row.status,
        urgent=row.urgent,
        requested_at=local(row.requested_at),
        due_at=_local(row.due_at),
        version=row.version,
    )


def _all() -> Any:
    return sa.select(Appointment).options(
        joinedload(Appointment.hospital),
        joinedload(Appointment.policy).joinedload(Policy.child),
    )


def _local(moment: datetime | None) -> datetime | None:
    return None if moment is None else local(moment)
