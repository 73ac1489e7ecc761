"""The manual's answer to a question that comes with a task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.manual import (
    ANSWERED,
    NOT_STATED,
    answer_first,
    rules_of_topics,
    second_answer,
    sure_answer,
)
from actions.requests import actions_of_intents
from actions.turn import Turn
from bot.clock import now
from bot.services.identity import identify
from bot.store.session import Store

PHONE = "utter_faq/binding_phone_number"
WAITING = "utter_faq/waiting_period"


def turn(store: Store, text: str, intent: str, ranking: Any = (), **response: Any) -> Turn:
    chosen = {"utter_action": PHONE, "confidence": 0.99, "nearness": 0.95, "unstated": False}
    message = {
        "text": text,
        "intent": {"name": intent, "confidence": 0.9},
        "entities": [],
        "response_selector": {
            "faq": {"response": {**chosen, **response}, "ranking": list(ranking)}
        },
    }
    tracker = Tracker("parent", {}, message, [{"event": "user", **message}], False, None, {}, None)
    return Turn(CollectingDispatcher(), tracker, store, identify(store, "rest", "parent"), now())


def test_a_question_is_answered_before_its_task(store: Store) -> None:
    assert answer_first(turn(store, "绑卡填谁的号", "bind_card")) == (PHONE, False)


def test_a_topic_speaks_for_its_family_only_if_it_is_the_likeliest_by_far(store: Store) -> None:
    """Neighbouring topics share the confidence; what is told must still be what was asked."""

    def of(*shares: float) -> list[dict[str, Any]]:
        names = ("binding_phone_number", "binding_steps", "binding_child_name")
        return [
            {"intent_response_key": f"faq/{name}", "confidence": share}
            for name, share in zip(names, shares, strict=True)
        ]

    asked = "绑卡填谁的号"
    shared = turn(store, asked, "bind_card", of(0.6, 0.2, 0.1), confidence=0.6)
    assert answer_first(shared) == (PHONE, False)
    scattered = turn(store, asked, "bind_card", of(0.4, 0.3, 0.2), confidence=0.4)
    assert answer_first(scattered) == (None, False)


def test_what_answers_by_itself_is_not_answered_by_a_family(store: Store) -> None:
    """ "现在能电话问诊吗" is told the hours, not that emergencies are for 120."""
    name, about = "utter_faq/phone_consultation_not_for_emergency", "现在能电话问诊吗"
    ranking = [
        {"intent_response_key": "faq/phone_consultation_not_for_emergency", "confidence": 0.55},
        {"intent_response_key": "faq/phone_consultation_scope", "confidence": 0.4},
    ]
    intent = "ask_consultation_hours"
    doubted = turn(store, about, intent, ranking, utter_action=name, confidence=0.55)
    assert answer_first(doubted) == (None, False)
    assert answer_first(turn(store, about, intent, utter_action=name)) == (name, False)


def test_a_plain_wish_is_no_question(store: Store) -> None:
    assert answer_first(turn(store, "我要绑卡", "bind_card")) == (None, False)


@pytest.mark.parametrize(
    "response",
    [{"confidence": 0.6}, {"nearness": 0.8}, {"utter_action": "utter_faq/lectures_free"}],
)
def test_an_answer_must_be_sure_and_about_the_task(store: Store, response: dict[str, Any]) -> None:
    asked = turn(store, "绑卡填谁的号", "bind_card", **response)
    assert answer_first(asked) == (None, False)


def test_a_thing_that_may_be_covered_is_named_by_the_action(store: Store) -> None:
    asked = turn(store, "住院床位费给报吗", "check_coverage", unstated=True)
    assert answer_first(asked) == (None, False)


def test_what_the_manual_leaves_open_is_not_answered_with_something_else(store: Store) -> None:
    asked = turn(store, "免赔额是多少", "check_coverage", unstated=True)
    assert answer_first(asked) == (NOT_STATED, True)
    waiting = turn(
        store,
        "等待期多久",
        "check_coverage",
        unstated=True,
        utter_action="utter_faq/waiting_period",
    )
    assert answer_first(waiting) == (WAITING, True)


def test_a_task_goes_on_whatever_it_mentions(store: Store) -> None:
    asked = turn(store, "续保以后这张卡怎么绑", "bind_card", unstated=True)
    assert not answer_first(asked)[1]


def test_every_intent_named_has_an_action_and_topics() -> None:
    rules = {rule for found in rules_of_topics().values() for rule in found}
    for intent, about in ANSWERED.items():
        assert intent in actions_of_intents()
        assert any(rule.startswith(about) for rule in rules), intent


def test_neighbouring_topics_share_the_confidence(store: Store) -> None:
    near = [("binding_phone_number", 0.5), ("binding_family_phone", 0.4)]
    far = [("binding_phone_number", 0.5), ("lectures_free", 0.4)]

    def ranking(topics: list[tuple[str, float]]) -> list[dict[str, Any]]:
        return [{"intent_response_key": f"faq/{t}", "confidence": c} for t, c in topics]

    asked = turn(store, "绑卡填谁的号", "bind_card", ranking(near), confidence=0.5)
    assert answer_first(asked) == (PHONE, False)
    asked = turn(store, "绑卡填谁的号", "bind_card", ranking(far), confidence=0.5)
    assert answer_first(asked) == (None, False)


@pytest.mark.parametrize("text", ["綁卡填誰的號", "她手机上也能绑一个不", "绑了别人能看到没有"])
def test_a_question_is_one_in_any_script_and_without_its_mark(store: Store, text: str) -> None:
    assert answer_first(turn(store, text, "bind_card")) == (PHONE, False)


def test_only_a_very_near_question_is_surely_one(store: Store) -> None:
    assert sure_answer(turn(store, "绑卡填谁的号", "inform")) == PHONE
    assert sure_answer(turn(store, "绑卡填谁的号", "inform", nearness=0.92)) is None
    assert sure_answer(turn(store, "绑卡填我的号", "inform")) is None


def doubted(store: Store, *shares: tuple[str, float], told: str = "binding_steps") -> Turn:
    ranking = [
        {"intent_response_key": f"faq/{name}", "confidence": share} for name, share in shares
    ]
    first = shares[0][1] if shares else 1.0
    name = f"utter_faq/{told}"
    return turn(store, "怎么绑", "faq", ranking, utter_action=name, confidence=first)


def test_in_doubt_a_second_answer_is_told_with_its_section(store: Store) -> None:
    answer = second_answer(
        doubted(store, ("binding_steps", 0.4), ("binding_phone_number", 0.2), ("ecard_unbind", 0.2))
    )
    assert answer is not None
    assert answer.startswith("填投保时登记的那个手机号")
    assert answer.splitlines()[-1].startswith("（手册·")


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((), "binding_steps"),
        ((("binding_steps", 0.5), ("binding_phone_number", 0.2)), "binding_steps"),
        ((("binding_steps", 0.4), ("binding_phone_number", 0.09)), "binding_steps"),
        # What is left open stands alone, on either side.
        ((("binding_steps", 0.4), ("not_stated", 0.3)), "binding_steps"),
        ((("not_stated", 0.4), ("binding_steps", 0.3)), "not_stated"),
        # Nothing was near enough, so that something else was told.
        ((("binding_steps", 0.2), ("binding_phone_number", 0.15)), "not_stated"),
    ],
)
def test_otherwise_one_answer_is_enough(
    store: Store, shares: tuple[tuple[str, float], ...], told: str
) -> None:
    assert second_answer(doubted(store, *shares, told=told)) is None


def test_one_of_several_requests_gets_one_answer(store: Store) -> None:
    asked = doubted(store, ("binding_steps", 0.4), ("binding_phone_number", 0.2))
    asked.more = True
    assert second_answer(asked) is None


@pytest.mark.parametrize(
    ("text", "answered"),
    [("想约儿科医院特需要提前多久", True), ("帮我约下周三的特需", False), ("能约特需吗", False)],
)
def test_how_long_a_booking_takes_is_told_first(store: Store, text: str, answered: bool) -> None:
    name = "utter_faq/public_booking_time"
    asked = turn(store, text, "book_appointment", utter_action=name)
    asked._choices = [SimpleNamespace()]  # type: ignore[list-item]
    assert answer_first(asked) == ((name, False) if answered else (None, False))
