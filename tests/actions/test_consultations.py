"""Hours and the doctor's call in conversation (M1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from actions.consultations import (
    ActionAskConsultationHours,
    ActionAskConsultConfirm,
    ActionAskConsultPhone,
    ActionAskMedicalAdvice,
    ActionRequestPhoneConsultation,
    ActionSubmitConsult,
    ConsultForm,
    symptom_in,
)
from bot.clock import TZ
from bot.store.models import ConsultationRequest
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
PHONE = "13911112222"
FILLED = {"policy": "YX2026-000101", "consult_symptom": "发烧三天", "consult_phone": PHONE}


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind("13800000101")


@pytest.mark.parametrize(
    ("hour", "minute", "told"),
    [
        (10, 0, "现在可以"),
        (19, 30, "最晚 11月23日（周一） 21:30 前回电"),
        (20, 30, "最晚 11月24日（周二） 11:00 前回电"),
        (23, 30, "现在已下班，11月24日（周二） 08:00 开始服务"),
        (6, 0, "最晚 11月23日（周一） 10:00 前回电"),
    ],
)
def test_the_hours_are_told_for_now(
    run: Run, clock: Callable[[datetime], None], hour: int, minute: int, told: str
) -> None:
    clock(datetime(2026, 11, 23, hour, minute, tzinfo=TZ))
    reply = run(ActionAskConsultationHours(), "几点上班", "ask_consultation_hours")
    assert told in reply.text
    assert reply.buttons == ["/request_phone_consultation"]


def test_medical_advice_is_not_given_but_a_doctor_offered(run: Run) -> None:
    reply = run(ActionAskMedicalAdvice(), "发烧39度吃什么药", "ask_medical_advice")
    assert reply.texts[0] == texts()["no_medical_advice"].text
    assert "/request_phone_consultation" in reply.buttons
    assert reply.slots["consult_symptom"] == "发烧39度吃什么药"


def test_a_call_begins_with_the_form(run: Run) -> None:
    reply = run(ActionRequestPhoneConsultation(), "让医生给我打电话", "request_phone_consultation")
    assert reply.followup == "consult_form"
    assert "consult_symptom" not in reply.slots


def test_the_symptom_is_kept_in_the_parents_words(run: Run) -> None:
    text = "拉肚子两天了，还有点低烧"
    slots = {"policy": FILLED["policy"], "requested_slot": "consult_symptom"}
    reply = run(ConsultForm(), text, slots=slots, form="consult_form")
    assert reply.slots["consult_symptom"] == text
    assert reply.slots["requested_slot"] == "consult_phone"


def test_the_phone_on_record_is_offered_masked(run: Run) -> None:
    reply = run(ActionAskConsultPhone(), slots={"policy": FILLED["policy"]})
    (button,) = reply.messages[0]["buttons"]
    assert button["title"] == "投保手机 138****0101"


def test_a_corrected_phone_reaches_the_phone(run: Run, entity: Entity) -> None:
    text = "不对，打13933334444"
    phone = entity("phone", "13933334444", text, "13933334444")
    slots = FILLED | {"requested_slot": "consult_confirm"}
    reply = run(ConsultForm(), text, "deny", slots=slots, form="consult_form", entities=[phone])
    assert reply.slots["consult_phone"] == "13933334444"
    assert reply.slots["requested_slot"] == "consult_confirm"
    assert "consult_confirm" not in reply.slots


def test_a_phone_of_the_wrong_form_is_refused(run: Run) -> None:
    slots = FILLED | {"consult_phone": None, "requested_slot": "consult_phone"}
    reply = run(ConsultForm(), "12345678", slots=slots, form="consult_form")
    assert reply.texts == [texts()["phone_invalid"].text]
    assert reply.slots["requested_slot"] == "consult_phone"


@pytest.mark.parametrize(
    ("text", "symptom"),
    [
        ("谢啦 刚那个 让医生打给我吧", None),
        ("嗯嗯，就这件事，请医生回电", None),
        ("好的，那先给我回电话", None),
        ("谢谢 娃一直咳 让医生打给我", "娃一直咳"),
        ("刚才那个，发烧39度，医生打给我", "发烧39度"),
    ],
)
def test_small_talk_is_no_symptom(text: str, symptom: str | None) -> None:
    assert symptom_in(text) == symptom


@pytest.mark.parametrize(
    ("text", "intent"),
    [("还剩多少额度", "check_balance"), ("算了", "stop"), ("孩子抽搐了", "report_emergency")],
)
@pytest.mark.parametrize("question", ["consult_symptom", "consult_phone"])
def test_an_aside_is_rejected(run: Run, question: str, text: str, intent: str) -> None:
    slots = FILLED | {question: None, "requested_slot": question}
    assert run(ConsultForm(), text, intent, slots=slots, form="consult_form").events == []


@pytest.mark.parametrize(("intent", "answer"), [("affirm", True), ("deny", False)])
def test_yes_and_no_end_the_form(run: Run, intent: str, answer: bool) -> None:
    slots = FILLED | {"requested_slot": "consult_confirm"}
    reply = run(ConsultForm(), "好" if answer else "不要", intent, slots=slots, form="consult_form")
    assert (reply.slots["consult_confirm"], reply.slots["requested_slot"]) == (answer, None)


@pytest.mark.parametrize(("hour", "queued"), [(10, False), (23, True)])
def test_the_summary_tells_whether_it_is_queued(
    run: Run, clock: Callable[[datetime], None], hour: int, queued: bool
) -> None:
    clock(datetime(2026, 11, 23, hour, tzinfo=TZ))
    text = run(ActionAskConsultConfirm(), slots=FILLED).text
    assert ("现在已下班" in text) is queued
    assert "王小满：发烧三天" in text
    assert PHONE in text


def test_a_confirmed_request_is_stored_once(run: Run, count: Callable[..., int]) -> None:
    slots = FILLED | {"consult_confirm": True}
    first = run(ActionSubmitConsult(), "好", "affirm", slots=slots)
    again = run(ActionSubmitConsult(), "好", "affirm", slots=slots)
    assert "11月23日（周一） 12:00" in first.text
    assert "没有重复" in again.text
    assert count(ConsultationRequest) == 1


def test_a_rejected_request_is_not_stored(run: Run, count: Callable[..., int]) -> None:
    reply = run(ActionSubmitConsult(), "不", "deny", slots=FILLED | {"consult_confirm": False})
    assert reply.texts == [texts()["not_submitted"].text]
    assert count(ConsultationRequest) == 0
