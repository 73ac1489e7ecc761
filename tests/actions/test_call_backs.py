"""What is said of an own call: how it stands, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from actions.call_backs import (
    CANCEL,
    STATUS,
    ActionCallBacks,
    ActionCancelCallBack,
    ActionSubmitCallBack,
    CallBackForm,
)
from actions.consultations import ActionAskConsultationHours, ActionRequestOnlineConsultation
from bot.clock import TZ
from bot.services import consultation_desk, consultations
from bot.store.session import Store

Run = Callable[..., Any]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
NUMBER = "YX2026-000101"


@pytest.fixture
def parent(bind: Callable[..., int]) -> int:
    return bind("13800000101")


@pytest.fixture
def reference(store: Store, parent: int) -> str:
    seen, _ = consultations.request_phone_consultation(
        store, identity_id=parent, number=NUMBER, symptom="咳嗽", phone="13912345678", now=NOW
    )
    return seen.reference


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("医生什么时候打过来", STATUS),
        ("怎么还没给我回电话", STATUS),
        ("大夫到现在还没打来", STATUS),
        ("电话问诊进度", STATUS),
        ("不用医生打了", CANCEL),
        ("回电取消吧", CANCEL),
        ("别打电话了，娃好了", CANCEL),
    ],
)
def test_what_is_about_the_own_call_is_answered_from_the_store(
    run: Run, reference: str, text: str, action: str
) -> None:
    said = run(ActionAskConsultationHours(), text, "ask_consultation_hours")
    assert said.followup == action


@pytest.mark.parametrize(
    "text", ["医生一般多久回电", "登记以后医生多久回电", "客服怎么还没打来", "预约取消吧，不用去了"]
)
def test_what_is_not_about_it_is_left(run: Run, reference: str, text: str) -> None:
    said = run(ActionAskConsultationHours(), text, "ask_consultation_hours")
    assert said.followup not in (STATUS, CANCEL)


@pytest.mark.usefixtures("parent")
def test_without_a_call_nothing_is_redirected(run: Run) -> None:
    said = run(ActionAskConsultationHours(), "医生什么时候打过来", "ask_consultation_hours")
    assert said.followup not in (STATUS, CANCEL)


def test_open_late_and_over(
    run: Run, store: Store, reference: str, clock: Callable[[datetime], None]
) -> None:
    assert "等医生打来，最晚 11月23日（周一） 12:00" in run(ActionCallBacks(), "医生打了没").text
    clock(NOW + timedelta(hours=3))
    late = run(ActionCallBacks(), "医生打了没").text
    assert "抱歉，医生晚了" in late
    assert "过了时间还没打" in late
    consultation_desk.called_back(store, reference=reference, actor="staff:lin", now=NOW)
    over = run(ActionCallBacks(), "医生打了没").text
    assert "现在没有在等的回电" in over
    assert "医生已打过" in over


def test_taking_back_is_confirmed_first(run: Run, store: Store, reference: str) -> None:
    begun = run(ActionCancelCallBack(), "不用打了")
    assert begun.slots["call_back_reference"] == reference
    assert begun.followup == CallBackForm.form
    slots = {"call_back_reference": reference, "call_back_confirm": True}
    said = run(ActionSubmitCallBack(), "确认", "affirm", slots=slots)
    assert "已取消 王小满 的医生回电" in said.text
    (seen,) = consultations.call_backs(store, identity_id=1, now=NOW)
    assert seen.status == "closed"


def test_a_doctor_who_was_faster_is_said(run: Run, store: Store, reference: str) -> None:
    consultation_desk.called_back(store, reference=reference, actor="staff:lin", now=NOW)
    slots = {"call_back_reference": reference, "call_back_confirm": True}
    said = run(ActionSubmitCallBack(), "确认", "affirm", slots=slots)
    assert "医生已经打过电话了" in said.text


@pytest.mark.parametrize(
    ("at", "told"),
    [(NOW, "现在开着（每天 8:00–21:00"), (NOW.replace(hour=23), "11月24日（周二） 08:00 开始")],
)
def test_the_online_consultation_tells_its_hours(
    run: Run, clock: Callable[[datetime], None], at: datetime, told: str
) -> None:
    clock(at)
    assert told in run(ActionRequestOnlineConsultation(), "图文问诊").text


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("嗯取消吧", "cancel_appointment", True),
        ("取消", "stop", True),
        ("不用打了", "deny", True),
        ("别打了", "deny", True),
        ("不要了", "deny", False),
        ("不，还是要打", "deny", False),
    ],
)
def test_the_wish_said_once_more_at_the_summary_is_a_yes(
    run: Run, reference: str, text: str, intent: str, answer: bool
) -> None:
    slots = {"requested_slot": "call_back_confirm", "call_back_reference": reference}
    said = run(CallBackForm(), text, intent, slots=slots, form=CallBackForm.form)
    assert said.slots["call_back_confirm"] is answer
