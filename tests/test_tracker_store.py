"""The tracker store: nothing lost by a restart, every event once, a bounded window."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from rasa.core.tracker_store import check_if_tracker_store_async, create_tracker_store
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy.exc import OperationalError

from bot.store.models import Base, Conversation, ConversationEvent
from bot.store.session import Store
from bot.tracker_store import WindowTrackerStore
from bot.tracker_window import WindowTracker

T = TypeVar("T")
TURNS = 5
LISTEN = "action_listen"
DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [greet, book]
slots:
  day: {type: text, influence_conversation: true, mappings: [{type: custom}]}
  child: {type: text, influence_conversation: true, mappings: [{type: custom}]}
forms:
  book_form: {required_slots: [day]}
responses:
  utter_hello: [{text: hello}]
"""
)


def run(job: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(job)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty SQLite store with all tables."""
    address = f"sqlite:///{tmp_path / 'store.sqlite'}"
    engine = sa.create_engine(address)
    Base.metadata.create_all(engine)
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store on the empty tables."""
    opened = Store(url)
    yield opened
    opened.dispose()


def opened(store: Store, **kwargs: Any) -> WindowTrackerStore:
    """Return a tracker store with nothing in memory, as after a restart."""
    return WindowTrackerStore(DOMAIN, store=store, history_turns=TURNS, **kwargs)


def turn(number: int, *extra: Any) -> list[Any]:
    message = UserUttered(
        f"message {number}",
        {"name": "greet", "confidence": 1.0},
        [],
        input_channel="web",
        message_id=f"id {number}",
        metadata={"update": number},
    )
    return [
        message,
        *extra,
        ActionExecuted("utter_hello"),
        BotUttered("hi"),
        ActionExecuted(LISTEN),
    ]


def session_start(*slots: Any) -> list[Any]:
    return [
        ActionExecuted("action_session_start"),
        SessionStarted(),
        *slots,
        ActionExecuted(LISTEN),
    ]


async def talk(tracker_store: WindowTrackerStore, events: list[Any], sender: str = "a") -> Any:
    """Log events the way Rasa's processor does: fetch, update, save."""
    tracker = await tracker_store.get_or_create_tracker(sender, append_action_listen=False)
    tracker.update_with_events(events, DOMAIN)
    await tracker_store.save(tracker)
    return tracker


def rows(store: Store, sender: str = "a") -> list[tuple[str, Any]]:
    """Return all stored events of a conversation in order."""
    query = (
        sa.select(ConversationEvent.type_name, ConversationEvent.data)
        .where(ConversationEvent.sender_id == sender)
        .order_by(ConversationEvent.id)
    )
    with store.begin() as session:
        return [(row[0], row[1]) for row in session.execute(query)]


def said(store: Store) -> list[str]:
    return [data["text"] for kind, data in rows(store) if kind == "user"]


def texts(tracker: Any) -> list[str]:
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


def broken(*_: Any) -> None:
    """Stand in for a method of the store that fails."""
    raise OperationalError("statement", {}, Exception("disk full"))


def test_rasa_loads_the_store_from_its_endpoints(url: str) -> None:
    config = EndpointConfig(url=url, type="bot.tracker_store.WindowTrackerStore", history_turns=7)
    built = create_tracker_store(config, DOMAIN)
    assert isinstance(built, WindowTrackerStore)
    assert check_if_tracker_store_async(built)
    run(talk(built, turn(1)))
    assert run(built.exists("a"))


def test_round_trip(store: Store) -> None:
    events = [*session_start(), *turn(1, SlotSet("day", "周五"))]
    run(talk(opened(store), events))
    back = run(opened(store).retrieve("a"))
    assert back is not None
    assert [event.as_dict() for event in back.events] == [event.as_dict() for event in events]
    assert back.get_slot("day") == "周五"
    assert back.latest_message.metadata == {"update": 1}
    assert back.latest_message.message_id == "id 1"
    assert back.get_latest_input_channel() == "web"


def test_an_unknown_conversation_is_none(store: Store) -> None:
    tracker_store = opened(store)
    assert run(tracker_store.retrieve("nobody")) is None
    assert run(tracker_store.retrieve_full_tracker("nobody")) is None
    assert not run(tracker_store.exists("nobody"))
    assert run(tracker_store.keys()) == []


@pytest.mark.parametrize("cached", [0, 500])
def test_events_are_appended_exactly_once_and_the_window_is_bounded(
    store: Store, cached: int
) -> None:
    async def conversation() -> list[int]:
        tracker_store = opened(store, cached=cached)
        await talk(tracker_store, session_start())
        return [len((await talk(tracker_store, turn(n))).events) for n in range(60)]

    lengths = run(conversation())
    assert max(lengths[10:]) <= max(lengths[:10])
    assert said(store) == [f"message {n}" for n in range(60)]
    assert len(rows(store)) == 3 + 60 * 4


def test_a_reload_reads_the_window_only(store: Store) -> None:
    async def conversation() -> WindowTracker | None:
        tracker_store = opened(store)
        for number in range(40):
            await talk(tracker_store, turn(number))
        return await opened(store).retrieve("a")

    tracker = run(conversation())
    assert texts(tracker)[-TURNS:] == [f"message {n}" for n in range(35, 40)]
    assert len(texts(tracker)) <= TURNS + 2
    full = run(opened(store).retrieve_full_tracker("a"))
    assert texts(full) == [f"message {n}" for n in range(40)]


def test_a_slot_of_the_first_turn_lives_at_turn_300(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, [*session_start(), *turn(1, SlotSet("child", "王小满"))])
        for number in range(2, 301):
            if number % 100 == 0:
                tracker_store = opened(store)
            await talk(tracker_store, turn(number))
        return await opened(store).retrieve("a")

    assert run(conversation()).get_slot("child") == "王小满"


def test_a_rejected_form_survives_a_restart_in_and_behind_the_window(store: Store) -> None:
    form = [
        ActionExecuted("book_form"),
        ActiveLoop("book_form"),
        SlotSet("requested_slot", "day"),
        ActionExecuted(LISTEN),
        UserUttered("怎么取消", {"name": "greet", "confidence": 1.0}),
        ActionExecutionRejected("book_form"),
    ]

    async def check() -> None:
        await talk(opened(store), [*session_start(), *turn(1, *form)])
        for number in range(2, 30):
            back: Any = await opened(store).retrieve("a")
            assert back.active_loop_name == "book_form"
            assert back.is_active_loop_rejected
            assert back.get_slot("requested_slot") == "day"
            await talk(opened(store), turn(number))

    run(check())


def test_a_paused_conversation_stays_paused(store: Store) -> None:
    async def conversation() -> Any:
        await talk(opened(store), [*turn(0), UserUttered("转人工"), ConversationPaused()])
        for number in range(20):
            await talk(opened(store), [UserUttered(f"message {number}")])
        return await opened(store).retrieve("a")

    tracker = run(conversation())
    assert tracker.is_paused()
    assert len(texts(tracker)) <= TURNS + 2


def test_a_new_session_drops_what_was_before_and_keeps_carried_slots(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, [*session_start(), *turn(1, SlotSet("child", "王小满"))])
        await talk(tracker_store, session_start(SlotSet("child", "王小满")) + turn(2))
        return await opened(store).retrieve("a")

    tracker = run(conversation())
    assert texts(tracker) == ["message 2"]
    assert tracker.get_slot("child") == "王小满"
    # What Rasa's processor reads to decide whether a session has expired.
    assert tracker.get_last_event_for(UserUttered).text == "message 2"
    assert texts(run(opened(store).retrieve_full_tracker("a"))) == ["message 1", "message 2"]


def test_a_failed_turn_leaves_no_trace(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, turn(1))
        broken: Any = await tracker_store.retrieve("a")
        broken.update(SlotSet("day", "half done"))
        broken.clear_followup_action()
        return await tracker_store.retrieve("a")

    tracker = run(conversation())
    assert tracker.get_slot("day") is None
    assert texts(tracker) == ["message 1"]


def test_a_turn_that_could_not_be_stored_is_stored_with_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, turn(1))
        with monkeypatch.context() as patch:
            patch.setattr(tracker_store, "_write", broken)
            with pytest.raises(OperationalError):
                await talk(tracker_store, turn(2))
        await talk(tracker_store, turn(3))
        with monkeypatch.context() as patch:
            patch.setattr(tracker_store, "_read_window", broken)
            return await tracker_store.retrieve("a")

    assert texts(run(conversation())) == ["message 1", "message 2", "message 3"]
    assert said(store) == ["message 1", "message 2", "message 3"]


