"""What staff do with prior authorizations: review, ask for papers, decide, send the letter.

Every function takes the version that its caller has read: if the row was changed meanwhile, by a
parent or a colleague, nothing is done. Each writes the history and the audit and tells the parent
what concerns them (手册·事先授权 P1 to P3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.authorizations import Paper
from bot.rules.notifications import NotificationKind
from bot.rules.states import AuthorizationState, can_move
from bot.services.authorizations import AuthorizationView, note, view
from bot.services.desk_search import MOST, matching
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.notifications import notify
from bot.store.models import Authorization, AuthorizationEvent, AuthorizationPaper
from bot.store.session import Store
from bot.texts import texts

OPEN = ("submitted", "under_review", "documents_missing")
LONGEST_REASON = 500


def waiting(store: Store) -> list[AuthorizationView]:
    """Return what is to be decided, and what is approved without a letter; urgent ones first.

    Then by day of treatment.
    """
    with store.read() as session:
        status = Authorization.status
        letterless = sa.and_(
            status == AuthorizationState.APPROVED.value,
            Authorization.guarantee_letter_at.is_(None),  # type: ignore[union-attr]
        )
        query = (
            sa.select(Authorization)
            .where(sa.or_(status.in_(OPEN), letterless))  # type: ignore[attr-defined]
            .order_by(sa.desc(Authorization.urgent), Authorization.treatment_on, Authorization.id)
        )
        return [view(row) for row in session.scalars(query)]


def listed(
    store: Store, *, state: str | None = None, query: str = ""
) -> tuple[AuthorizationView, ...]:
    """Return what is to be done as :func:`waiting`, or those of a state, or those found.

    Args:
        store: The store.
        state: Of one state.
        query: Part of a number, a child's name or a policy's number; then of any state.
    """
    if not state and not query:
        return tuple(waiting(store))
    wanted = matching(sa.select(Authorization), Authorization, query)
    if state:
        wanted = wanted.where(Authorization.status == state)
    wanted = wanted.order_by(sa.desc(Authorization.id)).limit(MOST)
    with store.read() as session:
        return tuple(view(row) for row in session.scalars(wanted) if row.status != "draft")


def look_up(store: Store, reference: str) -> AuthorizationView:
    """Return an authorization by its number.

    Raises:
        NotFound: There is none.
    """
    with store.read() as session:
        return view(_row(session, reference))


def take_up(
    store: Store, *, reference: str, actor: str, version: int, now: datetime
) -> AuthorizationView:
    """Begin the review.

    Raises:
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: it is not waiting for a review.
    """
    with _changing(store, reference, version) as (session, row):
        _move(row, AuthorizationState.UNDER_REVIEW)
        session.flush()
        event = note(session, row, kind="under_review", actor=actor, now=now)
        kind = NotificationKind.AUTHORIZATION_PROGRESS
        _tell(session, row, event.id, kind, "notify_authorization_review", now)
        return view(row)


def ask_for_papers(
    store: Store,
    *,
    reference: str,
    actor: str,
    papers: Collection[Paper],
    version: int,
    now: datetime,
    reason: str | None = None,
) -> AuthorizationView:
    """Ask the parent for papers; more may be asked for while some are missing.

    Raises:
        ValueError: No paper is asked for, or the reason is too long.
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: it is decided already.
    """
    if not papers:
        msg = "name at least one paper"
        raise ValueError(msg)
    reason = _told(reason)
    with _changing(store, reference, version) as (session, row):
        if row.status != AuthorizationState.DOCUMENTS_MISSING:
            _move(row, AuthorizationState.DOCUMENTS_MISSING)
        known = {p.paper: p for p in row.papers}
        for paper in dict.fromkeys(papers):
            asked = known.get(paper.value)
            if asked is None:
                asked = AuthorizationPaper(authorization_id=row.id, paper=paper.value)
                session.add(asked)
            asked.requested_at, asked.received_at = now, None
        # Papers alone would leave the version as it is, and a colleague's view would still count.
        row.version = row.version + 1
        session.flush()
        event = note(
            session,
            row,
            kind="documents_missing",
            actor=actor,
            now=now,
            reason=reason,
            papers=[p.value for p in papers],
        )
        words = [texts()[f"line_authorization_paper_{p}"].text for p in view(row).missing]
        _tell(
            session,
            row,
            event.id,
            NotificationKind.AUTHORIZATION_NEEDS_PAPERS,
            "notify_authorization_papers",
            now,
            papers=texts()["line_and"].text.join(words),
        )
        return view(row)


def papers_received(
    store: Store,
    *,
    reference: str,
    actor: str,
    papers: Collection[Paper],
    version: int,
    now: datetime,
) -> AuthorizationView:
    """Note that papers have come; once all are there, the review goes on.

    Raises:
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: no papers were asked for.
    """
    with _changing(store, reference, version) as (session, row):
        event = receive_papers(session, row, papers=papers, actor=actor, now=now)
        seen = view(row)
        if event:
            # Parents who upload papers are answered at once; these came by another way.
            whole = "received" if seen.missing else "complete"
            kind = NotificationKind.AUTHORIZATION_PROGRESS
            _tell(session, row, event.id, kind, f"notify_authorization_{whole}", now)
        return seen


def receive_papers(
    session: Any, row: Authorization, *, papers: Collection[Paper], actor: str, now: datetime
) -> AuthorizationEvent | None:
    """Note papers that have come, inside the transaction of their upload or of the staff.

    Returns:
        The event, or ``None`` where none of them was still waited for.

    Raises:
        Refused: ``authorization_state``: no papers were asked for.
    """
    if row.status != AuthorizationState.DOCUMENTS_MISSING:
        raise Refused("authorization_state")
    come = {paper.value for paper in papers}
    new = [p for p in row.papers if p.paper in come and p.received_at is None]
    if not new:
        return None
    for paper in new:
        paper.received_at = now
    if all(p.received_at is not None for p in row.papers):
        _move(row, AuthorizationState.UNDER_REVIEW)
    else:
        row.version = row.version + 1
    session.flush()
    return note(
        session,
        row,
        kind="papers_received",
        actor=actor,
        now=now,
        papers=[p.paper for p in new],
    )


def approve(
    store: Store, *, reference: str, actor: str, version: int, now: datetime
) -> AuthorizationView:
    """Approve; the guarantee letter to the hospital is the next step (P3).

    Raises:
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: it is not under review.
    """
    with _changing(store, reference, version) as (session, row):
        _move(row, AuthorizationState.APPROVED)
        session.flush()
        event = note(session, row, kind="approved", actor=actor, now=now)
        _tell(
            session,
            row,
            event.id,
            NotificationKind.AUTHORIZATION_DECIDED,
            "notify_authorization_approved",
            now,
        )
        return view(row)


def decline(
    store: Store, *, reference: str, actor: str, reason: str, version: int, now: datetime
) -> AuthorizationView:
    """Decline, with the reason that the parent will read; the same may be applied for again.

    Raises:
        ValueError: There is no reason, or it is too long.
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: it is not under review.
    """
    told = _told(reason)
    if told is None:
        msg = "a parent is told why"
        raise ValueError(msg)
    with _changing(store, reference, version) as (session, row):
        _move(row, AuthorizationState.DECLINED)
        row.idempotency_key = None
        session.flush()
        event = note(session, row, kind="declined", actor=actor, now=now, reason=told)
        _tell(
            session,
            row,
            event.id,
            NotificationKind.AUTHORIZATION_DECIDED,
            "notify_authorization_declined",
            now,
            reason=told,
        )
        return view(row)


def letter_sent(
    store: Store, *, reference: str, actor: str, version: int, now: datetime
) -> AuthorizationView:
    """Note that the guarantee letter (担保函) has gone to the hospital (P3).

    Raises:
        NotFound, Conflict: No such authorization, or changed since ``version``.
        Refused: ``authorization_state``: not approved; ``letter_sent``: noted already.
    """
    with _changing(store, reference, version) as (session, row):
        if row.status != AuthorizationState.APPROVED:
            raise Refused("authorization_state")
        if row.guarantee_letter_at is not None:
            raise Refused("letter_sent")
        row.guarantee_letter_at = now
        session.flush()
        event = note(session, row, kind="letter_sent", actor=actor, now=now)
        _tell(
            session,
            row,
            event.id,
            NotificationKind.AUTHORIZATION_DECIDED,
            "notify_authorization_letter",
            now,
        )
        return view(row)


@contextmanager
def _changing(store: Store, reference: str, version: int) -> Iterator[tuple[Any, Authorization]]:
    try:
        with store.begin() as session:
            row = _row(session, reference)
            if row.version != version:
                raise Conflict(reference)
            yield session, row
    except StaleDataError as error:
        raise Conflict(reference) from error


def _row(session: Any, reference: str) -> Authorization:
    row: Authorization | None = session.scalar(
        sa.select(Authorization).where(Authorization.reference == reference)
    )
    if row is None:
        raise NotFound(reference)
    return row


def _move(row: Authorization, target: AuthorizationState) -> None:
    if not can_move(AuthorizationState(row.status), target):
        raise Refused("authorization_state")
    row.status = target.value


def _told(reason: str | None) -> str | None:
    told = (reason or "").strip()
    if len(told) > LONGEST_REASON:
        msg = f"a reason has at most {LONGEST_REASON} characters"
        raise ValueError(msg)
    return told or None


def _tell(
    session: Any,
    row: Authorization,
    event_id: int,
    kind: NotificationKind,
    text: str,
    now: datetime,
    **values: str,
) -> None:
    place = row.hospital.name if row.hospital else texts()["notify_authorization_hospital"].text
    notify(
        session,
        policy_id=row.policy_id,
        kind=kind,
        text=text,
        values={
            "reference": row.reference,
            "child": row.policy.child.name,
            "treatment": row.treatment,
            "hospital": place,
            **values,
        },
        key=f"authorization:{row.id}:{event_id}",
        due_at=now,
    )
