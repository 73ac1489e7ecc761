"""Asking for a person: the parent's side of the queue. Agents' side: ``handoff_desk``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import (
    CONTACT_WITHIN,
    TALK_TIME,
    URGENT,
    WAITING,
    AgentStatus,
    EndReason,
    HandOffReason,
    HandOffState,
    Wish,
    expected_wait,
    priority_of,
)
from bot.rules.office_hours import OfficePlan, after_office_time, office_status
from bot.services import audit
from bot.services.errors import Refused
from bot.services.handoff_moves import add_line, begin, end, move, open_key, open_of
from bot.services.office_hours import plan_of
from bot.services.presence import candidates
from bot.store.models import HandOff
from bot.store.session import Store

# The mean of so many conversations tells how long one takes.
COUNTED_TALKS = 20
SHORTEST_TALK, LONGEST_TALK = timedelta(minutes=2), timedelta(minutes=20)
LONGEST_MESSAGE = 2000
_ROWS: Any = HandOff.__table__


@dataclass(frozen=True)
class Place:
    """How a hand-off stands for its parent; times in Asia/Shanghai.

    Attributes:
        id: The hand-off.
        status: Where it is.
        wish: Chat now, or a message or a call-back later.
        reason: Why it was asked for.
        urgent: Whether it is an emergency.
        position: 1 for the next in the queue; 0 unless it waits in it.
        wait: How long until somebody takes it, ``None`` if nothing can be said.
        open: Whether people are there now.
        opens_at: When they are next; ``None`` while open.
        due_at: By when a message or call-back is dealt with.
        version: For changing it.
    """

    id: int
    status: HandOffState
    wish: Wish
    reason: HandOffReason
    urgent: bool
    position: int
    wait: timedelta | None
    open: bool
    opens_at: datetime | None
    due_at: datetime | None
    version: int


@dataclass(frozen=True)
class Requested:
    """A hand-off, and whether it is new; true if it is."""

    place: Place
    new: bool

    def __bool__(self) -> bool:
        """Say whether it is new."""
        return self.new


def request_handoff(
    store: Store,
    *,
    identity_id: int,
    reason: str,
    now: datetime,
    note: str | None = None,
    policy_id: int | None = None,
) -> Requested:
    """Ask for a person; an open request is kept, and made urgent if this is.

    In office hours and for an emergency at any hour it is queued at once, else when people are
    back. A complaint does not wait in the conversation: it is an item of its own. What a rule
    asks for is dealt with without the parent, who goes on with the bot.

    Args:
        store: The store.
        identity_id: Whose conversation.
        reason: One of :data:`bot.store.models.HANDOFF_REASONS`; ``emergency`` is urgent.
        now: Aware.
        note: For the agent; never shown to the parent.
        policy_id: The policy that it is about, if that is known.
    """
    why = HandOffReason(reason)
    return _retried(lambda: _request(store, identity_id, why, now, note=note, policy_id=policy_id))


def _request(
    store: Store, identity_id: int, why: HandOffReason, now: datetime, **about: Any
) -> Requested:
    complaint = why is HandOffReason.COMPLAINT
    urgent = why is HandOffReason.EMERGENCY
    with store.begin() as session:
        plan = plan_of(session)
        row = None if complaint else open_of(session, identity_id)
        if row is None:
            row = _new(identity_id, why, now, plan, **about)
            actor = audit.identity_actor(identity_id)
            open_now = office_status(plan, now).open
            begin(session, row, actor=actor, now=now, queued=open_now or urgent or complaint)
            return Requested(_place(session, row, plan, now), new=True)
        if urgent:
            make_urgent(session, row, now)
        elif why is HandOffReason.ASKED:
            # What a rule has asked for the parent has not: now the parent asks.
            if office_status(plan, now).open or row.reason == HandOffReason.RULE:
                _chat_instead(row)
        session.flush()
        return Requested(_place(session, row, plan, now), new=False)


def make_urgent(session: Session, row: HandOff, now: datetime) -> None:
    """Flag an open hand-off as an emergency: to the front of the queue, at any hour."""
    actor = audit.identity_actor(row.identity_id)
    _chat_instead(row)
    if not row.urgent:
        row.urgent, row.reason, row.priority = True, HandOffReason.EMERGENCY.value, URGENT
        audit.record(
            session, at=now, actor=actor, action="handoff.urgent", subject=f"handoff:{row.id}"
        )
        add_line(session, row, "note", "emergency", author="system", now=now)
    if row.status == HandOffState.REQUESTED:
        move(session, row, HandOffState.QUEUED, actor=actor, now=now, reason="emergency")


def leave_contact(
    store: Store,
    *,
    identity_id: int,
    wish: Wish,
    message: str,
    now: datetime,
    phone: str | None = None,
) -> Requested:
    """Take a message or a call-back request instead of waiting; at the top when people are back.

    The same again changes nothing; another message is added to the first.

    Args:
        store: The store.
        identity_id: Whose.
        wish: ``message`` or ``call_back``.
        message: What it is about, the parent's words.
        now: Aware.
        phone: Whom to call; needed for ``call_back``.

    Raises:
        Refused: ``with_agent``: a person has the conversation already.
        ValueError: ``wish`` is neither, the message is empty, or the phone is missing.
    """
    wish, message = Wish(wish), message.strip()[:LONGEST_MESSAGE]
    if wish is Wish.CHAT or not message or (wish is Wish.CALL_BACK and not phone):
        msg = f"no {wish.value}: {len(message)} characters, phone: {bool(phone)}"
        raise ValueError(msg)
    return _retried(lambda: _leave(store, identity_id, wish, message, phone, now))


def _leave(
    store: Store, identity_id: int, wish: Wish, message: str, phone: str | None, now: datetime
) -> Requested:
    actor = audit.identity_actor(identity_id)
    with store.begin() as session:
        plan = plan_of(session)
        open_now = office_status(plan, now).open
        row = open_of(session, identity_id)
        if row is not None and row.status not in WAITING:
            raise Refused("with_agent")
        new = row is None or row.wish == Wish.CHAT
        if row is None:
            row = _new(identity_id, HandOffReason.ASKED, now, plan)
            row.wish, row.phone = wish.value, phone
            begin(session, row, actor=actor, now=now, queued=open_now)
        row.wish, row.phone = wish.value, phone or row.phone
        if row.due_at is None or row.due_at < now:
            row.due_at = contact_due(plan, now)
        said = row.message or ""
        if message not in said.split("\n"):
            row.message = f"{said}\n{message}".strip()
            add_line(session, row, "parent", message, author=actor, now=now)
            detail = {"wish": wish.value, "subject": f"handoff:{row.id}"}
            audit.record(session, at=now, actor=actor, action="handoff.message", **detail)
        session.flush()
        return Requested(_place(session, row, plan, now), new=new)


def contact_due(plan: OfficePlan, now: datetime) -> datetime | None:
    """Return by when a message left now is dealt with; ``None`` if nobody will be there."""
    return after_office_time(plan, now, CONTACT_WITHIN)


def place(store: Store, *, identity_id: int, now: datetime) -> Place | None:
    """Return how the account's open conversation stands, or ``None`` if the bot has it alone."""
    with store.read() as session:
        query = sa.select(HandOff).where(HandOff.open_key == open_key(identity_id))
        row = session.scalar(query)
        return None if row is None else _place(session, row, plan_of(session), now)


