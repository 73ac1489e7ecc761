"""The conversation itself while a person has it: lines in both directions, files, notes.

A line of the agent's is written in the transaction that puts it into the outbox; a line of the
parent's under the key of the update that brought it. So nothing is lost or doubled, whichever
process dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import (
    AGENT_MESSAGE,
    WAITING,
    WITH_AGENT,
    EndReason,
    HandOffState,
    Wish,
    ends_talk,
    ends_wait,
)
from bot.rules.messages import LONGEST_TEXT
from bot.services import audit, ratings
from bot.services.dialogues import shown
from bot.services.errors import NotFound, Refused
from bot.services.handoff_closing import finish
from bot.services.handoff_desk import introduce
from bot.services.handoff_moves import (
    add_line,
    agent_actor,
    changing,
    end,
    move,
    open_key,
    open_of,
    send,
    silences_bot,
)
from bot.services.handoffs import make_urgent
from bot.services.ratings import Said
from bot.store.models import DocumentReference, HandOff, HandOffMessage
from bot.store.session import Store


class Standing(StrEnum):
    """Who answers the account's next message."""

    BOT = "bot"
    WAITING = "waiting"  # the bot, unless the parent gives up waiting
    RATING = "rating"  # the bot, unless it is a rating
    HUMAN = "human"


@dataclass(frozen=True)
class Routed:
    """What became of a message that the bot does not answer: what to say, perhaps nothing."""

    says: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line as agents see it; ``at`` in Asia/Shanghai. ``seq`` is the cursor.

    ``direction`` is ``parent``, ``agent``, ``note`` (for agents alone) or ``system`` (what the
    parent was told). ``media_type`` is set where the line is a file.
    """

    seq: int
    direction: str
    text: str
    author: str
    at: datetime
    media_type: str | None
    document_id: int | None


def standing(store: Store, *, identity_id: int) -> Standing:
    """Say who answers an account's next message; see :func:`route`."""
    with store.read() as session:
        query = sa.select(HandOff).where(HandOff.open_key == open_key(identity_id))
        row = session.scalar(query)
        if row is not None and silences_bot(row):
            return Standing.HUMAN
        if ratings.pending(session, identity_id) is not None:
            return Standing.RATING
        waits = row is not None and row.status in WAITING and row.wish == Wish.CHAT
        return Standing.WAITING if waits else Standing.BOT


def route(
    store: Store,
    *,
    identity_id: int,
    text: str,
    key: str | None,
    now: datetime,
    documents: Sequence[int] = (),
    emergency: bool = False,
) -> Routed | None:
    """Take a parent's message that is not the bot's to answer.

    Args:
        store: The store.
        identity_id: Who writes.
        text: What was typed, or a button's payload, which begins with ``/``.
        key: Names the update: the same again is written once.
        now: Aware.
        documents: Files that came with it, kept already (:mod:`bot.services.documents`).
        emergency: Whether the message tells of a danger: 120 is told at once, the item flagged.

    Returns:
        ``None`` if the bot answers it, and only then.
    """
    with store.begin() as session:
        # Held first: of two deliveries at once the second sees what the first has written.
        row = open_of(session, identity_id)
        if key is not None and _written(session, key):
            return Routed()
        if ratings.is_press(text):
            return Routed((ratings.pressed(session, identity_id, text, now),))
        if row is not None and silences_bot(row):
            return _to_agent(session, row, text, key, now, documents, emergency=emergency)
        asked = ratings.pending(session, identity_id, hold=True)
        if emergency or documents:
            if asked is not None:
                asked.rating_step = "closed"
            return None
        if asked is not None:
            said = ratings.read(session, asked, text, now)
            if said is not None:
                return Routed((said,))
        return _while_waiting(session, row, text, now)


def _while_waiting(
    session: Session, row: HandOff | None, text: str, now: datetime
) -> Routed | None:
    if row is None or row.status not in WAITING or not ends_wait(text):
        return None
    if row.urgent:
        # Somebody looks at it all the same.
        return Routed((Said("handoff_urgent_stays", {}),))
    actor = audit.identity_actor(row.identity_id)
    end(session, row, EndReason.ENDED_BY_PARENT, actor=actor, now=now)
    return Routed((Said("handoff_given_up", {}),))


def _to_agent(
    session: Session,
    row: HandOff,
    text: str,
    key: str | None,
    now: datetime,
    documents: Sequence[int],
    *,
    emergency: bool,
) -> Routed:
    actor = audit.identity_actor(row.identity_id)
    if row.status == HandOffState.SNOOZED:
        move(session, row, HandOffState.HUMAN, actor=actor, now=now, reason="parent_wrote")
    _write(session, row, text, key, now, documents)
    if emergency:
        make_urgent(session, row, now)
    elif ends_talk(text):
        finish(session, row, EndReason.ENDED_BY_PARENT, actor=actor, now=now)
        return Routed()
    row.parent_waits_since = row.parent_waits_since or now
    return Routed((Said("emergency", {}),) if emergency else ())


