"""Applying in conversation: what the form takes, refuses and sums up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from actions.authorization_forms import ActionRequestAuthorization, AuthForm
from actions.authorization_submission import (
    ActionAskAuthAnyway,
    ActionAskAuthConfirm,
    ActionAskAuthHospital,
    ActionSubmitAuth,
)
from bot.clock import TZ
from bot.store.models import Authorization

Run = Callable[..., Any]
Bind = Callable[..., int]
Day = Callable[..., dict[str, Any]]
Count = Callable[..., int]
REQUEST = "request_prior_authorization"
XINHUA, FUDAN = "上海新华医院镜朗高级专家诊疗部", "复旦大学附属儿科医院国际部特需门诊"
FILLED = {
    "policy": "YX2026-000101",
    "auth_treatment": "斜视手术",
    "auth_hospital": XINHUA,
    "auth_date": "2026-12-08",
    "auth_amount": "8000",
}


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind("13800000101")


def fill(run: Run, text: str, asked: str, intent: str = "inform", **more: Any) -> Any:
    slots = FILLED | {asked: None, "requested_slot": asked} | more.pop("slots", {})
    return run(AuthForm(), text, intent, slots=slots, form="auth_form", **more)


def test_what_was_said_at_once_is_kept(run: Run, said_day: Day) -> None:
    text = "帮我提交授权，12月8号在新华做斜视手术，八千块"
    entities = [said_day(text, "12月8号", "2026-12-08")]
    reply = run(ActionRequestAuthorization(), text, REQUEST, entities=entities)
    assert reply.followup == "auth_form"
    for slot in ("auth_treatment", "auth_hospital", "auth_date", "auth_amount"):
        assert reply.slots[slot] == FILLED[slot]


def test_a_question_is_no_request(run: Run) -> None:
    reply = run(ActionRequestAuthorization(), "雾化器要不要授权", REQUEST)
    assert reply.followup == "action_ask_prior_authorization_rules"


def test_another_treatment_drops_what_was_said_of_the_one_before(run: Run) -> None:
    reply = run(ActionRequestAuthorization(), "帮我申请化疗的授权", REQUEST, slots=FILLED)
    assert (reply.slots["auth_treatment"], reply.slots["auth_date"]) == ("化疗", None)
    same = run(ActionRequestAuthorization(), "帮我申请授权", REQUEST, slots=FILLED)
    assert same.slots["auth_date"] == "2026-12-08"


def test_a_day_that_has_gone_meanwhile_is_asked_again(
    run: Run, clock: Callable[[datetime], None]
) -> None:
    clock(datetime(2026, 12, 9, 10, tzinfo=TZ))
    reply = run(ActionRequestAuthorization(), "帮我申请授权", REQUEST, slots=FILLED)
    assert "已经过了" in reply.text
    assert reply.slots["auth_date"] is None


@pytest.mark.parametrize(
    ("phone", "number", "told"),
    [
        ("13800000401", "YX2026-000401", "到期"),
        ("13800000201", "YX2026-000201", "不含直付"),
    ],
)
def test_what_stands_in_the_way_is_said(
    run: Run, bind: Bind, phone: str, number: str, told: str
) -> None:
    bind(phone, sender="other")
    reply = run(
        ActionRequestAuthorization(), "申请授权", REQUEST, slots={"policy": number}, sender="other"
    )
    assert told in reply.text
    assert reply.followup != "auth_form"
    assert reply.slots["auth_treatment"] is None


@pytest.mark.parametrize(
    ("text", "intent", "kept"),
    [
        ("腺样体手术", "inform", "腺样体手术"),
        ("胃镜", "ask_medical_advice", "胃镜"),
        ("给孩子做一个小小的处理", "inform", "给孩子做一个小小的处理"),
        ("舌系带剪一下", "out_of_scope", "舌系带剪一下"),
        ("化疗要提前几天吗", "ask_prior_authorization_rules", None),
        ("今天天气不错", "out_of_scope", None),
        ("还剩多少额度", "check_balance", None),
    ],
)
def test_the_treatment_in_the_parents_words(
    run: Run, text: str, intent: str, kept: str | None
) -> None:
    reply = fill(run, text, "auth_treatment", intent)
    assert reply.slots.get("auth_treatment") == kept


def test_treatment_and_day_in_one_answer(run: Run, said_day: Day) -> None:
    text = "12月8号剪舌系带"
    entities = [said_day(text, "12月8号", "2026-12-08")]
    reply = fill(run, text, "auth_treatment", entities=entities, slots={"auth_date": None})
    assert (reply.slots["auth_treatment"], reply.slots["auth_date"]) == ("剪舌系带", "2026-12-08")


@pytest.mark.parametrize(
    ("text", "kept", "told"),
    [
        ("复旦儿科", FUDAN, ""),
        ("市一医院", None, "不是直付医院"),
        ("华山医院", None, "不在直付医院名单里"),
    ],
)
def test_p3_hospitals(run: Run, text: str, kept: str | None, told: str) -> None:
    reply = fill(run, text, "auth_hospital")
    assert reply.slots["auth_hospital"] == kept
    assert told in reply.text


@pytest.mark.parametrize(
    ("day", "kept", "told"),
    [
        ("2026-11-22", None, "已经过了"),
        ("2026-11-23", "2026-11-23", ""),
        ("2026-11-28", "2026-11-28", ""),  # a Saturday: stays go on
        ("2028-01-01", None, "不在王小满的保障期内"),
    ],
)
def test_p1_days(run: Run, said_day: Day, day: str, kept: str | None, told: str) -> None:
    # With the year, a day far ahead is not taken for last year's.
    text = f"{day[:4]}年那天"
    entities = [said_day(text, text, day)]
    reply = fill(run, text, "auth_date", entities=entities)
    assert reply.slots["auth_date"] == kept
    assert told in reply.text


@pytest.mark.parametrize("text", ["不知道", "还没定", "医生没说", "待定", "不清楚多少钱"])
def test_the_cost_need_not_be_known(run: Run, text: str) -> None:
    reply = fill(run, text, "auth_amount")
    assert (reply.slots["auth_amount"], reply.slots["requested_slot"]) == (
        "unknown", "auth_confirm",
    )  # fmt: skip


def test_the_button_for_an_unknown_cost(run: Run) -> None:
    entities = [{"entity": "auth_amount", "value": "unknown"}]
    reply = fill(run, "", "auth_amount", entities=entities)
    assert reply.slots["auth_amount"] == "unknown"


@pytest.mark.parametrize("text", ["0", "一亿块"])
def test_costs_that_cannot_be(run: Run, text: str) -> None:
    reply = fill(run, text, "auth_amount")
    assert reply.slots.get("auth_amount") is None


@pytest.mark.parametrize(
    ("text", "slot", "value"),
    [
        ("不对，应该是腺样体手术", "auth_treatment", "腺样体手术"),
        ("换成复旦儿科", "auth_hospital", FUDAN),
        ("费用不对", "auth_amount", None),
        ("治疗写错了", "auth_treatment", None),
        ("医院要换一下", "auth_hospital", None),
    ],
)
def test_corrections_at_the_summary(run: Run, text: str, slot: str, value: str | None) -> None:
    reply = fill(run, text, "auth_confirm", "deny")
    assert reply.slots[slot] == value
    assert reply.slots["requested_slot"] == ("auth_confirm" if value else slot)
    assert not (set(FILLED) - {slot}) & set(reply.slots)


def test_a_new_day_keeps_the_treatment(run: Run, said_day: Day) -> None:
    text = "不对，是12月9号住院"
    entities = [said_day(text, "12月9号", "2026-12-09")]
    reply = fill(run, text, "auth_confirm", "deny", entities=entities)
    assert reply.slots["auth_date"] == "2026-12-09"
    assert "auth_treatment" not in reply.slots


# ---- what needs none


@pytest.mark.parametrize(
    ("treatment", "amount", "asked"),
    [
        ("感冒看门诊", None, "auth_anyway"),
        ("验血", "5000", "auth_anyway"),
        ("验血", "5000.01", "auth_confirm"),
        ("核磁", None, "auth_amount"),
        ("住院", None, "auth_amount"),
    ],
)
def test_only_what_is_not_listed_is_questioned(
    run: Run, treatment: str, amount: str | None, asked: str
) -> None:
    slots = {"auth_treatment": None, "auth_amount": amount}
    reply = fill(run, treatment, "auth_treatment", slots=slots)
    assert reply.slots["requested_slot"] == asked


def test_a_family_above_the_total_is_not_held_up(run: Run, bind: Bind) -> None:
    bind("13800000301", sender="chen")
    reply = fill(
        run, "感冒看门诊", "auth_treatment", sender="chen", slots={"policy": "YX2026-000301"}
    )
    assert reply.slots["requested_slot"] == "auth_confirm"


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("好", "affirm", True),
        ("还是帮我提交吧", "request_prior_authorization", True),
        ("不", "deny", False),
        ("那不用了", "deny", False),
    ],
)
def test_applying_all_the_same_or_leaving_it(
    run: Run, text: str, intent: str, answer: bool
) -> None:
    slots = {"auth_treatment": "输液", "auth_hospital": None}
    reply = fill(run, text, "auth_anyway", intent, slots=slots)
    assert reply.slots["auth_anyway"] is answer
    if answer:
        assert reply.slots["requested_slot"] == "auth_hospital"
    else:
        assert "不提交了" in reply.text
        assert reply.loops == [None]


def test_why_it_is_not_needed_is_said(run: Run) -> None:
    reply = run(ActionAskAuthAnyway(), slots={"auth_treatment": "输液"})
    assert reply.text.startswith("输液不在手册要授权的项目里")


# ---- another child


def test_another_child_without_direct_billing_is_refused(run: Run, bind: Bind) -> None:
    bind("13800000201", sender="li")
    slots = {"policy": "YX2026-000202", "auth_hospital": "示范青禾儿童门诊部（浦东）"}
    reply = fill(run, "不对，是沐宸", "auth_confirm", sender="li", slots=slots)
    assert "李沐宸的成长计划不含直付" in reply.text
    assert reply.slots["policy"] == "YX2026-000202"


def test_another_child_has_another_plan(run: Run, bind: Bind) -> None:
    bind("13800000101", "13800000501", sender="two")
    slots = {"auth_hospital": "示范和晴儿科诊所（徐汇）"}
    reply = fill(run, "不对，是子墨", "auth_confirm", sender="two", slots=slots)
    assert reply.slots["policy"] == "YX2026-000501"
    assert "优享计划在示范和晴儿科诊所（徐汇）没有直付" in reply.text
    assert reply.slots["requested_slot"] == "auth_hospital"


# ---- the questions, the summary, the end


def test_the_plan_s_hospitals_are_offered(run: Run, bind: Bind) -> None:
    ours = run(ActionAskAuthHospital(), slots=FILLED)
    assert XINHUA in ours.buttons
    assert "示范市第一人民医院" not in ours.buttons
    bind("13800000201", sender="li")
    slots = {"policy": "YX2026-000202", "auth_treatment": "买雾化器"}
    theirs = run(ActionAskAuthHospital(), slots=slots, sender="li")
    assert "开的" in theirs.text
    assert XINHUA not in theirs.buttons


@pytest.mark.parametrize(
    ("day", "told"),
    [("2026-12-08", "最晚 12月4日（周五） 23:59 前提交，现在来得及"), ("2026-11-24", "已经过了")],
)
def test_p1_the_summary_tells_the_deadline(run: Run, day: str, told: str) -> None:
    reply = run(ActionAskAuthConfirm(), slots=FILLED | {"auth_date": day})
    assert told in reply.text
    assert "王小满 · 斜视手术" in reply.text
    assert reply.buttons == ["/affirm", "/deny"]


def test_e3_a_grey_card_is_told_in_the_summary(run: Run, bind: Bind) -> None:
    bind("13800000501", sender="zhou")
    reply = run(ActionAskAuthConfirm(), slots=FILLED | {"policy": "YX2026-000501"}, sender="zhou")
    assert "有 128 元自付款没付" in reply.text
    assert "请核对" in reply.text


def test_what_no_longer_holds_is_asked_again(run: Run, clock: Callable[[datetime], None]) -> None:
    clock(datetime(2026, 12, 9, 10, tzinfo=TZ))
    reply = run(ActionAskAuthConfirm(), slots=FILLED)
    assert "时间已经过去" in reply.text
    assert (reply.slots["auth_date"], reply.slots["requested_slot"]) == (None, "auth_date")
    clock(datetime(2027, 6, 9, 10, tzinfo=TZ))
    ended = run(ActionAskAuthConfirm(), slots=FILLED)
    assert "保单已经到期" in ended.text
    assert ended.loops == [None]


def test_a_confirmed_application_is_stored_once(run: Run, count: Count) -> None:
    slots = FILLED | {"auth_confirm": True}
    first = run(ActionSubmitAuth(), "好", "affirm", slots=slots)
    again = run(ActionSubmitAuth(), "好", "affirm", slots=slots)
    assert "已提交，编号 P1" in first.text
    assert "没有重复提交" in again.text
    assert count(Authorization) == 3
    assert first.slots["auth_treatment"] is None


def test_a_late_one_is_stored_and_flagged(run: Run, count: Count) -> None:
    slots = FILLED | {"auth_confirm": True, "auth_date": "2026-11-24", "auth_treatment": "住院"}
    reply = run(ActionSubmitAuth(), "好", "affirm", slots=slots)
    assert "标记加急" in reply.text
    assert "收到担保函再办入院" in reply.text
    assert count(Authorization, urgent=True) == 1


def test_a_rejected_summary_stores_nothing(run: Run, count: Count) -> None:
    run(ActionSubmitAuth(), "不", "deny", slots=FILLED | {"auth_confirm": False})
    assert count(Authorization) == 2


def test_the_same_day_in_other_words_is_pointed_out(run: Run) -> None:
    run(ActionSubmitAuth(), "好", "affirm", slots=FILLED | {"auth_confirm": True})
    reply = run(ActionAskAuthConfirm(), slots=FILLED | {"auth_treatment": "斜视矫正"})
    assert "那天在这家医院已经有一个申请" in reply.text
