"""Claims' changes of state, what of them is used, where they are paid to, their originals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = (
    "'draft', 'submitted', 'documents_missing', 'settling', 'approved', "
    "'partly_approved', 'rejected', 'paid', 'withdrawn'"
)
NEW_CHECKS = {
    "approved_amount": "approved_amount >= 0 AND approved_amount <= amount",
    "counted_amount": "counted_amount >= 0 AND counted_amount <= amount",
    "bank_account": "(bank_account IS NULL) = (bank_tail IS NULL)",
}
COLUMNS = (
    "payout_due_at", "follow_up", "counted_amount", "bank_account", "bank_tail",
    "originals_received_at",
)  # fmt: skip


def upgrade() -> None:
    """Add the table and the columns; say what of the present claims counts as used."""
    with op.batch_alter_table("claim") as batch:
        batch.add_column(sa.Column("payout_due_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("follow_up", sa.Boolean(), nullable=True))
        batch.add_column(
            sa.Column("counted_amount", sa.Numeric(12, 2), nullable=False, server_default="0")
        )
        batch.add_column(sa.Column("bank_account", sa.Text(), nullable=True))
        batch.add_column(sa.Column("bank_tail", sa.String(length=4), nullable=True))
        batch.add_column(
            sa.Column("originals_received_at", sa.DateTime(timezone=True), nullable=True)
        )
        for name, condition in NEW_CHECKS.items():
            batch.create_check_constraint(op.f(f"ck_claim_{name}"), condition)
    with op.batch_alter_table("claim_requirement") as batch:
        batch.add_column(sa.Column("note", sa.String(length=200), nullable=True))
    op.create_table(
        "claim_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=24), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint(f"previous IN ({STATES})", name=op.f("ck_claim_event_previous")),
        sa.CheckConstraint(f"status IN ({STATES})", name=op.f("ck_claim_event_status")),
        sa.CheckConstraint("previous <> status", name=op.f("ck_claim_event_moved")),
        sa.CheckConstraint(
            "status <> 'rejected' OR reason IS NOT NULL",
            name=op.f("ck_claim_event_rejected_with_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
            name=op.f("fk_claim_event_claim_id_claim"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_event")),
    )
    op.create_index(op.f("ix_claim_event_claim_id"), "claim_event", ["claim_id"], unique=False)
    _count_present_claims(op.get_bind())


def _count_present_claims(connection: Connection) -> None:
    # Amounts under settlement count as used; a rejected one does not.
    connection.execute(
        sa.text(
            "UPDATE claim SET counted_amount = COALESCE(approved_amount, amount) "
            "WHERE status IN ('settling', 'approved', 'partly_approved', 'paid')"
        )
    )


def downgrade() -> None:
    """Drop them, with what is in them."""
    op.drop_table("claim_event")
    with op.batch_alter_table("claim_requirement") as batch:
        batch.drop_column("note")
    with op.batch_alter_table("claim") as batch:
        for name in NEW_CHECKS:
            batch.drop_constraint(op.f(f"ck_claim_{name}"), type_="check")
        for column in COLUMNS:
            batch.drop_column(column)
