"""A cut tracker is in the state of the whole one, and shows policies the same last states."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.tracker_window import (
    RANKING_KEPT,
    Window,
    WindowTracker,
    apply_trim,
    conceal,
    rebuild,
    slim,
    trim,
    window_of,
)

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [greet, book, inform, ask]
entities: [day]
slots:
  day: {type: text, influence_conversation: true, mappings: [{type: custom}]}
  child: {type: text, influence_conversation: true, mappings: [{type: custom}]}
  channel: {type: text, influence_conversation: true, initial_value: web,
            mappings: [{type: custom}]}
forms:
  book_form: {required_slots: [day]}
actions: [action_answer]
responses:
  utter_hello: [{text: hello}]
  utter_ask_day: [{text: which day}]
"""
)

LISTEN = "action_listen"
KINDS = (
    "plain", "fill", "clear", "form", "reject", "reject_and_return", "submit", "pause", "resume",
    "revert", "reset", "followup", "session", "restart",
)  # fmt: skip


def say(text: str, intent: str = "greet") -> UserUttered:
    """Return a parent's message."""
    return UserUttered(text, {"name": intent, "confidence": 1.0}, [], input_channel="web")


def start_events() -> list[Any]:
    """Return what Rasa puts at the head of a session."""
    return [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted(LISTEN)]


def turn_events(kind: str, number: int, tracker: Any) -> Iterator[Any]:
    """Yield the events of one turn as Rasa's processor would log them."""
    if kind == "session":
        slots = [SlotSet(name, slot.value) for name, slot in tracker.slots.items() if slot.value]
        yield from [ActionExecuted("action_session_start"), SessionStarted(), *slots]
        yield ActionExecuted(LISTEN)
    yield say(f"message {number}", "book" if kind == "form" else "inform")
    if kind == "resume":
        yield ConversationResumed()
    elif tracker.is_paused() and kind != "session":
        return
    in_form = tracker.active_loop_name is not None
    if kind == "fill":
        yield SlotSet("child", f"child {number}")
    elif kind == "clear":
        yield from [SlotSet("child", None), SlotSet("channel", None)]
    elif kind == "reset":
        yield AllSlotsReset()
    elif kind == "pause":
        yield from [ActionExecuted("action_answer"), ConversationPaused()]
        return
    elif kind == "revert":
        yield from [ActionExecuted("action_answer"), UserUtteranceReverted()]
    elif kind == "followup":
        yield from [ActionExecuted("action_answer"), FollowupAction("utter_hello")]
    elif kind == "restart":
        yield from [ActionExecuted("action_restart"), Restarted(), *start_events()]
        return
    if kind == "form" and not in_form:
        yield from [ActionExecuted("book_form"), ActiveLoop("book_form")]
        yield from [SlotSet("requested_slot", "day"), BotUttered("which day")]
    elif in_form and kind == "submit":
        yield from [SlotSet("day", f"day {number}"), ActionExecuted("book_form")]
        yield from [ActiveLoop(None), SlotSet("requested_slot", None)]
        yield from [ActionExecuted("action_answer"), BotUttered("done")]
    elif in_form and kind in ("reject", "reject_and_return"):
        yield from [ActionExecutionRejected("book_form"), ActionExecuted("action_answer")]
        if kind == "reject_and_return":
            yield from [LoopInterrupted(True), ActionExecuted("book_form")]
    elif in_form:
        yield from [ActionExecuted("book_form"), SlotSet("requested_slot", "day")]
    else:
        yield from [ActionExecuted("utter_hello"), BotUttered("hello")]
    yield ActionExecuted(LISTEN)


def add_turn(kind: str, number: int, *trackers: Any) -> None:
    """Log the same turn on all trackers."""
    # The events depend on the state, which all trackers share; so they are made up front.
    events = list(turn_events(kind, number, trackers[0]))
    for event in events:
        event.timestamp = 1_800_000_000.0 + number
        for tracker in trackers:
            tracker.update(event)


def state_of(tracker: Any) -> dict[str, Any]:
    """Return everything that a turn may read of a tracker but its events."""
    loop = dataclasses.asdict(tracker.active_loop) if tracker.active_loop_name else {}
    loop.pop("trigger_message", None)
    return {
        "slots": tracker.current_slot_values(),
        "loop": loop,
        "paused": tracker.is_paused(),
        "followup": tracker.followup_action,
        "latest_action": tracker.latest_action,
        "latest_message": tracker.latest_message.text if tracker.latest_message else None,
    }


def messages(tracker: Any) -> list[str]:
    """Return the parent's messages in the tracker."""
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


def fresh() -> DialogueStateTracker:
    """Return a tracker without events."""
    return DialogueStateTracker("parent", DOMAIN.slots)


def started() -> DialogueStateTracker:
    """Return a tracker at the start of its first session."""
    tracker = fresh()
    for event in start_events():
        event.timestamp = 1_800_000_000.0
        tracker.update(event)
    return tracker


def reload(tracker: Any) -> WindowTracker:
    """Serialise and replay the tracker's events, as a restart does."""
    return rebuild(fresh(), [], [event.as_dict() for event in tracker.events])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=40))
