"""Several requests in one message: what an action serves, and what waits."""

from collections.abc import Callable
from typing import Any

import pytest

from actions.booking import ActionBookAppointment
from actions.conversation import (
    ActionAffirm,
    ActionDeny,
    ActionInform,
    ActionNextRequest,
    ActionNotUnderstood,
    ActionReportEmergency,
    ActionStop,
)
from actions.forms import AskBookTime
from actions.policies import ActionCheckBalance
from actions.requests import actions_of_intents, as_said

Run = Callable[..., Any]


def request(text: str, intent: str, begin: int, **more: Any) -> dict[str, Any]:
    return {
        "begin": begin,
        "text": text,
        "intent": intent,
        "confidence": 0.9,
        "entities": [],
        "answer": None,
        "ranking": [],
        **more,
    }


def further(*requests: dict[str, Any]) -> dict[str, Any]:
    return {
        "entity": "further_requests",
        "value": list(requests),
        "start": requests[0]["begin"],
        "end": 99,
    }


def test_the_first_is_served_and_the_next_begun(run: Run, bind: Run) -> None:
    bind("13800000101")
    text = "查额度，顺便查理赔"
    reply = run(
        ActionCheckBalance(), text, "check_balance",
        entities=[further(request("查理赔", "check_claim_status", 4))],
    )  # fmt: skip
    assert "26,439.50" in reply.text
    assert reply.followup == "action_next_request"
    assert [one["text"] for one in reply.slots["pending_requests"]] == ["查理赔"]


def test_the_next_waits_for_a_form(run: Run, bind: Run) -> None:
    bind("13800000101")
    reply = run(
        ActionBookAppointment(), "我要约号，顺便查理赔", "book_appointment",
        entities=[further(request("查理赔", "check_claim_status", 5))],
    )  # fmt: skip
    assert reply.followup == "book_form"
    assert not reply.slots["pending_requests"][0]["aside"]


def test_a_waiting_request_is_handed_to_its_action_with_its_own_words(run: Run) -> None:
    waiting = [request("查理赔", "check_claim_status", 4, message="1")]
    reply = run(ActionNextRequest(), "确认", "affirm", slots={"pending_requests": waiting})
    assert "“查理赔”" in reply.text
    assert reply.slots["pending_requests"] is None
    assert reply.slots["request"]["action"] == "action_check_claim_status"
    assert reply.followup == "action_check_claim_status"


def test_a_question_of_the_manual_is_answered_at_once(run: Run) -> None:
    waiting = [request("谁开担保函", "faq", 4, answer="utter_faq/letter")]
    reply = run(ActionNextRequest(), "确认", "affirm", slots={"pending_requests": waiting})
    assert reply.messages[-1]["response"] == "utter_faq/letter"
    assert reply.followup == "action_listen"


def test_two_bookings_that_differ_are_two(run: Run, bind: Run) -> None:
    bind("13800000101")
    second = request("约眼科", "book_appointment", 8)
    reply = run(
        ActionBookAppointment(), "帮我约口腔科，再约眼科", "book_appointment",
        entities=[further({**second, "begin": 7})],
    )  # fmt: skip
    assert reply.slots["book_department"] == "口腔科"
    assert [one["text"] for one in reply.slots["pending_requests"]] == ["约眼科"]


def test_a_booking_told_twice_is_one(run: Run, bind: Run) -> None:
    bind("13800000101")
    reply = run(
        ActionBookAppointment(), "帮我约个号，再帮我约口腔科", "book_appointment",
        entities=[further(request("帮我约口腔科", "book_appointment", 6))],
    )  # fmt: skip
    assert reply.slots["book_department"] == "口腔科"
    assert "pending_requests" not in reply.slots


@pytest.mark.parametrize("text", ["查下沐宸和沐瑶的额度", "两个孩子的额度都查一下"])
def test_one_request_for_two_children_is_served_for_each(text: str, run: Run, bind: Run) -> None:
    bind("13800000201")
    reply = run(ActionCheckBalance(), text, "check_balance")
    assert "李沐宸" in reply.text
    (second,) = reply.slots["pending_requests"]
    assert second["child"] == "李沐瑶"
    assert reply.followup == "action_next_request"


def test_not_this_child_but_that_one_is_one_request(run: Run, bind: Run) -> None:
    bind("13800000201")
    reply = run(ActionCheckBalance(), "不是沐宸，是沐瑶的额度", "check_balance")
    assert "李沐瑶" in reply.text
    assert "pending_requests" not in reply.slots


