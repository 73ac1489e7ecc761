"""Conversations with people: hand-offs at length, their lines, agents, office hours, replies."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STATES = "'requested', 'queued', 'assigned', 'human', 'snoozed', 'resolved'"
COLUMNS = (
    ("message", sa.Text()),
    ("phone", sa.String(length=20)),
    ("due_at", TIME),
    ("agent_id", sa.Integer()),
    ("avoid_agent_id", sa.Integer()),
    ("queued_at", TIME),
    ("assigned_at", TIME),
    ("accepted_at", TIME),
    ("first_reply_at", TIME),
    ("parent_waits_since", TIME),
    ("agent_spoke_at", TIME),
    ("snoozed_until", TIME),
    ("rating", sa.Integer()),
    ("rating_note", sa.String(length=200)),
    ("rated_at", TIME),
    ("open_key", sa.String(length=32)),
)
NEEDED = (
    ("wish", sa.String(length=16), "chat"),
    ("priority", sa.Integer(), "2"),
    ("takeovers", sa.Integer(), "0"),
    ("rating_step", sa.String(length=8), "none"),
    ("last_seq", sa.Integer(), "0"),
)
CHECKS = (
    (
        "end_reason",
        "end_reason IN ('resolved_by_agent', 'ended_by_parent', 'parent_left',"
        " 'assignment_timeout', 'agent_silent', 'internal_error', 'answered')",
    ),
    ("wish", "wish IN ('chat', 'message', 'call_back')"),
    ("rating_step", "rating_step IN ('none', 'asked', 'note', 'closed')"),
    ("rating", "rating BETWEEN 1 AND 5"),
    ("priority", "priority BETWEEN 0 AND 2"),
    ("takeovers", "takeovers >= 0"),
    ("agent", "status NOT IN ('assigned', 'human', 'snoozed') OR agent_id IS NOT NULL"),
    ("snoozed", "status <> 'snoozed' OR snoozed_until IS NOT NULL"),
    ("open_key", "status <> 'resolved' OR open_key IS NULL"),
    ("phone", "wish <> 'call_back' OR phone IS NOT NULL"),
)


def upgrade() -> None:
    """Add the columns and the tables; what is open keeps its place."""
    with op.batch_alter_table("handoff") as batch:
        for name, kind in COLUMNS:
            batch.add_column(sa.Column(name, kind, nullable=True))
        for name, kind, default in NEEDED:
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=default))
    # Nobody has worked on one so far, and an account has one open conversation at most.
    op.execute(
        "UPDATE handoff SET status = 'queued' WHERE status IN ('assigned', 'human', 'snoozed')"
    )
    op.execute("UPDATE handoff SET queued_at = requested_at WHERE status <> 'requested'")
    op.execute("UPDATE handoff SET priority = 0 WHERE urgent")
    op.execute("UPDATE handoff SET wish = 'message' WHERE reason = 'complaint'")
    op.execute(
        "UPDATE handoff SET open_key = 'account:' || identity_id WHERE id IN ("
        "SELECT max(id) FROM handoff WHERE status <> 'resolved' AND reason <> 'complaint'"
        " GROUP BY identity_id)"
    )
    with op.batch_alter_table("handoff") as batch:
        for name, _, _ in NEEDED:
            batch.alter_column(name, server_default=None)
        for name, rule in CHECKS:
            batch.create_check_constraint(op.f(f"ck_handoff_{name}"), rule)
        batch.create_unique_constraint(op.f("uq_handoff_open_key"), ["open_key"])
        batch.create_index(op.f("ix_handoff_agent_id"), ["agent_id"])
        batch.create_index("ix_handoff_queue", ["status", "priority", "requested_at"])
    _conversations()
    _office()


def _conversations() -> None:
    op.create_table(
        "handoff_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("handoff_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("from_status", sa.String(length=16), nullable=False),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            f"from_status IN ('bot', {STATES})", name=op.f("ck_handoff_event_from_status")
        ),
        sa.CheckConstraint(f"to_status IN ({STATES})", name=op.f("ck_handoff_event_to_status")),
        sa.ForeignKeyConstraint(
            ["handoff_id"],
            ["handoff.id"],
            name=op.f("fk_handoff_event_handoff_id_handoff"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_event")),
    )
    op.create_index(op.f("ix_handoff_event_handoff_id"), "handoff_event", ["handoff_id"])
    op.create_index(op.f("ix_handoff_event_at"), "handoff_event", ["at"])
    op.create_table(
        "handoff_message",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("handoff_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("storage_key", sa.String(length=64), nullable=True),
        sa.Column("media_type", sa.String(length=64), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.CheckConstraint(
            "direction IN ('parent', 'agent', 'note', 'system')",
            name=op.f("ck_handoff_message_direction"),
        ),
        sa.CheckConstraint("seq > 0", name=op.f("ck_handoff_message_seq")),
        sa.CheckConstraint("size > 0", name=op.f("ck_handoff_message_size")),
        sa.CheckConstraint(
            "storage_key IS NULL OR media_type IS NOT NULL",
            name=op.f("ck_handoff_message_media_type"),
        ),
        sa.ForeignKeyConstraint(
            ["handoff_id"],
            ["handoff.id"],
            name=op.f("fk_handoff_message_handoff_id_handoff"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document_reference.id"],
            name=op.f("fk_handoff_message_document_id_document_reference"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_message")),
        sa.UniqueConstraint("handoff_id", "seq", name=op.f("uq_handoff_message_handoff_id")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_handoff_message_storage_key")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_handoff_message_idempotency_key")),
    )
    op.create_index(op.f("ix_handoff_message_handoff_id"), "handoff_message", ["handoff_id"])
    op.create_index(op.f("ix_handoff_message_document_id"), "handoff_message", ["document_id"])


def _office() -> None:
    op.create_table(
        "agent_presence",
        sa.Column("agent_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.Column("idle_since", TIME, nullable=False),
        sa.CheckConstraint(
            "status IN ('online', 'busy', 'away', 'offline')",
            name=op.f("ck_agent_presence_status"),
        ),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_agent_presence_capacity")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_agent_presence")),
    )
    op.create_table(
        "office_hours",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("day_kind", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.CheckConstraint("day_kind BETWEEN 0 AND 8", name=op.f("ck_office_hours_day_kind")),
        sa.CheckConstraint(
            "0 <= opens AND opens < closes AND closes <= 1440", name=op.f("ck_office_hours_span")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_hours")),
        sa.UniqueConstraint("day_kind", "opens", name=op.f("uq_office_hours_day_kind")),
    )
    op.create_table(
        "office_exception",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=True),
        sa.Column("closes", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL)"
            " AND (opens IS NULL OR (0 <= opens AND opens < closes AND closes <= 1440))",
            name=op.f("ck_office_exception_span"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_exception")),
        sa.UniqueConstraint("day", "opens", name=op.f("uq_office_exception_day")),
    )
    op.create_index(op.f("ix_office_exception_day"), "office_exception", ["day"])
    op.create_table(
        "canned_reply",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_canned_reply_text")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("code", name=op.f("uq_canned_reply_code")),
    )


def downgrade() -> None:
    """Take the tables and columns away; who was with a person waits again."""
    for table in (
        "canned_reply",
        "office_exception",
        "office_hours",
        "agent_presence",
        "handoff_message",
        "handoff_event",
    ):
        op.drop_table(table)
    with op.batch_alter_table("handoff") as batch:
        batch.drop_index("ix_handoff_queue")
        batch.drop_index(op.f("ix_handoff_agent_id"))
        batch.drop_constraint(op.f("uq_handoff_open_key"), type_="unique")
        for name, _ in CHECKS:
            batch.drop_constraint(op.f(f"ck_handoff_{name}"), type_="check")
        for name, *_ in (*COLUMNS, *NEEDED):
            batch.drop_column(name)
    op.execute(
        "UPDATE handoff SET status = 'queued' WHERE status IN ('assigned', 'human', 'snoozed')"
    )
