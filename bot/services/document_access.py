"""Whose file it is, whether it may still be changed, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.rules.calendar import TZ
from bot.services import audit
from bot.services.document_places import Place, open_place
from bot.services.errors import NotFound
from bot.services.identity import bound_policies
from bot.store.models import DocumentReference


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


def kinds_of(row: DocumentReference) -> tuple[str, ...]:
    """Return all that a file was said to be, the first first."""
    if row.document is None:
        return ()
    return (row.document, *(one.document for one in row.labels))


def own_files(session: Any, identity_id: int, ids: Sequence[int]) -> list[DocumentReference]:
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


def check_changeable(session: Any, identity_id: int, row: DocumentReference) -> None:
    """See that a file was not handed in yet.

    Raises:
        Refused: ``claim_closed``.
    """
    place = row.claim or row.authorization
    if place is not None:
        open_place(session, identity_id, place.reference)


def record(
    session: Any, identity_id: int, now: datetime, what: str, row: DocumentReference, **detail: Any
) -> None:
    """Write a change of a file into the audit."""
    audit.record(
        session,
        at=now,
        actor=audit.identity_actor(identity_id),
        action=f"document.{what}",
        subject=subject(row),
        **detail,
    )


def subject(row: DocumentReference) -> str:
    """Name a file in the audit."""
    return f"document:{row.id}"


def view_of(row: DocumentReference) -> DocumentView:
    """Return a file as its parent may see it."""
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
