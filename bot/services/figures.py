"""What supervisors see of a day: volume, containment, waits, ratings, goals that were missed.

Days are local ones (Asia/Shanghai). Waits are told twice: by the clock, and in office hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import day_bounds, local, local_day
from bot.rules.figures import Ratings, Spread, ratings, share, spread
from bot.rules.handoffs import SILENCES_BOT, WAITING, EndReason, HandOffReason, HandOffState
from bot.rules.office_hours import OfficePlan, office_time
from bot.services.dialogues import sender_of
from bot.services.figures_due import Overdue, overdue
from bot.services.figures_volume import HOURS, volume
from bot.services.handoff_moves import BOT, SYSTEM, agent_actor
from bot.services.office_hours import plan_of
from bot.store.models import AgentPresence, ChatIdentity, HandOff, HandOffEvent, HandOffMessage
from bot.store.session import Store

MOST_DAYS = 31
# Why a conversation was taken from an agent who did nothing.
TAKEN_BACK = ("agent_silent", "assignment_timeout")
_S = HandOffState
_ROWS: Any = HandOff.__table__


@dataclass(frozen=True)
class Waits:
    """Waits by the clock, and the part of them in office hours."""

    wall: Spread
    office: Spread


@dataclass(frozen=True)
class AgentRow:
    """An agent's day: conversations taken up, ended by whichever side, first words, ratings."""

    name: str
    accepted: int
    resolved: int
    first_answer: Spread
    ratings: Ratings


@dataclass(frozen=True)
class Hour:
    """An hour of the day: parents' messages, hand-offs asked for, the middle wait for a person."""

    hour: int
    messages: int
    handoffs: int
    wait: timedelta | None


@dataclass(frozen=True)
class Figures:
    """A day up to now.

    Conversations are the chats in which a parent wrote; ``contained`` are those that needed no
    person, ``containment`` their share. ``waiting_now`` and what is overdue ``now`` are of the
    moment of asking, whichever the day. Waits belong to the day on which they ended, what had to
    be done to the day on which it was due. ``ends`` and ``reasons`` are words of
    :mod:`bot.rules.handoffs`.
    """

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
    plan = plan_of(session)
    rows = _handoffs(session, first, after)

    def on_day(column: str) -> list[Any]:
        return [
            row for row in rows if (at := getattr(row, column)) is not None and first <= at < after
        ]

    asked = [row for row in on_day("requested_at") if not row.again]
    taken, answered = on_day("accepted_at"), on_day("first_reply_at")
    over, rated = on_day("ended_at"), on_day("rated_at")
    moves = _moves(session, first, after)
    said = volume(session, first, after)
    helped = said.with_people | {sender_of(row.channel, row.account) for row in asked}
    contained = len(said.senders - helped)
    return Figures(
        day=day,
        conversations=len(said.senders),
        contained=contained,
        containment=share(contained, len(said.senders)),
        messages_in=sum(said.parents.values()),
        messages_out=sum(said.replies.values()),
        handoffs=len(asked),
        reasons=dict(Counter(row.reason for row in asked)),
        ends=dict(Counter(row.end_reason for row in over)),
        waiting_now=_waiting(session),
        accepted=_waits(plan, [(row.requested_at, row.accepted_at) for row in taken]),
        first_answer=_waits(plan, [(row.requested_at, row.first_reply_at) for row in answered]),
        talk=_waits(plan, [(row.accepted_at, row.ended_at) for row in over if row.accepted_at]),
        ratings=ratings([row.rating for row in rated]),
        abandoned=sum(
            move.reason == EndReason.ENDED_BY_PARENT and move.from_status in WAITING
            for move in moves
        ),
        # To be passed on, an item goes through the queue at times, and always to the colleague.
        transfers=sum(m.reason == "transfer" and m.to_status == _S.ASSIGNED for m in moves),
        takeovers=sum(m.reason in TAKEN_BACK and m.to_status == _S.QUEUED for m in moves),
        agents=_agents(session, moves, answered, rated, _speakers(session, first, after)),
        overdue=overdue(session, plan, day, now),
        hours=_hours(said.parents, asked, taken),
    )


