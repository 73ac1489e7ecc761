"""What time does to hand-offs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.handoffs import (
    ACCEPT_WITHIN,
    AGENT_SILENT_AFTER,
    LONGEST_WAIT,
    MOST_TAKEOVERS,
    PARENT_LEFT_AFTER,
    AgentStatus,
    EndReason,
    HandOffState,
    Wish,
)
from bot.services import handoff_desk as desk
from bot.services import handoff_items, handoff_timers, handoffs, live_chat, presence
from bot.services.handoff_timers import tick
from bot.store.models import AgentPresence, HandOff, HandOffEvent, OutboxMessage
from bot.store.session import Store

S = HandOffState
NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=TZ)
MORNING = datetime(2026, 11, 24, 8, tzinfo=TZ)


def online(store: Store, now: datetime, *numbers: int, capacity: int = 3) -> None:
    for number in numbers:
        presence.set_presence(
            store,
            agent_id=number,
            name=f"坐席{number}",
            status=AgentStatus.ONLINE,
            capacity=capacity,
            now=now,
        )


def latest(store: Store) -> HandOff:
    with store.read() as session:
        found = session.scalar(sa.select(HandOff).order_by(sa.desc(HandOff.id)).limit(1))
        assert found is not None
        session.expunge(found)
        return found


def by_id(store: Store, number: int) -> HandOff:
    with store.read() as session:
        found = session.get(HandOff, number)
        assert found is not None
        session.expunge(found)
        return found


def told(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [row.payload["reply"]["text"] for row in rows]


@pytest.fixture
def parent(new_identity: Callable[[str], int]) -> int:
    return new_identity("parent")


def ask(store: Store, parent: int, now: datetime, reason: str = "asked") -> int:
    return handoffs.request_handoff(store, identity_id=parent, reason=reason, now=now).place.id


def test_offered_to_who_has_room_fewest_first(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    online(store, now, 1, 2, capacity=1)
    numbers = [ask(store, new_identity(f"p{n}"), now + timedelta(seconds=n)) for n in range(3)]
    assert tick(store, now) == 2
    assert [by_id(store, n).agent_id for n in numbers] == [1, 2, None]
    # Nothing more happens until somebody has room.
    assert tick(store, now) == 0
    desk.accept(store, handoff_id=numbers[0], agent_id=1, now=now)
    desk.resolve(store, handoff_id=numbers[0], agent_id=1, now=now)
    assert tick(store, now) == 1
    assert by_id(store, numbers[2]).agent_id == 1


def test_not_taken_up_it_goes_to_somebody_else(store: Store, now: datetime, parent: int) -> None:
    online(store, now, 1, 2)
    number = ask(store, parent, now)
    tick(store, now)
    assert by_id(store, number).agent_id == 1
    later = now + ACCEPT_WITHIN
    online(store, later, 1, 2)
    tick(store, later)
    assert (by_id(store, number).status, by_id(store, number).agent_id) == (S.ASSIGNED, 2)
    with store.read() as session:
        reasons = session.scalars(sa.select(HandOffEvent.reason).order_by(HandOffEvent.id))
        assert "assignment_timeout" in list(reasons)


def test_nobody_takes_it_for_too_long(store: Store, now: datetime, parent: int) -> None:
    number = ask(store, parent, now)
    tick(store, now + LONGEST_WAIT - timedelta(seconds=1))
    assert by_id(store, number).status == S.QUEUED
    later = now + LONGEST_WAIT
    tick(store, later)
    ended = by_id(store, number)
    assert (ended.status, ended.end_reason) == (S.RESOLVED, EndReason.ASSIGNMENT_TIMEOUT)
    # The parent is not forgotten: a message stands in the queue, before those who came later.
    left = latest(store)
    assert (left.status, left.wish, left.priority) == (S.QUEUED, Wish.MESSAGE, 1)
    assert left.due_at == later + timedelta(hours=2)
    assert "11月23日 12:30" in told(store)[-1]
    assert tick(store, later + LONGEST_WAIT * 4) == 0
    place = handoffs.place(store, identity_id=parent, now=later)
    assert place is not None
    assert place.id == left.id


def test_an_emergency_is_never_given_up(store: Store, now: datetime, parent: int) -> None:
    number = ask(store, parent, now, "emergency")
    tick(store, now + timedelta(days=2))
    assert by_id(store, number).status == S.QUEUED


def test_an_agent_who_does_not_answer_is_replaced(store: Store, now: datetime, parent: int) -> None:
    online(store, now, 1, 2)
    number = ask(store, parent, now)
    desk.accept(store, handoff_id=number, agent_id=1, now=now)
    live_chat.agent_message(store, handoff_id=number, agent_id=1, text="您好", now=now)
    asked_at = now + timedelta(minutes=1)
    live_chat.route(store, identity_id=parent, text="在吗", key=None, now=asked_at)
    live_chat.route(store, identity_id=parent, text="?", key=None, now=now + timedelta(minutes=4))
    online(store, asked_at + AGENT_SILENT_AFTER, 1, 2)
    assert tick(store, asked_at + AGENT_SILENT_AFTER - timedelta(seconds=1)) == 0
    tick(store, asked_at + AGENT_SILENT_AFTER)
    moved = by_id(store, number)
    assert (moved.status, moved.agent_id, moved.takeovers) == (S.ASSIGNED, 2, 1)
    assert told(store)[-1].startswith("抱歉让您久等")
    with store.read() as session:
        silent = session.get(AgentPresence, 1)
        assert silent is not None
        assert silent.status == "away"


def test_agent_after_agent_silent_ends_it_with_a_message_left(
    store: Store, now: datetime, parent: int
) -> None:
    number, moment = ask(store, parent, now), now
    for turn in range(MOST_TAKEOVERS + 1):
        online(store, moment, turn + 1)
        desk.accept(store, handoff_id=number, agent_id=turn + 1, now=moment)
        moment += AGENT_SILENT_AFTER
        # Nobody is there to be offered it, so that the next one takes it.
        tick(store, moment)
    ended = by_id(store, number)
    assert (ended.status, ended.end_reason) == (S.RESOLVED, EndReason.AGENT_SILENT)
    assert latest(store).wish == Wish.MESSAGE
    assert "已转成留言" in told(store)[-1]
    # Nobody is asked how content they are with that.
    assert not [words for words in told(store) if "1 到 5 分" in words]


def test_a_parent_who_is_gone(store: Store, now: datetime, parent: int) -> None:
    online(store, now, 1)
    number = ask(store, parent, now)
    desk.accept(store, handoff_id=number, agent_id=1, now=now)
    live_chat.agent_message(store, handoff_id=number, agent_id=1, text="还在吗", now=now)
    tick(store, now + PARENT_LEFT_AFTER - timedelta(seconds=1))
    assert by_id(store, number).status == S.HUMAN
    tick(store, now + PARENT_LEFT_AFTER)
    assert by_id(store, number).end_reason == EndReason.PARENT_LEFT
    assert [words[:4] for words in told(store)[-2:]] == ["好一会儿", "这次人工"]


def test_put_aside_until_its_time(store: Store, now: datetime, parent: int) -> None:
    online(store, now, 1)
    number = ask(store, parent, now)
    desk.accept(store, handoff_id=number, agent_id=1, now=now)
    until = now + timedelta(hours=1)
    desk.snooze(store, handoff_id=number, agent_id=1, until=until, now=now)
    assert tick(store, until - timedelta(seconds=1)) == 0
    online(store, until, 1)
    tick(store, until)
    assert (by_id(store, number).status, by_id(store, number).agent_id) == (S.HUMAN, 1)
    desk.snooze(store, handoff_id=number, agent_id=1, until=until + timedelta(hours=1), now=until)
    # The agent is gone by then: back to the queue.
    tick(store, until + timedelta(hours=1))
    assert (by_id(store, number).status, by_id(store, number).agent_id) == (S.QUEUED, None)


def test_in_the_morning_what_was_left_comes_first(
    store: Store, new_identity: Callable[[str], int]
) -> None:
    left = handoffs.leave_contact(
        store,
        identity_id=new_identity("night"),
        wish=Wish.CALL_BACK,
        message="换号了绑不上卡",
        phone="13800009999",
        now=NIGHT,
    ).place
    assert left.status is S.REQUESTED
    assert left.due_at == datetime(2026, 11, 24, 10, tzinfo=TZ)
    second = ask(store, new_identity("late"), NIGHT + timedelta(minutes=5))
    assert tick(store, MORNING - timedelta(seconds=1)) == 0
    early = ask(store, new_identity("early"), MORNING)
    assert tick(store, MORNING) == 2
    assert [item.id for item in handoff_items.items(store, now=MORNING)] == [left.id, second, early]
    online(store, MORNING, 1, capacity=1)
    tick(store, MORNING)
    assert by_id(store, left.id).agent_id == 1


def test_complaints_are_offered_to_nobody(store: Store, now: datetime, parent: int) -> None:
    online(store, now, 1)
    ask(store, parent, now, "complaint")
    assert tick(store, now) == 0
    assert tick(store, now + timedelta(days=3)) == 0


def test_a_step_that_fails_ends_it_and_leaves_a_message(
    store: Store,
    now: datetime,
    parent: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    number = ask(store, parent, now)
    monkeypatch.setattr(handoff_timers, "_do", lambda *_: 1 / 0)
    tick(store, now + LONGEST_WAIT)
    assert by_id(store, number).end_reason == EndReason.INTERNAL_ERROR
    assert latest(store).wish == Wish.MESSAGE
    assert "cannot be moved" in caplog.text
