"""The audit trail and the conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.store.models.base import Base, col, key
from bot.store.types import UtcDateTime


class AuditEntry(Base):
    """Who did what to which row, when and why. Never updated."""

    __tablename__ = "audit_entry"
    id: int = key()
    at: datetime = col(UtcDateTime, index=True)
    actor: str = col(sa.String(64))
    action: str = col(sa.String(64))
    subject: str = col(sa.String(64), index=True)
    detail: dict[str, Any] = col(sa.JSON, default=dict)


class Conversation(Base):
    """The bounded state of one Rasa conversation: slots, active loop and the last turns."""

    __tablename__ = "conversation"
    sender_id: str = col(sa.String(160), primary_key=True)
    state: dict[str, Any] = col(sa.JSON)
    updated_at: datetime = col(UtcDateTime)


class ConversationEvent(Base):
    """Every event of every conversation, append-only: the transcript that agents read."""

    __tablename__ = "conversation_event"
    id: int = key()
    sender_id: str = col(sa.String(160), index=True)
    at: datetime = col(UtcDateTime, index=True)
    type_name: str = col(sa.String(64))
    data: dict[str, Any] = col(sa.JSON)
