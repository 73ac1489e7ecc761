"""The outbox's leases, the mailbox of pull channels, muted kinds, and how staff decided."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = "'pending', 'sending', 'sent', 'failed', 'dropped'"


def _states(status: str) -> None:
    with op.batch_alter_table("outbox_message") as batch:
        batch.drop_constraint(op.f("ck_outbox_message_status"), type_="check")
        batch.create_check_constraint(op.f("ck_outbox_message_status"), f"status IN ({status})")


def upgrade() -> None:
    """Add the columns and the tables."""
    with op.batch_alter_table("outbox_message") as batch:
        batch.add_column(sa.Column("policy_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("owner", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(length=32), nullable=True))
        batch.create_foreign_key(
            op.f("fk_outbox_message_policy_id_policy"),
            "policy",
            ["policy_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        batch.create_index(op.f("ix_outbox_message_policy_id"), ["policy_id"])
        batch.create_index("ix_outbox_message_waiting", ["status", "identity_id"])
        batch.create_check_constraint(
            op.f("ck_outbox_message_leased"),
            "status <> 'sending' OR (owner IS NOT NULL AND lease_until IS NOT NULL)",
        )
        batch.create_check_constraint(
            op.f("ck_outbox_message_dropped"), "status <> 'dropped' OR reason IS NOT NULL"
        )
    _states(f"{STATES}, 'unknown'")
    op.create_table(
        "chat_message",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_chat_message_direction")),
        sa.CheckConstraint(
            "outbox_id IS NULL OR direction = 'out'", name=op.f("ck_chat_message_outbox")
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_chat_message_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox_message.id"],
            name=op.f("fk_chat_message_outbox_id_outbox_message"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_message")),
        sa.UniqueConstraint("outbox_id", name=op.f("uq_chat_message_outbox_id")),
    )
    op.create_index("ix_chat_message_cursor", "chat_message", ["identity_id", "id"])
    op.create_table(
        "notification_setting",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind <> ''", name=op.f("ck_notification_setting_kind")),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_notification_setting_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_setting")),
        sa.UniqueConstraint(
            "identity_id", "kind", name=op.f("uq_notification_setting_identity_id")
        ),
    )
    op.create_index(
        op.f("ix_notification_setting_identity_id"), "notification_setting", ["identity_id"]
    )
    with op.batch_alter_table("appointment") as batch:
        batch.add_column(sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("decline_reason", sa.String(length=60), nullable=True))
        batch.add_column(sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(
            op.f("ck_appointment_declined"),
            "status = 'declined' OR (decline_reason IS NULL AND proposed_at IS NULL)",
        )
    with op.batch_alter_table("self_pay_bill") as batch:
        batch.add_column(sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the columns and tables away; what is not known to have been sent becomes dropped."""
    with op.batch_alter_table("self_pay_bill") as batch:
        batch.drop_column("issued_at")
    with op.batch_alter_table("appointment") as batch:
        batch.drop_constraint(op.f("ck_appointment_declined"), type_="check")
        for name in ("proposed_at", "decline_reason", "decided_at"):
            batch.drop_column(name)
    op.drop_table("notification_setting")
    op.drop_table("chat_message")
    op.execute(
        "UPDATE outbox_message SET status = 'dropped', reason = 'unknown' WHERE status = 'unknown'"
    )
    _states(STATES)
    with op.batch_alter_table("outbox_message") as batch:
        batch.drop_constraint(op.f("ck_outbox_message_dropped"), type_="check")
        batch.drop_constraint(op.f("ck_outbox_message_leased"), type_="check")
        batch.drop_index("ix_outbox_message_waiting")
        batch.drop_index(op.f("ix_outbox_message_policy_id"))
        batch.drop_constraint(op.f("fk_outbox_message_policy_id_policy"), type_="foreignkey")
        for name in ("reason", "begun_at", "lease_until", "owner", "retry_at", "policy_id"):
            batch.drop_column(name)
