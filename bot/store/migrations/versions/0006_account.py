"""Complaints get a kind, an answer and additions; requests about the data stored of a parent."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATES = "status IN ('received', 'in_progress', 'resolved')"
_KINDS = "kind IN ('complaint', 'suggestion')"


def _checks(*names: str) -> tuple[sa.CheckConstraint, ...]:
    # SQLite builds a table anew, and Alembic does not see its checks.
    if op.get_bind().dialect.name != "sqlite":
        return ()
    texts = {"status": _STATES, "kind": _KINDS}
    return tuple(sa.CheckConstraint(texts[n], name=op.f(f"ck_complaint_{n}")) for n in names)


def upgrade() -> None:
    """Create the tables and columns; what was filed before counts as a complaint."""
    with op.batch_alter_table("complaint", table_args=_checks("status")) as table:
        table.add_column(
            sa.Column("kind", sa.String(16), nullable=False, server_default="complaint")
        )
        table.add_column(sa.Column("answer", sa.Text(), nullable=True))
        table.add_column(sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("idempotency_key", sa.String(128), nullable=True))
    with op.batch_alter_table("complaint", table_args=_checks("status")) as table:
        table.alter_column("kind", existing_type=sa.String(16), server_default=None)
        table.create_check_constraint(op.f("ck_complaint_kind"), _KINDS)
        table.create_unique_constraint(op.f("uq_complaint_idempotency_key"), ["idempotency_key"])
    op.create_table(
        "complaint_note",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("complaint_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["complaint_id"],
            ["complaint.id"],
            name=op.f("fk_complaint_note_complaint_id_complaint"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_note")),
    )
    op.create_index(op.f("ix_complaint_note_complaint_id"), "complaint_note", ["complaint_id"])
    op.create_table(
        "data_request",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("storage_key", sa.String(64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.String(128), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('export', 'erasure')", name=op.f("ck_data_request_kind")),
        sa.CheckConstraint(
            "status IN ('received', 'checking', 'done', 'refused')",
            name=op.f("ck_data_request_status"),
        ),
        sa.CheckConstraint(
            "kind = 'export' OR storage_key IS NULL", name=op.f("ck_data_request_storage_key")
        ),
        sa.CheckConstraint(
            "kind = 'export' OR due_at IS NOT NULL", name=op.f("ck_data_request_due_at")
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["chat_identity.id"],
            name=op.f("fk_data_request_identity_id_chat_identity"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
        sa.UniqueConstraint("reference", name=op.f("uq_data_request_reference")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_data_request_storage_key")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_data_request_idempotency_key")),
    )
    op.create_index(op.f("ix_data_request_identity_id"), "data_request", ["identity_id"])


def downgrade() -> None:
    """Drop the tables and columns, with what is in them."""
    op.drop_table("data_request")
    op.drop_table("complaint_note")
    with op.batch_alter_table("complaint", table_args=_checks("status")) as table:
        table.drop_constraint(op.f("uq_complaint_idempotency_key"), type_="unique")
        table.drop_constraint(op.f("ck_complaint_kind"), type_="check")
        for name in ("idempotency_key", "resolved_at", "answer", "kind"):
            table.drop_column(name)
