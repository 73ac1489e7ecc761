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
    query = (
        sa.select(ChatMessage)
        .join(ChatIdentity, ChatIdentity.id == ChatMessage.identity_id)
        .where(ChatIdentity.channel == channel, ChatIdentity.account == account)
        .where(ChatMessage.direction == "out", ChatMessage.id > after)
        .order_by(ChatMessage.id)
        .limit(MOST)
    )
    with store.read() as session:
        return [Line(row.id, row.payload, row.at) for row in session.scalars(query)]
