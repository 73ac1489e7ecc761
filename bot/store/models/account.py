"""What a parent asks for about the data stored of them: a copy, or its erasure."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, one_of, ref
from bot.store.types import UtcDateTime

DATA_REQUEST_KINDS = ("export", "erasure")
DATA_REQUEST_STATES = ("received", "checking", "done", "refused")


class DataRequest(Base):
    """A copy of a chat account's data, or the wish to have it erased.

    A copy is done at once: the file lies in the file store under ``storage_key`` until
    ``expires_at``. An erasure is checked by staff until ``due_at``.
    """

    __tablename__ = "data_request"
    __table_args__ = (
        one_of("kind", *DATA_REQUEST_KINDS),
        one_of("status", *DATA_REQUEST_STATES),
        sa.CheckConstraint("kind = 'export' OR storage_key IS NULL", name="storage_key"),
        sa.CheckConstraint("kind = 'export' OR due_at IS NOT NULL", name="due_at"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    identity_id: int = ref("chat_identity.id")
    kind: str = col(sa.String(16))
    status: str = col(sa.String(16), default="received")
    requested_at: datetime = col(UtcDateTime)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    decided_at: datetime | None = col(UtcDateTime, nullable=True)
    answer: str | None = col(sa.Text, nullable=True)
    storage_key: str | None = col(sa.String(64), nullable=True, unique=True)
    expires_at: datetime | None = col(UtcDateTime, nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}
