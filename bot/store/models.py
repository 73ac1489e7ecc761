"""Tables. FHIR's names where it has one, the manual's terms elsewhere.

Money is ``NUMERIC(12, 2)`` in CNY; times are aware and stored in UTC; dates are local days
(Asia/Shanghai). ``version`` columns are optimistic locks: two writers of one row never both win.
"""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import declarative_base, relationship

from bot.store.types import Money, UtcDateTime

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
if TYPE_CHECKING:

    class Base:
        """What type checkers see of the base of all tables; attributes are typed one by one."""

        metadata: ClassVar[sa.MetaData]
        __table__: ClassVar[Any]

        def __init__(self, **columns: Any) -> None: ...

else:
    Base = declarative_base(metadata=sa.MetaData(naming_convention=NAMING))

MONEY = Money()


def col(*args: Any, **kwargs: Any) -> Any:
    """Declare a column; NOT NULL unless said otherwise."""
    kwargs.setdefault("nullable", False)
    return sa.Column(*args, **kwargs)


def key() -> Any:
    """Declare an integer primary key."""
    return sa.Column(sa.Integer, primary_key=True, autoincrement=True)


def ref(target: str, **kwargs: Any) -> Any:
    """Declare an indexed foreign key to ``target``."""
    return col(sa.Integer, sa.ForeignKey(target, ondelete="RESTRICT"), index=True, **kwargs)


def link(*args: Any, **kwargs: Any) -> Any:
    """Declare a relationship."""
    return relationship(*args, **kwargs)


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """Allow only ``values`` in ``column``."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


def utcnow() -> datetime:
    """Wall-clock time of a row's creation, for the audit only; business times are arguments."""
    return datetime.now(UTC)


class Household(Base):
    """All policies bought with one mobile number (the policyholder's, 手册·绑卡流程 E1)."""

    __tablename__ = "household"
    id: int = key()
    phone: str = col(sa.String(20), unique=True)
    policies: list[Policy] = link("Policy", back_populates="household", order_by="Policy.id")


class ChatIdentity(Base):
    """One account in one messaging channel. It proves nothing until it has a binding."""

    __tablename__ = "chat_identity"
    __table_args__ = (sa.UniqueConstraint("channel", "account"),)
    id: int = key()
    channel: str = col(sa.String(32))
    account: str = col(sa.String(128))
    current_policy_id: int | None = ref("policy.id", nullable=True)
    created_at: datetime = col(UtcDateTime, default=utcnow)
    blocked_at: datetime | None = col(UtcDateTime, nullable=True)
    bindings: list[Binding] = link("Binding", back_populates="identity", order_by="Binding.id")


class Binding(Base):
    """A verified chat identity may see all policies of a household (E1)."""

    __tablename__ = "binding"
    __table_args__ = (sa.UniqueConstraint("identity_id", "household_id"),)
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    household_id: int = ref("household.id")
    verified_at: datetime = col(UtcDateTime)
    identity: ChatIdentity = link("ChatIdentity", back_populates="bindings")
    household: Household = link("Household")


class Child(Base):
    """The insured (被保险人)."""

    __tablename__ = "child"
    id: int = key()
    household_id: int = ref("household.id")
    name: str = col(sa.String(64))
    born: date = col(sa.Date)


class Plan(Base):
    """One of the six plans."""

    __tablename__ = "plan"
    id: int = key()
    name: str = col(sa.String(32), unique=True)
    benefits: list[PlanBenefit] = link(
        "PlanBenefit", back_populates="plan", order_by="PlanBenefit.id"
    )
    routes: list[PlanRoute] = link("PlanRoute", back_populates="plan", order_by="PlanRoute.id")


BENEFITS = ("outpatient", "full_reimbursement_visits", "inpatient", "vaccine", "health_checks")


class PlanBenefit(Base):
    """A limit of a plan: CNY for money benefits, a count for visits and checks."""

    __tablename__ = "plan_benefit"
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "benefit"),
        one_of("benefit", *BENEFITS),
        one_of("unit", "CNY", "count"),
        sa.CheckConstraint("limit_value >= 0", name="limit_value"),
    )
    id: int = key()
    plan_id: int = ref("plan.id")
    benefit: str = col(sa.String(32))
    unit: str = col(sa.String(8))
    limit_value: Decimal = col(MONEY)
    plan: Plan = link("Plan", back_populates="benefits")


