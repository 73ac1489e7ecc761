"""What staff arrange, and lectures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "lecture",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("speaker", sa.String(length=100), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "topic IN ('common_illness', 'outbreaks', 'child_health')",
            name=op.f("ck_lecture_topic"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_lecture_times")),
        sa.CheckConstraint("seats > 0", name=op.f("ck_lecture_seats")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lecture")),
        sa.UniqueConstraint("reference", name=op.f("uq_lecture_reference")),
    )
    with op.batch_alter_table("lecture") as batch:
        batch.create_index(batch.f("ix_lecture_starts_at"), ["starts_at"], unique=False)

    op.create_table(
        "lecture_registration",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("lecture_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_lecture_registration_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["lecture_id"],
            ["lecture.id"],
            name=op.f("fk_lecture_registration_lecture_id_lecture"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lecture_registration")),
        sa.UniqueConstraint(
            "lecture_id", "identity_id", name=op.f("uq_lecture_registration_lecture_id")
        ),
    )
    with op.batch_alter_table("lecture_registration") as batch:
        batch.create_index(
            batch.f("ix_lecture_registration_identity_id"), ["identity_id"], unique=False
        )
        batch.create_index(
            batch.f("ix_lecture_registration_lecture_id"), ["lecture_id"], unique=False
        )

    op.create_table(
        "service_request",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("hospital_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("wished_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('onsite', 'counselling', 'vaccination', 'health_check')",
            name=op.f("ck_service_request_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'arranged', 'declined', 'cancelled')",
            name=op.f("ck_service_request_status"),
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
            name=op.f("fk_service_request_hospital_id_hospital"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_service_request_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["policy.id"],
            name=op.f("fk_service_request_policy_id_policy"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_service_request_idempotency_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_service_request_reference")),
    )
    with op.batch_alter_table("service_request") as batch:
        batch.create_index(batch.f("ix_service_request_hospital_id"), ["hospital_id"], unique=False)
        batch.create_index(batch.f("ix_service_request_identity_id"), ["identity_id"], unique=False)
        batch.create_index(batch.f("ix_service_request_policy_id"), ["policy_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("service_request")
    op.drop_table("lecture_registration")
    op.drop_table("lecture")
