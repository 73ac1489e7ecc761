"""What supervisors see of a day: volume, containment, waits, ratings, goals that were missed.

Days are local ones (Asia/Shanghai). Waits are told twice: by the clock, and in office hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import day_bounds, local, local_day
from bot.rules.figures import Ratings, Spread, ratings, share, spread
from bot.rules.handoffs import EndReason, HandOffState, Wish
from bot.rules.office_hours import OfficePlan, office_time
from bot.rules.sla import first_answer_goal
from bot.services.dialogues import conversation_of
from bot.services.office_hours import plan_of
from bot.store.models import (
    AgentPresence,
    Appointment,
    Authorization,
    Claim,
    Complaint,
    ConsultationRequest,
    ConversationEvent,
    DataRequest,
    HandOff,
    HandOffEvent,
    HandOffMessage,
)
from bot.store.session import Store

MOST_DAYS = 31
TRANSFER = "transfer"
OPEN_AUTHORIZATIONS = ("submitted", "under_review", "documents_missing")


@dataclass(frozen=True)
class Waits:
    """Waits by the clock, and the part of them in office hours."""

    wall: Spread
    office: Spread


@dataclass(frozen=True)
class AgentRow:
    """An agent's day."""

    name: str
    accepted: int
    resolved: int
    first_answer: Spread
    ratings: Ratings


@dataclass(frozen=True)
class Overdue:
    """What is past its due time now, and what fell due today and was or was not done by then."""

    now: int
    met: int
    missed: int


@dataclass(frozen=True)
class Hour:
    """An hour of the day: parents' messages, hand-offs asked for, the middle wait for a person."""

    hour: int
    messages: int
    handoffs: int
    wait: timedelta | None


@dataclass(frozen=True)
class Figures:
    """A day up to now. ``containment`` is the share of conversations that needed no person."""

    day: date
    conversations: int
    contained: int
    containment: float | None
    messages_in: int
    messages_out: int
    handoffs: int
    reasons: dict[str, int]
    ends: dict[str, int]
    waiting_now: int
    accepted: Waits
    first_answer: Waits
    talk: Waits
    ratings: Ratings
    abandoned: int
    transfers: int
    takeovers: int
    agents: tuple[AgentRow, ...]
    overdue: dict[str, Overdue]
    hours: tuple[Hour, ...]


def figures(store: Store, *, day: date, now: datetime) -> Figures:
    """Return the figures of a day.

    Args:
        store: The store.
        day: Local.
        now: Aware.

    Raises:
        ValueError: The day has not come yet.
    """
    if day > local_day(now):
        msg = f"{day} has not come yet"
        raise ValueError(msg)
    with store.read() as session:
        return _figures(session, day, now)


def figures_between(store: Store, *, first: date, last: date, now: datetime) -> tuple[Figures, ...]:
    """Return the figures of each day from ``first`` to ``last``.

    Raises:
        ValueError: There is none, they are more than 31, or one has not come yet.
    """
    days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS or last > local_day(now):
        msg = f"{days} days up to {last}"
        raise ValueError(msg)
    with store.read() as session:
        return tuple(_figures(session, first + timedelta(days=n), now) for n in range(days))


def _figures(session: Session, day: date, now: datetime) -> Figures:
    first, after = day_bounds(day)
    until = min(after, now)
    plan = plan_of(session)
    asked = _handoffs(session, HandOff.requested_at, first, after)
    taken = _handoffs(session, HandOff.accepted_at, first, after)
    answered = _handoffs(session, HandOff.first_reply_at, first, after)
    over = _handoffs(session, HandOff.ended_at, first, after)
    rated = _handoffs(session, HandOff.rated_at, first, after)
    said = _said(session, first, after)
    spoke = {who for who, kind, _ in said if kind == "user"}
    helped = {conversation_of(row.identity) for row in asked}
    moves = _moves(session, first, after)
    return Figures(
        day=day,
        conversations=len(spoke | helped),
        contained=len(spoke - helped),
        containment=share(len(spoke - helped), len(spoke | helped)),
        messages_in=sum(kind == "user" for _, kind, _ in said)
        + _lines(session, "parent", first, after),
        messages_out=sum(kind == "bot" for _, kind, _ in said)
        + _lines(session, "agent", first, after),
        handoffs=len(asked),
        reasons=dict(Counter(row.reason for row in asked)),
        ends=dict(Counter(row.end_reason for row in over if row.end_reason)),
        waiting_now=_waiting(session),
        accepted=_waits(plan, [(row.requested_at, row.accepted_at) for row in taken]),
        first_answer=_waits(plan, [(row.requested_at, row.first_reply_at) for row in answered]),
        talk=_waits(plan, [(r.accepted_at, r.ended_at) for r in over if r.accepted_at]),
        ratings=ratings([row.rating for row in rated if row.rating is not None]),
        abandoned=sum(
            row.end_reason == EndReason.ENDED_BY_PARENT and row.accepted_at is None for row in over
        ),
        transfers=moves[TRANSFER],
        takeovers=moves["agent_silent"] + moves["assignment_timeout"],
        agents=_agents(session, taken, answered, over, rated),
        overdue=_overdue(session, plan, answered, first, until, now),
        hours=_hours(said, asked, taken),
    )


