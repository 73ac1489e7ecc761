"""Claims and their documents (手册·非直付理赔流程)."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import MONEY, Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.care import Authorization
    from bot.store.models.coverage import Policy
    from bot.store.models.hospitals import Hospital


CLAIM_KINDS = ("public_outpatient", "public_inpatient", "internet", "vaccination")
CLAIM_STATES = (
    "draft", "submitted", "documents_missing", "settling",
    "approved", "partly_approved", "rejected", "paid", "withdrawn",
)  # fmt: skip
DOCUMENT_KINDS = (
    "medical_record", "id_document", "e_card", "bank_account", "itemised_bill", "invoice",
    "discharge_summary", "birth_certificate", "guardian_id", "claim_form",
    "consultation_receipt", "prescription_receipt",
)  # fmt: skip
# What a prior authorization may be asked for with (P3); the manual names no papers for it.
AUTHORIZATION_DOCUMENT_KINDS = ("medical_record", "examination_order", "cost_estimate")
PAPER_KINDS = tuple(dict.fromkeys(DOCUMENT_KINDS + AUTHORIZATION_DOCUMENT_KINDS))


DOCUMENT_STATES = ("current", "unreadable", "superseded")


class Claim(Base):
    """A claim after a visit the parent paid for (C1–C4).

    ``due_at`` is when it is to be settled, ``payout_due_at`` when paid. ``counted_amount`` is what
    of it stands in the policy's use of the benefit. ``bank_account`` is sealed.
    """

    __tablename__ = "claim"
    __table_args__ = (
        one_of("kind", *CLAIM_KINDS),
        one_of("status", *CLAIM_STATES),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint(
            "approved_amount >= 0 AND approved_amount <= amount", name="approved_amount"
        ),
        sa.CheckConstraint(
            "counted_amount >= 0 AND counted_amount <= amount", name="counted_amount"
        ),
        sa.CheckConstraint("(bank_account IS NULL) = (bank_tail IS NULL)", name="bank_account"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    kind: str = col(sa.String(32))
    hospital_id: int | None = ref("hospital.id", nullable=True)
    hospital_name: str | None = col(sa.String(64), nullable=True)
    visited_on: date | None = col(sa.Date, nullable=True)
    amount: Decimal = col(MONEY)
    approved_amount: Decimal | None = col(MONEY, nullable=True)
    status: str = col(sa.String(24), default="draft")
    opened_by_id: int | None = ref("chat_identity.id", nullable=True)
    opened_at: datetime = col(UtcDateTime)
    submitted_at: datetime | None = col(UtcDateTime, nullable=True)
    settled_at: datetime | None = col(UtcDateTime, nullable=True)
    paid_at: datetime | None = col(UtcDateTime, nullable=True)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    payout_due_at: datetime | None = col(UtcDateTime, nullable=True)
    follow_up: bool | None = col(sa.Boolean, nullable=True)
    counted_amount: Decimal = col(MONEY, default=Decimal(0), server_default="0")
    bank_account: str | None = col(sa.Text, nullable=True)
    bank_tail: str | None = col(sa.String(4), nullable=True)
    originals_tracking: str | None = col(sa.String(64), nullable=True)
    originals_received_at: datetime | None = col(UtcDateTime, nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital | None = link("Hospital")
    requirements: list[ClaimRequirement] = link(
        "ClaimRequirement", back_populates="claim", order_by="ClaimRequirement.id"
    )
    events: list[ClaimEvent] = link("ClaimEvent", back_populates="claim", order_by="ClaimEvent.id")
    __mapper_args__ = {"version_id_col": version}


class ClaimEvent(Base):
    """A claim's change of state: who, when and why. Never updated."""

    __tablename__ = "claim_event"
    __table_args__ = (
        one_of("previous", *CLAIM_STATES),
        one_of("status", *CLAIM_STATES),
        sa.CheckConstraint("previous <> status", name="moved"),
        sa.CheckConstraint(
            "status <> 'rejected' OR reason IS NOT NULL", name="rejected_with_a_reason"
        ),
    )
    id: int = key()
    claim_id: int = ref("claim.id")
    at: datetime = col(UtcDateTime)
    actor: str = col(sa.String(64))
    previous: str | None = col(sa.String(24), nullable=True)
    status: str = col(sa.String(24))
    reason: str | None = col(sa.String(200), nullable=True)
    claim: Claim = link("Claim", back_populates="events")


class ClaimRequirement(Base):
    """One line of a claim's document checklist (C6).

    ``file_id`` is the file that ticked it, ``note`` says why it is asked for again.
    """

    __tablename__ = "claim_requirement"
    __table_args__ = (
        sa.UniqueConstraint("claim_id", "document"),
        one_of("document", *DOCUMENT_KINDS),
    )
    id: int = key()
    claim_id: int = ref("claim.id")
    document: str = col(sa.String(32))
    received: bool = col(sa.Boolean, default=False)
    file_id: int | None = ref("document_reference.id", nullable=True)
    note: str | None = col(sa.String(200), nullable=True)
    claim: Claim = link("Claim", back_populates="requirements")


class DocumentReference(Base):
    """A stored file of a claim or an authorization, or of neither yet.

    The bytes are in the file store under ``storage_key``; ``size`` is of what is kept, ``sha256``
    of what was sent. ``document`` is the first kind of paper that it shows (``labels`` the
    others), ``suggested`` what its name said, ``question`` what made its picture doubtful.
    """

    __tablename__ = "document_reference"
    __table_args__ = (
        sa.UniqueConstraint("claim_id", "sha256"),
        sa.UniqueConstraint("authorization_id", "sha256"),
        one_of("document", *PAPER_KINDS),
        one_of("suggested", *PAPER_KINDS),
        one_of("question", "blurry", "tiny"),
        one_of("status", *DOCUMENT_STATES),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("claim_id IS NULL OR authorization_id IS NULL", name="one_place"),
    )
    id: int = key()
    claim_id: int | None = ref("claim.id", nullable=True)
    authorization_id: int | None = ref("prior_authorization.id", nullable=True)
    identity_id: int = ref("chat_identity.id")
    document: str | None = col(sa.String(32), nullable=True)
    media_type: str = col(sa.String(64))
    size: int = col(sa.Integer)
    sha256: str = col(sa.String(64))
    storage_key: str = col(sa.String(128), unique=True)
    suggested: str | None = col(sa.String(32), nullable=True)
    question: str | None = col(sa.String(16), nullable=True)
    status: str = col(sa.String(16), default="current")
    received_at: datetime = col(UtcDateTime)
    claim: Claim | None = link("Claim")
    authorization: Authorization | None = link("Authorization")
    labels: list[DocumentLabel] = link(
        "DocumentLabel", order_by="DocumentLabel.id", cascade="all, delete-orphan"
    )


class DocumentLabel(Base):
    """A further kind of paper that a file shows: one photo of a record and an invoice."""

    __tablename__ = "document_label"
    __table_args__ = (
        sa.UniqueConstraint("file_id", "document"),
        one_of("document", *PAPER_KINDS),
    )
    id: int = key()
    file_id: int = ref("document_reference.id")
    document: str = col(sa.String(32))
