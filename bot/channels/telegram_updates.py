"""Telegram's updates in the words of the inbox: read here, acted on nowhere.

Only private chats are read: what is said of a child in a group is everybody's. Every update gives
at most one message, and the same update always the same one, so that redelivery is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from telegram import Contact, Message, Update
from telegram.constants import ChatType

from bot.rules.messages import InboundKind
from bot.services.inbox import InboundMessage

CHANNEL = "telegram"
ALLOWED = ("message", "edited_message", "callback_query")
# Commands of the menu, and parameters of deep links: /start bind.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "start": "/greet",
        "help": "/help",
        "bind": "/bind_card",
        "claim": "/start_claim",
        "human": "/talk_to_human",
        "cancel": "/stop",
    }
)
# What a deep link may begin, beside the commands.
LINKS: Mapping[str, str] = MappingProxyType(
    {"book": "/book_appointment", "balance": "/check_balance", "pay": "/pay_self_pay"}
)
LONGEST_NAME = 120
_COMMAND = re.compile(r"/([a-z_]{1,32})(?:@\w{1,64})?(?:\s+(\S{1,64}))?\s*", re.IGNORECASE)
_BUTTON = re.compile(r"b:(\d{1,18}):(\d{1,3})")
_MAINLAND = re.compile(r"(?:\+?86)?(1\d{10})")


@dataclass(frozen=True)
class Pressed:
    """A button of one of our messages: which message of the outbox, and which of its buttons."""

    query: str
    account: str
    message: int
    index: int
    shown_in: int | None


def button_data(message: int, index: int) -> str:
    """Return what a button carries: 64 bytes at most, whatever the button says.

    Args:
        message: The message's id in the outbox.
        index: Which of its buttons, from 0.
    """
    return f"b:{message}:{index}"


def pressed(update: Update) -> Pressed | None:
    """Return the button that an update presses, if it is one of a private chat."""
    query = update.callback_query
    if query is None or query.message is None or query.message.chat.type != ChatType.PRIVATE:
        return None
    found = _BUTTON.fullmatch(query.data or "")
    if found is None:
        return None
    return Pressed(
        query.id,
        str(query.from_user.id),
        int(found[1]),
        int(found[2]),
        query.message.message_id,
    )


def taken(press: Pressed, payload: str, *, at: datetime) -> InboundMessage:
    """Return the message that a button sends; a message's buttons are taken once, any of them.

    Args:
        press: The button.
        payload: What it stands for.
        at: When it was pressed, aware.
    """
    return InboundMessage(
        CHANNEL, press.account, f"press:{press.message}", InboundKind.BUTTON, at, payload
    )


def read(update: Update) -> InboundMessage | None:
    """Return what a parent sent, ``None`` if it is not from a private chat or a button.

    Args:
        update: As Telegram sent it.
    """
    if update.edited_message is not None:
        message, edited = update.edited_message, True
    elif update.message is not None:
        message, edited = update.message, False
    else:
        return None
    if message.chat.type != ChatType.PRIVATE or message.from_user is None:
        return None
    if message.from_user.is_bot:
        return None
    kind, text, extra = (InboundKind.EDITED, None, {}) if edited else _content(message)
    return InboundMessage(
        CHANNEL,
        str(message.chat.id),
        str(update.update_id),
        kind,
        message.edit_date if edited and message.edit_date else message.date,
        text,
        extra,
    )


def _content(message: Message) -> tuple[InboundKind, str | None, dict[str, Any]]:
    if message.text is not None:
        payload = _command(message.text)
        if payload is not None:
            return InboundKind.BUTTON, payload, {}
        return InboundKind.TEXT, message.text, {}
    file = _file(message)
    if file is not None:
        extra: dict[str, Any] = {"files": [file]}
        if message.media_group_id:
            extra["group"] = str(message.media_group_id)
        return InboundKind.FILE, message.caption, extra
    if message.contact is not None:
        return InboundKind.CONTACT, None, _phone(message.contact, message)
    if message.location is not None or message.venue is not None:
        return InboundKind.LOCATION, None, {}
    if message.voice is not None or message.audio is not None or message.video_note is not None:
        return InboundKind.VOICE, None, {}
    return InboundKind.OTHER, None, {}


def _command(text: str) -> str | None:
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    name, parameter = found[1].lower(), (found[2] or "").lower()
    if name == "start" and parameter:
        return LINKS.get(parameter) or COMMANDS.get(parameter) or COMMANDS["start"]
    return COMMANDS.get(name)


def _file(message: Message) -> dict[str, Any] | None:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return {"id": largest.file_id, "name": "photo.jpg", "size": largest.file_size or 0}
    document = message.document
    if document is None:
        return None
    name = (document.file_name or "file")[-LONGEST_NAME:]
    return {"id": document.file_id, "name": name, "size": document.file_size or 0}


def _phone(contact: Contact, message: Message) -> dict[str, Any]:
    # Only the sender's own number, which Telegram has verified, may be taken from a contact.
    own = message.from_user is not None and contact.user_id == message.from_user.id
    digits = re.sub(r"[^\d+]", "", contact.phone_number or "")
    found = _MAINLAND.fullmatch(digits)
    return {"phone": found[1]} if own and found else {}
