"""The parents' files as staff see them: beside the claim or authorization they belong to.

A file that belongs to neither is its parent's alone. Whoever opens one is written down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from bot.render import pdf_pages
from bot.rules.calendar import local
from bot.services import audit
from bot.services.document_access import kinds_of, subject
from bot.services.errors import NotFound
from bot.store.files import FileStore, FileStoreError
from bot.store.models import Authorization, ChatIdentity, Claim, DocumentReference
from bot.store.session import Store

PDF = "application/pdf"


@dataclass(frozen=True)
class StaffDocument:
    """A file of a claim or authorization; ``received_at`` in Asia/Shanghai.

    ``status`` is ``current``, ``unreadable`` (asked for again) or ``superseded``; ``question``
    says what made its picture doubtful when it came. ``sender`` is the number of the chat account
    that sent it, ``channel`` where that is. ``pages`` is 0 if a PDF cannot be drawn, or its bytes
    are gone.
    """

    id: int
    kinds: tuple[str, ...]
    media_type: str
    status: str
    question: str | None
    received_at: datetime
    sender: int
    channel: str
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
    query = sa.select(DocumentReference, ChatIdentity.channel).join(
        ChatIdentity, ChatIdentity.id == DocumentReference.identity_id
    )
    with store.read() as session:
        found = [
            (row.storage_key, _seen(row, channel))
            for row, channel in session.execute(query.where(belongs))
        ]
    found.sort(key=lambda one: (one[1].status != "current", one[1].received_at, one[1].id))
    # Outside of the transaction: files may be far away and large.
    return tuple(
        replace(one, pages=_pages(files, key)) if one.media_type == PDF else one
        for key, one in found
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


def _seen(row: DocumentReference, channel: str) -> StaffDocument:
    return StaffDocument(
        id=row.id,
        kinds=kinds_of(row),
        media_type=row.media_type,
        status=row.status,
        question=row.question,
        received_at=local(row.received_at),
        sender=row.identity_id,
        channel=channel,
        pages=1,
    )


def _pages(files: FileStore, key: str) -> int:
    # One file that is gone or damaged does not hide the others.
    try:
        return _counted(files, key)
    except FileStoreError:
        return 0


@lru_cache(maxsize=2_000)
def _counted(files: FileStore, key: str) -> int:
    # A file never changes under its name.
    return pdf_pages.count(files.get(key))
