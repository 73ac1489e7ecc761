"""Partners' programs: their keys, what they asked already, and what they are told."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

DELIVERY_STATES = ("pending", "sending", "delivered", "dead")


class ApiKey(Base):
    """A key to the partner API; of the key itself only its beginning and a hash are kept."""

    __tablename__ = "api_key"
    __table_args__ = (
        sa.CheckConstraint("length(hash) = 64", name="hash"),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > created_at", name="expires_at"),
    )
    id: int = key()
    name: str = col(sa.String(40), unique=True)
    prefix: str = col(sa.String(16), unique=True)
    hash: str = col(sa.String(64))
    scopes: list[str] = col(sa.JSON)
    created_at: datetime = col(UtcDateTime)
    last_used_at: datetime | None = col(UtcDateTime, nullable=True)
    expires_at: datetime | None = col(UtcDateTime, nullable=True)
    revoked_at: datetime | None = col(UtcDateTime, nullable=True)


class ApiRequest(Base):
    """A request that may be sent again under its key, and its answer once there is one.

    ``fingerprint`` tells another request under the same key; ``answer`` is sealed. Times are the
    machine's: without an answer the row holds until ``lease_until``, with one until ``expires_at``.
    """

    __tablename__ = "api_request"
    __table_args__ = (
        sa.UniqueConstraint("api_key_id", "idempotency_key"),
        sa.CheckConstraint("(status IS NULL) = (answer IS NULL)", name="answer"),
        sa.CheckConstraint("status >= 200 AND status < 500", name="status"),
    )
    id: int = key()
    api_key_id: int = ref("api_key.id")
    idempotency_key: str = col(sa.String(128))
    fingerprint: str = col(sa.String(64))
    owner: str = col(sa.String(32))
    lease_until: datetime = col(UtcDateTime)
    expires_at: datetime = col(UtcDateTime, index=True)
    status: int | None = col(sa.Integer, nullable=True)
    answer: str | None = col(sa.Text, nullable=True)


class WebhookEndpoint(Base):
    """An address that is told of events; ``secret`` signs them and is sealed."""

    __tablename__ = "webhook_endpoint"
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    api_key_id: int = ref("api_key.id")
    url: str = col(sa.String(500))
    events: list[str] = col(sa.JSON)
    secret: str = col(sa.Text)
    created_at: datetime = col(UtcDateTime)
    ended_at: datetime | None = col(UtcDateTime, nullable=True)


class WebhookEvent(Base):
    """Something that happened, written with the change itself. Never updated."""

    __tablename__ = "webhook_event"
    id: int = key()
    reference: str = col(sa.String(40), unique=True)
    kind: str = col(sa.String(64))
    at: datetime = col(UtcDateTime)
    data: dict[str, Any] = col(sa.JSON)


class WebhookDelivery(Base):
    """An event on its way to one endpoint; times but the event's are the machine's."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "endpoint_id"),
        one_of("status", *DELIVERY_STATES),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.CheckConstraint("(status = 'sending') = (lease_until IS NOT NULL)", name="lease"),
        sa.Index("ix_webhook_delivery_due", "status", "next_at"),
    )
    id: int = key()
    event_id: int = ref("webhook_event.id")
    endpoint_id: int = ref("webhook_endpoint.id")
    status: str = col(sa.String(16), default="pending")
    attempts: int = col(sa.Integer, default=0)
    next_at: datetime = col(UtcDateTime)
    owner: str | None = col(sa.String(32), nullable=True)
    lease_until: datetime | None = col(UtcDateTime, nullable=True)
    answered: int | None = col(sa.Integer, nullable=True)
    problem: str | None = col(sa.String(100), nullable=True)
    ended_at: datetime | None = col(UtcDateTime, nullable=True)
    version: int = col(sa.Integer, default=1)
    event: WebhookEvent = link("WebhookEvent")
    endpoint: WebhookEndpoint = link("WebhookEndpoint")
    __mapper_args__ = {"version_id_col": version}
