"""Cancelling and moving visits, in time and late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from actions.appointment_changes import (
    ActionAskCancelConfirm,
    ActionAskCancelReference,
    ActionAskMoveConfirm,
    ActionCancelAppointment,
    ActionRescheduleAppointment,
    ActionSubmitCancel,
    ActionSubmitMove,
    CancelForm,
    MoveForm,
)
from actions.booking import (
    ActionSubmitBook,
)
from bot.clock import TZ
from bot.store.models import Appointment, HandOff
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
ONE = "13800000101"
FUDAN = "复旦大学附属儿科医院国际部特需门诊"
FILLED = {
    "policy": "YX2026-000101",
    "book_hospital": FUDAN,
    "book_department": "眼科",
    "book_date": "2026-11-27",
    "book_time": "09:30",
}
LATE = datetime(2026, 11, 30, 16, 1, tzinfo=TZ)  # A1001's deadline was at 16:00.
CANCEL = {"cancel_reference": "A1001"}
MOVE = {"move_reference": "A1001", "move_date": "2026-12-03", "move_time": "14:00"}


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind(ONE)


def test_the_only_visit_is_meant(run: Run) -> None:
    reply = run(ActionCancelAppointment(), "取消预约", "cancel_appointment")
    assert reply.slots["cancel_reference"] == "A1001"
    assert reply.followup == "cancel_form"


def test_of_several_visits_it_is_asked_which(run: Run, entity: Entity) -> None:
    run(ActionSubmitBook(), "好", slots=FILLED | {"book_confirm": True})
    begun = run(ActionCancelAppointment(), "取消预约", "cancel_appointment")
    assert begun.slots["cancel_reference"] is None
    question = run(ActionAskCancelReference())
    assert question.buttons == [
        '/inform{"appointment": "A10002"}',
        '/inform{"appointment": "A1001"}',
    ]
    slots = {"requested_slot": "cancel_reference"}
    form = CancelForm()
    for text, entities, expected in (
        ("", [entity("appointment", "A1001")], "A1001"),
        ("a1001", [entity("reference", "A1001", "a1001", "a1001")], "A1001"),
        ("第一个", [], "A10002"),
        ("后面那个", [], "A1001"),
    ):
        reply = run(form, text, slots=slots, form="cancel_form", entities=entities)
        assert reply.slots["cancel_reference"] == expected, text


def test_an_unknown_reference_is_refused(run: Run, entity: Entity) -> None:
    number = entity("reference", "A9999", "A9999")
    slots = {"requested_slot": "cancel_reference"}
    reply = run(CancelForm(), "A9999", slots=slots, form="cancel_form", entities=[number])
    assert reply.slots["cancel_reference"] is None
    assert "A9999" in reply.text


def test_in_time_one_confirmation_is_enough(run: Run, count: Callable[..., int]) -> None:
    assert "取消没有影响" in run(ActionAskCancelConfirm(), slots=CANCEL).text
    slots = CANCEL | {"requested_slot": "cancel_confirm"}
    reply = run(CancelForm(), "确认", "affirm", slots=slots, form="cancel_form")
    assert reply.slots == {"misses": 0, "cancel_confirm": True, "requested_slot": None}
    done = run(ActionSubmitCancel(), "确认", "affirm", slots=CANCEL | {"cancel_confirm": True})
    assert "已取消：A1001" in done.text
    assert count(Appointment, status="cancelled", cancelled_late=False) == 1


def test_late_the_consequences_are_told_and_confirmed_twice(
    run: Run, clock: Callable[[datetime], None], count: Callable[..., int]
) -> None:
    clock(LATE)
    warning = run(ActionAskCancelConfirm(), slots=CANCEL).text
    assert "11月30日（周一） 16:00" in warning
    assert "被医院拉黑" in warning

    slots = CANCEL | {"requested_slot": "cancel_confirm"}
    first = run(CancelForm(), "取消", "affirm", slots=slots, form="cancel_form")
    assert first.slots["requested_slot"] == "cancel_late_confirm"

    slots = CANCEL | {"cancel_confirm": True, "requested_slot": "cancel_late_confirm"}
    second = run(CancelForm(), "确认", "affirm", slots=slots, form="cancel_form")
    assert second.slots["cancel_late_confirm"] is True
    assert second.slots["requested_slot"] is None

    filled = CANCEL | {"cancel_confirm": True, "cancel_late_confirm": True}
    assert "已取消：A1001" in run(ActionSubmitCancel(), "确认", slots=filled).text
    assert count(Appointment, status="cancelled", cancelled_late=True) == 1
    # Somebody has to tell the hospital; the parent goes on with the bot.
    assert count(HandOff, reason="rule", wish="message", status="queued") == 1


def test_late_a_no_at_the_second_question_cancels_nothing(
    run: Run, clock: Callable[[datetime], None], count: Callable[..., int]
) -> None:
    clock(LATE)
    slots = CANCEL | {"cancel_confirm": True, "requested_slot": "cancel_late_confirm"}
    reply = run(CancelForm(), "还是不了", "deny", slots=slots, form="cancel_form")
    assert reply.slots["requested_slot"] is None
    filled = CANCEL | {k: v for k, v in reply.slots.items() if k.startswith("cancel_")}
    done = run(ActionSubmitCancel(), "还是不了", slots={"cancel_confirm": True} | filled)
    assert done.texts == [texts()["not_submitted"].text]
    assert count(Appointment, status="confirmed") == 1


def test_the_deadline_that_passes_during_the_talk_is_noticed(
    run: Run, clock: Callable[[datetime], None], count: Callable[..., int]
) -> None:
    clock(LATE)
    reply = run(ActionSubmitCancel(), "好", slots=CANCEL | {"cancel_confirm": True})
    assert texts()["line_refused_late"].text in reply.text
    assert count(Appointment, status="confirmed") == 1


def test_another_parents_visit_cannot_be_named(
    run: Run, bind: Bind, entity: Entity, count: Callable[..., int]
) -> None:
    bind("13800000301", sender="other")
    begun = run(
        ActionCancelAppointment(),
        "取消A1001",
        "cancel_appointment",
        sender="other",
        entities=[entity("reference", "A1001", "取消A1001")],
    )
    assert begun.texts == [texts()["no_appointments"].text]
    forced = run(
        ActionSubmitCancel(), "好", slots=CANCEL | {"cancel_confirm": True}, sender="other"
    )
    assert forced.texts == [texts()["failure"].text, texts()["handoff_failure"].text]
    assert count(Appointment, status="confirmed") == 1


def test_the_new_day_of_the_first_message_is_kept(run: Run, said_day: Entity) -> None:
    text = "把12月1号的改到12月3号下午"
    days = [
        said_day(text, "12月1号", "2026-12-01"),
        said_day(text, "12月3号下午", "2026-12-03", part="afternoon"),
    ]
    reply = run(ActionRescheduleAppointment(), text, "reschedule_appointment", entities=days)
    assert reply.slots["move_reference"] == "A1001"
    assert (reply.slots["move_date"], reply.slots["move_time"]) == ("2026-12-03", "afternoon")
    assert reply.followup == "move_form"


def test_the_summary_of_a_move_tells_old_and_new(run: Run) -> None:
    reply = run(ActionAskMoveConfirm(), slots=MOVE)
    assert "原 12月1日（周二） 10:00 → 改为 12月3日（周四） 14:00" in reply.text
    assert "12月2日（周三） 16:00" in reply.text


def test_a_corrected_new_day_reaches_the_day(run: Run, said_day: Entity) -> None:
    text = "不对，12月4号"
    slots = MOVE | {"requested_slot": "move_confirm"}
    day = said_day(text, "12月4号", "2026-12-04")
    reply = run(MoveForm(), text, "deny", slots=slots, form="move_form", entities=[day])
    assert reply.slots["move_date"] == "2026-12-04"
    assert reply.slots["requested_slot"] == "move_confirm"


def test_a_closed_new_day_is_refused(run: Run, said_day: Entity) -> None:
    text = "12月5号"
    slots = {"move_reference": "A1001", "requested_slot": "move_date"}
    day = said_day(text, text, "2026-12-05")
    reply = run(MoveForm(), text, slots=slots, form="move_form", entities=[day])
    assert reply.slots["move_date"] is None
    assert "12月7日（周一）" in reply.text


def test_a_confirmed_move_is_stored(run: Run, count: Callable[..., int]) -> None:
    reply = run(ActionSubmitMove(), "好", "affirm", slots=MOVE | {"move_confirm": True})
    assert "改期已提交：A1001" in reply.text
    assert "12月3日（周四） 14:00" in reply.text
    assert count(Appointment, status="requested") == 1


def test_a_late_move_is_confirmed_twice(
    run: Run, clock: Callable[[datetime], None], count: Callable[..., int]
) -> None:
    clock(LATE + timedelta(minutes=1))
    assert "被医院拉黑" in run(ActionAskMoveConfirm(), slots=MOVE).text
    slots = MOVE | {"requested_slot": "move_confirm"}
    first = run(MoveForm(), "确认", "affirm", slots=slots, form="move_form")
    assert first.slots["requested_slot"] == "move_late_confirm"
    declined = MOVE | {"move_confirm": True, "move_late_confirm": False}
    done = run(ActionSubmitMove(), "不了", slots=declined)
    assert done.texts == [texts()["not_submitted"].text]
    assert count(Appointment, status="confirmed") == 1