def test_a_cut_changes_neither_state_nor_last_states(kinds: list[str]) -> None:
    whole, cut = started(), WindowTracker.of(started())
    for number, kind in enumerate(kinds, start=1):
        add_turn(kind, number, whole, cut)
        found = trim(cut, turns=5)
        if found:
            apply_trim(cut, found)
            cut.window = Window(opening=len(found.opening))
        assert state_of(cut) == state_of(whole)
        replayed = reload(cut)
        assert state_of(replayed) == state_of(whole)
        expected = whole.past_states(DOMAIN)[::-1]
        # The window's first two states stand for all that was before it.
        seen = replayed.past_states(DOMAIN)[::-1]
        compared = len(seen) - 2 if window_of(cut).opening else len(seen)
        assert seen[:compared] == expected[:compared]
        assert len(messages(cut)) <= 5 + bool(window_of(cut).opening)


def test_nothing_is_cut_from_a_short_conversation() -> None:
    tracker = started()
    for number in range(5):
        add_turn("plain", number, tracker)
    assert trim(tracker, turns=5) is None


def test_slack_delays_the_cut() -> None:
    tracker = started()
    for number in range(7):
        add_turn("plain", number, tracker)
    assert trim(tracker, turns=5, slack=2) is None
    add_turn("plain", 7, tracker)
    found = trim(tracker, turns=5, slack=2)
    assert found is not None
    apply_trim(tracker, found)
    assert messages(tracker) == [f"message {number}" for number in range(2, 8)]


def test_events_before_the_latest_session_are_cut() -> None:
    tracker = started()
    add_turn("fill", 1, tracker)
    add_turn("session", 2, tracker)
    found = trim(tracker, turns=5)
    assert found is not None
    assert found.opening == []
    apply_trim(tracker, found)
    first = tracker.events[0]
    assert isinstance(first, ActionExecuted)
    assert first.action_name == "action_session_start"
    assert reload(tracker).get_slot("child") == "child 1"


def test_a_cut_conversation_is_not_a_started_one() -> None:
    tracker = started()
    for number in range(6):
        add_turn("plain", number, tracker)
    found = trim(tracker, turns=5)
    assert found is not None
    apply_trim(tracker, found)
    # Rules with conversation_start look for a state without a previous action; the state after
    # it must not be the first message of the window.
    states = reload(tracker).past_states(DOMAIN)
    assert [state.get("user", {}).get("text") for state in states[:4]] == [
        None,
        "message 0",
        "message 0",
        "message 1",
    ]


def test_a_copy_is_independent() -> None:
    tracker = WindowTracker.of(started())
    add_turn("form", 1, tracker)
    before = state_of(tracker)
    twin = tracker.copy()
    assert state_of(twin) == before
    add_turn("reject", 2, twin)
    twin.update(SlotSet("child", "other"))
    assert state_of(tracker) == before
    assert len(tracker.events) < len(twin.events)


def test_opening_slots_that_the_domain_lost_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opening = [SlotSet("gone", 1).as_dict(), SlotSet("day", "tomorrow").as_dict()]
    tracker = rebuild(fresh(), opening, [])
    assert tracker.get_slot("day") == "tomorrow"
    assert window_of(tracker) == Window(opening=1)
    assert "gone" not in caplog.text


def test_rankings_are_shortened_and_nothing_else() -> None:
    ranking = [{"name": f"intent {n}", "confidence": 0.1} for n in range(9)]
    selector = {"response": {"utter_action": "utter_faq"}, "ranking": list(ranking)}
    parse = {
        "intent_ranking": ranking,
        "response_selector": {"all_retrieval_intents": ["faq"], "faq": selector},
        "text_tokens": [[0, 2]],
    }
    message = UserUttered("hi", {"name": "greet"}, [], parse)
    slim([message, ActionExecuted(LISTEN)])
    kept: Any = message.parse_data
    assert kept["intent_ranking"] == ranking[:RANKING_KEPT]
    assert kept["response_selector"]["faq"]["response"] == {"utter_action": "utter_faq"}
    assert kept["response_selector"]["faq"]["ranking"] == ranking[:RANKING_KEPT]
    assert kept["text_tokens"] == [[0, 2]]
    assert len(selector["ranking"]) == 9


def test_numbers_of_cards_are_starred_before_they_are_stored() -> None:
    said = "卡号6222 0212 3456 7890 128，招行"
    amount = {"entity": "amount", "value": "6222021234567890128", "start": 2, "end": 25}
    parse = {"text": said, "entities": [amount, {"entity": "date", "value": {"date": None}}]}
    message = UserUttered(said, {"name": "inform"}, [amount], parse)
    other = UserUttered("电话13800000101", {"name": "inform"}, [], {"text": "电话13800000101"})
    conceal([message, other, ActionExecuted(LISTEN)])
    kept = str(message.as_dict())
    assert message.text == "卡号**** **** **** ***0 128，招行"
    assert "6222" not in kept
    assert "0212" not in kept
    assert message.parse_data["text"] == message.text
    assert other.as_dict()["text"] == "电话13800000101"