def test_information_before_a_request_belongs_to_it(run: Run) -> None:
    reply = run(
        ActionInform(), "王小满，顺便查额度", "inform",
        entities=[further(request("查额度", "check_balance", 4))],
    )  # fmt: skip
    assert reply.texts == []
    assert reply.slots["pending_requests"][0]["text"] == "王小满，顺便查额度"
    assert reply.followup == "action_next_request"


def test_a_yes_to_nothing_is_not_answered_beside_a_request(run: Run) -> None:
    asked = further(request("查额度", "check_balance", 3))
    reply = run(ActionAffirm(), "好的，顺便查额度", "affirm", entities=[asked])
    assert reply.texts == []
    assert reply.followup == "action_next_request"


def test_everything_is_stopped(run: Run) -> None:
    waiting = [request("查额度", "check_balance", 4)]
    slots = {"pending_requests": waiting}
    reply = run(ActionStop(), "都算了吧", "stop", slots=slots, form="book_form")
    assert reply.slots["pending_requests"] is None
    reply = run(ActionStop(), "算了", "stop", slots=slots, form="book_form")
    assert reply.followup == "action_next_request"


def test_an_emergency_ends_the_list(run: Run) -> None:
    waiting = [request("查额度", "check_balance", 4)]
    slots = {"pending_requests": waiting}
    reply = run(ActionReportEmergency(), "喘不上气", "report_emergency", slots=slots)
    assert reply.slots["pending_requests"] is None
    assert reply.followup == "action_listen"


def test_a_forms_question_waits_for_an_aside(run: Run) -> None:
    waiting = [request("查额度", "check_balance", 4, aside=True)]
    slots = {"pending_requests": waiting}
    assert run(AskBookTime(), "周三", slots=slots, form="book_form").texts == []
    waiting[0]["aside"] = False
    assert run(AskBookTime(), "周三", slots=slots, form="book_form").texts != []


def test_every_intent_has_an_action() -> None:
    found = actions_of_intents()
    assert found["check_balance"] == "action_check_balance"
    assert found["faq"] == "utter_faq"
    assert found["nlu_fallback"] == "action_not_understood"


def test_a_long_request_is_quoted_in_short() -> None:
    assert as_said({"text": "字" * 80}) == "字" * 29 + "…"
    assert as_said({"text": "查额度。", "child": "李沐瑶"}) == "李沐瑶：查额度"


# ---- a message that was not clear, and the choice of its meaning


def asked_about(text: str, *choices: str) -> list[dict[str, Any]]:
    """Return the events of a turn that asked which of two a message means."""
    kept = {"text": text, "entities": [], "choices": list(choices)}
    return [
        {"event": "user", "text": text},
        {"event": "action", "name": "action_not_understood"},
        {"event": "slot", "name": "unclear", "value": kept},
    ]


def test_a_choice_is_served_with_the_words_already_said(run: Run, bind: Run) -> None:
    bind("13800000201")
    before = asked_about("沐瑶还有多少", "check_balance", "check_coverage")
    reply = run(ActionCheckBalance(), "", "check_balance", before=before)
    assert "李沐瑶" in reply.text


def test_another_task_than_the_two_is_its_own_message(run: Run, bind: Run) -> None:
    bind("13800000201")
    before = asked_about("沐瑶还有多少", "check_coverage", "check_visit_records")
    reply = run(ActionCheckBalance(), "", "check_balance", before=before)
    assert reply.followup == "policy_form"


def test_the_second_of_two(run: Run) -> None:
    before = asked_about("看病的钱", "start_claim", "check_visit_records")
    reply = run(ActionNotUnderstood(), "第二个", "inform", before=before)
    assert reply.followup == "action_check_visit_records"
    assert reply.slots["request"]["text"] == "看病的钱"
    assert reply.slots["misses"] == 0


def test_neither_of_two_is_a_miss(run: Run) -> None:
    before = asked_about("看病的钱", "start_claim", "check_visit_records")
    reply = run(ActionDeny(), "都不是", "deny", before=before, slots={"misses": 1})
    assert reply.followup == "action_not_understood"
    assert "misses" not in reply.slots


def test_a_choice_is_only_for_the_very_next_message(run: Run) -> None:
    before = [*asked_about("看病的钱", "start_claim", "bind_card"), {"event": "user", "text": "嗯"}]
    reply = run(ActionNotUnderstood(), "第二个", "inform", before=before)
    assert reply.followup == "action_listen"
