"""The buttons under a message that was sent: what each stands for, for whom it was sent alone."""

from __future__ import annotations

import sqlalchemy as sa

from bot.store.models import ChatIdentity, OutboxMessage
from bot.store.session import Store
from bot.texts import texts


def payload_of(store: Store, *, channel: str, account: str, message: int, index: int) -> str | None:
    """Return what a button sends.

    Args:
        store: The store.
        channel: The messaging app.
        account: Who pressed it.
        message: The message's id in the outbox.
        index: Which of its buttons, from 0.

    Returns:
        Its payload; ``None`` if there is no such button, or it was sent to somebody else.
    """
    query = (
        sa.select(OutboxMessage.payload)
        .join(ChatIdentity, ChatIdentity.id == OutboxMessage.identity_id)
        .where(
            OutboxMessage.id == message,
            ChatIdentity.channel == channel,
            ChatIdentity.account == account,
        )
    )
    with store.read() as session:
        payload = session.scalar(query)
    if payload is None:
        return None
    if "reply" in payload:
        buttons = payload["reply"].get("buttons") or []
    else:
        known = texts().get(str(payload.get("text")))
        buttons = known.buttons if known else []
    if not 0 <= index < len(buttons):
        return None
    button = buttons[index]
    return str(button.get("payload") or button["title"])
