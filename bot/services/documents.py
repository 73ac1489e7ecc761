"""The papers that parents send: received, named, filed, replaced, removed (手册·理赔流程 C6).

A file belongs to the chat account that sent it until it is filed to a claim or an authorization;
from then on to whoever is bound to that policy. It may arrive before or after the claim is opened,
and be named before or after it is filed. Somebody else's file is the same as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.rules.documents import paper_of_filename
from bot.services import chat_files, media
from bot.services.document_access import (
    DocumentView,
    check_changeable,
    kinds_of,
    own_files,
    record,
    view_of,
)
from bot.services.document_places import Papers, mark, open_place, papers_of, unmark
from bot.services.errors import Refused
from bot.store.files import FileStore
from bot.store.models import PAPER_KINDS, DocumentLabel, DocumentReference
from bot.store.session import Store

# 手册·理赔流程 sets none; so that nobody fills the disk, and staff can look at all of them.
MOST_FILES = 30


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
                record(session, identity_id, now, "receive", row)
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
        return [view_of(row) for row in own_files(session, identity_id, ids)]


def unfiled(store: Store, *, identity_id: int) -> list[DocumentView]:
    """Return the files that this account has sent and not filed yet, oldest first."""
    with store.read() as session:
        query = _unfiled(identity_id).order_by(DocumentReference.id)
        return [view_of(row) for row in session.scalars(query)]


def filed(store: Store, *, identity_id: int, reference: str) -> list[DocumentView]:
    """Return the files of a claim or authorization, oldest first, replaced ones left out.

    Raises:
        NotFound: There is none of this number on this account's policies.
    """
    with store.read() as session:
        place = open_place(session, identity_id, reference, closed_too=True)
        rows = [row for row in place.files(session) if row.status != "superseded"]
        return [view_of(row) for row in rows]


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
        rows = own_files(session, identity_id, ids)
        for row in rows:
            check_changeable(session, identity_id, row)
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
            record(session, identity_id, now, "label", row, kinds=list(wanted))
        session.flush()
        return [view_of(row) for row in rows]


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
        for row in own_files(session, identity_id, ids):
            if place.holds(row):
                continue
            check_changeable(session, identity_id, row)
            twin = twins.get(row.sha256)
            if twin is not None and twin.status == "current":
                duplicates.append(row.id)
                dropped.append(drop(session, row, twin))
                continue
            if twin is not None:
                dropped.append(drop(session, twin, row))
            current += 1
            if current > MOST_FILES:
                raise Refused("too_many_files")
            unmark(session, row, set(kinds_of(row)), kinds_of)
            row.claim_id, row.authorization_id = place.claim_id, place.authorization_id
            row.status = "current"
            twins[row.sha256] = row
            _moved(session, row)
            mark(session, row, kinds_of(row))
            record(session, identity_id, now, "attach", row, to=reference)
        session.flush()
        found = papers_of(session, place)
    for key in dropped:
        files.delete(key)
    return Filed(found, tuple(duplicates))


def detach(store: Store, *, identity_id: int, ids: Sequence[int], now: datetime) -> None:
    """Take files out of the claim or authorization that they were filed to by mistake.

    Raises:
        NotFound: A file is not this account's.
        Refused: ``claim_closed``.
    """
    with store.begin() as session:
        for row in own_files(session, identity_id, ids):
            check_changeable(session, identity_id, row)
            if row.claim_id is None and row.authorization_id is None:
                continue
            unmark(session, row, set(kinds_of(row)), kinds_of)
            # From here on it is this account's alone.
            row.claim_id = row.authorization_id = None
            row.identity_id = identity_id
            _moved(session, row)
            record(session, identity_id, now, "detach", row)


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
        rows = own_files(session, identity_id, old)
        (fresh,) = own_files(session, identity_id, [new])
        for row in (*rows, fresh):
            check_changeable(session, identity_id, row)
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
            record(session, identity_id, now, "replace", row, by=fresh.id)
        mark(session, fresh, kinds_of(fresh))
        session.flush()
        return view_of(fresh)


def remove(
    store: Store, files: FileStore, *, identity_id: int, ids: Sequence[int], now: datetime
) -> list[DocumentView]:
    """Delete files, the bytes too; the checklist follows. Returns what they were.

    Raises:
        NotFound: A file is not this account's.
        Refused: ``claim_closed``: it was handed in already.
    """
    with store.begin() as session:
        rows = own_files(session, identity_id, ids)
        told = [view_of(row) for row in rows]
        dropped = []
        for row in rows:
            check_changeable(session, identity_id, row)
            record(session, identity_id, now, "remove", row)
            dropped.append(drop(session, row))
    for key in dropped:
        files.delete(key)
    return told


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


def drop(session: Any, row: DocumentReference, instead: DocumentReference | None = None) -> str:
    """Delete a row; return the key of its bytes, to delete after the commit.

    Args:
        session: The transaction.
        row: The file.
        instead: The same file, to the byte, that stays.
    """
    chat_files.take_out(session, row, instead)
    row.status = "superseded"
    session.flush()
    unmark(session, row, set(kinds_of(row)), kinds_of)
    session.delete(row)
    session.flush()
    return row.storage_key


def _moved(session: Any, row: DocumentReference) -> None:
    session.flush()
    session.expire(row, ["claim", "authorization"])


def _received(row: DocumentReference, *, duplicate: bool) -> ReceivedDocument:
    questions = (row.question,) if row.question else ()
    return ReceivedDocument(row.id, row.media_type, questions, duplicate)
