"""Looking up visits and their deadlines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.appointments import (
    ActionAskCancellationDeadline,
    ActionCheckAppointment,
)
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
ONE, TWO = "13800000101", "13800000201"
FUDAN = "复旦大学附属儿科医院国际部特需门诊"


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind(ONE)


def test_visits_are_told_with_state_and_deadline(run: Run) -> None:
    reply = run(ActionCheckAppointment(), "我约了什么时候", "check_appointment")
    line = "12月1日（周二） 10:00 · 已确认（最晚 11月30日（周一） 16:00 前可取消）"
    assert line in reply.text
    assert "A1001" in reply.text


def test_without_visits_one_is_offered(run: Run, bind: Bind) -> None:
    bind(TWO, sender="other")
    reply = run(ActionCheckAppointment(), "我的预约", "check_appointment", sender="other")
    assert reply.texts == [texts()["no_appointments"].text]
    assert reply.buttons == ["/book_appointment"]


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-11-30", "11月27日（周五） 16:00"),
        ("2026-09-21", "9月20日（周日） 16:00"),
        ("2027-01-04", "12月31日（周四） 16:00"),
    ],
)
def test_the_deadline_for_a_day_needs_no_booking(
    run: Run, said_day: Entity, day: str, told: str
) -> None:
    text = "那天的号最晚几时取消"
    reply = run(
        ActionAskCancellationDeadline(),
        text,
        "ask_cancellation_deadline",
        entities=[said_day(text, "那天", day)],
        sender="stranger",
    )
    assert told in reply.text


def test_the_deadline_of_ones_own_visits_and_the_rule(run: Run) -> None:
    action, intent = ActionAskCancellationDeadline(), "ask_cancellation_deadline"
    assert "A1001" in run(action, "最晚几时取消", intent).text
    unbound = run(action, "最晚几时取消", intent, sender="stranger")
    assert unbound.texts == [texts()["deadline_rule"].text]
