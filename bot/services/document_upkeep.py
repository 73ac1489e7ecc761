"""What staff and the worker do with files: note what cannot be read, delete what nobody filed."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.services import audit
from bot.services.document_access import DocumentView, kinds_of, subject, view_of
from bot.services.document_places import unmark
from bot.services.documents import drop
from bot.services.errors import NotFound
from bot.store.files import FileStore
from bot.store.models import DocumentReference
from bot.store.session import Store

KEPT_UNFILED = timedelta(days=30)
# A file that is being received has no row yet.
ORPHANED_AFTER = timedelta(days=1)


def mark_unreadable(store: Store, *, document_id: int, actor: str, now: datetime) -> DocumentView:
    """Note, for staff, that a file cannot be read: its papers count as missing again.

    Raises:
        NotFound: There is no such file.
    """
    with store.begin() as session:
        row = session.get(DocumentReference, document_id)
        if row is None:
            raise NotFound(str(document_id))
        if row.status == "current":
            row.status = "unreadable"
            session.flush()
            unmark(session, row, set(kinds_of(row)), kinds_of)
            audit.record(
                session, at=now, actor=actor, action="document.unreadable", subject=subject(row)
            )
        return view_of(row)


def purge(store: Store, files: FileStore, *, now: datetime) -> int:
    """Delete what was sent 30 days ago and never filed, and bytes that no row knows.

    Returns:
        How many files were deleted from the file store.
    """
    with store.begin() as session:
        late = session.scalars(
            sa.select(DocumentReference).where(
                DocumentReference.claim_id.is_(None),  # type: ignore[union-attr]
                DocumentReference.authorization_id.is_(None),  # type: ignore[union-attr]
                DocumentReference.received_at < now - KEPT_UNFILED,
            )
        )
        expired = []
        for row in late.all():
            audit.record(
                session, at=now, actor="worker", action="document.expire", subject=subject(row)
            )
            expired.append(drop(session, row))
    written = [name for name, at in files.stored() if at < now - ORPHANED_AFTER]
    with store.read() as session:
        known = set(session.scalars(sa.select(DocumentReference.storage_key)))
    orphans = [name for name in written if name not in known]
    gone = {*expired, *orphans}
    for key in gone:
        files.delete(key)
    return len(gone)
