"""The parents' files as staff see them: beside the claim or authorization they belong to.

A file that belongs to neither is its parent's alone. Whoever opens one is written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.render import pdf_pages
from bot.rules.calendar import local
from bot.services import audit
from bot.services.document_access import kinds_of, subject
from bot.services.errors import NotFound
from bot.store.files import FileGoneError, FileStore
from bot.store.models import Authorization, Claim, DocumentReference
from bot.store.session import Store

PDF = "application/pdf"


@dataclass(frozen=True)
class StaffDocument:
    """A file of a claim or authorization; ``received_at`` in Asia/Shanghai.

    ``status`` is ``current``, ``unreadable`` (asked for again) or ``superseded``; ``question``
    says what made its picture doubtful when it came. ``pages`` is 0 if a PDF cannot be drawn, or
    its bytes are gone.
    """

    id: int
    kinds: tuple[str, ...]
    media_type: str
    status: str
    question: str | None
    received_at: datetime
    pages: int


def documents_of(store: Store, files: FileStore, *, reference: str) -> tuple[StaffDocument, ...]:
    """Return the files of a claim or authorization: those that count first, then by arrival."""
    belongs = sa.or_(
        DocumentReference.claim_id.in_(  # type: ignore[union-attr]
            sa.select(Claim.id).where(Claim.reference == reference)
        ),
        DocumentReference.authorization_id.in_(  # type: ignore[union-attr]
            sa.select(Authorization.id).where(Authorization.reference == reference)
        ),
    )
    with store.read() as session:
        rows = list(session.scalars(sa.select(DocumentReference).where(belongs)))
        rows.sort(key=lambda row: (row.status != "current", row.received_at, row.id))
        return tuple(
            StaffDocument(
                row.id,
                kinds_of(row),
                row.media_type,
                row.status,
                row.question,
                local(row.received_at),
                _pages(files, row),
            )
            for row in rows
        )


def opened(
    store: Store, files: FileStore, *, document_id: int, actor: str, now: datetime
) -> tuple[str, bytes]:
    """Return a file's media type and content for staff; who opened it is written to the audit.

    Raises:
        NotFound: There is none that belongs to a claim or authorization.
        bot.store.files.FileStoreError: It cannot be read.
    """
    with store.begin() as session:
        row = session.get(DocumentReference, document_id)
        if row is None or (row.claim_id is None and row.authorization_id is None):
            raise NotFound("document")
        media_type, key = row.media_type, row.storage_key
        audit.record(session, at=now, actor=actor, action="document.seen", subject=subject(row))
    return media_type, files.get(key)


def _pages(files: FileStore, row: DocumentReference) -> int:
    if row.media_type != PDF:
        return 1
    try:
        return pdf_pages.count(files.get(row.storage_key))
    except FileGoneError:
        return 0
