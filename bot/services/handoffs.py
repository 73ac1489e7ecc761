"""Handing a conversation to people, and complaints (手册·投诉建议)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.services import audit
from bot.store.models import Complaint, HandOff
from bot.store.references import add_numbered
from bot.store.session import Store


def request_handoff(
    store: Store, *, identity_id: int, reason: str, now: datetime, note: str | None = None
) -> bool:
    """Queue a conversation for a person; an open request is kept, and made urgent if this is.

    Args:
        store: The store.
        identity_id: Whose conversation.
        reason: One of :data:`bot.store.models.HANDOFF_REASONS`; ``emergency`` is urgent.
        now: Aware.
        note: For the agent; never shown to the parent.

    Returns:
        Whether a new hand-off was opened.
    """
    urgent = reason == "emergency"
    with store.begin() as session:
        row = session.scalar(
            sa.select(HandOff)
            .where(HandOff.identity_id == identity_id, HandOff.status != "resolved")
            .order_by(sa.desc(HandOff.id))
        )
        if row is not None:
            if urgent and not row.urgent:
                row.urgent, row.reason = True, reason
            return False
        session.add(
            HandOff(
                identity_id=identity_id,
                reason=reason,
                status="queued",
                urgent=urgent,
                note=note,
                requested_at=now,
            )
        )
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="handoff.request", subject=reason)
        return True


def file_complaint(store: Store, *, identity_id: int, text: str, now: datetime) -> str:
    """Record a complaint or suggestion in the parent's words; return its reference."""
    with store.begin() as session:
        row = Complaint(
            identity_id=identity_id,
            text=text,
            received_at=now,
        )
        add_numbered(session, row, "F")
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="complaint.file", subject=row.reference)
        return row.reference
