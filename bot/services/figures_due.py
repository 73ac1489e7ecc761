"""What had to be done by a time, and whether it was (手册: V2, M1, P1, C1 to C4; goals of our own).

An item belongs to the local day on which it was due. What a parent took back in time counts
neither as done nor as missed, and so does what is not due yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import day_bounds, local_day
from bot.rules.figures import in_time
from bot.rules.handoffs import EndReason, HandOffReason, HandOffState, Wish
from bot.rules.office_hours import HORIZON, OfficePlan, after_office_time, spans_of
from bot.rules.sla import first_answer_goal
from bot.services.consultations import WAITED_FOR
from bot.store.models import (
    Appointment,
    AuditEntry,
    Authorization,
    AuthorizationEvent,
    Claim,
    Complaint,
    ConsultationRequest,
    DataRequest,
    HandOff,
)

# Names are looked up in pieces: databases bound how many a query may have.
_AT_ONCE = 500
_OPEN_AUTHORIZATIONS = ("submitted", "under_review", "documents_missing")
_HANDOFFS: Any = HandOff.__table__
_AUDIT: Any = AuditEntry.__table__


@dataclass(frozen=True)
class Overdue:
    """What is past its due time now; of what was due on the day, what was done by then or not."""

    now: int
    met: int
    missed: int


_Moments = dict[str, list[Any]]


@dataclass(frozen=True)
class _Item:
    """Something with a due time: when it was done, or whether it is still to be."""

    due_at: datetime
    done_at: datetime | None
    wanted: bool


def overdue(session: Session, plan: OfficePlan, day: date, now: datetime) -> dict[str, Overdue]:
    """Return how all that has a due time stands.

    Args:
        session: A transaction.
        plan: The office hours, in which first answers are waited for.
        day: Local; what was due on it is counted as met or missed.
        now: Aware.
    """
    first, after = day_bounds(day)
    days = _Days(session, first, after, now)
    found = {
        "first_answer": _first_answers(days, plan, day),
        "contacts": _contacts(days),
        "appointments": _appointments(days),
        "authorizations": _authorizations(days, day),
        "claims": days.items(Claim, "due_at", "settled_at", ("submitted", "settling")),
        "payouts": days.items(Claim, "payout_due_at", "paid_at", ("approved", "partly_approved")),
        "consultations": _consultations(days),
        "complaints": days.items(Complaint, "due_at", "resolved_at", ("received", "in_progress")),
        "data": days.items(DataRequest, "due_at", "decided_at", ("received", "checking")),
    }
    return {name: _counted(items, days) for name, items in found.items()}


def _counted(items: Iterable[_Item], days: _Days) -> Overdue:
    late = met = missed = 0
    for item in items:
        late += item.wanted and item.done_at is None and item.due_at < days.now
        if days.first <= item.due_at < days.after:
            kept = in_time(item.due_at, item.done_at, wanted=item.wanted, now=days.now)
            met, missed = met + (kept is True), missed + (kept is False)
    return Overdue(late, met, missed)


@dataclass(frozen=True)
class _Days:
    """The day that is looked at, and now."""

    session: Session
    first: datetime
    after: datetime
    now: datetime

    def rows(
        self, due: Any, status: Any, wanted: Collection[str], *columns: Any
    ) -> Iterable[sa.engine.Row]:
        """Return ``due``, ``status`` and more of what was due on the day or is overdue now."""
        on_day = sa.and_(due >= self.first, due < self.after)
        late = sa.and_(due < self.now, status.in_(wanted))
        query = sa.select(due.label("due_at"), status, *columns).where(sa.or_(on_day, late))
        rows: Iterable[sa.engine.Row] = self.session.execute(query).all()
        return rows

    def items(self, model: Any, due: str, done: str, wanted: Collection[str]) -> list[_Item]:
        """Return the items of a table that says itself when each was due and done."""
        table = model.__table__
        done_at = table.c[done].label("done_at")
        rows = self.rows(table.c[due], table.c.status, wanted, done_at)
        return [_Item(row.due_at, row.done_at, row.status in wanted) for row in rows]

    def first_done(self, subjects: Collection[str], actions: Collection[str]) -> _Moments:
        """Return from the audit when each of these was done to each subject, in order."""
        found: _Moments = {}
        names = sorted(subjects)
        for start in range(0, len(names), _AT_ONCE):
            query = (
                sa.select(_AUDIT.c.subject, _AUDIT.c.at)
                .where(_AUDIT.c.subject.in_(names[start : start + _AT_ONCE]))
                .where(_AUDIT.c.action.in_(actions))
                .order_by(_AUDIT.c.at)
            )
            for subject, at in self.session.execute(query):
                found.setdefault(subject, []).append(at)
        return found


def _first_answers(days: _Days, plan: OfficePlan, day: date) -> list[_Item]:
    """Return who waits for the first word of a person, now and in the chat.

    The goal counts in office hours, that of an emergency at any hour. A chat that ended without a
    word was missed if it ended after the goal; an agent may also settle it without writing.
    """
    c = _HANDOFFS.c
    asked = sa.and_(c.requested_at >= _last_open(plan, day), c.requested_at < days.after)
    silent = sa.and_(c.status != HandOffState.RESOLVED.value, c.first_reply_at.is_(None))
    query = sa.select(
        c.requested_at, c.first_reply_at, c.ended_at, c.end_reason, c.urgent, c.status
    ).where(
        c.wish == Wish.CHAT.value,
        c.reason != HandOffReason.COMPLAINT.value,
        # What was left for later has a due time of its own.
        sa.or_(c.due_at.is_(None), c.urgent.is_(True)),
        sa.or_(asked, silent),
    )
    found = []
    for row in days.session.execute(query):
        goal = first_answer_goal(urgent=row.urgent)
        due = row.requested_at + goal
        if not row.urgent:
            due = after_office_time(plan, row.requested_at, goal)
        if due is None:
            continue
        done = row.first_reply_at
        over = done is None and row.ended_at is not None
        if over and (row.end_reason == EndReason.RESOLVED_BY_AGENT or row.ended_at > due):
            done = row.ended_at
        found.append(_Item(due, done, wanted=not over))
    return found


def _last_open(plan: OfficePlan, day: date) -> datetime:
    """Return the beginning of the last day before with office hours: what waits was asked since."""
    for back in range(1, HORIZON):
        earlier = day - timedelta(days=back)
        if spans_of(plan, earlier):
            return day_bounds(earlier)[0]
    return day_bounds(day - timedelta(days=HORIZON))[0]


def _contacts(days: _Days) -> list[_Item]:
    """Return messages and call-backs: an agent's answer, or that it is settled, is in time."""
    c = _HANDOFFS.c
    wanted = [state.value for state in HandOffState if state is not HandOffState.RESOLVED]
    columns = (c.first_reply_at, c.ended_at, c.end_reason)
    found = []
    for row in days.rows(c.due_at, c.status, wanted, *columns):
        settled = row.end_reason == EndReason.RESOLVED_BY_AGENT
        done = row.first_reply_at or (row.ended_at if settled else None)
        found.append(_Item(row.due_at, done, row.status in wanted))
    return found


