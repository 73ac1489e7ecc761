"""Two at once: agents after one item, requests of one parent, lines of one conversation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoff_items, handoff_timers, handoffs, live_chat, presence
from bot.services.errors import Conflict
from bot.services.identity import identify
from bot.store.models import HandOff, HandOffEvent, HandOffMessage, OutboxMessage
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
MANY = 8


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls at the same moment; return their results, or what they raised."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(10)
        try:
            return call()
        except Conflict as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(60) for each in [pool.submit(run, call) for call in calls]]


def agent(store: Store, number: int, capacity: int = 3) -> None:
    presence.set_presence(
        store,
        agent_id=number,
        name=f"坐席{number}",
        status=AgentStatus.ONLINE,
        capacity=capacity,
        now=NOW,
    )


def parent(store: Store, name: str = "parent") -> int:
    return identify(store, "rest", name).id


def ask(store: Store, who: int) -> handoffs.Requested:
    return handoffs.request_handoff(store, identity_id=who, reason="asked", now=NOW)


def count(store: Store, query: Any) -> int:
    with store.read() as session:
        return int(session.scalar(query) or 0)


def test_two_agents_after_one_item(any_store: Store) -> None:
    for number in range(1, MANY + 1):
        agent(any_store, number)
    item = ask(any_store, parent(any_store)).place.id
    results = at_once(
        *(
            lambda n=number: handoff_desk.accept(any_store, handoff_id=item, agent_id=n, now=NOW)
            for number in range(1, MANY + 1)
        )
    )
    won = [r for r in results if not isinstance(r, Conflict)]
    assert len(won) == 1
    assert handoff_items.item(any_store, handoff_id=item, now=NOW).agent_id == won[0].agent_id
    taken = sa.select(sa.func.count()).select_from(HandOffEvent)
    assert count(any_store, taken.where(HandOffEvent.to_status == "human")) == 1
    # The parent is told of one agent.
    assert count(any_store, sa.select(sa.func.count()).select_from(OutboxMessage)) == 1


def test_one_parent_asking_several_times_at_once(any_store: Store) -> None:
    who = parent(any_store)
    results = at_once(*([lambda: ask(any_store, who)] * MANY))
    assert sum(r.new for r in results) == 1
    assert len({r.place.id for r in results}) == 1
    assert count(any_store, sa.select(sa.func.count()).select_from(HandOff)) == 1


def test_several_workers_offer_the_last_place_once(any_store: Store) -> None:
    agent(any_store, 1, capacity=1)
    for n in range(4):
        ask(any_store, parent(any_store, f"p{n}"))
    at_once(*([lambda: handoff_timers.tick(any_store, NOW)] * 4))
    held = sa.select(sa.func.count()).select_from(HandOff).where(HandOff.status == "assigned")
    assert count(any_store, held) == 1


@pytest.mark.parametrize("same", [True, False])
def test_lines_from_both_sides_at_once_each_once_and_numbered(any_store: Store, same: bool) -> None:
    agent(any_store, 1)
    who = parent(any_store)
    item = ask(any_store, who).place.id
    handoff_desk.accept(any_store, handoff_id=item, agent_id=1, now=NOW)

    def write(n: int) -> Any:
        key = "inbox:1" if same else f"inbox:{n}"
        return live_chat.route(any_store, identity_id=who, text=f"家长{n}", key=key, now=NOW)

    def say(n: int) -> Any:
        key = "1" if same else str(n)
        return live_chat.agent_message(
            any_store, handoff_id=item, agent_id=1, text=f"坐席{n}", now=NOW, key=key
        )

    at_once(*(lambda n=n: (write if n % 2 else say)(n) for n in range(MANY)))
    lines = live_chat.lines(any_store, handoff_id=item)
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    # One line told of the agent; then each of them once.
    assert len(lines) - 1 == (2 if same else MANY)
    keys = sa.select(sa.func.count(sa.distinct(HandOffMessage.idempotency_key)))
    assert count(any_store, keys) == (2 if same else MANY)
    sent = sa.select(sa.func.count()).select_from(OutboxMessage)
    assert count(any_store, sent.where(OutboxMessage.kind == "agent")) == (1 if same else MANY / 2)


def test_the_parent_writes_while_the_agent_closes(any_store: Store) -> None:
    agent(any_store, 1)
    who = parent(any_store)
    item = ask(any_store, who).place.id
    handoff_desk.accept(any_store, handoff_id=item, agent_id=1, now=NOW)
    routed, _ = at_once(
        lambda: live_chat.route(any_store, identity_id=who, text="等等", key="inbox:1", now=NOW),
        lambda: handoff_desk.resolve(any_store, handoff_id=item, agent_id=1, now=NOW),
    )
    written = [line.text for line in live_chat.lines(any_store, handoff_id=item)]
    # Either the agent reads it or the bot answers it, never both and never neither.
    assert ("等等" in written) == (routed is not None)
