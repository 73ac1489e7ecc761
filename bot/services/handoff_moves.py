"""How hand-offs are changed: every move is checked, noted and audited in the caller's transaction.

The services of both sides (:mod:`bot.services.handoffs` for parents,
:mod:`bot.services.handoff_desk` for agents) go through here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.handoffs import (
    HANDOFF_MESSAGE,
    SILENCES_BOT,
    EndReason,
    HandOffState,
    Wish,
    can_move,
)
from bot.services import audit
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.notifications import filled
from bot.store.models import AgentPresence, HandOff, HandOffEvent, HandOffMessage, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

SYSTEM = "system"
BOT = "bot"
AGENT = "agent:"


def agent_actor(agent_id: int) -> str:
    """Name an agent as an actor."""
    return f"{AGENT}{agent_id}"


@contextmanager
def changing(
    store: Store, handoff_id: int, version: int | None = None
) -> Iterator[tuple[Session, HandOff]]:
    """Give a hand-off for a change, held until the transaction ends.

    Args:
        store: The store.
        handoff_id: Which.
        version: As it was read; another one means that somebody else was faster.

    Raises:
        NotFound: There is none.
        Conflict: Somebody else was faster.
    """
    try:
        with store.begin() as session:
            row = held(session, handoff_id)
            if version is not None and row.version != version:
                raise Conflict(str(handoff_id))
            yield session, row
    except (StaleDataError, IntegrityError) as error:
        raise Conflict(str(handoff_id)) from error


def held(session: Session, handoff_id: int) -> HandOff:
    """Return a hand-off as it stands now, held until the transaction ends.

    Raises:
        NotFound: There is none.
    """
    row: HandOff | None = session.get(
        HandOff, handoff_id, with_for_update=True, populate_existing=True
    )
    if row is None:
        raise NotFound("handoff")
    return row


def open_of(session: Session, identity_id: int) -> HandOff | None:
    """Return the open conversation of a chat account, held; complaints are none."""
    query = (
        sa.select(HandOff)
        .where(HandOff.open_key == open_key(identity_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row: HandOff | None = session.scalar(query)
    return row


def open_key(identity_id: int) -> str:
    """Return what an account's one open conversation is known by."""
    return f"account:{identity_id}"


def begin(session: Session, row: HandOff, *, actor: str, now: datetime, queued: bool) -> None:
    """Add a new hand-off, and put it into the queue if people are there to take it."""
    row.status = HandOffState.REQUESTED.value
    session.add(row)
    session.flush()
    _note(session, row, BOT, actor, now, row.reason)
    if queued:
        move(session, row, HandOffState.QUEUED, actor=actor, now=now)


def move(
    session: Session,
    row: HandOff,
    target: HandOffState,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
    agent_id: int | None = None,
    until: datetime | None = None,
) -> None:
    """Move a hand-off; note who, when and why.

    Args:
        session: The transaction, which holds the row.
        row: The hand-off.
        target: Where to.
        actor: Who, for the audit.
        now: Aware.
        reason: Why, a word.
        agent_id: Whose it becomes; needed for ``assigned``.
        until: When it is to be looked at again (aware); needed for ``snoozed``.

    Raises:
        Refused: ``state``: it cannot move so.
        ValueError: ``assigned`` without an agent, or ``snoozed`` without a time.
    """
    current = HandOffState(row.status)
    if not can_move(current, target):
        raise Refused("state")
    match target:
        case HandOffState.QUEUED:
            row.queued_at = now
            row.agent_id = row.assigned_at = row.parent_waits_since = row.agent_spoke_at = None
        case HandOffState.ASSIGNED:
            if agent_id is None:
                msg = "assigned to nobody"
                raise ValueError(msg)
            row.agent_id, row.assigned_at = agent_id, now
        case HandOffState.HUMAN if current is HandOffState.ASSIGNED:
            row.accepted_at = row.accepted_at or now
            # Whoever asked for a person waits from here on for the first word.
            row.parent_waits_since = now if row.wish == Wish.CHAT else None
        case HandOffState.SNOOZED if until is None:
            msg = "snoozed without end"
            raise ValueError(msg)
        case HandOffState.RESOLVED:
            row.ended_at, row.end_reason, row.open_key = now, reason, None
    row.snoozed_until = until if target is HandOffState.SNOOZED else None
    row.status = target.value
    _note(session, row, current.value, actor, now, reason)