class PlanRoute(Base):
    """Where a plan may be used: direct billing (V1) and vaccination (X3) routes."""

    __tablename__ = "plan_route"
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "service", "route"),
        one_of("service", "direct_billing", "vaccination"),
        one_of("route", "network_clinic", "public_special", "public"),
    )
    id: int = key()
    plan_id: int = ref("plan.id")
    service: str = col(sa.String(32))
    route: str = col(sa.String(32))
    plan: Plan = link("Plan", back_populates="routes")


class Policy(Base):
    """Coverage of one child under one plan; ``valid_to`` is the last covered day."""

    __tablename__ = "policy"
    __table_args__ = (sa.CheckConstraint("valid_to >= valid_from", name="validity"),)
    id: int = key()
    number: str = col(sa.String(32), unique=True)
    household_id: int = ref("household.id")
    child_id: int = ref("child.id")
    plan_id: int = ref("plan.id")
    valid_from: date = col(sa.Date)
    valid_to: date = col(sa.Date)
    clinic_brand: str | None = col(sa.String(32), nullable=True)
    version: int = col(sa.Integer, default=1)
    household: Household = link("Household", back_populates="policies")
    child: Child = link("Child")
    plan: Plan = link("Plan")
    uses: list[BenefitUse] = link("BenefitUse", back_populates="policy", order_by="BenefitUse.id")
    __mapper_args__ = {"version_id_col": version}


class BenefitUse(Base):
    """What of a benefit is used, amounts under settlement included."""

    __tablename__ = "benefit_use"
    __table_args__ = (
        sa.UniqueConstraint("policy_id", "benefit"),
        one_of("benefit", *BENEFITS),
        sa.CheckConstraint("used >= 0", name="used"),
    )
    id: int = key()
    policy_id: int = ref("policy.id")
    benefit: str = col(sa.String(32))
    used: Decimal = col(MONEY, default=0)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy", back_populates="uses")
    __mapper_args__ = {"version_id_col": version}


HOSPITAL_KINDS = ("public_special", "network_clinic", "public")


class Hospital(Base):
    """A hospital or clinic; ``public_special`` is billed directly and booked ahead (V2)."""

    __tablename__ = "hospital"
    __table_args__ = (one_of("kind", *HOSPITAL_KINDS),)
    id: int = key()
    name: str = col(sa.String(64), unique=True)
    kind: str = col(sa.String(32))
    brand: str | None = col(sa.String(32), nullable=True)
    city: str = col(sa.String(32), index=True)
    district: str | None = col(sa.String(32), nullable=True)
    address: str = col(sa.String(200))
    hours: str = col(sa.String(100))
    phone: str = col(sa.String(32))
    introduction: str = col(sa.Text)
    onsite_assistance: bool = col(sa.Boolean, default=False)
    aliases: list[HospitalAlias] = link(
        "HospitalAlias", back_populates="hospital", order_by="HospitalAlias.id"
    )
    departments: list[HospitalDepartment] = link(
        "HospitalDepartment", back_populates="hospital", order_by="HospitalDepartment.id"
    )


class HospitalAlias(Base):
    """What parents call a hospital."""

    __tablename__ = "hospital_alias"
    __table_args__ = (sa.UniqueConstraint("hospital_id", "alias"),)
    id: int = key()
    hospital_id: int = ref("hospital.id")
    alias: str = col(sa.String(64))
    hospital: Hospital = link("Hospital", back_populates="aliases")


class HospitalDepartment(Base):
    """A department of a hospital."""

    __tablename__ = "hospital_department"
    __table_args__ = (sa.UniqueConstraint("hospital_id", "name"),)
    id: int = key()
    hospital_id: int = ref("hospital.id")
    name: str = col(sa.String(32))
    hospital: Hospital = link("Hospital", back_populates="departments")


