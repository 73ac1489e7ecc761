"""Where papers are filed: claims and authorizations that still take some, and what they lack."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from bot.rules.states import AuthorizationState, ClaimState
from bot.services.errors import NotFound, Refused
from bot.services.identity import bound_policies, policy_ids
from bot.store import queries
from bot.store.models import (
    AUTHORIZATION_DOCUMENT_KINDS,
    Authorization,
    Claim,
    ClaimRequirement,
    DocumentReference,
)
from bot.store.session import Store

Place = Claim | Authorization
# What has been handed in is as staff saw it, until they ask for more.
OPEN_CLAIMS = frozenset({ClaimState.DRAFT.value, ClaimState.DOCUMENTS_MISSING.value})
WAITING_AUTHORIZATIONS = frozenset(
    {
        AuthorizationState.DRAFT.value,
        AuthorizationState.SUBMITTED.value,
        AuthorizationState.DOCUMENTS_MISSING.value,
    }
)
# Under review, papers may still be added; they are not waited for.
OPEN_AUTHORIZATIONS = WAITING_AUTHORIZATIONS | {AuthorizationState.UNDER_REVIEW.value}


@dataclass(frozen=True)
class Papers:
    """A claim or an authorization and its papers.

    Attributes:
        reference: Its number.
        kind: The kind of claim, or ``authorization``.
        policy: The policy's number.
        child: The child's name.
        place: The hospital, if known.
        what: The treatment of an authorization, else ``None``.
        day: Of the visit or the treatment (local).
        lines: Every paper that is asked for, and whether it is here.
        extra: Kinds of papers that are here and were not asked for.
        files: How many files it has.
        unnamed: How many of them nobody has said what they are.
        open: Whether it takes papers.
        waiting: Whether papers are waited for.
    """

    reference: str
    kind: str
    policy: str
    child: str
    place: str | None
    what: str | None
    day: date | None
    lines: tuple[tuple[str, bool], ...]
    extra: tuple[str, ...]
    files: int
    unnamed: int
    open: bool
    waiting: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The papers that are asked for and not here."""
        return tuple(kind for kind, received in self.lines if not received)


@dataclass(frozen=True)
class OpenPlace:
    """A claim or an authorization of an own policy."""

    row: Place

    @property
    def claim_id(self) -> int | None:
        """The claim's row, if it is one."""
        return self.row.id if isinstance(self.row, Claim) else None

    @property
    def authorization_id(self) -> int | None:
        """The authorization's row, if it is one."""
        return self.row.id if isinstance(self.row, Authorization) else None

    def holds(self, file: DocumentReference) -> bool:
        """Tell whether a file is filed here."""
        here = (self.claim_id, self.authorization_id)
        return (file.claim_id, file.authorization_id) == here

    def files(self, session: Any) -> list[DocumentReference]:
        """Return its files, oldest first, replaced and unreadable ones too."""
        return list(
            session.scalars(
                sa.select(DocumentReference)
                .where(
                    DocumentReference.claim_id == self.claim_id,
                    DocumentReference.authorization_id == self.authorization_id,
                )
                .order_by(DocumentReference.id)
            )
        )


def open_places(store: Store, *, identity_id: int) -> list[Papers]:
    """Return the claims and authorizations of all bound policies that take papers.

    Those that wait for papers come first, then the newest.
    """
    with store.read() as session:
        ids = policy_ids(session, identity_id)
        rows: list[Place] = [c for c in queries.claims_of(session, ids) if c.status in OPEN_CLAIMS]
        rows += [
            a for a in queries.authorizations_of(session, ids) if a.status in OPEN_AUTHORIZATIONS
        ]
        found = [papers_of(session, OpenPlace(row)) for row in rows]
        return sorted(found, key=lambda papers: not papers.waiting)


