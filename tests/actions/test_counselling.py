"""What a parent says of a diagnosis: one of the eight, another one, a guess (M7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.counselling import NO_DIAGNOSIS, ActionRequestCounselling, CounsellingForm
from bot.texts import texts

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "diagnosis"),
    [
        ("确诊抑郁症了，想约心理咨询", "抑郁症"),
        ("孩子是孤独症谱系", "自闭症"),
        ("医生说是强迫症", "强迫症"),
        ("想约心理咨询", None),
    ],
)
def test_a_diagnosis_is_read(run: Run, text: str, diagnosis: str | None) -> None:
    reply = run(CounsellingForm(), text, "request_counselling", form="counselling_form")
    assert reply.slots.get("counselling_diagnosis") == diagnosis


@pytest.mark.parametrize(
    "text",
    [
        "孩子有抑郁倾向，想找心理咨询",
        "怀疑是自闭症",
        "感觉孩子有点抑郁",
        "还没确诊强迫症",
        "没有确诊",
        "担心他抑郁了",
        "是不是自闭啊",
    ],
)
def test_a_guess_is_no_diagnosis(run: Run, text: str) -> None:
    reply = run(ActionRequestCounselling(), text, "request_counselling")
    assert reply.texts == [texts()["counselling_no_diagnosis"].text]
    assert reply.followup == "action_listen"


def test_a_doubt_at_the_next_question_ends_it_with_its_own_reason(run: Run) -> None:
    slots = {
        "counselling_diagnosis": "抑郁症",
        "requested_slot": "counselling_recommended",
    }
    reply = run(CounsellingForm(), "没确诊", "deny", slots=slots, form="counselling_form")
    assert reply.texts == [texts()["counselling_no_diagnosis"].text]
    assert reply.slots["counselling_diagnosis"] is None
    assert NO_DIAGNOSIS not in reply.slots.values()


def test_what_is_not_among_the_eight_is_refused_by_its_name(run: Run) -> None:
    reply = run(ActionRequestCounselling(), "孩子多动症想约心理咨询", "request_counselling")
    assert reply.texts == [texts()["counselling_diagnosis_not_listed"].text.format(value="多动")]
