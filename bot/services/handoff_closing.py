"""How a conversation with a person ends: the parent is told, rates it, and has the bot back."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import (
    LEAST_STARS,
    MOST_STARS,
    OVERNIGHT,
    EndReason,
    HandOffReason,
    HandOffState,
    Wish,
)
from bot.services.dialogues import dialogue_state
from bot.services.handoff_moves import SYSTEM, begin, end, open_key, tell
from bot.services.handoffs import contact_due
from bot.services.office_hours import plan_of
from bot.services.presence import note_idle
from bot.store.models import ChatIdentity, HandOff
from bot.texts import texts

RESUME = '/inform{"command": "resume_task"}'
RATE = "/rate"
# Ended without what the parent asked for: somebody looks at it all the same.
UNSERVED = frozenset(
    {EndReason.ASSIGNMENT_TIMEOUT, EndReason.AGENT_SILENT, EndReason.INTERNAL_ERROR}
)
RATED = frozenset({EndReason.RESOLVED_BY_AGENT, EndReason.ENDED_BY_PARENT, EndReason.PARENT_LEFT})
TOLD = {
    EndReason.RESOLVED_BY_AGENT: "notify_handoff_ended",
    EndReason.ENDED_BY_PARENT: "notify_handoff_ended_by_you",
    EndReason.PARENT_LEFT: "notify_handoff_left",
}


def finish(session: Session, row: HandOff, reason: EndReason, *, actor: str, now: datetime) -> None:
    """End a hand-off that the caller's transaction holds, and tell the parent.

    Whoever was not served is not forgotten: a message is left in the parent's place, at the top
    of the queue.

    Raises:
        Refused: ``state``: it has ended already.
    """
    agent, served = row.agent_id, row.accepted_at is not None
    end(session, row, reason, actor=actor, now=now)
    note_idle(session, agent, now)
    if row.reason == HandOffReason.COMPLAINT or (
        row.reason == HandOffReason.RULE and row.wish != Wish.CHAT
    ):
        # A complaint's answer is told where complaints are answered, and what a rule has asked
        # for the parent does not know of.
        return
    if reason in UNSERVED:
        _leave_in_place(session, row, now)
    elif row.wish == Wish.CHAT:
        tell(session, row, TOLD[reason], {}, now=now)
        _offer_task(session, row, now)
    else:
        tell(session, row, "notify_handoff_contact_done", {}, now=now)
    if served and reason in RATED:
        _ask_rating(session, row, now)


def _leave_in_place(session: Session, row: HandOff, now: datetime) -> None:
    session.flush()
    plan = plan_of(session)
    due = contact_due(plan, now)
    left = HandOff(
        identity_id=row.identity_id,
        policy_id=row.policy_id,
        reason=row.reason,
        urgent=row.urgent,
        priority=min(row.priority, OVERNIGHT),
        note=f"handoff:{row.id}",
        # It keeps its place: it has been waited for since then.
        requested_at=row.requested_at,
        wish=Wish.MESSAGE.value,
        message=row.message,
        phone=row.phone,
        due_at=due,
        open_key=open_key(row.identity_id),
    )
    begin(session, left, actor=SYSTEM, now=now, queued=True)
    when = texts()["line_handoff_soon"].text if due is None else f"{local(due):%m月%d日 %H:%M}"
    tell(session, left, "notify_handoff_nobody", {"due": when}, now=now)
    _offer_task(session, row, now)


def _offer_task(session: Session, row: HandOff, now: datetime) -> None:
    identity = session.get(ChatIdentity, row.identity_id)
    if identity is not None and dialogue_state(session, identity).form is not None:
        tell(session, row, "notify_handoff_task", {}, now=now)


def _ask_rating(session: Session, row: HandOff, now: datetime) -> None:
    row.rating_step = "asked"
    stars = range(MOST_STARS, LEAST_STARS - 1, -1)
    buttons = [
        {"title": texts()[f"word_stars_{n}"].text, "payload": rate_payload(row.id, n)}
        for n in stars
    ]
    tell(session, row, "notify_handoff_rate", {}, now=now, buttons=buttons)


def rate_payload(handoff_id: int, stars: int) -> str:
    """Return what a rating's button sends."""
    return f"{RATE}{json.dumps({'handoff': handoff_id, 'stars': stars})}"


def note_payload(handoff_id: int) -> str:
    """Return what the button for a line about a rating sends."""
    return f"{RATE}{json.dumps({'handoff': handoff_id, 'note': True})}"


def ended(row: HandOff) -> bool:
    """Say whether a hand-off is over."""
    return row.status == HandOffState.RESOLVED
