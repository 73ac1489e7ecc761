"""What time does to hand-offs: opening hours, agents who do not answer, parents who are gone.

The worker calls :func:`tick` every few seconds. Each step is a transaction of its own that looks
again whether it is still due, so several workers may do this at once.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.handoffs import (
    EndReason,
    HandOffReason,
    HandOffState,
    Standing,
    Step,
    Wish,
    step_due,
)
from bot.rules.office_hours import OfficePlan, office_status
from bot.services.errors import Conflict, Refused
from bot.services.handoff_closing import finish
from bot.services.handoff_desk import assign
from bot.services.handoff_moves import SYSTEM, changing, move, tell
from bot.services.office_hours import plan_of
from bot.services.presence import candidates, is_there, note_idle
from bot.store.models import AgentPresence, HandOff
from bot.store.session import Store

logger = logging.getLogger(__name__)

ENDS = {
    Step.END_WAIT: EndReason.ASSIGNMENT_TIMEOUT,
    Step.END_SILENT: EndReason.AGENT_SILENT,
    Step.END_LEFT: EndReason.PARENT_LEFT,
}


def tick(store: Store, now: datetime) -> int:
    """Do what is due at ``now`` (aware), then offer what waits to whoever has room.

    An item whose step fails is ended with ``internal_error``: the parent is told, and a message
    in its place waits for whoever can look at it.

    Returns:
        How many hand-offs were moved.
    """
    with store.read() as session:
        plan = plan_of(session)
        open_now = office_status(plan, now).open
        rows = session.scalars(_open_items()).all()
        due = [row.id for row in rows if step_due(_standing(row), now, open_now=open_now)]
    moved = sum(_timed(store, handoff, plan, now) for handoff in due)
    return moved + _offer_all(store, now)


def _timed(store: Store, handoff_id: int, plan: OfficePlan, now: datetime) -> int:
    try:
        with changing(store, handoff_id) as (session, row):
            open_now = office_status(plan, now).open
            step = step_due(_standing(row), now, open_now=open_now)
            if step is None:
                return 0
            _do(session, row, step, now)
    except (Conflict, Refused):
        # Somebody has moved it meanwhile.
        return 0
    except Exception:
        logger.exception("hand-off %d cannot be moved", handoff_id)
        return _give_up_on(store, handoff_id, now)
    return 1


def _do(session: Session, row: HandOff, step: Step, now: datetime) -> None:
    match step:
        case Step.QUEUE:
            move(session, row, HandOffState.QUEUED, actor=SYSTEM, now=now, reason="office_open")
        case Step.TAKE_BACK:
            _back(session, row, "assignment_timeout", now)
        case Step.REASSIGN:
            row.takeovers += 1
            _away(session, row.agent_id)
            _back(session, row, "agent_silent", now)
            tell(session, row, "notify_handoff_changing", {}, now=now)
        case Step.WAKE:
            there = row.agent_id is not None and is_there(session, row.agent_id, now)
            target = HandOffState.HUMAN if there else HandOffState.QUEUED
            move(session, row, target, actor=SYSTEM, now=now, reason="woken")
        case _:
            finish(session, row, ENDS[step], actor=SYSTEM, now=now)


def _back(session: Session, row: HandOff, reason: str, now: datetime) -> None:
    row.avoid_agent_id = row.agent_id
    note_idle(session, row.agent_id, now)
    move(session, row, HandOffState.QUEUED, actor=SYSTEM, now=now, reason=reason)


def _away(session: Session, agent_id: int | None) -> None:
    row = session.get(AgentPresence, agent_id) if agent_id is not None else None
    if row is not None:
        # Whoever does not answer gets nothing new until he or she says to be there again.
        row.status = "away"


def _give_up_on(store: Store, handoff_id: int, now: datetime) -> int:
    try:
        with changing(store, handoff_id) as (session, row):
            finish(session, row, EndReason.INTERNAL_ERROR, actor=SYSTEM, now=now)
    except Exception:
        logger.exception("hand-off %d cannot be ended either", handoff_id)
        return 0
    return 1


def _offer_all(store: Store, now: datetime) -> int:
    """Offer the queue to whoever has room, in its order."""
    with store.read() as session:
        if not candidates(session, now):
            return 0
        query = (
            sa.select(HandOff.id)
            .where(HandOff.status == HandOffState.QUEUED.value)
            # Complaints are worked on in their own list.
            .where(HandOff.reason != HandOffReason.COMPLAINT.value)
            .order_by(HandOff.priority, HandOff.requested_at, HandOff.id)
        )
        waiting = list(session.scalars(query))
    return sum(_offer(store, handoff, now) for handoff in waiting)


def _offer(store: Store, handoff_id: int, now: datetime) -> int:
    try:
        with changing(store, handoff_id) as (session, row):
            if row.status != HandOffState.QUEUED:
                return 0
            return int(assign(session, row, now) is not None)
    except (Conflict, Refused):
        return 0


def _open_items() -> Any:
    return (
        sa.select(HandOff)
        .where(HandOff.status != HandOffState.RESOLVED.value)
        .order_by(HandOff.priority, HandOff.requested_at, HandOff.id)
    )


def _standing(row: HandOff) -> Standing:
    return Standing(
        state=HandOffState(row.status),
        wish=Wish(row.wish),
        urgent=row.urgent,
        queued_at=row.queued_at,
        assigned_at=row.assigned_at,
        parent_waits_since=row.parent_waits_since,
        agent_spoke_at=row.agent_spoke_at,
        snoozed_until=row.snoozed_until,
        takeovers=row.takeovers,
    )
