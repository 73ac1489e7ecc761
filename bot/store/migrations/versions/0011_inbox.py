"""What an inbound update is, when it was said, and who processes it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = "'text', 'button', 'file', 'contact', 'location', 'voice', 'edited', 'other'"


def upgrade() -> None:
    """Add the columns; what is there already was text."""
    with op.batch_alter_table("inbound_update") as batch:
        batch.add_column(
            sa.Column("kind", sa.String(length=16), nullable=False, server_default="text")
        )
        batch.add_column(sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("owner", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE inbound_update SET said_at = received_at")
    with op.batch_alter_table("inbound_update") as batch:
        batch.alter_column("kind", server_default=None)
        batch.alter_column("attempts", server_default=None)
        batch.alter_column("said_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch.create_check_constraint(op.f("ck_inbound_update_kind"), f"kind IN ({KINDS})")
        batch.create_check_constraint(op.f("ck_inbound_update_attempts"), "attempts >= 0")
        batch.create_index("ix_inbound_update_waiting", ["status", "channel", "account"])


def downgrade() -> None:
    """Take the columns away."""
    with op.batch_alter_table("inbound_update") as batch:
        batch.drop_index("ix_inbound_update_waiting")
        batch.drop_constraint(op.f("ck_inbound_update_attempts"), type_="check")
        batch.drop_constraint(op.f("ck_inbound_update_kind"), type_="check")
        for name in ("attempts", "lease_until", "owner", "said_at", "kind"):
            batch.drop_column(name)