def _appointments(days: _Days) -> list[_Item]:
    """Return visits to be arranged (V2): the first answer since they were asked for counts.

    A visit may be moved or called off later on, and a parent may ask anew.
    """
    c = Appointment.__table__.c
    rows = days.rows(c.due_at, c.status, ("requested",), c.id, c.requested_at)
    subjects = {row.id: f"appointment:{row.id}" for row in rows}
    answers = days.first_done(subjects.values(), ("appointment.confirm", "appointment.decline"))
    found = []
    for row in rows:
        wanted = row.status == "requested"
        since = (at for at in answers.get(subjects[row.id], ()) if at >= row.requested_at)
        found.append(_Item(row.due_at, None if wanted else next(since, None), wanted))
    return found


def _consultations(days: _Days) -> list[_Item]:
    """Return doctors' calls (M1): made, or settled by staff."""
    c = ConsultationRequest.__table__.c
    wanted = tuple(state.value for state in WAITED_FOR)
    rows = days.rows(c.due_at, c.status, wanted, c.reference)
    calls = days.first_done(
        {row.reference for row in rows}, ("consultation.called_back", "consultation.close")
    )
    return [
        _Item(row.due_at, calls.get(row.reference, [None])[0], row.status in wanted) for row in rows
    ]


def _authorizations(days: _Days, day: date) -> list[_Item]:
    """Return prior authorizations, to be decided before the day of treatment begins (P1)."""
    c = Authorization.__table__.c
    e = AuthorizationEvent.__table__.c
    decided = (
        sa.select(sa.func.min(e.at))
        .where(e.authorization_id == c.id, e.kind.in_(("approved", "declined")))
        .scalar_subquery()
    )
    wanted = c.status.in_(_OPEN_AUTHORIZATIONS)
    late = sa.and_(c.treatment_on <= local_day(days.now), wanted)
    query = sa.select(c.treatment_on, c.status, decided.label("done_at")).where(
        sa.or_(c.treatment_on == day, late)
    )
    return [
        _Item(day_bounds(row.treatment_on)[0], row.done_at, row.status in _OPEN_AUTHORIZATIONS)
        for row in days.session.execute(query)
    ]
