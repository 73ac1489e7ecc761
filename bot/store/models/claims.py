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


class Claim(Base):
    """A claim after a visit the parent paid for (C1–C4)."""

    __tablename__ = "claim"
    __table_args__ = (
        one_of("kind", *CLAIM_KINDS),
        one_of("status", *CLAIM_STATES),
        sa.CheckConstraint("amount > 0", name="amount"),
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
    originals_tracking: str | None = col(sa.String(64), nullable=True)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital | None = link("Hospital")
    requirements: list[ClaimRequirement] = link(
        "ClaimRequirement", back_populates="claim", order_by="ClaimRequirement.id"
    )
    __mapper_args__ = {"version_id_col": version}


class ClaimRequirement(Base):
    """One line of a claim's document checklist (C6)."""

    __tablename__ = "claim_requirement"
    __table_args__ = (
        sa.UniqueConstraint("claim_id", "document"),
        one_of("document", *DOCUMENT_KINDS),
    )
    id: int = key()
    claim_id: int = ref("claim.id")
    document: str = col(sa.String(32))
    received: bool = col(sa.Boolean, default=False)
    claim: Claim = link("Claim", back_populates="requirements")


class DocumentReference(Base):
    """A stored file of a claim; the bytes are in the file store under ``storage_key``."""

    __tablename__ = "document_reference"
    __table_args__ = (
        sa.UniqueConstraint("claim_id", "sha256"),
        one_of("document", *DOCUMENT_KINDS),
        one_of("status", "current", "unreadable", "superseded"),
        sa.CheckConstraint("size > 0", name="size"),
    )
    id: int = key()
    claim_id: int | None = ref("claim.id", nullable=True)
    identity_id: int = ref("chat_identity.id")
    document: str | None = col(sa.String(32), nullable=True)
    media_type: str = col(sa.String(64))
    size: int = col(sa.Integer)
    sha256: str = col(sa.String(64))
    storage_key: str = col(sa.String(128), unique=True)
    status: str = col(sa.String(16), default="current")
    received_at: datetime = col(UtcDateTime)
