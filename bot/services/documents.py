"""The papers that parents send: received, named, filed, replaced, removed (手册·理赔流程 C6).

A file belongs to the chat account that sent it until it is filed to a claim or an authorization;
from then on to whoever is bound to that policy. It may arrive before or after the claim is opened,
and be named before or after it is filed. Somebody else's file is the same as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.documents import paper_of_filename
from bot.services import audit, media
from bot.services.document_places import (
    Papers,
    Place,
    mark,
    open_place,
    papers_of,
    unmark,
)
from bot.services.errors import NotFound, Refused
from bot.services.identity import bound_policies
from bot.store.files import FileStore
from bot.store.models import PAPER_KINDS, DocumentLabel, DocumentReference
from bot.store.session import Store

# 手册·理赔流程 sets none; so that nobody fills the disk, and staff can look at all of them.
MOST_FILES = 30
KEPT_UNFILED = timedelta(days=30)
# A file that is being received has no row yet.
ORPHANED_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class ReceivedDocument:
    """A file that was kept.

    ``questions`` holds ``blurry`` or ``tiny`` where it should be looked at again; ``duplicate``
    tells that the same file was there already, unfiled, and was not stored again.
    """

    id: int
    media_type: str
    questions: tuple[str, ...]
    duplicate: bool = False


@dataclass(frozen=True)
class DocumentView:
    """A file as its parent may see it; ``received_at`` in Asia/Shanghai.

    ``kinds`` are what it was said to be (several, if it shows several), ``suggested`` what its
    name says, ``reference`` the claim or authorization that it is filed to.
    """

    id: int
    kinds: tuple[str, ...]
    suggested: str | None
    media_type: str
    question: str | None
    status: str
    reference: str | None
    received_at: datetime


@dataclass(frozen=True)
class Filed:
    """Papers after filing; ``duplicates`` were there already and are not kept twice."""

    papers: Papers
    duplicates: tuple[int, ...]


def receive(
    store: Store,
    files: FileStore,
    *,
    identity_id: int,
    content: bytes,
    filename: str | None,
    now: datetime,
) -> ReceivedDocument:
    """Check a file by its content and keep it, not yet filed anywhere (手册·理赔流程 C6).

    Args:
        store: The store.
        files: The file store.
        identity_id: Who sent it; need not be bound.
        content: All its bytes.
        filename: Its name, if the channel has one; a hint at what it is, and not kept.
        now: Aware.

    Raises:
        Refused: As :func:`bot.services.media.check`; ``too_many_files`` with 30 unfiled ones.
    """
    seen = media.check(content)
    with store.read() as session:
        known = _unfiled_twin(session, identity_id, seen.sha256)
        if known is not None:
            return _received(known, duplicate=True)
        _check_room(session, identity_id)
    key = files.put(seen.content)
    try:
        with store.begin() as session:
            # Two of the same may arrive at once.
            known = _unfiled_twin(session, identity_id, seen.sha256)
            if known is None:
                _check_room(session, identity_id)
                row = DocumentReference(
                    identity_id=identity_id,
                    media_type=seen.media_type,
                    size=len(seen.content),
                    sha256=seen.sha256,
                    storage_key=key,
                    suggested=paper_of_filename(filename or ""),
                    question=seen.question,
                    received_at=now,
                )
                session.add(row)
                session.flush()
                _record(session, identity_id, now, "receive", row)
                return _received(row, duplicate=False)
    except BaseException:
        files.delete(key)
        raise
    files.delete(key)
    return _received(known, duplicate=True)


def view(store: Store, *, identity_id: int, ids: Sequence[int]) -> list[DocumentView]:
    """Return files by their ids, in this order.

    Raises:
        NotFound: One is not this account's.
    """
    with store.read() as session:
        return [_view(row) for row in _own(session, identity_id, ids)]


def unfiled(store: Store, *, identity_id: int) -> list[DocumentView]:
    """Return the files that this account has sent and not filed yet, oldest first."""
    with store.read() as session:
        query = _unfiled(identity_id).order_by(DocumentReference.id)
        return [_view(row) for row in session.scalars(query)]


def filed(store: Store, *, identity_id: int, reference: str) -> list[DocumentView]:
    """Return the files of a claim or authorization, oldest first, replaced ones left out.

    Raises:
        NotFound: There is none of this number on this account's policies.
    """
    with store.read() as session:
        place = open_place(session, identity_id, reference, closed_too=True)
        rows = [row for row in place.files(session) if row.status != "superseded"]
        return [_view(row) for row in rows]


def papers(store: Store, *, identity_id: int, reference: str) -> Papers:
    """Return which papers of a claim or authorization are here and which are not (C6).

    Raises:
        NotFound: There is none of this number on this account's policies.
    """
    with store.read() as session:
        return papers_of(session, open_place(session, identity_id, reference, closed_too=True))


def label(
    store: Store, *, identity_id: int, ids: Sequence[int], kinds: Sequence[str], now: datetime
) -> list[DocumentView]:
    """Say what files show; what was said before is forgotten, the checklist follows.

    Args:
        store: The store.
        identity_id: Who says it.
        ids: The files.
        kinds: Of ``PAPER_KINDS``, at least one: all files show all of them.
        now: Aware.

    Raises:
        NotFound: A file is not this account's.
        Refused: ``claim_closed``: it belongs to what was handed in already.
        ValueError: There is no such kind.
    """
    wanted = tuple(dict.fromkeys(kinds))
    if not wanted or set(wanted) - set(PAPER_KINDS):
        msg = f"no kind of paper: {kinds!r}"
        raise ValueError(msg)
    with store.begin() as session:
        rows = _own(session, identity_id, ids)
        for row in rows:
            _check_changeable(session, identity_id, row)
            before = kinds_of(row)
            if before == wanted:
                continue
            row.document = wanted[0]
            row.labels[:] = [
                *(one for one in row.labels if one.document in wanted[1:]),
                *(DocumentLabel(document=kind) for kind in wanted[1:] if kind not in before[1:]),
            ]
            session.flush()
            unmark(session, row, set(before) - set(wanted), kinds_of)
            mark(session, row, wanted)
            _record(session, identity_id, now, "label", row, kinds=list(wanted))
        session.flush()
        return [_view(row) for row in rows]


def attach(
    store: Store,
    files: FileStore,
    *,
    identity_id: int,
    ids: Sequence[int],
    reference: str,
    now: datetime,
) -> Filed:
    """File files to a claim or authorization of an own policy that still takes papers.

    One that is there already, to the byte, is not kept twice. A file may move from one open claim
    to another.

    Raises:
        NotFound: A file, or the claim or authorization, is not this account's.
        Refused: ``claim_closed``, or ``too_many_files``: it would have more than 30.
    """
    dropped: list[str] = []
    duplicates = []
    with store.begin() as session:
        place = open_place(session, identity_id, reference)
        twins = {row.sha256: row for row in place.files(session)}
        current = sum(row.status == "current" for row in twins.values())
        for row in _own(session, identity_id, ids):
            if place.holds(row):
                continue
            _check_changeable(session, identity_id, row)
            twin = twins.get(row.sha256)
            if twin is not None and twin.status == "current":
                duplicates.append(row.id)
                dropped.append(_drop(session, row))
                continue
            if twin is not None:
                dropped.append(_drop(session, twin))
            current += 1
            if current > MOST_FILES:
                raise Refused("too_many_files")
            unmark(session, row, set(kinds_of(row)), kinds_of)
            row.claim_id, row.authorization_id = place.claim_id, place.authorization_id
            row.status = "current"
            twins[row.sha256] = row
            _moved(session, row)
            mark(session, row, kinds_of(row))
            _record(session, identity_id, now, "attach", row, to=reference)
        session.flush()
        found = papers_of(session, place)
    for key in dropped:
        files.delete(key)
    return Filed(found, tuple(duplicates))


def replace(
    store: Store, *, identity_id: int, old: Sequence[int], new: int, now: datetime
) -> DocumentView:
    """Put a new file in the place of old ones: filed as they were, named as they were.

    The old ones are kept as ``superseded``: what staff may have looked at does not vanish.

    Raises:
        NotFound: A file is not this account's.
        Refused: ``claim_closed``.
    """
    with store.begin() as session:
        rows = _own(session, identity_id, old)
        (fresh,) = _own(session, identity_id, [new])
        for row in (*rows, fresh):
            _check_changeable(session, identity_id, row)
        first = rows[0]
        if fresh.document is None:
            fresh.document = first.document
            fresh.labels[:] = [DocumentLabel(document=one.document) for one in first.labels]
        fresh.claim_id, fresh.authorization_id = first.claim_id, first.authorization_id
        _moved(session, fresh)
        for row in rows:
            row.status = "superseded"
            session.flush()
            unmark(session, row, set(kinds_of(row)), kinds_of)
            _record(session, identity_id, now, "replace", row, by=fresh.id)
        mark(session, fresh, kinds_of(fresh))
        session.flush()
        return _view(fresh)


def remove(
    store: Store, files: FileStore, *, identity_id: int, ids: Sequence[int], now: datetime
) -> list[DocumentView]:
    """Delete files, the bytes too; the checklist follows. Returns what they were.

    Raises:
        NotFound: A file is not this account's.
        Refused: ``claim_closed``: it was handed in already.
    """
    with store.begin() as session:
        rows = _own(session, identity_id, ids)
        told = [_view(row) for row in rows]
        dropped = []
        for row in rows:
            _check_changeable(session, identity_id, row)
            _record(session, identity_id, now, "remove", row)
            dropped.append(_drop(session, row))
    for key in dropped:
        files.delete(key)
    return told


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
                session, at=now, actor=actor, action="document.unreadable", subject=_subject(row)
            )
        return _view(row)


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
                session, at=now, actor="worker", action="document.expire", subject=_subject(row)
            )
            expired.append(_drop(session, row))
    written = [name for name, at in files.stored() if at < now - ORPHANED_AFTER]
    with store.read() as session:
        known = set(session.scalars(sa.select(DocumentReference.storage_key)))
    orphans = [name for name in written if name not in known]
    gone = {*expired, *orphans}
    for key in gone:
        files.delete(key)
    return len(gone)


def kinds_of(row: DocumentReference) -> tuple[str, ...]:
    """Return all that a file was said to be, the first first."""
    if row.document is None:
        return ()
    return (row.document, *(one.document for one in row.labels))


def _own(session: Any, identity_id: int, ids: Sequence[int]) -> list[DocumentReference]:
    """Return files by id if this account may see them now.

    Raises:
        NotFound: One it may not see, or that does not exist: it is not said which.
    """
    policies = {policy.id for policy in bound_policies(session, identity_id)}
    rows = []
    for document_id in dict.fromkeys(ids):
        row = session.get(DocumentReference, document_id)
        if row is None or not _may_see(row, identity_id, policies):
            raise NotFound(str(document_id))
        rows.append(row)
    return rows


def _may_see(row: DocumentReference, identity_id: int, policies: set[int]) -> bool:
    place = row.claim or row.authorization
    return row.identity_id == identity_id if place is None else place.policy_id in policies


def _check_changeable(session: Any, identity_id: int, row: DocumentReference) -> None:
    place = row.claim or row.authorization
    if place is not None:
        open_place(session, identity_id, place.reference)


def _unfiled(identity_id: int) -> Any:
    return sa.select(DocumentReference).where(
        DocumentReference.identity_id == identity_id,
        DocumentReference.claim_id.is_(None),  # type: ignore[union-attr]
        DocumentReference.authorization_id.is_(None),  # type: ignore[union-attr]
        DocumentReference.status == "current",
    )


def _unfiled_twin(session: Any, identity_id: int, sha256: str) -> DocumentReference | None:
    found: DocumentReference | None = session.scalars(
        _unfiled(identity_id).where(DocumentReference.sha256 == sha256).limit(1)
    ).first()
    return found


def _check_room(session: Any, identity_id: int) -> None:
    count = session.scalar(sa.select(sa.func.count()).select_from(_unfiled(identity_id).subquery()))
    if count >= MOST_FILES:
        raise Refused("too_many_files")


def _drop(session: Any, row: DocumentReference) -> str:
    """Delete a row; return the key of its bytes, to delete after the commit."""
    row.status = "superseded"
    session.flush()
    unmark(session, row, set(kinds_of(row)), kinds_of)
    session.delete(row)
    session.flush()
    return row.storage_key


def _moved(session: Any, row: DocumentReference) -> None:
    session.flush()
    session.expire(row, ["claim", "authorization"])


def _record(
    session: Any, identity_id: int, now: datetime, what: str, row: DocumentReference, **detail: Any
) -> None:
    audit.record(
        session,
        at=now,
        actor=audit.identity_actor(identity_id),
        action=f"document.{what}",
        subject=_subject(row),
        **detail,
    )


def _subject(row: DocumentReference) -> str:
    return f"document:{row.id}"


def _received(row: DocumentReference, *, duplicate: bool) -> ReceivedDocument:
    questions = (row.question,) if row.question else ()
    return ReceivedDocument(row.id, row.media_type, questions, duplicate)


def _view(row: DocumentReference) -> DocumentView:
    place: Place | None = row.claim or row.authorization
    return DocumentView(
        id=row.id,
        kinds=kinds_of(row),
        suggested=row.suggested,
        media_type=row.media_type,
        question=row.question,
        status=row.status,
        reference=place.reference if place else None,
        received_at=row.received_at.astimezone(TZ),
    )
