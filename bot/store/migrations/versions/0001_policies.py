"""Households, plans, policies, hospitals, and the chat accounts bound to them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "household",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("phone", name=op.f("uq_household_phone")),
    )
    op.create_table(
        "child",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("born", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_child_household_id_household"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child")),
    )
    op.create_index(op.f("ix_child_household_id"), "child", ["household_id"], unique=False)
    op.create_table(
        "plan",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("name", name=op.f("uq_plan_name")),
    )
    op.create_table(
        "plan_benefit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("benefit", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("limit_value", sa.Numeric(12, 2), nullable=False),
        sa.CheckConstraint(
            "benefit IN ('outpatient', 'full_reimbursement_visits', 'inpatient', 'vaccine', "
            "'health_checks')",
            name=op.f("ck_plan_benefit_benefit"),
        ),
        sa.CheckConstraint("unit IN ('CNY', 'count')", name=op.f("ck_plan_benefit_unit")),
        sa.CheckConstraint("limit_value >= 0", name=op.f("ck_plan_benefit_limit_value")),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_benefit_plan_id_plan"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_benefit")),
        sa.UniqueConstraint("plan_id", "benefit", name=op.f("uq_plan_benefit_plan_id")),
    )
    op.create_index(op.f("ix_plan_benefit_plan_id"), "plan_benefit", ["plan_id"], unique=False)
    op.create_table(
        "plan_route",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "route IN ('network_clinic', 'public_special', 'public')",
            name=op.f("ck_plan_route_route"),
        ),
        sa.CheckConstraint(
            "service IN ('direct_billing', 'vaccination')", name=op.f("ck_plan_route_service")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_route_plan_id_plan"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_route")),
        sa.UniqueConstraint("plan_id", "service", "route", name=op.f("uq_plan_route_plan_id")),
    )
    op.create_index(op.f("ix_plan_route_plan_id"), "plan_route", ["plan_id"], unique=False)
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("clinic_brand", sa.String(length=32), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_policy_validity")),
        sa.ForeignKeyConstraint(
            ["child_id"], ["child.id"], name=op.f("fk_policy_child_id_child"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_policy_household_id_household"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_policy_plan_id_plan"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("number", name=op.f("uq_policy_number")),
    )
    op.create_index(op.f("ix_policy_child_id"), "policy", ["child_id"], unique=False)
    op.create_index(op.f("ix_policy_household_id"), "policy", ["household_id"], unique=False)
    op.create_index(op.f("ix_policy_plan_id"), "policy", ["plan_id"], unique=False)
    op.create_table(
        "benefit_use",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("benefit", sa.String(length=32), nullable=False),
        sa.Column("used", sa.Numeric(12, 2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "benefit IN ('outpatient', 'full_reimbursement_visits', 'inpatient', 'vaccine', "
            "'health_checks')",
            name=op.f("ck_benefit_use_benefit"),
        ),
        sa.CheckConstraint("used >= 0", name=op.f("ck_benefit_use_used")),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_benefit_use_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benefit_use")),
        sa.UniqueConstraint("policy_id", "benefit", name=op.f("uq_benefit_use_policy_id")),
    )
    op.create_index(op.f("ix_benefit_use_policy_id"), "benefit_use", ["policy_id"], unique=False)
    op.create_table(
        "hospital",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("brand", sa.String(length=32), nullable=True),
        sa.Column("city", sa.String(length=32), nullable=False),
        sa.Column("district", sa.String(length=32), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("hours", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("introduction", sa.Text(), nullable=False),
        sa.Column("onsite_assistance", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('public_special', 'network_clinic', 'public')", name=op.f("ck_hospital_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital")),
        sa.UniqueConstraint("name", name=op.f("uq_hospital_name")),
    )
    op.create_index(op.f("ix_hospital_city"), "hospital", ["city"], unique=False)
    op.create_table(
        "hospital_alias",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_hospital_alias_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital_alias")),
        sa.UniqueConstraint("hospital_id", "alias", name=op.f("uq_hospital_alias_hospital_id")),
    )
    op.create_index(
        op.f("ix_hospital_alias_hospital_id"), "hospital_alias", ["hospital_id"], unique=False
    )
    op.create_table(
        "hospital_department",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hospital_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_hospital_department_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital_department")),
        sa.UniqueConstraint("hospital_id", "name", name=op.f("uq_hospital_department_hospital_id")),
    )
    op.create_index(
        op.f("ix_hospital_department_hospital_id"),
        "hospital_department",
        ["hospital_id"],
        unique=False,
    )
    op.create_table(
        "chat_identity",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("current_policy_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["current_policy_id"],
            ["policy.id"],
            name=op.f("fk_chat_identity_current_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_identity")),
        sa.UniqueConstraint("channel", "account", name=op.f("uq_chat_identity_channel")),
    )
    op.create_index(
        op.f("ix_chat_identity_current_policy_id"),
        "chat_identity",
        ["current_policy_id"],
        unique=False,
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_binding_household_id_household"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_binding_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding")),
        sa.UniqueConstraint("identity_id", "household_id", name=op.f("uq_binding_identity_id")),
    )
    op.create_index(op.f("ix_binding_household_id"), "binding", ["household_id"], unique=False)
    op.create_index(op.f("ix_binding_identity_id"), "binding", ["identity_id"], unique=False)
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=True),
        sa.Column("child_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_one_time_code_tries")),
        sa.ForeignKeyConstraint(
            ["child_id"],
            ["child.id"],
            name=op.f("fk_one_time_code_child_id_child"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_one_time_code_household_id_household"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_one_time_code_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
    )
    op.create_index(op.f("ix_one_time_code_child_id"), "one_time_code", ["child_id"], unique=False)
    op.create_index(
        op.f("ix_one_time_code_household_id"), "one_time_code", ["household_id"], unique=False
    )
    op.create_index(
        op.f("ix_one_time_code_identity_id"), "one_time_code", ["identity_id"], unique=False
    )
    op.create_index(op.f("ix_one_time_code_phone"), "one_time_code", ["phone"], unique=False)
    op.create_table(
        "verification_lock",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "subject_kind IN ('phone', 'identity')", name=op.f("ck_verification_lock_subject_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_lock")),
        sa.UniqueConstraint(
            "subject_kind", "subject", name=op.f("uq_verification_lock_subject_kind")
        ),
    )


def downgrade() -> None:
    """Drop the tables, with what is in them."""
    op.drop_table("verification_lock")
    op.drop_table("one_time_code")
    op.drop_table("binding")
    op.drop_table("chat_identity")
    op.drop_table("hospital_department")
    op.drop_table("hospital_alias")
    op.drop_table("hospital")
    op.drop_table("benefit_use")
    op.drop_table("policy")
    op.drop_table("plan_route")
    op.drop_table("plan_benefit")
    op.drop_table("plan")
    op.drop_table("child")
    op.drop_table("household")
