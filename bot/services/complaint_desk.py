"""Complaints and suggestions as staff see them: who complains, who is on it, and who talks to them.

What staff do with them stands in :mod:`bot.services.complaints` (手册·电子保险卡 E2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from bot.rules.calendar import local
from bot.rules.handoffs import HandOffState
from bot.rules.states import ComplaintState
from bot.services.complaints import ComplaintView, view
from bot.services.desk_history import Entry, latest
from bot.services.desk_search import MOST, matching
from bot.services.errors import NotFound
from bot.services.identity import bound_policies
from bot.store.models import Complaint, HandOff, Policy
from bot.store.session import Store


@dataclass(frozen=True)
class Insured:
    """A child and its policy's number."""

    child: str
    number: str


@dataclass(frozen=True)
class DeskComplaint:
    """A complaint; ``insured`` is the child it is about, ``taken`` who took it up last and when."""

    complaint: ComplaintView
    insured: Insured | None
    taken: Entry | None


@dataclass(frozen=True)
class Talk:
    """An open conversation of the account: its number, why and how it stands."""

    id: int
    reason: str
    status: HandOffState


@dataclass(frozen=True)
class Found:
    """A complaint with all that its answer depends on.

    ``added`` are the parent's additions with their times in Asia/Shanghai, ``policies`` what the
    account is bound to, ``talks`` its open conversations, those with a person first.
    """

    seen: DeskComplaint
    added: tuple[tuple[datetime, str], ...]
    answered_at: datetime | None
    policies: tuple[Insured, ...]
    talks: tuple[Talk, ...]


def listed(store: Store, *, state: str | None = None, query: str = "") -> tuple[DeskComplaint, ...]:
    """Return what is not answered, first due first; or those of a state, or those found.

    Answered ones follow, the latest first; 200 at most.

    Args:
        store: The store.
        state: Of one state.
        query: Part of a number, a child's name or a policy's number; then of any state.

    Raises:
        ValueError: There is no such state.
    """
    over = Complaint.status == ComplaintState.RESOLVED.value
    wanted = sa.select(Complaint).options(selectinload(Complaint.notes))
    if state:
        wanted = wanted.where(Complaint.status == ComplaintState(state).value)
    elif not query:
        wanted = wanted.where(sa.not_(over))
    wanted = matching(wanted, Complaint, query).order_by(
        over, sa.desc(Complaint.resolved_at), Complaint.due_at, Complaint.id
    )
    with store.read() as session:
        return _seen(session, list(session.scalars(wanted.limit(MOST))))


def look_up(store: Store, *, reference: str) -> Found:
    """Return a complaint by its number.

    Raises:
        NotFound: There is none.
    """
    query = sa.select(Complaint).where(Complaint.reference == reference)
    with store.read() as session:
        row = session.scalar(query.options(selectinload(Complaint.notes)))
        if row is None:
            raise NotFound("complaint")
        (seen,) = _seen(session, [row])
        return Found(
            seen,
            tuple((local(note.added_at), note.text) for note in row.notes),
            local(row.resolved_at) if row.resolved_at else None,
            insured_of(session, row.identity_id),
            talks_of(session, row.identity_id),
        )


def insured_of(session: Session, identity_id: int) -> tuple[Insured, ...]:
    """Return what a chat account is bound to, oldest binding first."""
    return tuple(Insured(p.child.name, p.number) for p in bound_policies(session, identity_id))


def talks_of(session: Session, identity_id: int) -> tuple[Talk, ...]:
    """Return a chat account's open conversations: with a person, or waiting for one, first."""
    query = (
        sa.select(HandOff)
        .where(
            HandOff.identity_id == identity_id,
            HandOff.status != HandOffState.RESOLVED.value,
        )
        # Those that wait in a list of their own have no key.
        .order_by(HandOff.open_key.is_(None), sa.desc(HandOff.id))  # type: ignore[union-attr]
    )
    return tuple(
        Talk(row.id, row.reason, HandOffState(row.status)) for row in session.scalars(query)
    )


def _seen(session: Session, rows: Sequence[Complaint]) -> tuple[DeskComplaint, ...]:
    numbers = {row.policy_id for row in rows if row.policy_id is not None}
    policies = sa.select(Policy).where(Policy.id.in_(numbers))  # type: ignore[attr-defined]
    about = {
        policy.id: Insured(policy.child.name, policy.number)
        for policy in session.scalars(policies.options(selectinload(Policy.child)))
    }
    taken = latest(session, action="complaint.take_up", subjects=[row.reference for row in rows])
    return tuple(
        DeskComplaint(view(row), about.get(row.policy_id or 0), taken.get(row.reference))
        for row in rows
    )
