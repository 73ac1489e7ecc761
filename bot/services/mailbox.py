"""The mailbox of channels whose clients fetch: each message once, read by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.store.models import ChatIdentity, ChatMessage
from bot.store.session import Store

MOST = 100


@dataclass(frozen=True)
class Line:
    """A message of a chat; ``id`` is the cursor, ``at`` aware."""

    id: int
    message: dict[str, Any]
    at: datetime
    direction: str = "out"


def append(
    session: Session,
    *,
    identity_id: int,
    message: Mapping[str, Any],
    at: datetime,
    outbox_id: int | None = None,
    direction: str = "out",
) -> ChatMessage:
    """Add a line to a chat in the caller's transaction.

    A chat's lines get their ids in the order of their commits, so that a reader whose cursor has
    passed an id misses none below it.

    Args:
        session: The transaction, which holds the chat from here on.
        identity_id: Whose chat.
        message: What is shown, as JSON.
        at: Aware.
        outbox_id: The message of the outbox that this is; a second line for it is refused.
        direction: ``out`` from the bot, ``in`` from the parent.

    Raises:
        sqlalchemy.exc.IntegrityError: The message of the outbox is in the mailbox already.
    """
    session.get(ChatIdentity, identity_id, with_for_update=True)
    row = ChatMessage(
        identity_id=identity_id,
        direction=direction,
        payload=dict(message),
        at=at,
        outbox_id=outbox_id,
    )
    session.add(row)
    session.flush()
    return row


def read(store: Store, *, channel: str, account: str, after: int = 0) -> list[Line]:
    """Return what the bot has said to an account beyond a cursor, oldest first, 100 at most.

    Args:
        store: The store.
        channel: The channel.
        account: The account there; one that never wrote has no messages.
        after: The ``id`` of the last line known; 0 for all.
    """
    query = _chat(channel, account).where(ChatMessage.direction == "out", ChatMessage.id > after)
    with store.read() as session:
        return _lines(session, query.order_by(ChatMessage.id).limit(MOST))


def both(store: Store, *, channel: str, account: str, after: int = 0) -> list[Line]:
    """Return what either side has said beyond a cursor, oldest first, 100 at most."""
    query = _chat(channel, account).where(ChatMessage.id > after)
    with store.read() as session:
        return _lines(session, query.order_by(ChatMessage.id).limit(MOST))


def latest(
    store: Store, *, channel: str, account: str, before: int | None = None, most: int = MOST
) -> list[Line]:
    """Return the last lines of both sides, oldest first.

    Args:
        store: The store.
        channel: The channel.
        account: The account there; one that never wrote has no lines.
        before: Only lines with a lower ``id``.
        most: How many at most.
    """
    query = _chat(channel, account)
    if before is not None:
        query = query.where(ChatMessage.id < before)
    with store.read() as session:
        return _lines(session, query.order_by(sa.desc(ChatMessage.id)).limit(most))[::-1]


def ends(store: Store, *, above: int) -> dict[tuple[str, str], int]:
    """Return, by channel and account, the highest ``id`` of each chat with lines above an id."""
    query = (
        sa.select(ChatIdentity.channel, ChatIdentity.account, sa.func.max(ChatMessage.id))
        .join(ChatIdentity, ChatIdentity.id == ChatMessage.identity_id)
        .where(ChatMessage.id > above)
        .group_by(ChatIdentity.channel, ChatIdentity.account)
    )
    with store.read() as session:
        return {(channel, account): end for channel, account, end in session.execute(query)}


def _chat(channel: str, account: str) -> Any:
    return (
        sa.select(ChatMessage)
        .join(ChatIdentity, ChatIdentity.id == ChatMessage.identity_id)
        .where(ChatIdentity.channel == channel, ChatIdentity.account == account)
    )


def _lines(session: Session, query: Any) -> list[Line]:
    rows = session.scalars(query)
    return [Line(row.id, row.payload, row.at, row.direction) for row in rows]
