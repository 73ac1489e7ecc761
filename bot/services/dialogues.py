"""What the bot's own dialogue with a chat account looks like from outside: slots, task, lines.

The tracker store (:mod:`bot.tracker_store`) writes ``conversation`` and ``conversation_event``;
this reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.store.models import ChatIdentity, Conversation, ConversationEvent
from bot.texts import texts

# Behind the inbox a conversation is named by its app and account, on loopback by the account.
LOOPBACK = "rest"
_ENTITIES = re.compile(r"\{.*\}$", re.DOTALL)
_FILES = re.compile(r'/inform\{.*"document')


@dataclass(frozen=True)
class DialogueState:
    """Slots that have a value, the open form and the slot that it has asked for."""

    slots: dict[str, Any] = field(default_factory=dict)
    form: str | None = None
    asked: str | None = None


@dataclass(frozen=True)
class Said:
    """A line of the dialogue with the bot; ``at`` is the machine's time, aware."""

    at: datetime
    direction: str
    text: str


def conversation_of(identity: ChatIdentity) -> str:
    """Return what the tracker store calls an account's conversation."""
    return sender_of(identity.channel, identity.account)


def sender_of(channel: str, account: str) -> str:
    """Return what the tracker store calls the conversation of an account in a channel."""
    return account if channel == LOOPBACK else f"{channel}:{account}"


def dialogue_state(session: Session, identity: ChatIdentity) -> DialogueState:
    """Return how the bot's dialogue with an account stands; empty if there was none."""
    name = conversation_of(identity)
    stored = session.get(Conversation, name)
    if stored is None:
        return DialogueState()
    first = stored.state.get("first_event")
    query = (
        sa.select(ConversationEvent.data)
        .where(ConversationEvent.sender_id == name, ConversationEvent.id >= (first or 0))
        .order_by(ConversationEvent.id)
    )
    window = list(session.scalars(query)) if first is not None else []
    slots: dict[str, Any] = {}
    form: str | None = None
    for event in [*stored.state.get("opening", []), *window]:
        match event.get("event"):
            case "slot":
                slots[str(event["name"])] = event.get("value")
            case "active_loop":
                form = event.get("name")
            case "restart":
                slots, form = {}, None
    asked = slots.pop("requested_slot", None)
    return DialogueState({k: v for k, v in slots.items() if v not in (None, [], {})}, form, asked)


def dialogue_lines(session: Session, identity: ChatIdentity) -> list[Said]:
    """Return everything that the account and the bot have said to each other, in order."""
    query = (
        sa.select(ConversationEvent)
        .where(ConversationEvent.sender_id == conversation_of(identity))
        .where(ConversationEvent.type_name.in_(("user", "bot")))  # type: ignore[attr-defined]
        .order_by(ConversationEvent.id)
    )
    lines = []
    for row in session.scalars(query):
        text = str(row.data.get("text") or "")
        if row.type_name == "user":
            text = shown(text)
        if text:
            lines.append(Said(row.at, "parent" if row.type_name == "user" else "bot", text))
    return lines


def shown(text: str) -> str:
    """Return what a parent's message says to a reader: a button's title in place of its payload."""
    if not text.startswith("/"):
        return text
    if _FILES.match(text):
        return texts()["line_sent_files"].text
    title = _titles().get(text) or _titles().get(_ENTITIES.sub("", text))
    return f"[{title or text}]"


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    return {
        str(button["payload"]): str(button["title"])
        for said in texts().values()
        for button in said.buttons
        if button.get("payload")
    }