def _handoffs(session: Session, column: Any, first: datetime, after: datetime) -> list[HandOff]:
    query = (
        sa.select(HandOff)
        .where(column >= first, column < after)
        .options(sa.orm.joinedload(HandOff.identity))
        .order_by(HandOff.id)
    )
    return list(session.scalars(query))


def _said(session: Session, first: datetime, after: datetime) -> list[tuple[str, str, datetime]]:
    """Return who said what kind of thing when, in the dialogues with the bot."""
    query = sa.select(
        ConversationEvent.sender_id, ConversationEvent.type_name, ConversationEvent.at
    ).where(
        ConversationEvent.type_name.in_(("user", "bot")),  # type: ignore[attr-defined]
        ConversationEvent.at >= first,
        ConversationEvent.at < after,
    )
    return [(str(who), str(kind), at) for who, kind, at in session.execute(query)]


def _lines(session: Session, direction: str, first: datetime, after: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        HandOffMessage.direction == direction,
        HandOffMessage.at >= first,
        HandOffMessage.at < after,
    )
    return int(session.scalar(query) or 0)


def _moves(session: Session, first: datetime, after: datetime) -> Counter[str]:
    """Count the moves that gave a conversation to another agent, by their reason."""
    to = (HandOffState.QUEUED.value, HandOffState.ASSIGNED.value)
    query = sa.select(HandOffEvent.reason, HandOffEvent.to_status).where(
        HandOffEvent.at >= first,
        HandOffEvent.at < after,
        HandOffEvent.to_status.in_(to),  # type: ignore[attr-defined]
    )
    # To be passed on, one goes through the queue.
    return Counter(
        str(reason)
        for reason, status in session.execute(query)
        if (status == HandOffState.ASSIGNED) == (reason == TRANSFER)
    )


def _waiting(session: Session) -> int:
    states = (HandOffState.QUEUED.value, HandOffState.REQUESTED.value, HandOffState.ASSIGNED.value)
    query = sa.select(sa.func.count()).where(
        HandOff.status.in_(states),  # type: ignore[attr-defined]
        HandOff.reason != "complaint",
    )
    return int(session.scalar(query) or 0)


def _waits(plan: OfficePlan, spans: Iterable[tuple[datetime, datetime | None]]) -> Waits:
    known = [(since, until) for since, until in spans if until is not None]
    return Waits(
        spread(until - since for since, until in known),
        spread(office_time(plan, since, until) for since, until in known),
    )


def _agents(
    session: Session,
    taken: Sequence[HandOff],
    answered: Sequence[HandOff],
    over: Sequence[HandOff],
    rated: Sequence[HandOff],
) -> tuple[AgentRow, ...]:
    rows = []
    for agent in session.scalars(sa.select(AgentPresence).order_by(AgentPresence.agent_id)):
        own = agent.agent_id
        accepted = [row for row in taken if row.agent_id == own]
        resolved = [row for row in over if row.agent_id == own]
        if not accepted and not resolved:
            continue
        waits = [
            row.first_reply_at - row.requested_at
            for row in answered
            if row.agent_id == own and row.first_reply_at is not None
        ]
        stars = [r.rating for r in rated if r.agent_id == own and r.rating is not None]
        rows.append(
            AgentRow(agent.name, len(accepted), len(resolved), spread(waits), ratings(stars))
        )
    return tuple(rows)


