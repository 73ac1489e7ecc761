"""Visits, appointments, claims, authorizations, consultations and self-pay bills."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("insurer_paid", sa.Numeric(12, 2), nullable=False),
        sa.Column("self_pay", sa.Numeric(12, 2), nullable=False),
        sa.CheckConstraint(
            "total >= 0 AND insurer_paid >= 0 AND self_pay >= 0", name=op.f("ck_visit_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_visit_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_visit_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index(op.f("ix_visit_hospital_id"), "visit", ["hospital_id"], unique=False)
    op.create_index(op.f("ix_visit_policy_id"), "visit", ["policy_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("visit_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_given", sa.Boolean(), nullable=False),
        sa.Column("day_part", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_late", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('requested', 'confirmed', 'declined', 'cancelled', 'fulfilled', 'noshow')",
            name=op.f("ck_appointment_status"),
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_appointment_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_appointment_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"],
            ["chat_identity.id"],
            name=op.f("fk_appointment_requested_by_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_appointment_idempotency_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_appointment_reference")),
    )
    op.create_index(
        op.f("ix_appointment_hospital_id"), "appointment", ["hospital_id"], unique=False
    )
    op.create_index(op.f("ix_appointment_policy_id"), "appointment", ["policy_id"], unique=False)
    op.create_index(
        op.f("ix_appointment_requested_by_id"), "appointment", ["requested_by_id"], unique=False
    )
    op.create_index(op.f("ix_appointment_visit_at"), "appointment", ["visit_at"], unique=False)
    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=True),
        sa.Column("hospital_name", sa.String(length=64), nullable=True),
        sa.Column("visited_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("approved_amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("originals_tracking", sa.String(length=64), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('public_outpatient', 'public_inpatient', 'internet', 'vaccination')",
            name=op.f("ck_claim_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'documents_missing', 'settling', 'approved', "
            "'partly_approved', 'rejected', 'paid', 'withdrawn')",
            name=op.f("ck_claim_status"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_claim_amount")),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_claim_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"],
            ["chat_identity.id"],
            name=op.f("fk_claim_opened_by_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_claim_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_claim_idempotency_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_claim_reference")),
    )
    op.create_index(op.f("ix_claim_hospital_id"), "claim", ["hospital_id"], unique=False)
    op.create_index(op.f("ix_claim_opened_by_id"), "claim", ["opened_by_id"], unique=False)
    op.create_index(op.f("ix_claim_policy_id"), "claim", ["policy_id"], unique=False)
    op.create_table(
        "claim_requirement",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("received", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "document IN ('medical_record', 'id_document', 'e_card', 'bank_account', "
            "'itemised_bill', 'invoice', 'discharge_summary', 'birth_certificate', 'guardian_id', "
            "'claim_form', 'consultation_receipt', 'prescription_receipt')",
            name=op.f("ck_claim_requirement_document"),
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
            name=op.f("fk_claim_requirement_claim_id_claim"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_requirement")),
        sa.UniqueConstraint("claim_id", "document", name=op.f("uq_claim_requirement_claim_id")),
    )
    op.create_index(
        op.f("ix_claim_requirement_claim_id"), "claim_requirement", ["claim_id"], unique=False
    )
    op.create_table(
        "document_reference",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=True),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=True),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("storage_key", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "document IN ('medical_record', 'id_document', 'e_card', 'bank_account', "
            "'itemised_bill', 'invoice', 'discharge_summary', 'birth_certificate', 'guardian_id', "
            "'claim_form', 'consultation_receipt', 'prescription_receipt')",
            name=op.f("ck_document_reference_document"),
        ),
        sa.CheckConstraint(
            "status IN ('current', 'unreadable', 'superseded')",
            name=op.f("ck_document_reference_status"),
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_document_reference_size")),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
            name=op.f("fk_document_reference_claim_id_claim"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_document_reference_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_reference")),
        sa.UniqueConstraint("claim_id", "sha256", name=op.f("uq_document_reference_claim_id")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_document_reference_storage_key")),
    )
    op.create_index(
        op.f("ix_document_reference_claim_id"), "document_reference", ["claim_id"], unique=False
    )
    op.create_index(
        op.f("ix_document_reference_identity_id"),
        "document_reference",
        ["identity_id"],
        unique=False,
    )
    op.create_table(
        "prior_authorization",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("treatment", sa.String(length=200), nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=True),
        sa.Column("treatment_on", sa.Date(), nullable=False),
        sa.Column("estimated_amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("guarantee_letter_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'under_review', 'documents_missing', 'approved', "
            "'declined')",
            name=op.f("ck_prior_authorization_status"),
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_prior_authorization_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_prior_authorization_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prior_authorization")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_prior_authorization_idempotency_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_prior_authorization_reference")),
    )
    op.create_index(
        op.f("ix_prior_authorization_hospital_id"),
        "prior_authorization",
        ["hospital_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_prior_authorization_policy_id"), "prior_authorization", ["policy_id"], unique=False
    )
    op.create_table(
        "consultation_request",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('phone', 'online', 'triage', 'vaccination', 'counselling', 'onsite')",
            name=op.f("ck_consultation_request_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'called_back', 'closed', 'overdue')",
            name=op.f("ck_consultation_request_status"),
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_consultation_request_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_consultation_request_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultation_request")),
        sa.UniqueConstraint(
            "idempotency_key", name=op.f("uq_consultation_request_idempotency_key")
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_consultation_request_reference")),
    )
    op.create_index(
        op.f("ix_consultation_request_identity_id"),
        "consultation_request",
        ["identity_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_consultation_request_policy_id"),
        "consultation_request",
        ["policy_id"],
        unique=False,
    )
    op.create_table(
        "self_pay_bill",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('unpaid', 'paid', 'waived')", name=op.f("ck_self_pay_bill_status")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_self_pay_bill_amount")),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_self_pay_bill_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_self_pay_bill_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_pay_bill")),
        sa.UniqueConstraint("reference", name=op.f("uq_self_pay_bill_reference")),
    )
    op.create_index(
        op.f("ix_self_pay_bill_hospital_id"), "self_pay_bill", ["hospital_id"], unique=False
    )
    op.create_index(
        op.f("ix_self_pay_bill_policy_id"), "self_pay_bill", ["policy_id"], unique=False
    )


def downgrade() -> None:
    """Drop the tables, with what is in them."""
    op.drop_table("self_pay_bill")
    op.drop_table("consultation_request")
    op.drop_table("prior_authorization")
    op.drop_table("document_reference")
    op.drop_table("claim_requirement")
    op.drop_table("claim")
    op.drop_table("appointment")
    op.drop_table("visit")
