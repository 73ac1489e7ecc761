"""What comes in and what goes out, each once."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, one_of, ref
from bot.store.types import UtcDateTime

INBOUND_KINDS = (
    "text", "button", "file", "contact", "location", "voice", "edited", "other",
)  # fmt: skip


class InboundUpdate(Base):
    """A platform's update, stored before it is acknowledged; processed once."""

    __tablename__ = "inbound_update"
    __table_args__ = (
        sa.UniqueConstraint("channel", "update_id"),
        one_of("status", "received", "processing", "processed", "failed"),
        one_of("kind", *INBOUND_KINDS),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.Index("ix_inbound_update_waiting", "status", "channel", "account"),
    )
    id: int = key()
    channel: str = col(sa.String(32))
    update_id: str = col(sa.String(128))
    account: str = col(sa.String(128))
    kind: str = col(sa.String(16), default="text")
    said_at: datetime = col(UtcDateTime)
    payload: dict[str, Any] = col(sa.JSON)
    status: str = col(sa.String(16), default="received")
    received_at: datetime = col(UtcDateTime)
    owner: str | None = col(sa.String(64), nullable=True)
    lease_until: datetime | None = col(UtcDateTime, nullable=True)
    attempts: int = col(sa.Integer, default=0)
    processed_at: datetime | None = col(UtcDateTime, nullable=True)


class OutboxMessage(Base):
    """A message to send, written in the same transaction as what it tells of."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        one_of("status", "pending", "sending", "sent", "failed", "dropped"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
    )
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    kind: str = col(sa.String(32))
    payload: dict[str, Any] = col(sa.JSON)
    due_at: datetime = col(UtcDateTime, index=True)
    status: str = col(sa.String(16), default="pending")
    attempts: int = col(sa.Integer, default=0)
    sent_at: datetime | None = col(UtcDateTime, nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}
