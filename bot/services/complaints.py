"""Complaints and suggestions: written down, added to, answered (手册·电子保险卡 E2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.calendar import TZ
from bot.rules.complaints import complaint_due
from bot.rules.handoffs import EndReason
from bot.rules.notifications import NotificationKind
from bot.rules.states import ComplaintState, can_move
from bot.services import audit, wording
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_moves import begin, end
from bot.services.identity import policy_ids
from bot.services.notifications import notify_account
from bot.store.models import COMPLAINT_KINDS, Complaint, ComplaintNote, HandOff
from bot.store.references import add_numbered
from bot.store.session import Store


@dataclass(frozen=True)
class ComplaintView:
    """A complaint as the parent who filed it may see it; times in Asia/Shanghai.

    ``kind`` is ``complaint`` or ``suggestion``, ``status`` a word of
    :class:`bot.rules.states.ComplaintState`; ``notes`` are the parent's additions, in order.
    """

    reference: str
    kind: str
    text: str
    status: str
    received_at: datetime
    due_at: datetime
    answer: str | None
    notes: tuple[str, ...]
    version: int


def file_complaint(
    store: Store,
    *,
    identity_id: int,
    kind: str,
    text: str,
    now: datetime,
    number: str | None = None,
) -> tuple[ComplaintView, bool]:
    """Write down a complaint or suggestion in the parent's words; a complaint waits for a person.

    The same words while the first are still open are the same complaint.

    Args:
        store: The store.
        identity_id: Who complains; needs no binding.
        kind: One of :data:`bot.store.models.COMPLAINT_KINDS`.
        text: The parent's words, kept as they are.
        now: Aware.
        number: The policy that the conversation is about; ignored if it is not this account's.

    Returns:
        The complaint, and whether it is new.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in COMPLAINT_KINDS:
        msg = f"no kind of complaint: {kind!r}"
        raise ValueError(msg)
    key = f"complaint:{identity_id}:{hashlib.sha256(text.encode()).hexdigest()}"
    with store.begin() as session:
        found = session.scalar(sa.select(Complaint).where(Complaint.idempotency_key == key))
        if found is not None:
            return view(found), False
        own = policy_ids(session, identity_id, number) if number else []
        row = Complaint(
            identity_id=identity_id,
            policy_id=own[0] if own else None,
            kind=kind,
            text=text,
            status=ComplaintState.RECEIVED.value,
            received_at=now,
            due_at=complaint_due(now),
            idempotency_key=key,
        )
        add_numbered(session, row, "F")
        if kind == "complaint":
            waiting = HandOff(
                identity_id=identity_id,
                policy_id=row.policy_id,
                reason="complaint",
                wish="message",
                note=row.reference,
                requested_at=now,
            )
            begin(session, waiting, actor=audit.identity_actor(identity_id), now=now, queued=True)
        _record(session, now, audit.identity_actor(identity_id), "complaint.file", row)
        # The version is what it is once all is written.
        session.flush()
        return view(row), True


def add_to_complaint(
    store: Store, *, identity_id: int, reference: str, text: str, now: datetime
) -> ComplaintView:
    """Add the parent's words to an open complaint; the same words are added once.

    Raises:
        NotFound: The account has no complaint of this number.
        Refused: ``resolved``: it is answered already.
    """
    with store.begin() as session:
        row = _own(session, identity_id, reference)
        if row.status == ComplaintState.RESOLVED:
            raise Refused("resolved")
        if text not in {row.text, *(note.text for note in row.notes)}:
            row.notes.append(ComplaintNote(text=text, added_at=now))
            _record(session, now, audit.identity_actor(identity_id), "complaint.add", row)
            session.flush()
        return view(row)


def own_complaints(store: Store, *, identity_id: int) -> tuple[ComplaintView, ...]:
    """Return the complaints of a chat account, newest first; nobody else sees them."""
    with store.read() as session:
        query = (
            sa.select(Complaint)
            .where(Complaint.identity_id == identity_id)
            .options(selectinload(Complaint.notes))
            .order_by(sa.desc(Complaint.id))
        )
        return tuple(view(row) for row in session.scalars(query))


def open_complaints(store: Store) -> tuple[ComplaintView, ...]:
    """Return what staff have not answered yet, the one due first at the head."""
    with store.read() as session:
        query = (
            sa.select(Complaint)
            .where(Complaint.status != ComplaintState.RESOLVED.value)
            .options(selectinload(Complaint.notes))
            .order_by(Complaint.due_at, Complaint.id)
        )
        return tuple(view(row) for row in session.scalars(query))


