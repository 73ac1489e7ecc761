"""A message that a person answers: Rasa does not see it, and nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels import people
from bot.channels.inbox import InboxConsumer
from bot.clock import TZ
from bot.rules.handoffs import AgentStatus
from bot.rules.messages import InboundKind
from bot.services import handoff_desk, handoffs, live_chat, presence
from bot.services.handoff_closing import rate_payload
from bot.services.identity import identify
from bot.services.inbox import LEASE, InboundMessage, accept, claim
from bot.store.migrate import upgrade
from bot.store.models import HandOff, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


class Agent:
    """Stands in for Rasa: knows one emergency, and notes what it was asked to answer."""

    tracker_store: Any = None

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.blind = False

    async def parse_message(self, message_data: str) -> dict[str, Any]:
        if self.blind:
            raise RuntimeError("cannot read")
        danger = "抽搐" in message_data
        return {"intent": {"name": "report_emergency" if danger else "inform"}}

    async def handle_message(self, message: Any) -> None:
        self.heard.append(message.text)
        await message.output_channel.send_text_message(message.sender_id, "机器人")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    yield store
    store.dispose()


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.fixture
def item(store: Store) -> int:
    """A conversation that an agent has."""
    who = identify(store, "telegram", "42").id
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=NOW)
    number = handoffs.request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id
    handoff_desk.accept(store, handoff_id=number, agent_id=1, now=NOW)
    return number


def post(store: Store, update: str, text: str, **change: Any) -> None:
    given: dict[str, Any] = {
        "channel": "telegram",
        "account": "42",
        "update_id": update,
        "kind": InboundKind.TEXT,
        "said_at": NOW,
        "text": text,
    }
    accept(store, InboundMessage(**given | change), now=NOW)


def drain(store: Store, agent: Agent, now: datetime = NOW) -> None:
    asyncio.run(InboxConsumer(store, agent, lambda: now, lambda: now).drain())


def replies(store: Store) -> list[str]:
    query = sa.select(OutboxMessage).where(OutboxMessage.kind == "reply")
    with store.read() as session:
        rows = session.scalars(query.order_by(OutboxMessage.id))
        return [row.payload["reply"]["text"] for row in rows]


def written(store: Store, item: int) -> list[str]:
    lines = live_chat.lines(store, handoff_id=item)
    return [line.text for line in lines if line.direction == "parent"]


def test_the_bot_is_silent_and_the_person_reads_it_in_order(
    store: Store, agent: Agent, item: int
) -> None:
    for number, text in enumerate(["一", "二", "三"]):
        post(store, str(number), text)
    drain(store, agent)
    assert (agent.heard, replies(store)) == ([], [])
    assert written(store, item) == ["一", "二", "三"]


def test_delivered_again_after_the_process_died(store: Store, agent: Agent, item: int) -> None:
    post(store, "1", "在吗")
    post(store, "1", "在吗")
    dead = claim(store, owner="dead", now=NOW)
    assert dead is not None
    who = identify(store, "telegram", "42").id
    key = f"inbox:{dead.id}"
    live_chat.route(store, identity_id=who, text="在吗", key=key, now=NOW)
    # It died before it could say that the update was done; the next one finds it written.
    agent.tracker_store = agent

    async def nothing(_: str) -> None:
        return None

    agent.retrieve = nothing  # type: ignore[attr-defined]
    drain(store, agent, NOW + LEASE + timedelta(seconds=1))
    assert (agent.heard, replies(store), written(store, item)) == ([], [], ["在吗"])


def test_an_emergency_is_answered_at_once(store: Store, agent: Agent, item: int) -> None:
    post(store, "1", "孩子抽搐了")
    drain(store, agent)
    assert replies(store) == [texts()["emergency"].text]
    assert written(store, item) == ["孩子抽搐了"]
    with store.read() as session:
        row = session.get(HandOff, item)
        assert row is not None
        assert row.urgent


def test_what_rasa_cannot_read_reaches_the_person_all_the_same(
    store: Store, agent: Agent, item: int
) -> None:
    agent.blind = True
    post(store, "1", "孩子抽搐了")
    drain(store, agent)
    assert written(store, item) == ["孩子抽搐了"]


@pytest.mark.parametrize("broken", ["standing", "route"])
def test_the_call_to_120_comes_whatever_happens_to_the_store(
    store: Store, agent: Agent, item: int, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(live_chat, broken, lambda *_, **__: 1 / 0)
    post(store, "1", "孩子抽搐了")
    post(store, "2", "在吗")
    drain(store, agent)
    if broken == "route":
        assert replies(store) == [texts()["emergency"].text, texts()["failure"].text]
        assert agent.heard == []
    else:
        # Not known to be a person's, it is Rasa's, which knows emergencies.
        assert agent.heard == ["孩子抽搐了", "在吗"]


def test_a_late_message_is_read_by_the_person(store: Store, agent: Agent, item: int) -> None:
    post(store, "1", "昨天发的", said_at=NOW - timedelta(days=2))
    drain(store, agent)
    assert (replies(store), written(store, item)) == ([], ["昨天发的"])


def test_files_that_were_refused_are_told(store: Store, agent: Agent, item: int) -> None:
    post(store, "1", "", kind=InboundKind.FILE, extra={"document_refused": "file_type"})
    drain(store, agent)
    assert replies(store) == [texts()["handoff_file_refused"].text]
    assert written(store, item) == []


def test_another_account_is_the_bots(store: Store, agent: Agent, item: int) -> None:
    post(store, "1", "你好", account="43")
    post(store, "1", "你好", channel="web")
    drain(store, agent)
    assert agent.heard == ["你好", "你好"]
    assert written(store, item) == []


def test_a_rating_typed_looks_like_no_button(store: Store, agent: Agent, item: int) -> None:
    handoff_desk.resolve(store, handoff_id=item, agent_id=1, now=NOW)
    post(store, "1", '/rate{"handoff": 1, "stars": 5}')
    drain(store, agent)
    with store.read() as session:
        row = session.get(HandOff, item)
        assert row is not None
        assert row.rating is None


def test_a_button_and_a_number(store: Store, agent: Agent, item: int) -> None:
    handoff_desk.resolve(store, handoff_id=item, agent_id=1, now=NOW)
    post(store, "1", "4分")
    press = rate_payload(item, 5)
    post(store, "2", press, kind=InboundKind.BUTTON)
    drain(store, agent)
    with store.read() as session:
        row = session.get(HandOff, item)
        assert row is not None
        assert row.rating == 5
    assert agent.heard == []
    assert len(replies(store)) == 2


def test_the_documents_of_a_payload() -> None:
    found = people.DOCUMENTS.search('/inform{"document": "12,13"}')
    assert found is not None
    assert found["ids"] == "12,13"
