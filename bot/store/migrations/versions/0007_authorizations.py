"""Prior authorizations: withdrawing, papers asked for, and who did what when."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None

STATUS = "ck_prior_authorization_status"
AMOUNT = "ck_prior_authorization_estimated_amount"
OLD = (
    "status IN ('draft', 'submitted', 'under_review', 'documents_missing', 'approved', 'declined')"
)
NEW = OLD.removesuffix(")") + ", 'withdrawn')"


def upgrade() -> None:
    """Allow the state, refuse amounts that are none, add the two tables."""
    _rebuild({STATUS: OLD}, {STATUS: NEW, AMOUNT: "estimated_amount > 0"})
    op.create_table(
        "authorization_paper",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("authorization_id", sa.Integer(), nullable=False),
        sa.Column("paper", sa.String(length=32), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "paper IN ('medical_record', 'examination_order', 'cost_estimate')",
            name=op.f("ck_authorization_paper_paper"),
        ),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["prior_authorization.id"],
            name=op.f("fk_authorization_paper_authorization_id_prior_authorization"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_paper")),
        sa.UniqueConstraint(
            "authorization_id", "paper", name=op.f("uq_authorization_paper_authorization_id")
        ),
    )
    op.create_index(
        op.f("ix_authorization_paper_authorization_id"),
        "authorization_paper",
        ["authorization_id"],
        unique=False,
    )
    op.create_table(
        "authorization_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("authorization_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "kind IN ('submitted', 'changed', 'under_review', 'documents_missing', "
            "'papers_received', 'approved', 'declined', 'letter_sent', 'withdrawn')",
            name=op.f("ck_authorization_event_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["prior_authorization.id"],
            name=op.f("fk_authorization_event_authorization_id_prior_authorization"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_event")),
    )
    op.create_index(
        op.f("ix_authorization_event_authorization_id"),
        "authorization_event",
        ["authorization_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables; what was withdrawn counts as declined, the nearest state left."""
    op.drop_table("authorization_event")
    op.drop_table("authorization_paper")
    op.execute("UPDATE prior_authorization SET status = 'declined' WHERE status = 'withdrawn'")
    _rebuild({STATUS: NEW, AMOUNT: "estimated_amount > 0"}, {STATUS: OLD})


def _rebuild(old: dict[str, str], new: dict[str, str]) -> None:
    with op.batch_alter_table("prior_authorization") as batch:
        for name in old:
            batch.drop_constraint(op.f(name), type_="check")
        for name, text in new.items():
            batch.create_check_constraint(op.f(name), text)