def take_up(
    store: Store, *, reference: str, actor: str, now: datetime, version: int | None = None
) -> ComplaintView:
    """Note that a member of staff works on a complaint.

    Args:
        store: The store.
        reference: The complaint's number.
        actor: Who, for the audit.
        now: Aware.
        version: As it was read; another one means that somebody else was faster.

    Raises:
        NotFound: There is no such complaint.
        Refused: ``state``: it is in progress or answered already.
        Conflict: See there.
    """
    with _staff(store, reference, ComplaintState.IN_PROGRESS, version) as (session, row):
        due = row.due_at or complaint_due(row.received_at)
        notify_account(
            session,
            identity_id=row.identity_id,
            kind=NotificationKind.COMPLAINT_PROGRESS,
            text="notify_complaint_taken",
            values={"reference": row.reference, "due": wording.moment(due, now)},
            key=f"complaint:{row.id}:taken",
            due_at=now,
        )
        _record(session, now, actor, "complaint.take_up", row)
    return view(row)


def resolve(
    store: Store,
    *,
    reference: str,
    actor: str,
    answer: str,
    now: datetime,
    version: int | None = None,
) -> ComplaintView:
    """Answer a complaint that is in progress; the parent who filed it is told, and nobody else.

    Args:
        store: The store.
        reference: The complaint's number.
        actor: Who, for the audit.
        answer: For the parent, word for word.
        now: Aware.
        version: As it was read.

    Raises:
        NotFound: There is no such complaint.
        Refused: ``state``: nobody has taken it up, or it is answered; ``answer``: it is empty.
        Conflict: See there.
    """
    if not answer.strip():
        raise Refused("answer")
    with _staff(store, reference, ComplaintState.RESOLVED, version) as (session, row):
        row.answer, row.resolved_at = answer.strip(), now
        # The same words about the same thing later on are a new complaint.
        row.idempotency_key = None
        waiting = sa.select(HandOff).where(
            HandOff.identity_id == row.identity_id,
            HandOff.reason == "complaint",
            HandOff.note == row.reference,
            HandOff.status != "resolved",
        )
        for handoff in session.scalars(waiting):
            end(session, handoff, EndReason.ANSWERED, actor=actor, now=now)
        notify_account(
            session,
            identity_id=row.identity_id,
            kind=NotificationKind.COMPLAINT_ANSWERED,
            text="notify_complaint_answered",
            values={"reference": row.reference, "answer": row.answer},
            key=f"complaint:{row.id}:answered",
            due_at=now,
        )
        _record(session, now, actor, "complaint.resolve", row)
    return view(row)


@contextmanager
def _staff(
    store: Store, reference: str, target: ComplaintState, version: int | None
) -> Iterator[tuple[Any, Complaint]]:
    try:
        with store.begin() as session:
            query = sa.select(Complaint).where(Complaint.reference == reference)
            row = session.scalar(query.options(selectinload(Complaint.notes)))
            if row is None:
                raise NotFound("complaint")
            if version is not None and row.version != version:
                raise Conflict(reference)
            if not can_move(ComplaintState(row.status), target):
                raise Refused("state")
            row.status = target.value
            yield session, row
    except StaleDataError as error:
        raise Conflict(reference) from error


def _own(session: Any, identity_id: int, reference: str) -> Complaint:
    row: Complaint | None = session.scalar(
        sa.select(Complaint).where(
            Complaint.identity_id == identity_id, Complaint.reference == reference
        )
    )
    if row is None:
        raise NotFound("complaint")
    return row


def _record(session: Any, now: datetime, actor: str, action: str, row: Complaint) -> None:
    audit.record(session, at=now, actor=actor, action=action, subject=row.reference)


def view(row: Complaint) -> ComplaintView:
    """Return what is told of a complaint that was read in a transaction."""
    return ComplaintView(
        reference=row.reference,
        kind=row.kind,
        text=row.text,
        status=row.status,
        received_at=row.received_at.astimezone(TZ),
        # Those filed before there was a goal are measured by it too.
        due_at=(row.due_at or complaint_due(row.received_at)).astimezone(TZ),
        answer=row.answer,
        notes=tuple(note.text for note in row.notes),
        version=row.version,
    )
