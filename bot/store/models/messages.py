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


OUTBOX_STATES = ("pending", "sending", "sent", "failed", "dropped", "unknown")


class OutboxMessage(Base):
    """A message to send, written in the same transaction as what it tells of.

    ``due_at`` is business time; ``retry_at``, ``lease_until`` and ``begun_at`` are the machine's,
    which a frozen clock does not hold back. ``begun_at`` is set while a message may be on its way.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        one_of("status", *OUTBOX_STATES),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint(
            "status <> 'sending' OR (owner IS NOT NULL AND lease_until IS NOT NULL)", name="leased"
        ),
        sa.CheckConstraint("status <> 'dropped' OR reason IS NOT NULL", name="dropped"),
        sa.Index("ix_outbox_message_waiting", "status", "identity_id"),
    )
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    policy_id: int | None = ref("policy.id", nullable=True)
    kind: str = col(sa.String(32))
    payload: dict[str, Any] = col(sa.JSON)
    due_at: datetime = col(UtcDateTime, index=True)
    status: str = col(sa.String(16), default="pending")
    attempts: int = col(sa.Integer, default=0)
    retry_at: datetime | None = col(UtcDateTime, nullable=True)
    owner: str | None = col(sa.String(64), nullable=True)
    lease_until: datetime | None = col(UtcDateTime, nullable=True)
    begun_at: datetime | None = col(UtcDateTime, nullable=True)
    sent_at: datetime | None = col(UtcDateTime, nullable=True)
    reason: str | None = col(sa.String(32), nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


class ChatMessage(Base):
    """A line of a chat that its client fetches by cursor (``id``); each message sent is one."""

    __tablename__ = "chat_message"
    __table_args__ = (
        one_of("direction", "in", "out"),
        sa.CheckConstraint("outbox_id IS NULL OR direction = 'out'", name="outbox"),
        sa.Index("ix_chat_message_cursor", "identity_id", "id"),
    )
    id: int = key()
    identity_id: int = col(sa.Integer, sa.ForeignKey("chat_identity.id", ondelete="RESTRICT"))
    direction: str = col(sa.String(8))
    payload: dict[str, Any] = col(sa.JSON)
    at: datetime = col(UtcDateTime)
    outbox_id: int | None = col(
        sa.Integer,
        sa.ForeignKey("outbox_message.id", ondelete="RESTRICT"),
        nullable=True,
        unique=True,
    )


class NotificationSetting(Base):
    """Whether a chat account wants messages of a kind; without a row it does."""

    __tablename__ = "notification_setting"
    __table_args__ = (
        sa.UniqueConstraint("identity_id", "kind"),
        sa.CheckConstraint("kind <> ''", name="kind"),
    )
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    kind: str = col(sa.String(32))
    muted: bool = col(sa.Boolean)
    changed_at: datetime = col(UtcDateTime)
