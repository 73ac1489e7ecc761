"""Keys of the partner API, requests under idempotency keys, webhooks, visits' references."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0010"
branch_labels = None
depends_on = None


def _time(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _id() -> sa.Column:
    return sa.Column("id", sa.Integer(), autoincrement=True, nullable=False)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete="RESTRICT"
    )


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_key",
        _id(),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        _time("created_at"),
        _time("last_used_at", nullable=True),
        _time("expires_at", nullable=True),
        _time("revoked_at", nullable=True),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_api_key_hash")),
        sa.CheckConstraint(
            "expires_at IS NULL OR expires_at > created_at", name=op.f("ck_api_key_expires_at")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
    op.create_table(
        "api_request",
        _id(),
        sa.Column("api_key_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        _time("lease_until"),
        _time("expires_at"),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status IS NULL) = (answer IS NULL)", name=op.f("ck_api_request_answer")
        ),
        sa.CheckConstraint("status >= 200 AND status < 500", name=op.f("ck_api_request_status")),
        _to("api_request", "api_key_id", "api_key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_request")),
        sa.UniqueConstraint(
            "api_key_id", "idempotency_key", name=op.f("uq_api_request_api_key_id")
        ),
    )
    op.create_table(
        "webhook_endpoint",
        _id(),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("api_key_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        _time("created_at"),
        _time("ended_at", nullable=True),
        _to("webhook_endpoint", "api_key_id", "api_key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
        sa.UniqueConstraint("reference", name=op.f("uq_webhook_endpoint_reference")),
    )
    op.create_table(
        "webhook_event",
        _id(),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        _time("at"),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("reference", name=op.f("uq_webhook_event_reference")),
    )
    op.create_table(
        "webhook_delivery",
        _id(),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("endpoint_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("next_at"),
        sa.Column("owner", sa.String(length=32), nullable=True),
        _time("lease_until", nullable=True),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(length=100), nullable=True),
        _time("ended_at", nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'delivered', 'dead')",
            name=op.f("ck_webhook_delivery_status"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhook_delivery_attempts")),
        sa.CheckConstraint(
            "(status = 'sending') = (lease_until IS NOT NULL)",
            name=op.f("ck_webhook_delivery_lease"),
        ),
        _to("webhook_delivery", "event_id", "webhook_event"),
        _to("webhook_delivery", "endpoint_id", "webhook_endpoint"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("event_id", "endpoint_id", name=op.f("uq_webhook_delivery_event_id")),
    )
    for table, column in (
        ("api_request", "api_key_id"),
        ("api_request", "expires_at"),
        ("webhook_endpoint", "api_key_id"),
        ("webhook_delivery", "event_id"),
        ("webhook_delivery", "endpoint_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["status", "next_at"])
    with op.batch_alter_table("visit") as batch:
        batch.add_column(sa.Column("reference", sa.String(length=64), nullable=True))
        batch.create_unique_constraint(batch.f("uq_visit_reference"), ["reference"])


def downgrade() -> None:
    """Drop the tables; what partners call visits is forgotten."""
    with op.batch_alter_table("visit") as batch:
        batch.drop_constraint(batch.f("uq_visit_reference"), type_="unique")
        batch.drop_column("reference")
    for table in (
        "webhook_delivery",
        "webhook_event",
        "webhook_endpoint",
        "api_request",
        "api_key",
    ):
        op.drop_table(table)
