"""Papers of authorizations, doubts about a picture, further kinds, what ticked a line."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0013"
branch_labels = None
depends_on = None

_CLAIM_KINDS = (
    "'medical_record', 'id_document', 'e_card', 'bank_account', 'itemised_bill', 'invoice', "
    "'discharge_summary', 'birth_certificate', 'guardian_id', 'claim_form', "
    "'consultation_receipt', 'prescription_receipt'"
)
_PAPER_KINDS = f"{_CLAIM_KINDS}, 'examination_order', 'cost_estimate'"
_OLD = {"document": f"document IN ({_CLAIM_KINDS})"}
_NEW = {
    "document": f"document IN ({_PAPER_KINDS})",
    "suggested": f"suggested IN ({_PAPER_KINDS})",
    "question": "question IN ('blurry', 'tiny')",
    "one_place": "claim_id IS NULL OR authorization_id IS NULL",
}
_TABLE = "document_reference"


def upgrade() -> None:
    """Widen the files' table, add the others."""
    with op.batch_alter_table(_TABLE) as table:
        for name in _OLD:
            table.drop_constraint(op.f(f"ck_{_TABLE}_{name}"), type_="check")
        table.add_column(sa.Column("authorization_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("suggested", sa.String(length=32), nullable=True))
        table.add_column(sa.Column("question", sa.String(length=16), nullable=True))
        table.create_foreign_key(
            op.f("fk_document_reference_authorization_id_prior_authorization"),
            "prior_authorization",
            ["authorization_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        table.create_unique_constraint(
            op.f("uq_document_reference_authorization_id"), ["authorization_id", "sha256"]
        )
        table.create_index(op.f("ix_document_reference_authorization_id"), ["authorization_id"])
        for name, text in _NEW.items():
            table.create_check_constraint(op.f(f"ck_{_TABLE}_{name}"), text)
    op.create_table(
        "document_label",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.CheckConstraint(_NEW["document"], name=op.f("ck_document_label_document")),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["document_reference.id"],
            name=op.f("fk_document_label_file_id_document_reference"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_label")),
        sa.UniqueConstraint("file_id", "document", name=op.f("uq_document_label_file_id")),
    )
    op.create_index(op.f("ix_document_label_file_id"), "document_label", ["file_id"])
    with op.batch_alter_table("claim_requirement") as table:
        table.add_column(sa.Column("file_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            op.f("fk_claim_requirement_file_id_document_reference"),
            "document_reference",
            ["file_id"],
            ["id"],
            ondelete="RESTRICT",
        )
        table.create_index(op.f("ix_claim_requirement_file_id"), ["file_id"])


def downgrade() -> None:
    """Take it back. Files of authorizations, and kinds that are only theirs, are let go of."""
    with op.batch_alter_table("claim_requirement") as table:
        table.drop_index(op.f("ix_claim_requirement_file_id"))
        table.drop_constraint(
            op.f("fk_claim_requirement_file_id_document_reference"), type_="foreignkey"
        )
        table.drop_column("file_id")
    op.drop_table("document_label")
    op.execute(
        "UPDATE document_reference SET document = NULL"
        " WHERE document IN ('examination_order', 'cost_estimate')"
    )
    with op.batch_alter_table(_TABLE) as table:
        for name in _NEW:
            table.drop_constraint(op.f(f"ck_{_TABLE}_{name}"), type_="check")
        table.drop_index(op.f("ix_document_reference_authorization_id"))
        table.drop_constraint(op.f("uq_document_reference_authorization_id"), type_="unique")
        table.drop_constraint(
            op.f("fk_document_reference_authorization_id_prior_authorization"),
            type_="foreignkey",
        )
        table.drop_column("question")
        table.drop_column("suggested")
        table.drop_column("authorization_id")
        for name, text in _OLD.items():
            table.create_check_constraint(op.f(f"ck_{_TABLE}_{name}"), text)