def open_place(
    session: Any, identity_id: int, reference: str, *, closed_too: bool = False
) -> OpenPlace:
    """Return a claim or authorization by its number, its row locked against other writers.

    Raises:
        NotFound: It is on none of this account's policies.
        Refused: ``claim_closed``: it takes no papers now (unless ``closed_too``).
    """
    policies = {policy.id for policy in bound_policies(session, identity_id)}
    for table in (Claim, Authorization):
        query = sa.select(table).where(table.reference == reference)
        row = session.scalars(query if closed_too else query.with_for_update()).one_or_none()
        if row is None:
            continue
        if row.policy_id not in policies:
            break
        if not closed_too and not _takes_papers(row):
            raise Refused("claim_closed")
        return OpenPlace(row)
    raise NotFound(reference)


def papers_of(session: Any, place: OpenPlace) -> Papers:
    """Return what is here and what is not."""
    row = place.row
    files = [file for file in place.files(session) if file.status == "current"]
    here = [kind for file in files for kind in _kinds(file)]
    if isinstance(row, Claim):
        asked = session.scalars(
            sa.select(ClaimRequirement)
            .where(ClaimRequirement.claim_id == row.id)
            .order_by(ClaimRequirement.id)
        )
        lines = tuple((one.document, one.received) for one in asked)
        name = row.hospital.name if row.hospital else row.hospital_name
        kind, what, day, waits = row.kind, None, row.visited_on, OPEN_CLAIMS
    else:
        name = row.hospital.name if row.hospital else None
        kind, what, day, waits = (
            "authorization", row.treatment, row.treatment_on, WAITING_AUTHORIZATIONS
        )  # fmt: skip
        lines = tuple((one, one in here) for one in AUTHORIZATION_DOCUMENT_KINDS)
    asked_for = {one for one, _ in lines}
    return Papers(
        reference=row.reference,
        kind=kind,
        policy=row.policy.number,
        child=row.policy.child.name,
        place=name,
        what=what,
        day=day,
        lines=lines,
        extra=tuple(dict.fromkeys(one for one in here if one not in asked_for)),
        files=len(files),
        unnamed=sum(file.document is None for file in files),
        open=_takes_papers(row),
        waiting=row.status in waits,
    )


def mark(session: Any, file: DocumentReference, kinds: Collection[str]) -> None:
    """Tick the lines of a claim's checklist that a file fills."""
    if file.claim_id is None or file.status != "current":
        return
    for line in _lines(session, file.claim_id, kinds):
        if not line.received:
            line.received, line.file_id = True, file.id
    session.flush()


def unmark(
    session: Any,
    file: DocumentReference,
    kinds: Collection[str],
    kinds_of: Callable[[DocumentReference], Collection[str]],
) -> None:
    """Untick what a file had ticked and shows no longer, unless another file shows it.

    A line that was ticked without a file, by staff, stays.
    """
    if file.claim_id is None:
        return
    others = session.scalars(
        sa.select(DocumentReference)
        .where(
            DocumentReference.claim_id == file.claim_id,
            DocumentReference.status == "current",
            DocumentReference.id != file.id,
        )
        .order_by(DocumentReference.id)
    ).all()
    for line in _lines(session, file.claim_id, kinds):
        if line.file_id == file.id:
            other = next((one.id for one in others if line.document in kinds_of(one)), None)
            # What staff have asked for again stays asked for.
            line.received, line.file_id = line.received and other is not None, other
    session.flush()


def _lines(session: Any, claim_id: int, kinds: Collection[str]) -> list[ClaimRequirement]:
    query = sa.select(ClaimRequirement).where(ClaimRequirement.claim_id == claim_id)
    return [line for line in session.scalars(query) if line.document in kinds]


def _kinds(file: DocumentReference) -> list[str]:
    return [file.document, *(one.document for one in file.labels)] if file.document else []


def _takes_papers(row: Place) -> bool:
    return row.status in (OPEN_CLAIMS if isinstance(row, Claim) else OPEN_AUTHORIZATIONS)
