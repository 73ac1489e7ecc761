"""The buttons under a message that was sent: what each stands for, for whom it was sent alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.messages import is_answer
from bot.services.inbox import REPLY
from bot.store.models import ChatIdentity, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

_OUT: Any = OutboxMessage.__table__


def payload_of(store: Store, *, channel: str, account: str, message: int, index: int) -> str | None:
    """Return what a button sends.

    Args:
        store: The store.
        channel: The messaging app.
        account: Who pressed it.
        message: The message's id in the outbox.
        index: Which of its buttons, from 0.

    Returns:
        Its payload; ``None`` if there is no such button, it was sent to somebody else, or it
        answers a question that is no longer the last one: a late "yes" would confirm another thing.
    """
    query = (
        sa.select(OutboxMessage)
        .join(ChatIdentity, ChatIdentity.id == OutboxMessage.identity_id)
        .where(
            OutboxMessage.id == message,
            ChatIdentity.channel == channel,
            ChatIdentity.account == account,
        )
    )
    with store.read() as session:
        row = session.scalars(query).first()
        if row is None:
            return None
        payload, moved_on = row.payload, _moved_on(session, row)
    if "reply" in payload:
        buttons = payload["reply"].get("buttons") or []
    else:
        known = texts().get(str(payload.get("text")))
        buttons = known.buttons if known else []
    if not 0 <= index < len(buttons):
        return None
    button = buttons[index]
    sent = str(button.get("payload") or button["title"])
    return None if moved_on and is_answer(sent) else sent


def _moved_on(session: Session, row: OutboxMessage) -> bool:
    """Say whether the bot has answered something else since; notices are no answers."""
    # Messages of one turn have the turn in their key.
    turn = (row.idempotency_key or "").rpartition(":")[0]
    later = sa.select(_OUT.c.id).where(
        _OUT.c.identity_id == row.identity_id,
        _OUT.c.kind == REPLY,
        _OUT.c.id > row.id,
        ~_OUT.c.idempotency_key.startswith(f"{turn}:", autoescape=True),
    )
    return session.scalar(later.limit(1)) is not None
