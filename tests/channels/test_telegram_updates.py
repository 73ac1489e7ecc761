"""Reading Telegram's updates: what counts, what does not, and nothing that breaks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import Update

from bot.channels import telegram
from bot.channels.telegram_updates import button_data, pressed, read, taken
from bot.rules.messages import InboundKind
from bot.services.inbox import InboundMessage

WHO = {"id": 7, "first_name": "妈", "is_bot": False}
CHAT = {"id": 7, "type": "private", "first_name": "妈"}
AT = 1_795_400_000


def update(**content: Any) -> Update:
    edited = content.pop("edited", False)
    chat = content.pop("chat", CHAT)
    message = {"message_id": 1, "from": WHO, "chat": chat, "date": AT, **content}
    if edited:
        message["edit_date"] = AT + 5
    found = Update.de_json({"update_id": 5, "edited_message" if edited else "message": message})
    assert found is not None
    return found


FILE = {"file_id": "f", "file_unique_id": "u"}


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"text": "娃发烧"}, InboundKind.TEXT, "娃发烧"),
        ({"text": "/start"}, InboundKind.BUTTON, "/greet"),
        ({"text": "/start bind"}, InboundKind.BUTTON, "/bind_card"),
        ({"text": "/start book"}, InboundKind.BUTTON, "/book_appointment"),
        ({"text": "/start /affirm"}, InboundKind.BUTTON, "/greet"),
        ({"text": "/human@youxiang_bot"}, InboundKind.BUTTON, "/talk_to_human"),
        ({"text": "/affirm"}, InboundKind.TEXT, "/affirm"),
        ({"text": '/inform{"phone": "1"}'}, InboundKind.TEXT, '/inform{"phone": "1"}'),
        ({"voice": {**FILE, "duration": 2}}, InboundKind.VOICE, None),
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, InboundKind.LOCATION, None),
        ({"dice": {"emoji": "🎲", "value": 3}}, InboundKind.OTHER, None),
        ({"text": "改过", "edited": True}, InboundKind.EDITED, None),
    ],
)
def test_kinds(content: dict[str, Any], kind: InboundKind, text: str | None) -> None:
    message = read(update(**content))
    assert message is not None
    assert (message.channel, message.account, message.update_id) == ("telegram", "7", "5")
    assert (message.kind, message.text) == (kind, text)
    assert message.said_at.timestamp() == AT + 5 * (kind is InboundKind.EDITED)


def test_groups_and_bots_are_not_read() -> None:
    group = {"id": -5, "type": "group", "title": "妈妈群"}
    assert read(update(text="王小满的额度", chat=group)) is None
    robot = {"id": 8, "first_name": "b", "is_bot": True}
    found = Update.de_json(
        {
            "update_id": 5,
            "message": {"message_id": 1, "from": robot, "chat": CHAT, "date": AT, "text": "x"},
        }
    )
    assert found is not None
    assert read(found) is None


def test_the_largest_photo_of_an_album_with_its_words() -> None:
    sizes = [
        {"file_id": "small", "file_unique_id": "s", "width": 90, "height": 60},
        {"file_id": "big", "file_unique_id": "b", "width": 900, "height": 600, "file_size": 4},
    ]
    message = read(update(photo=sizes, media_group_id="g", caption="发票"))
    assert message is not None
    assert message.extra == {
        "files": [{"id": "big", "name": "photo.jpg", "size": 4}],
        "group": "g",
    }
    assert message.text == "发票"


@pytest.mark.parametrize(
    ("contact", "phone"),
    [
        ({"phone_number": "+8613800000101", "user_id": 7}, "13800000101"),
        ({"phone_number": "8613800000101", "user_id": 7}, "13800000101"),
        ({"phone_number": "13800000101", "user_id": 8}, None),
        ({"phone_number": "13800000101"}, None),
        ({"phone_number": "+12025550123", "user_id": 7}, None),
    ],
)
def test_only_the_senders_own_number(contact: dict[str, Any], phone: str | None) -> None:
    message = read(update(contact={"first_name": "妈", **contact}))
    assert message is not None
    assert message.kind is InboundKind.CONTACT
    assert message.extra.get("phone") == phone


def callback(data: str) -> Update:
    shown = {"message_id": 9, "chat": CHAT, "date": AT, "text": "x"}
    query = {"id": "q", "from": WHO, "chat_instance": "1", "data": data, "message": shown}
    found = Update.de_json({"update_id": 6, "callback_query": query})
    assert found is not None
    return found


def test_a_button_names_its_message_and_place() -> None:
    press = pressed(callback(button_data(123, 2)))
    assert press is not None
    assert (press.account, press.message, press.index, press.shown_in) == ("7", 123, 2, 9)
    first = taken(press, "/affirm", at=datetime.now(UTC))
    other = pressed(callback(button_data(123, 0)))
    assert other is not None
    second = taken(other, "/deny", at=datetime.now(UTC))
    assert first.update_id == second.update_id, "the buttons of a message are used once"


@pytest.mark.parametrize("data", ["", "/affirm", "b:1", "b:x:1", "b:1:-1", "b:1:0 ", "c:1:1"])
def test_other_data_is_no_button(data: str) -> None:
    assert pressed(callback(data)) is None


def test_what_a_button_carries_is_short() -> None:
    assert len(button_data(10**18 - 1, 999).encode()) <= 64


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    "message from chat id type text photo contact date callback_query data "
                    "document file_id user_id update_id x"
                ).split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=60) | st.just("/start " + "x" * 64) | st.just("\0" * 9) | JSON,
        "photo": JSON,
        "document": JSON | st.fixed_dictionaries({"file_id": JSON, "file_unique_id": JSON}),
        "contact": JSON,
        "media_group_id": JSON,
        "caption": JSON,
        "from": st.just(WHO) | JSON,
        "chat": st.just(CHAT) | JSON,
        "date": st.just(AT) | JSON,
    },
)


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.booleans(), HOSTILE, JSON)
def test_nothing_hostile_breaks_the_reading(
    whole: bool, content: dict[str, Any], junk: Any
) -> None:
    raw: dict[str, Any] = {"update_id": 1}
    if whole:
        raw["message"] = {"message_id": 1, "from": WHO, "chat": CHAT, "date": AT, **content}
    elif isinstance(junk, dict):
        raw |= junk
    found = telegram.read_update(raw, None)  # type: ignore[arg-type]
    if found is None:
        return
    held = telegram.taken_of(found)
    if isinstance(held, InboundMessage):
        assert re.fullmatch(r"\d{1,20}", held.account)
        assert held.text is None or isinstance(held.text, str)
        assert held.said_at.tzinfo is not None
        json.dumps(held.extra)
