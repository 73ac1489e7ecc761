"""What has changed at the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.rules.handoffs import AgentStatus
from bot.services import (
    complaints,
    desk_pulse,
    handoff_desk,
    handoff_timers,
    handoffs,
    live_chat,
    presence,
)
from bot.store.session import Store


def ask(store: Store, who: int, now: datetime, reason: str = "asked") -> int:
    return handoffs.request_handoff(store, identity_id=who, reason=reason, now=now).place.id


def test_for_whom_something_waits(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.BUSY, now=now)
    people = [new_identity(name) for name in "abc"]
    first, second, third = (ask(store, who, now) for who in people)
    urgent = ask(store, new_identity("d"), now, "emergency")
    assert desk_pulse.pulse(store, agent_id=1).urgent == (urgent,)
    # An emergency goes to the busy as well.
    handoff_timers.tick(store, now)
    before = desk_pulse.pulse(store, agent_id=1)
    assert before.offered == (urgent,)
    assert before.waiting == (first, second, third)
    handoff_desk.accept(store, handoff_id=first, agent_id=1, now=now)
    # Nobody has said anything yet.
    assert desk_pulse.pulse(store, agent_id=1).unanswered == {first: 1}
    live_chat.agent_message(store, handoff_id=first, agent_id=1, text="您好", now=now)
    assert desk_pulse.pulse(store, agent_id=1).unanswered == {}
    live_chat.route(store, identity_id=people[0], text="在吗", key="k", now=now)
    mine = desk_pulse.pulse(store, agent_id=1)
    assert mine.waiting == (second, third)
    assert list(mine.unanswered) == [first]
    others = desk_pulse.pulse(store, agent_id=2)
    assert (others.waiting, others.offered, others.unanswered) == ((second, third), (), {})
    live_chat.agent_message(store, handoff_id=first, agent_id=1, text="在", now=now)
    assert desk_pulse.pulse(store, agent_id=1).unanswered == {}


def test_each_change_makes_another_mark(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    who = new_identity("a")
    marks = [desk_pulse.mark(store, now=now)]

    def changed() -> bool:
        marks.append(desk_pulse.mark(store, now=now))
        return marks[-1] not in marks[:-1]

    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)
    assert changed()
    number = ask(store, who, now)
    assert changed()
    handoff_desk.accept(store, handoff_id=number, agent_id=1, now=now)
    assert changed()
    live_chat.route(store, identity_id=who, text="在吗", key="k", now=now)
    assert changed()
    live_chat.note(store, handoff_id=number, agent_id=1, text="x", now=now)
    assert changed()
    lists = desk_pulse.pulse(store, agent_id=1).lists
    complaints.file_complaint(store, identity_id=who, kind="complaint", text="太慢", now=now)
    assert changed()
    after = desk_pulse.pulse(store, agent_id=1).lists
    assert after == lists | {"complaints": 1}
    assert not changed()
