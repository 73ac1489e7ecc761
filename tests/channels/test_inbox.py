"""The Rasa side of the inbox, with a stand-in for Rasa's agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import BotUttered, UserUttered

from bot.channels.inbox import InboxConsumer, message_id, rasa_text, sender_id
from bot.clock import TZ
from bot.rules.messages import InboundKind
from bot.services.inbox import LEASE, InboundMessage, accept, claim
from bot.store.migrate import upgrade
from bot.store.models import InboundUpdate, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
LATER = NOW + LEASE + timedelta(seconds=1)


class FakeTracker:
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.slots: dict[str, Any] = {}

    def get_slot(self, name: str) -> Any:
        return self.slots.get(name)


class FakeAgent:
    """Echoes; keeps conversations as Rasa does, and can die before or after saving a turn."""

    def __init__(self) -> None:
        self.tracker_store = self
        self.trackers: dict[str, FakeTracker] = {}
        self.heard: list[tuple[str, str, str]] = []
        self.fail_before = self.fail_after = False

    async def retrieve(self, sender: str) -> FakeTracker | None:
        return self.trackers.get(sender)

    async def parse_message(self, message_data: str) -> dict[str, Any]:
        danger = "抽搐" in message_data
        return {"intent": {"name": "report_emergency" if danger else "inform"}}

    async def handle_message(self, message: UserMessage) -> None:
        self.heard.append((message.sender_id, message.input_channel, message.text))
        if self.fail_before:
            raise RuntimeError("died")
        await asyncio.sleep(0)
        said = f"听到：{message.text}"
        tracker = self.trackers.setdefault(message.sender_id, FakeTracker())
        tracker.events += [
            UserUttered(message.text, message_id=message.message_id),
            BotUttered(said, {"buttons": None}),
        ]
        if self.fail_after:
            raise asyncio.CancelledError
        await message.output_channel.send_text_message(message.sender_id, said)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    yield store
    store.dispose()


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


def say(store: Store, update: str, text: str | None = "你好", **change: Any) -> None:
    given: dict[str, Any] = {
        "channel": "telegram",
        "account": "42",
        "update_id": update,
        "kind": InboundKind.TEXT,
        "said_at": NOW,
        "text": text,
    }
    assert accept(store, InboundMessage(**given | change), now=NOW)


def drain(store: Store, agent: FakeAgent, now: datetime = NOW) -> None:
    asyncio.run(InboxConsumer(store, agent, lambda: now, lambda: now).drain())


def replies(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [row.payload["reply"]["text"] for row in rows]


def test_what_waits_is_answered_in_order(store: Store, agent: FakeAgent) -> None:
    for number, text in enumerate(["一", "二", "三"]):
        say(store, str(number), text)
    drain(store, agent)
    assert replies(store) == ["听到：一", "听到：二", "听到：三"]
    assert {(sender, channel) for sender, channel, _ in agent.heard} == {
        ("telegram:42", "telegram")
    }


def test_two_apps_with_one_account_are_two_conversations(store: Store, agent: FakeAgent) -> None:
    say(store, "1")
    say(store, "1", channel="web")
    drain(store, agent)
    assert sorted(sender for sender, _, _ in agent.heard) == ["telegram:42", "web:42"]


def test_a_turn_that_fails_is_answered_with_an_apology_and_the_next_one_goes_on(
    store: Store, agent: FakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent.fail_before = True
    say(store, "1")
    drain(store, agent)
    agent.fail_before = False
    say(store, "2", "在吗")
    drain(store, agent)
    assert replies(store) == [texts()["failure"].text, "听到：在吗"]
    assert "could not be processed" in caplog.text


def test_a_server_that_died_within_the_turn_runs_it_again(store: Store, agent: FakeAgent) -> None:
    say(store, "1")
    assert claim(store, owner="dead", now=NOW)
    drain(store, agent)
    assert replies(store) == []
    drain(store, agent, LATER)
    assert replies(store) == ["听到：你好"]


def test_a_server_that_died_after_the_turn_repeats_its_replies_not_the_turn(
    store: Store, agent: FakeAgent
) -> None:
    say(store, "1", "确认")
    dead = claim(store, owner="dead", now=NOW)
    assert dead
    tracker = agent.trackers["telegram:42"] = FakeTracker()
    tracker.events = [
        UserUttered("早", message_id="inbox:0"),
        BotUttered("您好"),
        UserUttered("确认", message_id=message_id(dead)),
        BotUttered("预约已提交", {"buttons": [{"title": "查", "payload": "/check_appointment"}]}),
    ]
    drain(store, agent, LATER)
    assert replies(store) == ["预约已提交"]
    assert agent.heard == []


def test_an_update_that_kills_every_server_is_given_up(store: Store, agent: FakeAgent) -> None:
    say(store, "1")
    now = NOW
    for _ in range(3):
        assert claim(store, owner="dead", now=now)
        now = now + LEASE + timedelta(seconds=1)
    drain(store, agent, now)
    assert agent.heard == []
    assert replies(store) == [texts()["failure"].text]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"kind": InboundKind.VOICE, "text": None}, "inbound_voice"),
        ({"kind": InboundKind.EDITED}, "inbound_edited"),
        ({"kind": InboundKind.LOCATION, "text": None}, "inbound_location"),
        ({"kind": InboundKind.OTHER, "text": None}, "inbound_other"),
        ({"text": "  "}, "inbound_text"),
        ({"kind": InboundKind.FILE, "text": None}, "inbound_file"),
        ({"said_at": NOW - timedelta(hours=25)}, "inbound_stale"),
    ],
)
def test_what_the_dialogue_does_not_read_gets_a_fixed_answer(
    store: Store, agent: FakeAgent, change: dict[str, Any], answer: str
) -> None:
    say(store, "1", **change)
    drain(store, agent)
    known = answer if answer in texts() else "inbound_other"
    assert replies(store) == [texts()[known].text]
    assert agent.heard == []


@pytest.mark.parametrize(
    ("kind", "text", "extra", "read"),
    [
        (InboundKind.TEXT, "约周三", {}, "约周三"),
        (InboundKind.TEXT, '/inform{"policy": "x"}', {}, '／inform{"policy": "x"}'),
        (InboundKind.BUTTON, "/affirm", {}, "/affirm"),
        (InboundKind.FILE, None, {"document": "3,4"}, '/inform{"document": "3,4"}'),
        (
            InboundKind.FILE,
            None,
            {"document_refused": "size"},
            '/inform{"document_refused": "size"}',
        ),
        (InboundKind.CONTACT, None, {"phone": "13800000101"}, '/inform{"phone": "13800000101"}'),
        (InboundKind.VOICE, "x", {}, None),
    ],
)
def test_how_rasa_reads_an_update(
    kind: InboundKind, text: str | None, extra: dict[str, str], read: str | None
) -> None:
    message = InboundMessage("telegram", "42", "1", kind, NOW, text, extra)
    assert rasa_text(message) == read
    assert sender_id(message) == "telegram:42"


def test_a_consumer_that_runs_is_woken(store: Store, agent: FakeAgent) -> None:
    async def scene(put: Callable[[], None]) -> None:
        consumer = InboxConsumer(store, agent, lambda: NOW, lambda: NOW)
        running = asyncio.create_task(consumer.run())
        await asyncio.sleep(0.05)
        put()
        consumer.nudge()
        async with asyncio.timeout(10):
            while not replies(store):  # noqa: ASYNC110 - the store wakes nobody.
                await asyncio.sleep(0.02)
        running.cancel()

    asyncio.run(scene(lambda: say(store, "1")))
    assert replies(store) == ["听到：你好"]


class FakeIntake:
    """Keeps files under numbers, notes when typing is shown."""

    def __init__(self) -> None:
        self.fetched: list[list[str]] = []
        self.typed: list[str] = []

    async def prepare(self, message: InboundMessage, *, now: datetime) -> dict[str, Any]:
        ids = [str(file["id"]) for file in message.extra["files"]]
        self.fetched.append(ids)
        return {"document": ",".join(ids)}

    async def typing(self, account: str) -> None:
        self.typed.append(account)


def photo(number: int, group: str | None) -> InboundMessage:
    extra: dict[str, Any] = {"files": [{"id": f"f{number}", "name": "photo.jpg", "size": 1}]}
    if group:
        extra["group"] = group
    return InboundMessage("telegram", "mother", f"u{number}", InboundKind.FILE, NOW, None, extra)


async def test_an_album_is_one_turn_and_what_follows_is_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.inbox.ALBUM_S", 0.05)
    for number, group in ((1, "a"), (2, "a"), (3, "a"), (4, None), (5, "b")):
        accept(store, photo(number, group), now=NOW)
    agent, intake = FakeAgent(), FakeIntake()
    consumer = InboxConsumer(
        store, agent, wall=lambda: NOW, now=lambda: NOW, intakes={"telegram": intake}
    )
    await consumer.drain()
    assert intake.fetched == [["f1", "f2", "f3"], ["f4"], ["f5"]]
    assert len(agent.heard) == 3
    assert "f1,f2,f3" in agent.heard[0][2]
    with store.read() as session:
        states = session.scalars(sa.select(InboundUpdate.status)).all()
    assert set(states) == {"processed"}


async def test_a_slow_answer_is_announced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.inbox.TYPING_AFTER_S", 0.01)
    agent, intake = FakeAgent(), FakeIntake()
    answer = agent.handle_message

    async def slowly(message: Any) -> Any:
        await asyncio.sleep(0.1)
        return await answer(message)

    monkeypatch.setattr(agent, "handle_message", slowly)
    message = InboundMessage("telegram", "m", "u1", InboundKind.TEXT, NOW, "你好")
    accept(store, message, now=NOW)
    await InboxConsumer(
        store, agent, wall=lambda: NOW, now=lambda: NOW, intakes={"telegram": intake}
    ).drain()
    assert intake.typed == ["m"]


async def test_the_phone_is_asked_for_with_the_apps_button(store: Store) -> None:
    agent = FakeAgent()
    message = InboundMessage("telegram", "m", "u1", InboundKind.TEXT, NOW, "王小满")
    agent.trackers["telegram:m"] = tracker = FakeTracker()
    tracker.slots["requested_slot"] = "bind_phone"
    accept(store, message, now=NOW)
    await InboxConsumer(store, agent, wall=lambda: NOW, now=lambda: NOW).drain()
    with store.read() as session:
        (said,) = session.scalars(sa.select(OutboxMessage.payload)).all()
    assert said["reply"]["contact"] == "发送我的手机号"
