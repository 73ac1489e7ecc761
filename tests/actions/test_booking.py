"""Booking a visit: the form, what is refused, what is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from actions.booking import (
    ActionAskBookConfirm,
    ActionAskBookDepartment,
    ActionAskBookHospital,
    ActionBookAppointment,
    ActionSubmitBook,
    BookForm,
)
from bot.clock import TZ
from bot.store.models import Appointment
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
ONE, TWO = "13800000101", "13800000201"
FUDAN = "复旦大学附属儿科医院国际部特需门诊"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
FILLED = {
    "policy": "YX2026-000101",
    "book_hospital": FUDAN,
    "book_department": "眼科",
    "book_date": "2026-11-27",
    "book_time": "09:30",
}


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind(ONE)


def asked(slot: str, *missing: str) -> dict[str, Any]:
    """Slots of a form that asks for ``slot`` while the others named are still missing, too."""
    known = {k: v for k, v in FILLED.items() if k not in (slot, *missing)}
    return known | {"requested_slot": slot}


def test_booking_begins_with_the_form(run: Run) -> None:
    reply = run(ActionBookAppointment(), "我想约个门诊", "book_appointment")
    assert reply.followup == "book_form"
    assert reply.slots == {"policy": "YX2026-000101", "pending_task": None}


def test_what_the_first_message_says_is_not_asked_again(run: Run, said_day: Entity) -> None:
    text = "约新华医院耳鼻喉科，周五上午"
    day = said_day(text, "周五上午", "2026-11-27", part="morning")
    reply = run(ActionBookAppointment(), text, "book_appointment", entities=[day])
    kept = {k: v for k, v in reply.slots.items() if k.startswith("book_")}
    assert kept == {
        "book_hospital": XINHUA,
        "book_department": "耳鼻喉科",
        "book_date": "2026-11-27",
        "book_time": "morning",
    }
    assert reply.texts == []


@pytest.mark.parametrize(
    ("phone", "text", "button"),
    [
        (TWO, "booking_no_route", "/ask_claim_documents"),
        ("13800000401", "booking_expired", "/start_claim"),
        ("13800000501", "booking_grey", "/pay_self_pay"),
    ],
)
def test_an_obstacle_is_told_before_anything_is_asked(
    run: Run, bind: Bind, phone: str, text: str, button: str
) -> None:
    bind(phone, sender="other")
    reply = run(ActionBookAppointment(), "给沐宸约", "book_appointment", sender="other")
    assert reply.buttons == [button]
    assert reply.texts[0].endswith(texts()[text].text[-12:])
    assert reply.followup == "action_listen"
    assert reply.slots["pending_task"] is None


def test_asked_again_inside_the_form_the_question_is_repeated(run: Run) -> None:
    reply = run(ActionBookAppointment(), "预约", "book_appointment", form="book_form")
    assert (reply.texts, reply.followup) == ([], "book_form")


def test_the_answer_goes_to_the_slot_asked_and_the_next_is_asked(run: Run) -> None:
    slots = asked("book_hospital", "book_department", "book_date", "book_time")
    reply = run(BookForm(), "复旦儿科", slots=slots, form="book_form")
    assert reply.slots == {
        "misses": 0,
        "book_hospital": FUDAN,
        "requested_slot": "book_department",
    }


def test_one_answer_may_fill_several_slots(run: Run, said_day: Entity) -> None:
    text = "眼科，周五下午"
    slots = asked("book_department", "book_date", "book_time")
    day = said_day(text, "周五下午", "2026-11-27", part="afternoon")
    reply = run(BookForm(), text, slots=slots, form="book_form", entities=[day])
    assert reply.slots["book_department"] == "眼科"
    assert reply.slots["book_date"] == "2026-11-27"
    assert reply.slots["book_time"] == "afternoon"
    assert reply.slots["requested_slot"] == "book_confirm"


def test_a_button_fills_its_slot(run: Run, entity: Entity) -> None:
    slots = asked("book_time")
    button = entity("book_time", "afternoon")
    reply = run(BookForm(), slots=slots, form="book_form", entities=[button])
    assert reply.slots["book_time"] == "afternoon"
    assert reply.slots["requested_slot"] == "book_confirm"


@pytest.mark.parametrize("question", ["book_department", "book_time", "book_confirm"])
def test_a_corrected_day_reaches_the_day_whatever_is_asked(
    run: Run, said_day: Entity, question: str
) -> None:
    text = "不对，是后天"
    day = said_day(text, "后天", "2026-11-25")
    reply = run(BookForm(), text, slots=asked(question), form="book_form", entities=[day])
    assert reply.slots["book_date"] == "2026-11-25"
    assert reply.slots["requested_slot"] == question
    assert question not in reply.slots


def test_a_correction_at_the_summary_is_no_rejection(run: Run, said_day: Entity) -> None:
    text = "不对，改成周五10点"
    day = said_day(text, "周五10点", "2026-11-27", time="10:00")
    slots = asked("book_confirm")
    reply = run(BookForm(), text, "deny", slots=slots, form="book_form", entities=[day])
    assert reply.slots["book_time"] == "10:00"
    assert reply.slots["requested_slot"] == "book_confirm"
    assert "book_confirm" not in reply.slots


def test_another_hospital_drops_the_department_that_it_has_not(run: Run) -> None:
    slots = asked("book_confirm") | {"book_department": "小儿呼吸科"}
    reply = run(BookForm(), "换成新华医院", slots=slots, form="book_form")
    assert reply.slots["book_hospital"] == XINHUA
    assert reply.slots["book_department"] is None
    assert reply.slots["requested_slot"] == "book_department"
    assert "没有小儿呼吸科" in reply.text


def test_another_hospital_keeps_the_department_that_it_has(run: Run) -> None:
    slots = asked("book_confirm") | {"book_department": "小儿内科"}
    reply = run(BookForm(), "换成新华医院", slots=slots, form="book_form")
    assert "book_department" not in reply.slots
    assert reply.slots["requested_slot"] == "book_confirm"


def test_a_form_that_only_asks_again_reads_nothing_anew(run: Run, said_day: Entity) -> None:
    text = "周五"
    reply = run(
        BookForm(),
        text,
        slots=asked("book_time"),
        form="book_form",
        entities=[said_day(text, "周五", "2026-12-04")],
        after=["book_form", "action_affirm"],
    )
    assert reply.slots == {"requested_slot": "book_time"}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("还剩多少额度", "check_balance"),
        ("要带什么证件", "faq"),
        ("算了", "stop"),
        ("孩子抽搐了，在新华医院门口", "report_emergency"),
        ("转人工", "talk_to_human"),
        ("复旦儿科在哪里，怎么走", "find_hospital_address"),
    ],
)
def test_an_aside_is_rejected(run: Run, text: str, intent: str) -> None:
    reply = run(BookForm(), text, intent, slots=asked("book_date"), form="book_form")
    assert (reply.events, reply.texts) == ([], [])


def test_a_question_that_names_a_day_is_no_answer(run: Run, said_day: Entity) -> None:
    text = "下周三去做核磁共振检查要不要提前申请授权"
    day = said_day(text, "下周三", "2026-12-02")
    intent = "ask_prior_authorization_rules"
    slots = asked("book_date")
    reply = run(BookForm(), text, intent, slots=slots, form="book_form", entities=[day])
    assert reply.events == []


@pytest.mark.parametrize(
    ("text", "said", "told"),
    [
        ("青禾儿童", "示范青禾儿童门诊部（浦东）", "直接打 021-00000005"),
        ("市一医院", "示范市第一人民医院", "自行挂号、先付费"),
    ],
)
def test_hospitals_that_need_no_booking_are_refused_with_the_reason(
    run: Run, text: str, said: str, told: str
) -> None:
    slots = asked("book_hospital", "book_department")
    reply = run(BookForm(), text, slots=slots, form="book_form")
    assert reply.slots["book_hospital"] is None
    assert reply.slots["requested_slot"] == "book_hospital"
    assert said in reply.text
    assert told in reply.text


def test_a_department_of_another_hospital_is_refused(run: Run, entity: Entity) -> None:
    button = entity("book_department", "口腔科")
    slots = asked("book_department")
    reply = run(BookForm(), slots=slots, form="book_form", entities=[button])
    assert reply.slots["book_department"] is None
    assert "没有口腔科" in reply.text


@pytest.mark.parametrize(
    ("said", "day", "told"),
    [
        ("周六", "2026-11-28", "11月28日（周六）是休息日，门诊不开。最近可以选 11月30日（周一）。"),
        ("上周五", "2026-11-20", "11月20日（周五）已经过去了。最近可以选 11月26日（周四）。"),
        (
            "元旦",
            "2027-01-01",
            "2027年1月1日（周五）是休息日，门诊不开。最近可以选 2027年1月4日（周一）。",
        ),
    ],
)
def test_a_closed_or_past_day_is_refused_with_the_next_one(
    run: Run, said_day: Entity, said: str, day: str, told: str
) -> None:
    slots = asked("book_date")
    when = said_day(said, said, day)
    reply = run(BookForm(), said, slots=slots, form="book_form", entities=[when])
    assert reply.slots["book_date"] is None
    assert reply.slots["requested_slot"] == "book_date"
    assert reply.text == told


def test_a_day_that_does_not_exist_is_told(run: Run, said_day: Entity) -> None:
    text = "眼科，2月30号"
    day = said_day(text, "2月30号", None, flags=["impossible_date"])
    slots = asked("book_department", "book_date")
    reply = run(BookForm(), text, slots=slots, form="book_form", entities=[day])
    assert reply.text == texts()["impossible_date"].text
    assert reply.slots["requested_slot"] == "book_date"


def test_named_experts_are_declined_once(run: Run, said_day: Entity) -> None:
    text = "眼科张主任，周五上午"
    day = said_day(text, "周五上午", "2026-11-27", part="morning")
    slots = asked("book_department", "book_date", "book_time")
    reply = run(BookForm(), text, slots=slots, form="book_form", entities=[day])
    assert reply.texts == [texts()["no_named_expert"].text]
    assert reply.slots["book_department"] == "眼科"


def test_the_hospitals_that_can_be_booked_are_offered(run: Run) -> None:
    reply = run(ActionAskBookHospital())
    assert len(reply.buttons) == 3
    assert reply.buttons[0] == f'/inform{{"book_hospital": "{FUDAN}"}}'


def test_the_hospitals_own_departments_are_offered(run: Run) -> None:
    reply = run(ActionAskBookDepartment(), slots={"book_hospital": XINHUA})
    names = [b["title"] for b in reply.messages[0]["buttons"]]
    assert names == ["小儿内科", "小儿外科", "耳鼻喉科", "口腔科"]


@pytest.mark.parametrize(
    ("day", "at", "told"),
    [
        ("2026-11-27", "09:30", "11月27日（周五） 09:30\n最晚 11月25日（周三） 23:59 前给您确认"),
        ("2026-11-27", "morning", "11月27日（周五） 上午\n"),
        ("2026-11-25", "09:30", "只能加急试试，不保证约上"),
        ("2026-11-23", "15:00", "诊费自付"),
    ],
)
def test_the_summary_tells_time_due_time_and_deadline(
    run: Run, day: str, at: str, told: str
) -> None:
    slots = FILLED | {"book_date": day, "book_time": at}
    reply = run(ActionAskBookConfirm(), slots=slots)
    assert told in reply.text
    assert f"王小满 · {FUDAN} · 眼科" in reply.text
    assert "16:00" in reply.text
    assert reply.buttons == ["/affirm", "/deny"]


@pytest.mark.parametrize(("intent", "answer"), [("affirm", True), ("deny", False)])
def test_yes_and_no_end_the_form(run: Run, intent: str, answer: bool) -> None:
    slots = asked("book_confirm")
    reply = run(BookForm(), "好" if answer else "不", intent, slots=slots, form="book_form")
    assert reply.slots == {"misses": 0, "book_confirm": answer, "requested_slot": None}


def test_repeating_the_day_at_the_summary_is_a_yes(run: Run, said_day: Entity) -> None:
    text = "对，就是周五"
    day = said_day(text, "周五", "2026-11-27")
    slots = asked("book_confirm")
    reply = run(BookForm(), text, "affirm", slots=slots, form="book_form", entities=[day])
    assert reply.slots["book_confirm"] is True


def test_not_right_at_the_summary_neither_submits_nor_ends(run: Run) -> None:
    slots = asked("book_confirm")
    reply = run(BookForm(), "不对", "deny", slots=slots, form="book_form")
    assert reply.events == []


@pytest.mark.parametrize("intent", ["affirm", "deny"])
def test_yes_and_no_before_the_summary_are_no_confirmation(run: Run, intent: str) -> None:
    slots = asked("book_time")
    reply = run(BookForm(), "好", intent, slots=slots, form="book_form")
    assert "book_confirm" not in reply.slots


def test_a_confirmed_booking_is_stored_and_told(run: Run, count: Callable[..., int]) -> None:
    slots = FILLED | {"book_confirm": True}
    reply = run(ActionSubmitBook(), "好", "affirm", slots=slots, form="book_form")
    assert "编号 A10002" in reply.text
    assert "11月25日（周三） 23:59" in reply.text
    assert "11月26日（周四） 16:00" in reply.text
    assert count(Appointment, status="requested") == 1
    assert reply.slots == dict.fromkeys(BookForm.slots) | {"requested_slot": None}
    assert reply.loops[0] is None

    again = run(ActionSubmitBook(), "好", "affirm", slots=slots, form="book_form")
    assert "没有重复提交：编号 A10002" in again.text
    assert count(Appointment, status="requested") == 1


def test_a_rejected_booking_is_not_stored(run: Run, count: Callable[..., int]) -> None:
    slots = FILLED | {"book_confirm": False}
    reply = run(ActionSubmitBook(), "不要", "deny", slots=slots, form="book_form")
    assert reply.texts == [texts()["not_submitted"].text]
    assert count(Appointment) == 1
    assert reply.slots["book_hospital"] is None


def test_a_form_that_was_left_submits_nothing(run: Run, count: Callable[..., int]) -> None:
    reply = run(ActionSubmitBook(), slots=asked("book_confirm"))
    assert reply.texts == []
    assert count(Appointment) == 1


def test_what_became_impossible_meanwhile_is_refused_in_words(
    run: Run, clock: Callable[[datetime], None], count: Callable[..., int]
) -> None:
    clock(datetime(2026, 11, 27, 9, 31, tzinfo=TZ))
    slots = FILLED | {"book_confirm": True}
    reply = run(ActionSubmitBook(), "好", "affirm", slots=slots)
    assert texts()["line_refused_past"].text in reply.text
    assert count(Appointment) == 1


def test_after_submitting_a_task_put_aside_is_taken_up(run: Run) -> None:
    slots = FILLED | {"book_confirm": True, "paused_forms": ["claim_form", "consult_form"]}
    reply = run(ActionSubmitBook(), "好", "affirm", slots=slots)
    assert reply.followup == "consult_form"
    assert reply.slots["paused_forms"] == ["claim_form"]
    assert reply.texts[-1] == texts()["back_to_task"].text