def office(store: Store, *, now: datetime) -> tuple[bool, datetime | None]:
    """Say whether people are there, and when next (Asia/Shanghai)."""
    with store.read() as session:
        status = office_status(plan_of(session), now)
        return status.open, status.opens_at


def due_of_contact(store: Store, *, now: datetime) -> datetime | None:
    """Return by when a message left now would be dealt with, to be told before it is left."""
    with store.read() as session:
        return contact_due(plan_of(session), now)


def give_up(store: Store, *, identity_id: int, now: datetime) -> bool:
    """Stop waiting for a person; return whether the account was waiting.

    An emergency is not taken back by this: somebody looks at it all the same.
    """
    with store.begin() as session:
        row = open_of(session, identity_id)
        if row is None or row.status not in WAITING or row.urgent:
            return False
        actor = audit.identity_actor(identity_id)
        end(session, row, EndReason.ENDED_BY_PARENT, actor=actor, now=now)
        return True


def position_of(session: Session, row: HandOff) -> int:
    """Return the place in the queue, 1 for the next; 0 unless it is in it."""
    if row.status not in (HandOffState.QUEUED, HandOffState.ASSIGNED):
        return 0
    before = sa.or_(
        _ROWS.c.priority < row.priority,
        sa.and_(_ROWS.c.priority == row.priority, _ROWS.c.requested_at < row.requested_at),
        sa.and_(
            _ROWS.c.priority == row.priority,
            _ROWS.c.requested_at == row.requested_at,
            _ROWS.c.id < row.id,
        ),
    )
    query = (
        sa.select(sa.func.count())
        .select_from(_ROWS)
        .where(_ROWS.c.status == HandOffState.QUEUED.value)
        .where(_ROWS.c.reason != HandOffReason.COMPLAINT.value, _ROWS.c.id != row.id, before)
    )
    return int(session.scalar(query) or 0) + 1


