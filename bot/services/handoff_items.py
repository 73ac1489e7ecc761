"""Hand-offs as agents see them: the queue, one of them, its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import EndReason, HandOffReason, HandOffState, Wish
from bot.rules.office_hours import OfficePlan, office_time
from bot.services.errors import NotFound
from bot.services.office_hours import plan_of
from bot.store.models import HandOff, HandOffEvent
from bot.store.session import Store


@dataclass(frozen=True)
class Item:
    """A hand-off as agents see it; times in Asia/Shanghai.

    ``waiting`` is how long the parent has waited for a person, and ``office_waiting`` the part of
    it in office hours; both stop at the acceptance. ``unanswered_since`` is the first line of the
    parent that nobody has answered.
    """

    id: int
    identity_id: int
    policy_id: int | None
    channel: str
    reason: HandOffReason
    status: HandOffState
    urgent: bool
    wish: Wish
    message: str | None
    phone: str | None
    note: str | None
    due_at: datetime | None
    agent_id: int | None
    requested_at: datetime
    waiting: timedelta
    office_waiting: timedelta
    accepted_at: datetime | None
    first_reply_at: datetime | None
    unanswered_since: datetime | None
    snoozed_until: datetime | None
    ended_at: datetime | None
    end_reason: EndReason | None
    rating: int | None
    rating_note: str | None
    last_seq: int
    version: int


@dataclass(frozen=True)
class Move:
    """One move of a hand-off, for its history; ``at`` in Asia/Shanghai."""

    at: datetime
    actor: str
    before: str
    after: str
    reason: str | None
    agent_id: int | None


def items(
    store: Store,
    *,
    now: datetime,
    states: Sequence[HandOffState] = (HandOffState.REQUESTED, HandOffState.QUEUED),
    agent_id: int | None = None,
    limit: int = 200,
) -> tuple[Item, ...]:
    """Return hand-offs in the order of the queue: emergencies, left overnight, the rest.

    Args:
        store: The store.
        now: Aware.
        states: Of these states.
        agent_id: Of this agent only.
        limit: How many at most.
    """
    query = (
        sa.select(HandOff)
        .where(HandOff.status.in_([state.value for state in states]))  # type: ignore[attr-defined]
        .options(sa.orm.joinedload(HandOff.identity))
        .order_by(HandOff.priority, HandOff.requested_at, HandOff.id)
        .limit(limit)
    )
    if agent_id is not None:
        query = query.where(HandOff.agent_id == agent_id)
    with store.read() as session:
        plan = plan_of(session)
        return tuple(_item(row, plan, now) for row in session.scalars(query))


def ended(store: Store, *, now: datetime, limit: int) -> tuple[Item, ...]:
    """Return the hand-offs that are over, the latest first."""
    query = (
        sa.select(HandOff)
        .where(HandOff.status == HandOffState.RESOLVED.value)
        .options(sa.orm.joinedload(HandOff.identity))
        .order_by(sa.desc(HandOff.ended_at), sa.desc(HandOff.id))
        .limit(limit)
    )
    with store.read() as session:
        plan = plan_of(session)
        return tuple(_item(row, plan, now) for row in session.scalars(query))


def item(store: Store, *, handoff_id: int, now: datetime) -> Item:
    """Return one hand-off.

    Raises:
        NotFound: There is none.
    """
    with store.read() as session:
        row = session.get(HandOff, handoff_id)
        if row is None:
            raise NotFound("handoff")
        return _item(row, plan_of(session), now)


def history(store: Store, *, handoff_id: int) -> tuple[Move, ...]:
    """Return every move of a hand-off, the first first."""
    query = (
        sa.select(HandOffEvent)
        .where(HandOffEvent.handoff_id == handoff_id)
        .order_by(HandOffEvent.id)
    )
    with store.read() as session:
        return tuple(
            Move(local(e.at), e.actor, e.from_status, e.to_status, e.reason, e.agent_id)
            for e in session.scalars(query)
        )


def item_of(session: Session, row: HandOff, now: datetime) -> Item:
    """Return a hand-off that was read, or changed and flushed, in a transaction."""
    return _item(row, plan_of(session), now)


def _item(row: HandOff, plan: OfficePlan, now: datetime) -> Item:
    until = row.accepted_at or row.ended_at or now
    return Item(
        id=row.id,
        identity_id=row.identity_id,
        policy_id=row.policy_id,
        channel=row.identity.channel,
        reason=HandOffReason(row.reason),
        status=HandOffState(row.status),
        urgent=row.urgent,
        wish=Wish(row.wish),
        message=row.message,
        phone=row.phone,
        note=row.note,
        due_at=_local(row.due_at),
        agent_id=row.agent_id,
        requested_at=local(row.requested_at),
        waiting=until - row.requested_at,
        office_waiting=office_time(plan, row.requested_at, until),
        accepted_at=_local(row.accepted_at),
        first_reply_at=_local(row.first_reply_at),
        unanswered_since=_local(row.parent_waits_since),
        snoozed_until=_local(row.snoozed_until),
        ended_at=_local(row.ended_at),
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
        rating=row.rating,
        rating_note=row.rating_note,
        last_seq=row.last_seq,
        version=row.version,
    )


def _local(moment: datetime | None) -> datetime | None:
    return None if moment is None else local(moment)