# What has a due time: its table, the column that says it, the one that says when it was done, and
# the states in which it is still to be done.
_DUE: tuple[tuple[str, Any, Any, Any, tuple[str, ...]], ...] = (
    ("appointments", Appointment, Appointment.due_at, Appointment.decided_at, ("requested",)),
    (
        "claims",
        Claim,
        Claim.due_at,
        Claim.settled_at,
        ("submitted", "settling"),
    ),
    (
        "payouts",
        Claim,
        Claim.payout_due_at,
        Claim.paid_at,
        ("approved", "partly_approved"),
    ),
    (
        "consultations",
        ConsultationRequest,
        ConsultationRequest.due_at,
        None,
        ("requested", "overdue"),
    ),
    (
        "complaints",
        Complaint,
        Complaint.due_at,
        Complaint.resolved_at,
        ("received", "in_progress"),
    ),
    ("data", DataRequest, DataRequest.due_at, None, ("received", "checking")),
    (
        "contacts",
        HandOff,
        HandOff.due_at,
        HandOff.ended_at,
        ("requested", "queued", "assigned", "human", "snoozed"),
    ),
)


def _overdue(
    session: Session,
    plan: OfficePlan,
    answered: Sequence[HandOff],
    first: datetime,
    until: datetime,
    now: datetime,
) -> dict[str, Overdue]:
    found = {
        "first_answer": _first_answers(session, plan, answered, now),
        "authorizations": _authorizations(session, local_day(first), local_day(now)),
    }
    for name, table, due, done, states in _DUE:
        status = table.status
        late = sa.select(sa.func.count()).where(due < now, status.in_(states))
        query = sa.select(due, done if done is not None else sa.null(), status).where(
            due >= first, due < until
        )
        met = missed = 0
        for due_at, done_at, state in session.execute(query):
            in_time = done_at <= due_at if done_at is not None else state not in states
            met, missed = met + in_time, missed + (not in_time)
        found[name] = Overdue(int(session.scalar(late) or 0), met, missed)
    return found


def _authorizations(session: Session, day: date, today: date) -> Overdue:
    """Compare with the day of treatment, by which each should be decided."""
    open_ones = Authorization.status.in_(OPEN_AUTHORIZATIONS)  # type: ignore[attr-defined]
    late = sa.select(sa.func.count()).where(Authorization.treatment_on <= today, open_ones)
    query = sa.select(Authorization.status).where(Authorization.treatment_on == day)
    states = [str(state) for state in session.scalars(query)]
    missed = sum(state in OPEN_AUTHORIZATIONS for state in states)
    return Overdue(int(session.scalar(late) or 0), len(states) - missed, missed)


def _first_answers(
    session: Session, plan: OfficePlan, answered: Sequence[HandOff], now: datetime
) -> Overdue:
    def late(row: HandOff, until: datetime) -> bool:
        waited = (
            until - row.requested_at if row.urgent else office_time(plan, row.requested_at, until)
        )
        return waited > first_answer_goal(urgent=row.urgent)

    open_states = [state.value for state in HandOffState if state is not HandOffState.RESOLVED]
    silent = sa.select(HandOff).where(
        HandOff.status.in_(open_states),  # type: ignore[attr-defined]
        HandOff.first_reply_at.is_(None),  # type: ignore[union-attr]
        HandOff.wish == Wish.CHAT.value,
    )
    chats = [row for row in answered if row.wish == Wish.CHAT and row.first_reply_at is not None]
    missed = sum(late(row, row.first_reply_at) for row in chats if row.first_reply_at)
    waiting = sum(late(row, now) for row in session.scalars(silent))
    return Overdue(waiting, len(chats) - missed, missed)


def _hours(
    said: Sequence[tuple[str, str, datetime]],
    asked: Sequence[HandOff],
    taken: Sequence[HandOff],
) -> tuple[Hour, ...]:
    messages = Counter(local(at).hour for _, kind, at in said if kind == "user")
    wanted = Counter(local(row.requested_at).hour for row in asked)
    rows = []
    for hour in range(24):
        waits = [
            row.accepted_at - row.requested_at
            for row in taken
            if row.accepted_at is not None and local(row.accepted_at).hour == hour
        ]
        rows.append(Hour(hour, messages[hour], wanted[hour], spread(waits).median))
    return tuple(rows)