class Visit(Base):
    """A past visit; ``self_pay`` is the parent's share (E3)."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.CheckConstraint("total >= 0 AND insurer_paid >= 0 AND self_pay >= 0", name="amounts"),
    )
    id: int = key()
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    department: str = col(sa.String(32))
    visited_on: date = col(sa.Date)
    total: Decimal = col(MONEY)
    insurer_paid: Decimal = col(MONEY)
    self_pay: Decimal = col(MONEY, default=0)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")


APPOINTMENT_STATES = ("requested", "confirmed", "declined", "cancelled", "fulfilled", "noshow")


class Appointment(Base):
    """A visit to a direct-billing public hospital (V2), arranged by staff until ``due_at``."""

    __tablename__ = "appointment"
    __table_args__ = (one_of("status", *APPOINTMENT_STATES),)
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    department: str = col(sa.String(32))
    visit_at: datetime = col(UtcDateTime, index=True)
    clock_given: bool = col(sa.Boolean, default=True)
    day_part: str | None = col(sa.String(16), nullable=True)
    status: str = col(sa.String(16), default="requested")
    urgent: bool = col(sa.Boolean, default=False)
    requested_by_id: int | None = ref("chat_identity.id", nullable=True)
    requested_at: datetime = col(UtcDateTime)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    cancelled_at: datetime | None = col(UtcDateTime, nullable=True)
    cancelled_late: bool = col(sa.Boolean, default=False)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")
    __mapper_args__ = {"version_id_col": version}


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


AUTHORIZATION_STATES = (
    "draft", "submitted", "under_review", "documents_missing", "approved", "declined",
)  # fmt: skip


class Authorization(Base):
    """A prior authorization (事先授权, P1–P3)."""

    __tablename__ = "prior_authorization"
    __table_args__ = (one_of("status", *AUTHORIZATION_STATES),)
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
    __mapper_args__ = {"version_id_col": version}


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


class SelfPayBill(Base):
    """The parent's share of a settled public-hospital visit (E3); unpaid turns the card grey."""

    __tablename__ = "self_pay_bill"
    __table_args__ = (
        one_of("status", "unpaid", "paid", "waived"),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    visited_on: date = col(sa.Date)
    amount: Decimal = col(MONEY)
    status: str = col(sa.String(16), default="unpaid")
    paid_at: datetime | None = col(UtcDateTime, nullable=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")
    __mapper_args__ = {"version_id_col": version}


class OneTimeCode(Base):
    """A code sent to a phone on record, hashed. ``household_id`` is empty for a decoy.

    A request with an unknown phone or a wrong name gets a row as well, so that it
    cannot be told apart from a right one.
    """

    __tablename__ = "one_time_code"
    __table_args__ = (sa.CheckConstraint("tries >= 0", name="tries"),)
    id: int = key()
    identity_id: int = ref("chat_identity.id")
    household_id: int | None = ref("household.id", nullable=True)
    child_id: int | None = ref("child.id", nullable=True)
    phone: str = col(sa.String(20), index=True)
    code_hash: str = col(sa.String(64))
    created_at: datetime = col(UtcDateTime)
    tries: int = col(sa.Integer, default=0)
    used_at: datetime | None = col(UtcDateTime, nullable=True)


class VerificationLock(Base):
    """A phone or a chat account that may not try codes until ``locked_until``."""

    __tablename__ = "verification_lock"
    __table_args__ = (
        sa.UniqueConstraint("subject_kind", "subject"),
        one_of("subject_kind", "phone", "identity"),
    )
    id: int = key()
    subject_kind: str = col(sa.String(16))
    subject: str = col(sa.String(64))
    failures: int = col(sa.Integer, default=0)
    last_failure_at: datetime = col(UtcDateTime)
    locked_until: datetime | None = col(UtcDateTime, nullable=True)


class Complaint(Base):
    """A complaint or suggestion."""

    __tablename__ = "complaint"
    __table_args__ = (one_of("status", "received", "in_progress", "resolved"),)
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    identity_id: int = ref("chat_identity.id")
    policy_id: int | None = ref("policy.id", nullable=True)
    text: str = col(sa.Text)
    status: str = col(sa.String(16), default="received")
    received_at: datetime = col(UtcDateTime)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


HANDOFF_STATES = ("requested", "queued", "assigned", "human", "snoozed", "resolved")
HANDOFF_REASONS = (
    "asked", "two_misses", "emergency", "complaint", "bot_failure", "rule",
)  # fmt: skip


class HandOff(Base):
    """A conversation that waits for, or is with, a person."""

    __tablename__ = "handoff"
    __table_args__ = (one_of("status", *HANDOFF_STATES), one_of("reason", *HANDOFF_REASONS))
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
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


class InboundUpdate(Base):
    """A platform's update, stored before it is acknowledged; processed once."""

    __tablename__ = "inbound_update"
    __table_args__ = (
        sa.UniqueConstraint("channel", "update_id"),
        one_of("status", "received", "processing", "processed", "failed"),
    )
    id: int = key()
    channel: str = col(sa.String(32))
    update_id: str = col(sa.String(128))
    account: str = col(sa.String(128))
    payload: dict[str, Any] = col(sa.JSON)
    status: str = col(sa.String(16), default="received")
    received_at: datetime = col(UtcDateTime)
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
    at: datetime = col(UtcDateTime)
    type_name: str = col(sa.String(64))
    data: dict[str, Any] = col(sa.JSON)