def test_an_unreadable_store_is_an_error_for_a_conversation_not_in_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker_store = opened(store)
    monkeypatch.setattr(tracker_store, "_read_window", broken)
    with pytest.raises(OperationalError):
        run(tracker_store.retrieve("a"))


def test_two_processes_see_each_other(store: Store) -> None:
    async def conversation() -> Any:
        first, second = opened(store), opened(store)
        await talk(first, turn(1))
        await talk(second, turn(2))
        await talk(first, turn(3))
        return await second.retrieve("a")

    assert texts(run(conversation())) == ["message 1", "message 2", "message 3"]


def test_overlapping_turns_lose_no_event(store: Store) -> None:
    async def conversation() -> Any:
        first, second = opened(store), opened(store)
        await talk(first, turn(1))
        slow: Any = await first.retrieve("a")
        await talk(second, turn(2))
        slow.update_with_events(turn(3), DOMAIN)
        await first.save(slow)
        return await first.retrieve("a")

    assert texts(run(conversation())) == ["message 1", "message 2", "message 3"]


def test_a_foreign_tracker_replaces_the_window_and_keeps_the_history(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, turn(1, SlotSet("day", "周五")))
        await tracker_store.save(DialogueStateTracker.from_events("a", turn(2), DOMAIN.slots))
        return await tracker_store.retrieve("a")

    tracker = run(conversation())
    assert texts(tracker) == ["message 2"]
    assert tracker.get_slot("day") is None
    assert said(store) == ["message 1", "message 2"]