def _handoffs(session: Session, first: datetime, after: datetime) -> list[Any]:
    """Return the columns of all hand-offs that something happened to; ``again`` as below.

    Whoever was not served keeps the place in a second hand-off, which nobody has asked for.
    """
    c, moments = _ROWS.c, ("requested_at", "accepted_at", "first_reply_at", "ended_at", "rated_at")
    opening = sa.select(HandOffEvent.id).where(
        HandOffEvent.handoff_id == c.id,
        HandOffEvent.from_status == BOT,
        HandOffEvent.actor == SYSTEM,
    )
    query = (
        sa.select(
            *(c[name] for name in ("id", "reason", "end_reason", "rating", "agent_id", *moments)),
            ChatIdentity.channel,
            ChatIdentity.account,
            opening.exists().label("again"),
        )
        .select_from(_ROWS.join(ChatIdentity.__table__))
        .where(sa.or_(*(sa.and_(c[name] >= first, c[name] < after) for name in moments)))
        .order_by(c.id)
    )
    return list(session.execute(query))


def _moves(session: Session, first: datetime, after: datetime) -> list[Any]:
    query = (
        sa.select(
            HandOffEvent.handoff_id,
            HandOffEvent.from_status,
            HandOffEvent.to_status,
            HandOffEvent.reason,
            HandOffEvent.agent_id,
        )
        .where(HandOffEvent.at >= first, HandOffEvent.at < after)
        .order_by(HandOffEvent.id)
    )
    return list(session.execute(query))


def _speakers(session: Session, first: datetime, after: datetime) -> dict[int, str]:
    """Return who said the first word of an agent in each hand-off, by the hand-off."""
    query = (
        sa.select(HandOffMessage.handoff_id, HandOffMessage.author)
        .join(HandOff, HandOff.id == HandOffMessage.handoff_id)
        .where(HandOffMessage.direction == "agent", HandOffMessage.at == HandOff.first_reply_at)
        .where(HandOffMessage.at >= first, HandOffMessage.at < after)
        .order_by(sa.desc(HandOffMessage.seq))
    )
    return {int(handoff): str(author) for handoff, author in session.execute(query)}


def _waiting(session: Session) -> int:
    query = sa.select(sa.func.count()).where(
        _ROWS.c.status.in_([state.value for state in WAITING]),
        _ROWS.c.reason != HandOffReason.COMPLAINT.value,
    )
    return int(session.scalar(query) or 0)


def _waits(plan: OfficePlan, spans: Sequence[tuple[datetime, datetime]]) -> Waits:
    return Waits(
        spread(until - since for since, until in spans),
        spread(office_time(plan, since, until) for since, until in spans),
    )


def _agents(
    session: Session,
    moves: Sequence[Any],
    answered: Sequence[Any],
    rated: Sequence[Any],
    speakers: Mapping[int, str],
) -> tuple[AgentRow, ...]:
    rows = []
    for agent in session.scalars(sa.select(AgentPresence).order_by(AgentPresence.agent_id)):
        own = [move for move in moves if move.agent_id == agent.agent_id]
        accepted = {
            move.handoff_id
            for move in own
            if (move.from_status, move.to_status) == (_S.ASSIGNED, _S.HUMAN)
        }
        resolved = sum(m.from_status in SILENCES_BOT and m.to_status == _S.RESOLVED for m in own)
        named = agent_actor(agent.agent_id)
        first = spread(
            row.first_reply_at - row.requested_at
            for row in answered
            if speakers.get(row.id) == named
        )
        stars = ratings([row.rating for row in rated if row.agent_id == agent.agent_id])
        if accepted or resolved or first.count or stars.count:
            rows.append(AgentRow(agent.name, len(accepted), resolved, first, stars))
    return tuple(rows)


def _hours(messages: Counter[int], asked: Sequence[Any], taken: Sequence[Any]) -> tuple[Hour, ...]:
    wanted = Counter(local(row.requested_at).hour for row in asked)
    waits: dict[int, list[timedelta]] = {hour: [] for hour in HOURS}
    for row in taken:
        waits[local(row.accepted_at).hour].append(row.accepted_at - row.requested_at)
    return tuple(
        Hour(hour, messages[hour], wanted[hour], spread(waits[hour]).median) for hour in HOURS
    )