def _write(
    session: Session,
    row: HandOff,
    text: str,
    key: str | None,
    now: datetime,
    documents: Sequence[int],
) -> None:
    author = audit.identity_actor(row.identity_id)
    if not documents:
        said = shown(text.replace("\0", ""))[:LONGEST_TEXT]
        add_line(session, row, "parent", said, author=author, now=now, key=key)
        return
    for number, document_id in enumerate(dict.fromkeys(documents)):
        file = session.get(DocumentReference, document_id)
        if file is None or file.identity_id != row.identity_id:
            raise NotFound(str(document_id))
        add_line(
            session,
            row,
            "parent",
            "",
            author=author,
            now=now,
            key=key if number == 0 else None,
            document_id=document_id,
            media_type=file.media_type,
            size=file.size,
        )


def agent_message(
    store: Store,
    *,
    handoff_id: int,
    agent_id: int,
    text: str,
    now: datetime,
    key: str | None = None,
) -> Line:
    """Say something to the parent, through the outbox in the same transaction.

    An item that was offered to this agent, or put aside by this agent, is taken by it. A message
    or call-back request becomes a conversation: the parent is told who writes.

    Args:
        store: The store.
        handoff_id: The conversation.
        agent_id: Who writes; must have it.
        text: As it is shown, 4,000 characters at most.
        now: Aware.
        key: The desk's own id of the line: the same again is sent once.

    Raises:
        NotFound: There is none.
        Refused: ``not_yours``; ``state``: it has ended; ``no_text``; ``too_long``.
    """
    said = text.replace("\0", "").strip()
    if not said:
        raise Refused("no_text")
    if len(said) > LONGEST_TEXT:
        raise Refused("too_long")
    with changing(store, handoff_id) as (session, row):
        known = known_line(session, row, key)
        if known is not None:
            return line_view(known)
        speak(session, row, agent_id, now)
        line = agent_line(session, row, agent_id, said, key, now)
        send(session, row, AGENT_MESSAGE, {"text": said}, key=f"agent:{line.id}", now=now)
        return line_view(line)


def note(store: Store, *, handoff_id: int, agent_id: int, text: str, now: datetime) -> Line:
    """Write a note that only agents see; on an ended conversation as well.

    Raises:
        NotFound: There is none.
        Refused: ``no_text``; ``too_long``.
    """
    said = text.replace("\0", "").strip()
    if not said:
        raise Refused("no_text")
    if len(said) > LONGEST_TEXT:
        raise Refused("too_long")
    with changing(store, handoff_id) as (session, row):
        return line_view(
            add_line(session, row, "note", said, author=agent_actor(agent_id), now=now)
        )


def lines(store: Store, *, handoff_id: int, after: int = 0) -> tuple[Line, ...]:
    """Return the lines of a conversation beyond a cursor (``seq``), in order."""
    query = (
        sa.select(HandOffMessage)
        .where(HandOffMessage.handoff_id == handoff_id, HandOffMessage.seq > after)
        .order_by(HandOffMessage.seq)
    )
    with store.read() as session:
        return tuple(line_view(row) for row in session.scalars(query))


def speak(session: Session, row: HandOff, agent_id: int, now: datetime) -> None:
    """See that an agent may speak, and take what was offered or put aside; introduce him or her.

    Raises:
        Refused: ``not_yours``; ``state``: it is not with an agent.
    """
    if row.status not in WITH_AGENT:
        raise Refused("state")
    if row.agent_id != agent_id:
        raise Refused("not_yours")
    actor = agent_actor(agent_id)
    later = row.wish != Wish.CHAT
    offered = row.status == HandOffState.ASSIGNED
    if row.status != HandOffState.HUMAN:
        move(session, row, HandOffState.HUMAN, actor=actor, now=now)
    row.wish = Wish.CHAT.value
    if later or offered:
        introduce(session, row, now)


def agent_line(
    session: Session,
    row: HandOff,
    agent_id: int,
    text: str,
    key: str | None,
    now: datetime,
    **file: object,
) -> HandOffMessage:
    """Write a line of the agent's, and that the parent waits no longer."""
    row.first_reply_at = row.first_reply_at or now
    row.agent_spoke_at, row.parent_waits_since = now, None
    actor = agent_actor(agent_id)
    scoped = None if key is None else f"agent:{row.id}:{key}"
    return add_line(session, row, "agent", text, author=actor, now=now, key=scoped, **file)


def known_line(session: Session, row: HandOff, key: str | None) -> HandOffMessage | None:
    """Return the line that the desk's own id names, if it was written already."""
    if key is None:
        return None
    query = sa.select(HandOffMessage).where(
        HandOffMessage.idempotency_key == f"agent:{row.id}:{key}"
    )
    found: HandOffMessage | None = session.scalar(query)
    return found


def _written(session: Session, key: str) -> bool:
    query = sa.select(HandOffMessage.id).where(HandOffMessage.idempotency_key == key)
    return session.scalar(query) is not None


def line_view(row: HandOffMessage) -> Line:
    """Return a line as agents see it."""
    return Line(
        row.seq,
        row.direction,
        row.text,
        row.author,
        local(row.at),
        row.media_type,
        row.document_id,
    )