def test_an_emptied_store_starts_anew(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        tracker = await talk(tracker_store, turn(1))
        with store.begin() as session:
            session.execute(sa.delete(Conversation))
            session.execute(sa.delete(ConversationEvent))
        gone = await tracker_store.retrieve("a")
        tracker.update_with_events(turn(2), DOMAIN)
        await tracker_store.save(tracker)
        return gone, await opened(store).retrieve("a")

    gone, back = run(conversation())
    assert gone is None
    assert texts(back) == ["message 2"]


def test_a_new_domain_gives_new_slots(store: Store) -> None:
    async def conversation() -> Any:
        tracker_store = opened(store)
        await talk(tracker_store, turn(1, SlotSet("day", "周五")))
        tracker_store.domain = Domain.from_yaml(
            "slots: {day: {type: text, mappings: [{type: custom}]},"
            " hospital: {type: text, mappings: [{type: custom}]}}"
        )
        return await tracker_store.retrieve("a")

    tracker = run(conversation())
    assert tracker.get_slot("day") == "周五"
    assert "hospital" in tracker.slots


def test_memory_is_bounded(store: Store) -> None:
    async def conversation() -> int:
        tracker_store = opened(store, cached=3)
        for number in range(10):
            await talk(tracker_store, turn(number), sender=str(number))
        return len(tracker_store._cache)

    assert run(conversation()) == 3
    assert sorted(run(opened(store).keys())) == [str(number) for number in range(10)]


def test_new_events_are_published_once(store: Store) -> None:
    class Broker:
        published: list[Any] = []  # noqa: RUF012

        def publish(self, event: dict[str, Any]) -> None:
            self.published.append(event)

    broker: Any = Broker()

    async def conversation() -> None:
        tracker_store = opened(store, event_broker=broker)
        await talk(tracker_store, turn(1))
        await talk(tracker_store, turn(2))

    run(conversation())
    assert [event["text"] for event in broker.published if event["event"] == "user"] == [
        "message 1",
        "message 2",
    ]
    assert len(broker.published) == 8
