"""Buttons of messages that were pushed to a chat: whose they are, and until when they count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bot.services.buttons import payload_of
from bot.services.identity import identify
from bot.store.models import OutboxMessage
from bot.store.session import Store

Put = Callable[..., int]


@pytest.fixture
def put(store: Store, now: datetime) -> Put:
    """Put a message with one button into the outbox; return its id."""

    def add(key: str, payload: str, *, account: str = "42", kind: str = "reply") -> int:
        who = identify(store, "telegram", account)
        said: dict[str, Any] = {"text": "?", "buttons": [{"title": "b", "payload": payload}]}
        with store.begin() as session:
            row = OutboxMessage(
                identity_id=who.id,
                kind=kind,
                payload={"reply": said},
                due_at=now,
                idempotency_key=key,
            )
            session.add(row)
            session.flush()
            return row.id

    return add


def pressed(store: Store, message: int, index: int = 0, account: str = "42") -> str | None:
    return payload_of(store, channel="telegram", account=account, message=message, index=index)


def test_a_button_is_its_accounts_alone(store: Store, put: Put) -> None:
    message = put("reply:1:0", "/affirm")
    assert pressed(store, message) == "/affirm"
    assert pressed(store, message, account="43") is None
    assert pressed(store, message, 1) is None
    assert pressed(store, message + 1) is None


@pytest.mark.parametrize("payload", ["/affirm", "/deny", '/inform{"file_retake": "keep"}', "上午"])
def test_an_answer_counts_for_the_last_question_only(store: Store, put: Put, payload: str) -> None:
    message = put("reply:1:0", payload)
    put("reply:12:0", "/affirm")
    assert pressed(store, message) is None


def test_what_asks_by_itself_counts_later_too(store: Store, put: Put) -> None:
    message = put("reply:1:0", "/check_balance")
    put("reply:2:0", "/affirm")
    assert pressed(store, message) == "/check_balance"


def test_more_of_the_same_turn_notices_and_other_chats_change_nothing(
    store: Store, put: Put
) -> None:
    message = put("reply:1:0", "/affirm")
    put("reply:1:1", "/deny")
    put("visit:1", "/check_appointment", kind="appointment_confirmed")
    put("reply:2:0", "/deny", account="43")
    assert pressed(store, message) == "/affirm"


def test_an_answer_below_a_notice_counts_until_the_next_reply(store: Store, put: Put) -> None:
    message = put("visit:1", "/affirm", kind="appointment_confirmed")
    assert pressed(store, message) == "/affirm"
    put("reply:2:0", "/deny")
    assert pressed(store, message) is None