def end(session: Session, row: HandOff, reason: EndReason, *, actor: str, now: datetime) -> None:
    """End a hand-off; the bot has the conversation again."""
    move(session, row, HandOffState.RESOLVED, actor=actor, now=now, reason=reason.value)


def silences_bot(row: HandOff) -> bool:
    """Say whether a person has the conversation, so that the bot says nothing."""
    return row.wish == Wish.CHAT and row.status in SILENCES_BOT


def add_line(
    session: Session,
    row: HandOff,
    direction: str,
    text: str,
    *,
    author: str,
    now: datetime,
    key: str | None = None,
    **file: Any,
) -> HandOffMessage:
    """Write a line; the caller's transaction holds the hand-off, so that lines are in order.

    Args:
        session: The transaction.
        row: The hand-off, held.
        direction: ``parent``, ``agent``, ``note`` (agents alone see it) or ``system``.
        text: What was said, as it is.
        author: Who, as an actor.
        now: Aware.
        key: The same key is written once.
        **file: ``document_id``, or ``storage_key``, ``media_type`` and ``size``.
    """
    row.last_seq += 1
    line = HandOffMessage(
        handoff_id=row.id,
        seq=row.last_seq,
        direction=direction,
        text=text,
        author=author,
        at=now,
        idempotency_key=key,
        **file,
    )
    session.add(line)
    session.flush()
    return line


def tell(
    session: Session,
    row: HandOff,
    text: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    buttons: Sequence[Mapping[str, str]] = (),
) -> None:
    """Tell the parent how the hand-off stands, through the outbox; agents see it as a line.

    Args:
        session: The transaction.
        row: The hand-off, held.
        text: The name of a text in ``data/texts/``.
        values: Its placeholders, written for a parent.
        now: Aware.
        buttons: Further buttons.
    """
    said = texts()[text]
    words = said.text.format(**filled(text, values))
    line = add_line(session, row, "system", words, author=SYSTEM, now=now)
    reply: dict[str, Any] = {"text": words}
    every = [dict(button) for button in (*said.buttons, *buttons)]
    if every:
        reply["buttons"] = every
    send(session, row, HANDOFF_MESSAGE, reply, key=f"{HANDOFF_MESSAGE}:{line.id}", now=now)


def send(
    session: Session, row: HandOff, kind: str, reply: Mapping[str, Any], *, key: str, now: datetime
) -> None:
    """Put a message to the parent into the outbox, in the transaction of its line."""
    session.add(
        OutboxMessage(
            identity_id=row.identity_id,
            kind=kind,
            payload={"reply": dict(reply)},
            due_at=now,
            idempotency_key=key,
        )
    )


def agent_name(session: Session, agent_id: int | None) -> str:
    """Return what parents are told that an agent is called."""
    row = session.get(AgentPresence, agent_id) if agent_id is not None else None
    return row.name if row is not None else texts()["line_agent_unnamed"].text


def _note(
    session: Session, row: HandOff, before: str, actor: str, now: datetime, reason: str | None
) -> None:
    session.add(
        HandOffEvent(
            handoff_id=row.id,
            at=now,
            actor=actor,
            from_status=before,
            to_status=row.status,
            reason=reason,
            agent_id=row.agent_id,
        )
    )
    audit.record(
        session,
        at=now,
        actor=actor,
        action="handoff.request" if before == BOT else f"handoff.{row.status}",
        subject=f"handoff:{row.id}",
        **{"from": before},
        reason=reason,
        agent=row.agent_id,
    )
    session.flush()
