"""The stream that tells open pages how the desk stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.desk.console import live
from bot.desk.console.live import Pulses
from bot.rules.handoffs import PRESENCE_LOST_AFTER, AgentStatus
from bot.rules.staff import SESSION_IDLE
from bot.services import handoffs, presence, staff_sessions
from bot.store.demo.staff import PASSWORD
from bot.store.session import Store
from tests.desk.console.conftest import Clock


def signed_in(store: Store, moment: Clock, login: str = "lin") -> str:
    return staff_sessions.sign_in(
        store, login=login, password=PASSWORD, now=moment.now, wall=moment.wall
    )[1]


def pulses_of(store: Store, moment: Clock) -> Pulses:
    return Pulses(lambda: store, lambda: moment.now, lambda: moment.wall)


async def event(events: AsyncIterator[bytes]) -> tuple[str, Any]:
    async with asyncio.timeout(5):
        said = (await anext(events)).decode()
    kind, _, data = said.partition("\n")
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def begun(pulses: Pulses, token: str, agent_id: int = 1) -> AsyncIterator[bytes]:
    events = pulses.events(agent_id, token)
    assert (await anext(events)).startswith(b"retry:")
    return events


async def test_each_change_is_told(demo_store: Store, moment: Clock, parent: int) -> None:
    pulses = pulses_of(demo_store, moment)
    events = await begun(pulses, signed_in(demo_store, moment))
    kind, told = await event(events)
    assert (kind, told["waiting"]) == ("pulse", [])
    # The first look of the watch is told as well.
    await event(events)
    number = handoffs.request_handoff(
        demo_store, identity_id=parent, reason="asked", now=moment.now
    ).place.id
    kind, told = await event(events)
    assert (kind, told["waiting"]) == ("pulse", [number])
    await events.aclose()  # type: ignore[attr-defined]


async def test_an_agent_is_there_while_the_page_is_open(
    demo_store: Store, moment: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PING_S", 0.05)
    presence.set_presence(
        demo_store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=moment.now
    )
    events = await begun(pulses_of(demo_store, moment), signed_in(demo_store, moment))
    moment.now += PRESENCE_LOST_AFTER + timedelta(seconds=1)
    await event(events)
    assert presence.agents(demo_store, now=moment.now)[0].status is AgentStatus.ONLINE
    await events.aclose()  # type: ignore[attr-defined]
    moment.now += PRESENCE_LOST_AFTER + timedelta(seconds=1)
    await asyncio.sleep(0.2)
    assert presence.agents(demo_store, now=moment.now)[0].status is AgentStatus.OFFLINE


async def test_it_ends_with_the_session(
    demo_store: Store, moment: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PING_S", 0.05)
    events = await begun(pulses_of(demo_store, moment), signed_in(demo_store, moment))
    await event(events)
    moment.wall += SESSION_IDLE + timedelta(seconds=1)
    kind = ""
    while kind != "over":
        kind, _ = await event(events)
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_store_that_fails_a_while_stops_no_stream(
    demo_store: Store,
    moment: Clock,
    parent: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 0.05)
    mark = live.desk_pulse.mark
    failing = True

    def sometimes(store: Store, **given: Any) -> Any:
        if failing:
            raise OSError("no disk")
        return mark(store, **given)

    monkeypatch.setattr(live.desk_pulse, "mark", sometimes)
    events = await begun(pulses_of(demo_store, moment), signed_in(demo_store, moment))
    await event(events)
    await asyncio.sleep(0.2)
    assert "cannot look into the store" in caplog.text
    failing = False
    await event(events)
    handoffs.request_handoff(demo_store, identity_id=parent, reason="asked", now=moment.now)
    _, told = await event(events)
    assert len(told["waiting"]) == 1
    await events.aclose()  # type: ignore[attr-defined]


async def test_closed_they_end(demo_store: Store, moment: Clock) -> None:
    pulses = pulses_of(demo_store, moment)
    events = await begun(pulses, signed_in(demo_store, moment))
    await event(events)
    pulses.close()
    assert pulses.is_full()
    async with asyncio.timeout(5):
        assert [one async for one in events][1:] == []
