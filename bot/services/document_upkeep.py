"""What staff and the worker do with files: note what cannot be read, delete what nobody filed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.services import audit
from bot.services.data_export import expired_exports
from bot.services.document_access import DocumentView, kinds_of, subject, view_of
from bot.services.document_places import unmark
from bot.services.documents import drop
from bot.services.errors import NotFound
from bot.store.files import FileStore, FileStoreError
from bot.store.models import DataRequest, DocumentReference, HandOffMessage
from bot.store.session import Store

logger = logging.getLogger(__name__)

KEPT_UNFILED = timedelta(days=30)
# A file that is being received has no row yet.
ORPHANED_AFTER = timedelta(days=1)
# More than a few, and more than this share, are no leftovers: a database was mistaken or restored.
FEW, MOST_ORPHANS = 10, 0.1
# Every row that knows a file: what none of them names belongs to nobody.
KEYS: tuple[Any, ...] = (
    DocumentReference.storage_key,
    HandOffMessage.storage_key,
    DataRequest.storage_key,
)


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


def purge(store: Store, files: FileStore, *, now: datetime, wall: datetime) -> int:
    """Delete what was sent 30 days ago and never filed, and bytes that no row knows.

    What cannot be deleted now is no row's any more, so that it goes the next time.

    Args:
        store: The store.
        files: Where the bytes are.
        now: Business time, aware.
        wall: The machine's time, aware, by which the bytes were written.

    Returns:
        How many files were deleted from the file store.
    """
    # Listed before the rows are read: what is received meanwhile is in neither list.
    written = [name for name, at in files.stored() if at < wall - ORPHANED_AFTER]
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
        ended = expired_exports(session, now)
    with store.read() as session:
        known = {key for column in KEYS for key in session.scalars(sa.select(column))}
    orphans = [name for name in written if name not in known]
    if len(orphans) > max(FEW, len(written) * MOST_ORPHANS):
        logger.error(
            "%d of %d files are in no row, too many to be a crash's: none of them is deleted; "
            "is this the database of these files?",
            len(orphans),
            len(written),
        )
        orphans = []
    gone = {*expired, *ended, *orphans}
    return sum(_deleted(files, name) for name in sorted(gone))


def _deleted(files: FileStore, name: str) -> bool:
    try:
        files.delete(name)
    except (OSError, FileStoreError):
        logger.exception("a file could not be deleted")
        return False
    return True
