"""The audit trail: one entry for each change, written in the change's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.services import partner_events
from bot.store.models import AuditEntry

IDENTITY = "identity:"


def record(
    session: Any, *, at: datetime, actor: str, action: str, subject: str, **detail: Any
) -> None:
    """Add an audit entry; ``detail`` must be JSON and free of personal data.

    What partners are told of follows from it, so that no change can be written without its event.
    """
    session.add(AuditEntry(at=at, actor=actor, action=action, subject=subject, detail=detail))
    partner_events.publish(session, at=at, action=action, subject=subject)


def identity_actor(identity_id: int) -> str:
    """Name a chat identity as an actor."""
    return f"{IDENTITY}{identity_id}"
