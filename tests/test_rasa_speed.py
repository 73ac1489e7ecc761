"""The cheaper versions do what Rasa's own do."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot import rasa_speed

STOCK_CALL = RemoteAction._action_call_format
STOCK_CHECK = RemoteAction._validate_action_result
DOMAIN = Domain.from_yaml(
    """
slots: {day: {type: text, mappings: [{type: custom}]}}
actions: [action_plain, {action_domain: {send_domain: true}}]
"""
)


def tracker_of(turns: int) -> DialogueStateTracker:
    """Return a conversation of some turns."""
    events: list[Any] = [ActionExecuted("action_listen")]
    for number in range(turns):
        events += [
            UserUttered(f"message {number}", {"name": "greet", "confidence": 1.0}),
            SlotSet("day", f"day {number}"),
            ActionExecuted("action_plain"),
            ActionExecuted("action_listen"),
        ]
    return DialogueStateTracker.from_events("parent", events, DOMAIN.slots)


@pytest.mark.parametrize("name", ["action_plain", "action_domain"])
@pytest.mark.parametrize("selective", [False, True])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_call_early_in_a_conversation_is_rasas(name: str, selective: bool, turns: int) -> None:
    endpoint = EndpointConfig("http://127.0.0.1", enable_selective_domain=selective)
    action = RemoteAction(name, endpoint)
    tracker = tracker_of(turns)
    assert rasa_speed.action_call(action, tracker, DOMAIN) == STOCK_CALL(action, tracker, DOMAIN)


def test_a_later_call_differs_in_its_events_only() -> None:
    action = RemoteAction("action_plain", None)
    tracker = tracker_of(30)
    ours = rasa_speed.action_call(action, tracker, DOMAIN)
    stock = STOCK_CALL(action, tracker, DOMAIN)
    sent = ours["tracker"].pop("events")
    every = stock["tracker"].pop("events")
    assert ours == stock
    assert sent == every[-len(sent) :]
    texts = [event["text"] for event in sent if event["event"] == "user"]
    assert texts == ["message 28", "message 29"]


GOOD: list[dict[str, Any]] = [
    {},
    {"events": [], "responses": []},
    {"events": [{"event": "slot", "name": "day", "value": "x", "timestamp": None}]},
    {"responses": [{"response": "utter_x", "buttons": []}], "more": 1},
]
BAD: list[Any] = [
    {"events": {}},
    {"events": ["slot"]},
    {"events": [{"event": "slot", "value": 1}]},
    {"responses": "hello"},
    {"responses": ["hello"]},
]


@pytest.mark.parametrize("answer", GOOD)
def test_a_good_answer_passes(answer: dict[str, Any]) -> None:
    action = RemoteAction("action_plain", None)
    assert STOCK_CHECK(action, answer)
    assert rasa_speed.check_action_answer(action, answer)


@pytest.mark.parametrize("answer", BAD)
def test_a_bad_answer_is_refused(answer: Any) -> None:
    action = RemoteAction("action_plain", None)
    with pytest.raises(ValidationError):
        STOCK_CHECK(action, answer)
    with pytest.raises(ValidationError, match="Failed to validate"):
        rasa_speed.check_action_answer(action, answer)


def test_apply_puts_them_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteAction, "_action_call_format", STOCK_CALL)
    monkeypatch.setattr(RemoteAction, "_validate_action_result", STOCK_CHECK)
    rasa_speed.apply()
    assert RemoteAction._action_call_format is rasa_speed.action_call
    assert RemoteAction._validate_action_result is rasa_speed.check_action_answer
