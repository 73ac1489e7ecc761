"""The webhook: only Telegram gets in, each update is stored once before it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bot.channels import telegram
from bot.channels.telegram import HEADER, PATH, Receiver, webhook_app
from bot.channels.telegram_updates import button_data
from bot.services.identity import identify
from bot.store.migrate import upgrade
from bot.store.models import InboundUpdate, OutboxMessage
from bot.store.session import Store

KEY = "s" * 40
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
WHO = {"id": 7, "first_name": "妈", "is_bot": False}
CHAT = {"id": 7, "type": "private", "first_name": "妈"}


class Bot:
    """Notes what is asked of Telegram."""

    defaults = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> None:
            self.asked.append((name, args or kwargs))

        return call


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    yield store
    store.dispose()


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def client(store: Store, bot: Bot) -> Iterator[TestClient]:
    receiver = Receiver(store, bot, "http://127.0.0.1:9/none", wall=lambda: NOW)  # type: ignore[arg-type]
    with TestClient(webhook_app(receiver, bot, KEY)) as client:  # type: ignore[arg-type]
        yield client


def said(text: str, number: int = 5) -> dict[str, Any]:
    message = {"message_id": 1, "from": WHO, "chat": CHAT, "date": 1_795_400_000, "text": text}
    return {"update_id": number, "message": message}


def stored(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as session:
        rows = session.scalars(sa.select(InboundUpdate).order_by(InboundUpdate.id)).all()
    return [(row.update_id, row.payload["text"]) for row in rows]


@pytest.mark.parametrize("given", [None, "", "s" * 39, "S" * 40, "é" * 40])
def test_without_the_secret_nothing_is_taken(
    client: TestClient, store: Store, given: str | None
) -> None:
    headers = {} if given is None else {HEADER: given.encode("utf-8")}
    assert client.post(PATH, json=said("你好"), headers=headers).status_code == 403
    assert stored(store) == []


def test_only_post(client: TestClient) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert client.request(method, PATH, headers={HEADER: KEY}).status_code == 405


def test_the_same_update_ten_times_at_once_is_stored_once(client: TestClient, store: Store) -> None:
    def deliver(_: int) -> int:
        return client.post(PATH, json=said("你好"), headers={HEADER: KEY}).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(deliver, range(10))) == {200}
    assert stored(store) == [("5", "你好")]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'{"update_id": "5"}', b"[" * 5000, b'{"update_id": 5}', b"\xff"],
)
def test_what_is_no_update_is_acknowledged_and_forgotten(
    client: TestClient, store: Store, body: bytes
) -> None:
    assert client.post(PATH, content=body, headers={HEADER: KEY}).status_code == 200
    assert stored(store) == []


def test_a_body_without_end_is_cut_off(client: TestClient) -> None:
    body = b" " * (telegram.LARGEST_UPDATE + 1)
    assert client.post(PATH, content=body, headers={HEADER: KEY}).status_code == 413


def press(message: int, index: int, account: int = 7, number: int = 9) -> dict[str, Any]:
    shown = {"message_id": 3, "chat": {**CHAT, "id": account}, "date": 1_795_400_000, "text": "x"}
    query = {
        "id": "q",
        "from": {**WHO, "id": account},
        "chat_instance": "1",
        "data": button_data(message, index),
        "message": shown,
    }
    return {"update_id": number, "callback_query": query}


@pytest.fixture
def offered(store: Store) -> int:
    who = identify(store, "telegram", "7")
    reply = {
        "text": "提交吗？",
        "buttons": [
            {"title": "确认", "payload": "/affirm"},
            {"title": "不要", "payload": "/deny"},
        ],
    }
    with store.begin() as session:
        row = OutboxMessage(identity_id=who.id, kind="reply", payload={"reply": reply}, due_at=NOW)
        session.add(row)
        session.flush()
        return int(row.id)


def test_a_button_says_what_it_stands_for_once(
    client: TestClient, store: Store, bot: Bot, offered: int
) -> None:
    for number, index in ((9, 0), (9, 0), (10, 1)):
        update = press(offered, index, number=number)
        assert client.post(PATH, json=update, headers={HEADER: KEY}).status_code == 200
    assert stored(store) == [(f"press:{offered}", "/affirm")]
    names = [name for name, _ in bot.asked]
    assert names.count("answer_callback_query") == 3, "none goes on spinning"
    assert "edit_message_reply_markup" in names, "used buttons are taken away"


def test_nobody_presses_anothers_buttons(client: TestClient, store: Store, offered: int) -> None:
    for update in (press(offered, 0, account=8), press(offered, 7), press(offered + 1, 0)):
        assert client.post(PATH, json=update, headers={HEADER: KEY}).status_code == 200
    assert stored(store) == []


def test_the_words_under_a_photo_are_said_as_well(client: TestClient, store: Store) -> None:
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9}]
    update = said("")
    update["message"] |= {"photo": photo, "caption": "这是发票"}
    del update["message"]["text"]
    for _ in range(2):
        client.post(PATH, content=json.dumps(update), headers={HEADER: KEY})
    assert stored(store) == [("5", "这是发票"), ("5:caption", "这是发票")]


TEXTS = st.text(max_size=40) | st.sampled_from(
    ["/start", "/start \u202e", "／affirm", "<script>alert(1)</script>", "\0", "é" * 4000, "'; --"]
)
UPDATES = st.fixed_dictionaries(
    {"update_id": st.integers(100, 10**12)},
    optional={
        "message": st.fixed_dictionaries(
            {
                "message_id": st.integers(0, 9),
                "date": st.integers(0, 2**33),
                "chat": st.sampled_from([CHAT, {**CHAT, "type": "group"}, {"id": "x"}, None]),
            },
            optional={
                "from": st.sampled_from([WHO, None, 5]),
                "text": TEXTS,
                "caption": TEXTS,
                "photo": st.lists(st.dictionaries(st.sampled_from(["file_id", "width"]), TEXTS)),
                "document": st.dictionaries(st.sampled_from(["file_id", "file_unique_id"]), TEXTS),
                "contact": st.dictionaries(st.sampled_from(["phone_number", "user_id"]), TEXTS),
            },
        ),
        "callback_query": st.dictionaries(st.sampled_from(["id", "data", "from"]), TEXTS),
        "edited_message": st.none() | st.integers() | TEXTS,
    },
)


def test_two_thousand_hostile_updates_break_nothing(client: TestClient, store: Store) -> None:
    @settings(
        max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(UPDATES)
    def attack(update: dict[str, Any]) -> None:
        body = json.dumps(update)
        assert client.post(PATH, content=body, headers={HEADER: KEY}).status_code == 200

    attack()
    assert client.post(PATH, json=said("还在吗", 7), headers={HEADER: KEY}).status_code == 200
    assert ("7", "还在吗") in stored(store)
