"""What waits for a person beside the conversations: complaints."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

COMPLAINT_KINDS = ("complaint", "suggestion")
COMPLAINT_STATES = ("received", "in_progress", "resolved")


class Complaint(Base):
    """A complaint or suggestion in the parent's words, and the answer to it."""

    __tablename__ = "complaint"
    __table_args__ = (one_of("status", *COMPLAINT_STATES), one_of("kind", *COMPLAINT_KINDS))
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    identity_id: int = ref("chat_identity.id")
    policy_id: int | None = ref("policy.id", nullable=True)
    text: str = col(sa.Text)
    status: str = col(sa.String(16), default="received")
    received_at: datetime = col(UtcDateTime)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    kind: str = col(sa.String(16), default="complaint")
    answer: str | None = col(sa.Text, nullable=True)
    resolved_at: datetime | None = col(UtcDateTime, nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    notes: list[ComplaintNote] = link(
        "ComplaintNote", back_populates="complaint", order_by="ComplaintNote.id"
    )
    __mapper_args__ = {"version_id_col": version}


class ComplaintNote(Base):
    """What the parent added to a complaint later."""

    __tablename__ = "complaint_note"
    id: int = key()
    complaint_id: int = ref("complaint.id")
    text: str = col(sa.Text)
    added_at: datetime = col(UtcDateTime)
    complaint: Complaint = link("Complaint", back_populates="notes")
