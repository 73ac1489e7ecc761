"""Replies in Telegram, within its limits, and what became of each.

Texts are sent without a parse mode, so nothing in them is ever read as HTML or Markdown. Telegram
shows a message twice if it is sent twice: after a time-out while the answer was awaited nobody
knows whether it arrived, and that is said as such.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram import Message as Posted
from telegram import error as errors
from telegram.constants import ChatAction, MessageLimit

from bot.channels.reply import (
    Blocked,
    Button,
    ContactRequest,
    Document,
    Failed,
    ItemList,
    Outcome,
    Picture,
    Reply,
    RetryAfter,
    Sent,
    Text,
    Typing,
    Unknown,
    as_message,
)
from bot.channels.telegram_updates import button_data

logger = logging.getLogger(__name__)

LONGEST_TEXT = int(MessageLimit.MAX_TEXT_LENGTH)
LONGEST_CAPTION = int(MessageLimit.CAPTION_LENGTH)
LONGEST_BUTTON = 40
# Two short buttons fit side by side on a phone.
SHORT_BUTTON = 9
# Between two parts of one long text the platform may be waited for as long as this.
LONGEST_PAUSE = timedelta(seconds=8)
TOKEN_PAUSE = timedelta(minutes=5)
_SENTENCE = re.compile(r"(?<=[。！？!?\n；;])")
_SURELY_NOT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None


def split(text: str, most: int = LONGEST_TEXT) -> list[str]:
    """Cut a text into parts of at most ``most`` characters, at the ends of sentences if it can.

    Args:
        text: Any text.
        most: In UTF-16 code units, as Telegram counts.
    """
    parts: list[str] = []
    current = ""
    for sentence in _SENTENCE.split(text):
        for piece in _pieces(sentence, most):
            if current and _length(current + piece) > most:
                parts.append(current.strip())
                current = ""
            current += piece
    parts.append(current.strip())
    return [part for part in parts if part]


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _pieces(sentence: str, most: int) -> list[str]:
    if _length(sentence) <= most:
        return [sentence]
    # Half of the limit is never too long, even if every sign counts twice.
    step = most // 2
    return [sentence[i : i + step] for i in range(0, len(sentence), step)]


def keyboard(buttons: Sequence[Button], message: int) -> InlineKeyboardMarkup | None:
    """Return the buttons under a message, two short ones in a row.

    Args:
        buttons: In the order of the reply.
        message: The message's id in the outbox; a button carries only that and its number.
    """
    rows: list[list[InlineKeyboardButton]] = []
    for index, button in enumerate(buttons):
        title = button.title[:LONGEST_BUTTON]
        shown = InlineKeyboardButton(title, callback_data=button_data(message, index))
        fits = rows and len(rows[-1]) == 1 and len(rows[-1][0].text) <= SHORT_BUTTON
        if fits and len(title) <= SHORT_BUTTON:
            rows[-1].append(shown)
        else:
            rows.append([shown])
    return InlineKeyboardMarkup(rows) if rows else None


class TelegramSender:
    """Sends replies with a bot's token."""

    idempotent = False

    def __init__(self, bot: Bot) -> None:
        """Make a sender.

        Args:
            bot: Initialised at the first message if it is not yet.
        """
        self._bot = bot
        self._ready = False
        # Chats whose keyboard is the contact button.
        self._asked: set[str] = set()

    async def send(self, account: str, reply: Reply, *, key: str) -> Outcome:
        """Send a reply; see :class:`bot.channels.reply.ChannelSender`."""
        begun = False
        try:
            if not self._ready:
                await self._bot.initialize()
                self._ready = True
            for part in self._parts(account, reply, int(key.rpartition(":")[2])):
                posted = await self._post(part)
                begun = True
                if posted is not None and isinstance(reply, Picture) and reply.pin:
                    await self._pin(posted)
        except errors.TelegramError as error:
            outcome = _outcome(error)
            # What has begun is not begun again: half of it would be there twice.
            return Unknown() if begun and not isinstance(outcome, Blocked) else outcome
        return Sent()

    def _parts(self, account: str, reply: Reply, message: int) -> list[dict[str, object]]:
        if isinstance(reply, Typing):
            return [{"do": "typing", "chat_id": account}]
        if isinstance(reply, ContactRequest):
            self._asked.add(account)
            asked = [[KeyboardButton(reply.button, request_contact=True)]]
            markup: Markup = ReplyKeyboardMarkup(
                asked, resize_keyboard=True, one_time_keyboard=True
            )
            return self._texts(account, reply.text, markup)
        if isinstance(reply, Picture | Document):
            return self._file(account, reply, message)
        said = Text(str(as_message(reply)["text"])) if isinstance(reply, ItemList) else reply
        buttons = said.buttons
        if isinstance(reply, ItemList):
            taken = [Button(i.title, i.payload) for i in reply.items if i.payload]
            buttons = (*taken, *reply.buttons)
        markup = keyboard(buttons, message)
        if markup is None and account in self._asked:
            self._asked.discard(account)
            markup = ReplyKeyboardRemove()
        return self._texts(account, said.text, markup)

    @staticmethod
    def _texts(account: str, text: str, markup: Markup) -> list[dict[str, object]]:
        parts: list[dict[str, object]] = [
            {"do": "text", "chat_id": account, "text": part} for part in split(text)
        ]
        parts[-1]["reply_markup"] = markup
        return parts

    def _file(
        self, account: str, reply: Picture | Document, message: int
    ) -> list[dict[str, object]]:
        picture = isinstance(reply, Picture)
        caption = reply.caption or (reply.alt if isinstance(reply, Picture) else reply.name)
        below = split(caption, LONGEST_CAPTION)
        name = "card.png" if isinstance(reply, Picture) else reply.name
        parts: list[dict[str, object]] = [
            {
                "do": "photo" if picture else "document",
                "chat_id": account,
                "source": reply.source,
                "name": name,
                "caption": below[0] if below else None,
            }
        ]
        parts += [{"do": "text", "chat_id": account, "text": part} for part in below[1:]]
        if isinstance(reply, Picture):
            parts[-1]["reply_markup"] = keyboard(reply.buttons, message)
        return parts

    async def _post(self, part: dict[str, object]) -> Posted | None:
        for attempt in (1, 2):
            try:
                return await self._call(dict(part))
            except errors.RetryAfter as error:
                pause = _seconds(error)
                if attempt == 2 or pause > LONGEST_PAUSE:
                    raise
                await asyncio.sleep(pause.total_seconds())
        return None

    async def _call(self, part: dict[str, object]) -> Posted | None:
        do = part.pop("do")
        if do == "typing":
            await self._bot.send_chat_action(str(part["chat_id"]), ChatAction.TYPING)
            return None
        if do == "text":
            return await self._bot.send_message(**part)  # type: ignore[arg-type]
        source, name = part.pop("source"), str(part.pop("name"))
        file = InputFile(io.BytesIO(await asyncio.to_thread(_content, source)), filename=name)
        if do == "photo":
            return await self._bot.send_photo(photo=file, **part)  # type: ignore[arg-type]
        return await self._bot.send_document(document=file, **part)  # type: ignore[arg-type]

    async def _pin(self, posted: Posted) -> None:
        try:
            await self._bot.pin_chat_message(
                posted.chat.id, posted.message_id, disable_notification=True
            )
        except errors.TelegramError:
            # The card is there; that it is not pinned is no reason to send it again.
            logger.warning("a message could not be pinned")


def _content(source: object) -> bytes:
    from bot.channels.reply import picture_bytes

    return picture_bytes(source if isinstance(source, Path) else str(source))


def _seconds(error: errors.RetryAfter) -> timedelta:
    pause = error.retry_after
    return pause if isinstance(pause, timedelta) else timedelta(seconds=float(pause))


def _outcome(error: errors.TelegramError) -> Outcome:
    if isinstance(error, errors.RetryAfter):
        return RetryAfter(_seconds(error))
    if isinstance(error, errors.Forbidden):
        return Blocked()
    if isinstance(error, errors.BadRequest):
        logger.warning("Telegram refused a message: %s", error.message)
        return Failed(permanent=True)
    if isinstance(error, errors.InvalidToken | errors.Conflict):
        # An operator's matter: nothing is given up until the token is right again.
        return RetryAfter(TOKEN_PAUSE)
    if isinstance(error, errors.NetworkError):
        return Failed() if isinstance(error.__cause__, _SURELY_NOT) else Unknown()
    return Unknown()
