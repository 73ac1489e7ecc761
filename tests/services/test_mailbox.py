"""The mailbox: what the bot said, by cursor, to nobody but its account."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.exc import IntegrityError

from bot.services import mailbox
from bot.store.models import OutboxMessage
from bot.store.session import Store


def said(store: Store, identity: int, text: str, now: datetime, **more: object) -> int:
    with store.begin() as session:
        row = mailbox.append(
            session,
            identity_id=identity,
            message={"text": text},
            at=now,
            **more,  # type: ignore[arg-type]
        )
        return row.id


def test_lines_beyond_the_cursor_oldest_first(
    store: Store, new_identity: Callable[[str], int], now: datetime
) -> None:
    mother, father = new_identity("mother"), new_identity("father")
    first = said(store, mother, "一", now)
    said(store, father, "别人的", now)
    said(store, mother, "我说的", now, direction="in")
    second = said(store, mother, "二", now)
    lines = mailbox.read(store, channel="rest", account="mother")
    assert [(line.id, line.message, line.at) for line in lines] == [
        (first, {"text": "一"}, now),
        (second, {"text": "二"}, now),
    ]
    later = mailbox.read(store, channel="rest", account="mother", after=first)
    assert [line.id for line in later] == [second]
    assert mailbox.read(store, channel="rest", account="mother", after=second) == []


def test_another_channels_account_of_the_same_name_is_another(
    store: Store, new_identity: Callable[[str], int], now: datetime
) -> None:
    said(store, new_identity("mother"), "一", now)
    assert mailbox.read(store, channel="web", account="mother") == []
    assert mailbox.read(store, channel="rest", account="nobody") == []


def test_a_page_has_an_end(store: Store, new_identity: Callable[[str], int], now: datetime) -> None:
    mother = new_identity("mother")
    for number in range(mailbox.MOST + 1):
        said(store, mother, str(number), now)
    page = mailbox.read(store, channel="rest", account="mother")
    assert len(page) == mailbox.MOST
    rest = mailbox.read(store, channel="rest", account="mother", after=page[-1].id)
    assert [line.message["text"] for line in rest] == [str(mailbox.MOST)]


def test_a_message_of_the_outbox_is_a_line_once(
    store: Store, new_identity: Callable[[str], int], now: datetime
) -> None:
    mother = new_identity("mother")
    with store.begin() as session:
        row = OutboxMessage(identity_id=mother, kind="reply", payload={}, due_at=now)
        session.add(row)
        session.flush()
        message = row.id
    said(store, mother, "一", now, outbox_id=message)
    with pytest.raises(IntegrityError):
        said(store, mother, "一", now, outbox_id=message)
