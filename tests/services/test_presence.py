"""Which agents are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.rules.handoffs import PRESENCE_LOST_AFTER, AgentStatus
from bot.services import handoff_desk, handoffs, presence
from bot.services.errors import NotFound
from bot.store.models import AuditEntry
from bot.store.session import Store


def say(
    store: Store, now: datetime, status: AgentStatus = AgentStatus.ONLINE
) -> presence.AgentView:
    return presence.set_presence(store, agent_id=1, name=" 小林 ", status=status, now=now)


def test_there_until_nothing_is_heard(store: Store, now: datetime) -> None:
    assert say(store, now).name == "小林"
    (seen,) = presence.agents(store, now=now + PRESENCE_LOST_AFTER)
    assert seen.status is AgentStatus.ONLINE
    gone = now + PRESENCE_LOST_AFTER + timedelta(seconds=1)
    assert presence.agents(store, now=gone)[0].status is AgentStatus.OFFLINE
    presence.beat(store, agent_id=1, now=gone)
    assert presence.agents(store, now=gone)[0].status is AgentStatus.ONLINE


def test_only_changes_are_in_the_audit(
    store: Store, now: datetime, count: Callable[..., int]
) -> None:
    for status in (AgentStatus.ONLINE, AgentStatus.ONLINE, AgentStatus.BUSY):
        say(store, now, status)
    assert count(AuditEntry, action="presence.set") == 2


def test_what_is_at_hand(store: Store, now: datetime, new_identity: Callable[[str], int]) -> None:
    say(store, now)
    for name in ("a", "b"):
        who = new_identity(name)
        item = handoffs.request_handoff(store, identity_id=who, reason="asked", now=now).place.id
        handoff_desk.accept(store, handoff_id=item, agent_id=1, now=now)
    assert presence.agents(store, now=now)[0].open == 2
    until = now + timedelta(hours=1)
    handoff_desk.snooze(store, handoff_id=item, agent_id=1, until=until, now=now)
    assert presence.agents(store, now=now)[0].open == 1


@pytest.mark.parametrize(
    ("name", "capacity"), [("", 3), ("  ", 3), ("长" * 33, 3), ("小林", -1), ("小林", 21)]
)
def test_what_is_refused(store: Store, now: datetime, name: str, capacity: int) -> None:
    with pytest.raises(ValueError, match=r"capacity|no name"):
        presence.set_presence(
            store, agent_id=1, name=name, status=AgentStatus.ONLINE, capacity=capacity, now=now
        )
    assert presence.agents(store, now=now) == ()


def test_an_unknown_agent_has_no_heartbeat(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound):
        presence.beat(store, agent_id=1, now=now)


def test_capacity_stays_until_it_is_set(store: Store, now: datetime) -> None:
    assert say(store, now).capacity == 3
    presence.set_presence(
        store, agent_id=1, name="小林", status=AgentStatus.ONLINE, capacity=1, now=now
    )
    assert say(store, now).capacity == 1
