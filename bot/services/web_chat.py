"""The chat on the web page: what a parent says there, each once, and what has been said.

The account is the session's, which the server has made and signed. The page names each message
itself, so that it may send one again after a broken connection: the same name again is the same
message. What the parent says is kept beside the replies, so that a page that is opened again shows
both; a bank card's number only by its last digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.messages import InboundKind, is_answer, typed
from bot.rules.numbers import find_card
from bot.services import mailbox
from bot.services.errors import NotFound, Refused
from bot.services.inbox import InboundMessage, Shown, accept
from bot.services.mailbox import Line
from bot.store.models import ChatIdentity, ChatMessage, InboundUpdate
from bot.store.session import Store
from bot.texts import texts

CHANNEL = "web"
PAGE = 50
# A page that was offline for longer says so; more is no message of this page.
LONGEST_WAIT = timedelta(days=30)
_UPDATES: Any = InboundUpdate.__table__
_OPEN = ("received", "processing")
# A reply to more than so many lines back is not looked for.
_USES = 200


def menu() -> tuple[dict[str, str], ...]:
    """Return the services that the page always offers, as buttons (手册·电子保险卡 E2)."""
    return texts()["page_chat_menu"].buttons


def say(
    store: Store,
    *,
    account: str,
    name: str,
    text: str,
    waited: timedelta,
    now: datetime,
    wall: datetime,
) -> bool:
    """Take a text that a parent typed; it is never read as a button's payload.

    Args:
        store: The store.
        account: The session's.
        name: The page's own name of the message.
        text: What was typed.
        waited: How long the page kept it because there was no connection.
        now: Business time, aware: when it is shown to have been said.
        wall: The machine's time, aware.

    Returns:
        False if it was taken before.

    Raises:
        Refused: ``empty``.
    """
    said = typed(text)
    if not said:
        raise Refused("empty")
    message = _message(account, name, InboundKind.TEXT, waited, wall, text=said)
    shown = {"text": _covered(said), "name": name}
    return accept(store, message, now=wall, shown=Shown(shown, now))


def press(
    store: Store,
    *,
    account: str,
    name: str,
    payload: str,
    line: int | None,
    waited: timedelta,
    now: datetime,
    wall: datetime,
) -> bool:
    """Take a button that a parent pressed.

    Args:
        store: The store.
        account: The session's.
        name: The page's own name of the message.
        payload: The button's.
        line: The line of the chat under which it stands; ``None`` for the menu.
        waited: As in :func:`say`.
        now: As in :func:`say`.
        wall: As in :func:`say`.

    Returns:
        False if it was taken before.

    Raises:
        NotFound: No such button was offered to this account.
        Refused: ``used``: it was pressed before, or it answers a question that is past.
    """
    if is_known(store, account=account, name=name):
        return False
    message = _message(account, name, InboundKind.BUTTON, waited, wall, text=payload)
    shown: dict[str, Any] = {"name": name}
    if line is None:
        shown["text"] = _menu_title(payload)
        return accept(store, message, now=wall, shown=Shown(shown, now))
    with store.read() as session:
        shown |= {"text": _offered(session, account, line, payload), "line": line}

    def still(session: Session) -> None:
        _offered(session, account, line, payload)

    return accept(store, message, now=wall, shown=Shown(shown, now, still))


def send_files(
    store: Store,
    *,
    account: str,
    name: str,
    told: Mapping[str, str],
    files: list[str],
    now: datetime,
    wall: datetime,
) -> bool:
    """Take a message of files that are kept or refused already.

    Args:
        store: The store.
        account: The session's.
        name: The page's own name of the message.
        told: What the dialogue is told of them.
        files: Their names, as the parent's device has them.
        now: As in :func:`say`.
        wall: As in :func:`say`.

    Returns:
        False if it was taken before.
    """
    message = _message(account, name, InboundKind.FILE, timedelta(), wall, extra=told)
    shown = {"text": "", "files": files, "name": name}
    return accept(store, message, now=wall, shown=Shown(shown, now))


def is_known(store: Store, *, account: str, name: str) -> bool:
    """Say whether a message of this name was taken already."""
    query = sa.select(_UPDATES.c.id).where(
        _UPDATES.c.channel == CHANNEL, _UPDATES.c.update_id == _update_id(account, name)
    )
    with store.read() as session:
        return session.scalar(query) is not None


def is_thinking(store: Store, *, account: str) -> bool:
    """Say whether something the parent said is not answered yet."""
    query = sa.select(_UPDATES.c.id).where(
        _UPDATES.c.channel == CHANNEL,
        _UPDATES.c.account == account,
        _UPDATES.c.status.in_(_OPEN),
    )
    with store.read() as session:
        return session.scalar(query.limit(1)) is not None


def lines(store: Store, *, account: str, after: int) -> list[Line]:
    """Return what either side has said beyond a cursor, oldest first."""
    return mailbox.both(store, channel=CHANNEL, account=account, after=after)


def history(store: Store, *, account: str, before: int | None = None) -> list[Line]:
    """Return the last lines of both sides, or the last before an id; oldest first."""
    return mailbox.latest(store, channel=CHANNEL, account=account, before=before, most=PAGE)


def _message(
    account: str,
    name: str,
    kind: InboundKind,
    waited: timedelta,
    wall: datetime,
    *,
    text: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> InboundMessage:
    said_at = wall - min(max(waited, timedelta()), LONGEST_WAIT)
    return InboundMessage(
        CHANNEL, account, _update_id(account, name), kind, said_at, text, extra or {}
    )


def _update_id(account: str, name: str) -> str:
    # Nobody can take another one's name away; and it tells nothing of an account once erased.
    return hashlib.sha256(f"{account} {name}".encode()).hexdigest()


def _covered(text: str) -> str:
    card = find_card(text)
    return text if card is None else f"{text[: card.start]}•••• {card.tail}{text[card.end :]}"


def _menu_title(payload: str) -> str:
    for button in menu():
        if button["payload"] == payload:
            return button["title"]
    raise NotFound("button")


def _offered(session: Session, account: str, line: int, payload: str) -> str:
    """Return the title of a button, if it may be pressed."""
    of_account = (
        sa.select(ChatMessage)
        .join(ChatIdentity, ChatIdentity.id == ChatMessage.identity_id)
        .where(ChatIdentity.channel == CHANNEL, ChatIdentity.account == account)
    )
    later = (
        of_account.where(ChatMessage.id > line, ChatMessage.direction == "in")
        .order_by(ChatMessage.id)
        .limit(_USES)
    )
    row = session.scalars(
        of_account.where(ChatMessage.id == line, ChatMessage.direction == "out")
    ).first()
    said = [] if row is None else [one.payload for one in session.scalars(later)]
    buttons = row.payload.get("buttons", ()) if row is not None else ()
    title = next((one["title"] for one in buttons if one["payload"] == payload), None)
    if title is None:
        raise NotFound("button")
    if any(one.get("line") == line for one in said) or (said and is_answer(payload)):
        raise Refused("used")
    return str(title)
