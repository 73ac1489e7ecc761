"""The one reply model: what the bot can say in any messaging app, and who says it there.

A :class:`ChannelSender` renders a reply within its app's limits. What it answers decides whether
the outbox tries again, so it must not claim more than it knows: after a time-out while reading the
answer the message may have arrived, and that is :class:`Unknown`, never :class:`Failed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx

from bot.settings import Settings, get_settings
from bot.texts import texts


@dataclass(frozen=True)
class Button:
    """A choice: what is shown, and what is sent when it is taken."""

    title: str
    payload: str


@dataclass(frozen=True)
class Text:
    """A text with its quick replies."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True)
class Item:
    """A line of a list; it can be taken if it has a payload."""

    title: str
    detail: str = ""
    payload: str | None = None


@dataclass(frozen=True)
class ItemList:
    """A heading and lines below it."""

    heading: str
    items: tuple[Item, ...]
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A picture by its file or address; ``alt`` says the same in words, ``pin`` keeps it on top."""

    source: Path | str
    alt: str
    caption: str = ""
    buttons: tuple[Button, ...] = ()
    pin: bool = False


@dataclass(frozen=True)
class Document:
    """A file to keep, by its path or address, under the name shown."""

    source: Path | str
    name: str
    caption: str = ""


@dataclass(frozen=True)
class ContactRequest:
    """Asks for the parent's own phone number with the app's contact button."""

    text: str
    button: str


@dataclass(frozen=True)
class Typing:
    """Shows that an answer is on its way."""


Reply = Text | ItemList | Picture | Document | ContactRequest | Typing


@dataclass(frozen=True)
class Sent:
    """The platform has taken the message."""


@dataclass(frozen=True)
class RetryAfter:
    """The platform has not taken it and wants no more messages for a while."""

    pause: timedelta


@dataclass(frozen=True)
class Blocked:
    """The parent does not want messages from the bot, or the account is gone."""


@dataclass(frozen=True)
class Unknown:
    """The platform may or may not have taken it."""


@dataclass(frozen=True)
class Failed:
    """The platform has surely not taken it; ``permanent`` if it never will."""

    permanent: bool = False


Outcome = Sent | RetryAfter | Blocked | Unknown | Failed


class ChannelSender(Protocol):
    """Sends replies in one messaging app.

    Attributes:
        idempotent: Whether sending twice with the same ``key`` shows the message once.
    """

    idempotent: bool

    async def send(self, account: str, reply: Reply, *, key: str) -> Outcome:
        """Send a reply to an account; may raise, which counts as :class:`Unknown`."""


class Mailbox:
    """In place of a sender: the app's clients fetch their messages from the store by cursor."""


Senders = Mapping[str, ChannelSender | Mailbox]
FETCH_S = 10.0
# The channels whose clients fetch.
PULL = ("rest", "web")


def senders(settings: Settings) -> dict[str, ChannelSender | Mailbox]:
    """Return what sends in each channel, by its name.

    Messages for another channel wait until there is a sender for it.

    Args:
        settings: Which channels there are.
    """
    found: dict[str, ChannelSender | Mailbox] = {name: Mailbox() for name in PULL}
    if settings.telegram_token is not None:
        from bot.channels.telegram_bot import make_bot
        from bot.channels.telegram_sender import TelegramSender

        found["telegram"] = TelegramSender(make_bot(settings))
    return found


def render(payload: Mapping[str, Any]) -> Reply:
    """Turn what stands in the outbox into a reply.

    Args:
        payload: ``{"text": name of a text, "values": {…}}``, or ``{"reply": {…}}`` with what an
            action said (text, buttons, image).

    Raises:
        KeyError: There is no such text, or a placeholder has no value.
        ValueError: It says nothing.
    """
    if "reply" in payload:
        return _said(payload["reply"])
    text = texts()[str(payload["text"])]
    return Text(text.text.format(**payload.get("values", {})), _buttons(text.buttons))


def as_message(reply: Reply) -> dict[str, Any]:
    """Return a reply as JSON, in the words of Rasa's REST channel.

    Raises:
        ValueError: It can only be shown, not kept.
    """
    if isinstance(reply, Text):
        return _message(reply.text, reply.buttons)
    if isinstance(reply, ItemList):
        lines = [f"{i.title} {i.detail}".strip() for i in reply.items]
        taken = [Button(i.title, i.payload) for i in reply.items if i.payload]
        return _message("\n".join([reply.heading, *lines]), [*taken, *reply.buttons])
    if isinstance(reply, Picture):
        said = _message(reply.caption or reply.alt, reply.buttons)
        return said | {"image": str(reply.source), "alt": reply.alt}
    if isinstance(reply, Document):
        said = _message(reply.caption or reply.name, ())
        return said | {"attachment": str(reply.source), "name": reply.name}
    if isinstance(reply, ContactRequest):
        return _message(reply.text, ())
    msg = f"{type(reply).__name__} is no message"
    raise ValueError(msg)


def picture_bytes(source: Path | str) -> bytes:
    """Return the content of a picture or document by its file, or by its address with us.

    Raises:
        OSError, httpx.HTTPError: It cannot be read.
        ValueError: The address is not one of ours.
    """
    if isinstance(source, Path):
        return source.read_bytes()
    settings = get_settings()
    path = source.removeprefix(settings.base_url)
    if not path.startswith("/") or path.startswith("//"):
        msg = "only our own pictures are sent on"
        raise ValueError(msg)
    # The web process of this machine, whatever address parents know it by.
    answer = httpx.get(
        f"http://127.0.0.1:{settings.web_port}{path}", timeout=FETCH_S, trust_env=False
    )
    answer.raise_for_status()
    return answer.content


def _said(said: Mapping[str, Any]) -> Reply:
    text, buttons = str(said.get("text") or ""), _buttons(said.get("buttons") or ())
    if said.get("image"):
        alt = str(said.get("alt") or text)
        return Picture(str(said["image"]), alt, text, buttons, bool(said.get("pin")))
    if said.get("contact") and text and not buttons:
        return ContactRequest(text, str(said["contact"]))
    if said.get("attachment"):
        return Document(str(said["attachment"]), str(said.get("name") or text), text)
    if not text:
        msg = "a reply without words"
        raise ValueError(msg)
    return Text(text, buttons)


def _buttons(buttons: Sequence[Mapping[str, Any]]) -> tuple[Button, ...]:
    return tuple(Button(str(b["title"]), str(b.get("payload") or b["title"])) for b in buttons)


def _message(text: str, buttons: Sequence[Button]) -> dict[str, Any]:
    said: dict[str, Any] = {"text": text}
    if buttons:
        said["buttons"] = [{"title": b.title, "payload": b.payload} for b in buttons]
    return said
