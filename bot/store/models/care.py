"""Prior authorizations and consultation requests."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import MONEY, Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.coverage import Policy
    from bot.store.models.hospitals import Hospital


AUTHORIZATION_STATES = (
    "draft", "submitted", "under_review", "documents_missing", "approved", "declined",
    "withdrawn",
)  # fmt: skip
AUTHORIZATION_PAPERS = ("medical_record", "examination_order", "cost_estimate")
AUTHORIZATION_EVENTS = (
    "submitted", "changed", "under_review", "documents_missing", "papers_received", "approved",
    "declined", "letter_sent", "withdrawn",
)  # fmt: skip


class Authorization(Base):
    """A prior authorization (事先授权, P1–P3)."""

    __tablename__ = "prior_authorization"
    __table_args__ = (
        one_of("status", *AUTHORIZATION_STATES),
        sa.CheckConstraint("estimated_amount > 0", name="estimated_amount"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    treatment: str = col(sa.String(200))
    hospital_id: int | None = ref("hospital.id", nullable=True)
    treatment_on: date = col(sa.Date)
    estimated_amount: Decimal | None = col(MONEY, nullable=True)
    status: str = col(sa.String(24), default="submitted")
    urgent: bool = col(sa.Boolean, default=False)
    guarantee_letter_at: datetime | None = col(UtcDateTime, nullable=True)
    submitted_at: datetime = col(UtcDateTime)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital | None = link("Hospital")
    papers: list[AuthorizationPaper] = link("AuthorizationPaper", order_by="AuthorizationPaper.id")
    events: list[AuthorizationEvent] = link("AuthorizationEvent", order_by="AuthorizationEvent.id")
    __mapper_args__ = {"version_id_col": version}


class AuthorizationPaper(Base):
    """A paper that staff asked for to decide on an authorization (P3)."""

    __tablename__ = "authorization_paper"
    __table_args__ = (
        sa.UniqueConstraint("authorization_id", "paper"),
        one_of("paper", *AUTHORIZATION_PAPERS),
    )
    id: int = key()
    authorization_id: int = ref("prior_authorization.id")
    paper: str = col(sa.String(32))
    requested_at: datetime = col(UtcDateTime)
    received_at: datetime | None = col(UtcDateTime, nullable=True)


class AuthorizationEvent(Base):
    """Who did what with an authorization, when and why; its parent may read it. Never updated."""

    __tablename__ = "authorization_event"
    __table_args__ = (one_of("kind", *AUTHORIZATION_EVENTS),)
    id: int = key()
    authorization_id: int = ref("prior_authorization.id")
    at: datetime = col(UtcDateTime)
    actor: str = col(sa.String(64))
    kind: str = col(sa.String(24))
    reason: str | None = col(sa.String(500), nullable=True)


class ConsultationRequest(Base):
    """A call-back or other consultation asked for, with its due time (M1)."""

    __tablename__ = "consultation_request"
    __table_args__ = (
        one_of("kind", "phone", "online", "triage", "vaccination", "counselling", "onsite"),
        one_of("status", "requested", "called_back", "closed", "overdue"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    identity_id: int | None = ref("chat_identity.id", nullable=True)
    kind: str = col(sa.String(16))
    symptom: str | None = col(sa.Text, nullable=True)
    phone: str | None = col(sa.String(20), nullable=True)
    status: str = col(sa.String(16), default="requested")
    requested_at: datetime = col(UtcDateTime)
    due_at: datetime = col(UtcDateTime)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    __mapper_args__ = {"version_id_col": version}


SERVICE_REQUEST_KINDS = ("onsite", "counselling", "vaccination", "health_check")
SERVICE_REQUEST_STATES = ("requested", "arranged", "declined", "cancelled")


class ServiceRequest(Base):
    """Something that staff arrange and the manual sets no time for (M4, M6, M7)."""

    __tablename__ = "service_request"
    __table_args__ = (
        one_of("kind", *SERVICE_REQUEST_KINDS),
        one_of("status", *SERVICE_REQUEST_STATES),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    identity_id: int | None = ref("chat_identity.id", nullable=True)
    hospital_id: int | None = ref("hospital.id", nullable=True)
    kind: str = col(sa.String(16))
    detail: str = col(sa.String(200), default="")
    wished_on: date | None = col(sa.Date, nullable=True)
    status: str = col(sa.String(16), default="requested")
    note: str | None = col(sa.String(200), nullable=True)
    requested_at: datetime = col(UtcDateTime)
    decided_at: datetime | None = col(UtcDateTime, nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital | None = link("Hospital")
    __mapper_args__ = {"version_id_col": version}


LECTURE_TOPICS = ("common_illness", "outbreaks", "child_health")


class Lecture(Base):
    """A free online lecture (M5)."""

    __tablename__ = "lecture"
    __table_args__ = (
        one_of("topic", *LECTURE_TOPICS),
        sa.CheckConstraint("seats > 0", name="seats"),
        sa.CheckConstraint("ends_at > starts_at", name="times"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    topic: str = col(sa.String(32))
    title: str = col(sa.String(100))
    speaker: str = col(sa.String(100))
    starts_at: datetime = col(UtcDateTime, index=True)
    ends_at: datetime = col(UtcDateTime)
    seats: int = col(sa.Integer)


class LectureRegistration(Base):
    """A chat account's seat in a lecture; ``cancelled_at`` frees it."""

    __tablename__ = "lecture_registration"
    __table_args__ = (sa.UniqueConstraint("lecture_id", "identity_id"),)
    id: int = key()
    lecture_id: int = ref("lecture.id")
    identity_id: int = ref("chat_identity.id")
    registered_at: datetime = col(UtcDateTime)
    cancelled_at: datetime | None = col(UtcDateTime, nullable=True)
    lecture: Lecture = link("Lecture")