def _place(session: Session, row: HandOff, plan: OfficePlan, now: datetime) -> Place:
    status = office_status(plan, now)
    position = position_of(session, row)
    there = [c for c in candidates(session, now) if c.status is AgentStatus.ONLINE]
    wait = expected_wait(position - 1, len(there), _talk_time(session)) if position else None
    return Place(
        id=row.id,
        status=HandOffState(row.status),
        wish=Wish(row.wish),
        reason=HandOffReason(row.reason),
        urgent=row.urgent,
        position=position,
        wait=wait,
        open=status.open,
        opens_at=status.opens_at,
        due_at=None if row.due_at is None else local(row.due_at),
        version=row.version,
    )


def _talk_time(session: Session) -> timedelta:
    query = (
        sa.select(HandOff.accepted_at, HandOff.ended_at)
        .where(HandOff.accepted_at.is_not(None))  # type: ignore[union-attr]
        .where(HandOff.ended_at.is_not(None), HandOff.wish == Wish.CHAT.value)  # type: ignore[union-attr]
        .order_by(sa.desc(HandOff.ended_at))
        .limit(COUNTED_TALKS)
    )
    lengths = [ended - accepted for accepted, ended in session.execute(query)]
    if not lengths:
        return TALK_TIME
    mean = sum(lengths, timedelta()) / len(lengths)
    return min(max(mean, SHORTEST_TALK), LONGEST_TALK)


def _new(
    identity_id: int,
    why: HandOffReason,
    now: datetime,
    plan: OfficePlan,
    *,
    note: str | None = None,
    policy_id: int | None = None,
) -> HandOff:
    complaint = why is HandOffReason.COMPLAINT
    later = complaint or why is HandOffReason.RULE
    return HandOff(
        identity_id=identity_id,
        policy_id=policy_id,
        reason=why.value,
        urgent=why is HandOffReason.EMERGENCY,
        priority=priority_of(why, overnight=not office_status(plan, now).open),
        note=note,
        requested_at=now,
        wish=(Wish.MESSAGE if later else Wish.CHAT).value,
        due_at=contact_due(plan, now) if why is HandOffReason.RULE else None,
        open_key=None if complaint else open_key(identity_id),
    )


def _chat_instead(row: HandOff) -> None:
    # What was left for later is talked about now; the message and the phone stay to be read.
    row.wish = Wish.CHAT.value


def _retried(do: Any) -> Requested:
    try:
        found: Requested = do()
    except IntegrityError:
        # Two requests of one account at once: the other one's is open now.
        found = do()
    return found
