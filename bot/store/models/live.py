"""Conversations with people: hand-offs, what was said in them, and when agents are there."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of, ref, utcnow
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.people import ChatIdentity

HANDOFF_STATES = ("requested", "queued", "assigned", "human", "snoozed", "resolved")
HANDOFF_REASONS = (
    "asked", "two_misses", "emergency", "complaint", "bot_failure", "rule",
)  # fmt: skip
HANDOFF_ENDS = (
    "resolved_by_agent", "ended_by_parent", "parent_left", "assignment_timeout", "agent_silent",
    "internal_error", "answered",
)  # fmt: skip
HANDOFF_WISHES = ("chat", "message", "call_back")
RATING_STEPS = ("none", "asked", "note", "closed")
LINE_KINDS = ("parent", "agent", "note", "system")
AGENT_STATES = ("online", "busy", "away", "offline")


class HandOff(Base):
    """A conversation that waits for, or is with, a person.

    ``open_key`` is set while it is open, so that a chat account has one open conversation at most;
    a complaint, which is handled in its own list, has none. Agents are named by number alone:
    their table belongs to the desk.
    """

    __tablename__ = "handoff"
    __table_args__ = (
        one_of("status", *HANDOFF_STATES),
        one_of("reason", *HANDOFF_REASONS),
        one_of("end_reason", *HANDOFF_ENDS),
        one_of("wish", *HANDOFF_WISHES),
        one_of("rating_step", *RATING_STEPS),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        sa.CheckConstraint("priority BETWEEN 0 AND 2", name="priority"),
        sa.CheckConstraint("takeovers >= 0", name="takeovers"),
        sa.CheckConstraint(
            "status NOT IN ('assigned', 'human', 'snoozed') OR agent_id IS NOT NULL", name="agent"
        ),
        sa.CheckConstraint("status <> 'snoozed' OR snoozed_until IS NOT NULL", name="snoozed"),
        sa.CheckConstraint("status <> 'resolved' OR open_key IS NULL", name="open_key"),
        sa.CheckConstraint("wish <> 'call_back' OR phone IS NOT NULL", name="phone"),
        sa.Index("ix_handoff_queue", "status", "priority", "requested_at"),
    )
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    policy_id: int | None = ref("policy.id", nullable=True)
    reason: str = col(sa.String(16))
    status: str = col(sa.String(16), default="requested")
    urgent: bool = col(sa.Boolean, default=False)
    note: str | None = col(sa.Text, nullable=True)
    requested_at: datetime = col(UtcDateTime)
    ended_at: datetime | None = col(UtcDateTime, nullable=True)
    end_reason: str | None = col(sa.String(32), nullable=True)
    wish: str = col(sa.String(16), default="chat")
    message: str | None = col(sa.Text, nullable=True)
    phone: str | None = col(sa.String(20), nullable=True)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    priority: int = col(sa.Integer, default=2)
    agent_id: int | None = col(sa.Integer, nullable=True, index=True)
    avoid_agent_id: int | None = col(sa.Integer, nullable=True)
    takeovers: int = col(sa.Integer, default=0)
    queued_at: datetime | None = col(UtcDateTime, nullable=True)
    assigned_at: datetime | None = col(UtcDateTime, nullable=True)
    accepted_at: datetime | None = col(UtcDateTime, nullable=True)
    first_reply_at: datetime | None = col(UtcDateTime, nullable=True)
    parent_waits_since: datetime | None = col(UtcDateTime, nullable=True)
    agent_spoke_at: datetime | None = col(UtcDateTime, nullable=True)
    snoozed_until: datetime | None = col(UtcDateTime, nullable=True)
    rating: int | None = col(sa.Integer, nullable=True)
    rating_note: str | None = col(sa.String(200), nullable=True)
    rated_at: datetime | None = col(UtcDateTime, nullable=True)
    rating_step: str = col(sa.String(8), default="none")
    last_seq: int = col(sa.Integer, default=0)
    open_key: str | None = col(sa.String(32), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    identity: ChatIdentity = link("ChatIdentity")
    __mapper_args__ = {"version_id_col": version}


class HandOffEvent(Base):
    """One move of a hand-off: who, when, from where to where and why. Never updated."""

    __tablename__ = "handoff_event"
    __table_args__ = (
        one_of("from_status", "bot", *HANDOFF_STATES),
        one_of("to_status", *HANDOFF_STATES),
    )
    id: int = key()
    handoff_id: int = ref("handoff.id")
    at: datetime = col(UtcDateTime, index=True)
    actor: str = col(sa.String(64))
    from_status: str = col(sa.String(16))
    to_status: str = col(sa.String(16))
    reason: str | None = col(sa.String(32), nullable=True)
    agent_id: int | None = col(sa.Integer, nullable=True)


class HandOffMessage(Base):
    """A line of a conversation with a person; ``seq`` orders and is the cursor of its readers.

    ``at`` is business time, ``written_at`` the machine's, by which the lines of the bot are
    ordered as well. A file of the parent's is a document, one of the agent's lies in the file
    store under ``storage_key``.
    """

    __tablename__ = "handoff_message"
    __table_args__ = (
        sa.UniqueConstraint("handoff_id", "seq"),
        one_of("direction", *LINE_KINDS),
        sa.CheckConstraint("seq > 0", name="seq"),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("storage_key IS NULL OR media_type IS NOT NULL", name="media_type"),
    )
    id: int = key()
    handoff_id: int = ref("handoff.id")
    seq: int = col(sa.Integer)
    direction: str = col(sa.String(8))
    text: str = col(sa.Text, default="")
    document_id: int | None = ref("document_reference.id", nullable=True)
    storage_key: str | None = col(sa.String(64), nullable=True, unique=True)
    media_type: str | None = col(sa.String(64), nullable=True)
    size: int | None = col(sa.Integer, nullable=True)
    author: str = col(sa.String(64))
    at: datetime = col(UtcDateTime)
    written_at: datetime = col(UtcDateTime, default=utcnow)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)


class AgentPresence(Base):
    """Whether an agent is there; ``name`` is what parents are told, ``last_seen`` the heartbeat."""

    __tablename__ = "agent_presence"
    __table_args__ = (
        one_of("status", *AGENT_STATES),
        sa.CheckConstraint("capacity >= 0", name="capacity"),
    )
    agent_id: int = col(sa.Integer, primary_key=True, autoincrement=False)
    name: str = col(sa.String(32))
    status: str = col(sa.String(16), default="offline")
    capacity: int = col(sa.Integer, default=3)
    last_seen: datetime = col(UtcDateTime)
    idle_since: datetime = col(UtcDateTime)


class OfficeHours(Base):
    """A span of the weekly plan, in minutes after midnight (Asia/Shanghai).

    ``day_kind`` is 0 for Monday to 6 for Sunday, 7 for public holidays, 8 for make-up workdays.
    """

    __tablename__ = "office_hours"
    __table_args__ = (
        sa.UniqueConstraint("day_kind", "opens"),
        sa.CheckConstraint("day_kind BETWEEN 0 AND 8", name="day_kind"),
        sa.CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="span"),
    )
    id: int = key()
    day_kind: int = col(sa.Integer)
    opens: int = col(sa.Integer)
    closes: int = col(sa.Integer)


class OfficeException(Base):
    """The hours of one day in place of the plan's: a span of it, or closed without any."""

    __tablename__ = "office_exception"
    __table_args__ = (
        sa.UniqueConstraint("day", "opens"),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL)"
            " AND (opens IS NULL OR (0 <= opens AND opens < closes AND closes <= 1440))",
            name="span",
        ),
    )
    id: int = key()
    day: date = col(sa.Date, index=True)
    opens: int | None = col(sa.Integer, nullable=True)
    closes: int | None = col(sa.Integer, nullable=True)
    label: str = col(sa.String(60), default="")


class CannedReply(Base):
    """A reply that agents write with one click; ``{placeholders}`` are filled in."""

    __tablename__ = "canned_reply"
    __table_args__ = (sa.CheckConstraint("text <> ''", name="text"),)
    id: int = key()
    code: str = col(sa.String(32), unique=True)
    text: str = col(sa.String(1000))
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}
