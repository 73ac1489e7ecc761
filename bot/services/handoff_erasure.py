"""Erasing what was said to people; that there was a conversation, when and why, stays."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.handoffs import EndReason, HandOffReason, HandOffState, Wish
from bot.services import audit
from bot.services.handoff_moves import end
from bot.store.models import HandOff, HandOffMessage


def erase_talks(session: Session, identity_id: int, now: datetime) -> list[str]:
    """Erase an account's lines with people, in the caller's transaction; what is open ends.

    Complaints and what they wait for stay: they have to be answered.

    Returns:
        The names of the agents' files, to be deleted once this is committed. The parent's own are
        documents.
    """
    actor = audit.identity_actor(identity_id)
    query = sa.select(HandOff).where(HandOff.identity_id == identity_id).with_for_update()
    keys: list[str] = []
    for row in session.scalars(query).all():
        lines = sa.select(HandOffMessage).where(HandOffMessage.handoff_id == row.id)
        for line in session.scalars(lines).all():
            if line.storage_key is not None:
                keys.append(line.storage_key)
            session.delete(line)
        if row.reason == HandOffReason.COMPLAINT:
            continue
        if row.status != HandOffState.RESOLVED:
            end(session, row, EndReason.ENDED_BY_PARENT, actor=actor, now=now)
        if row.wish == Wish.CALL_BACK:
            row.wish = Wish.MESSAGE.value
        row.message = row.phone = row.note = row.rating_note = None
        row.rating_step = "closed"
    session.flush()
    return keys
