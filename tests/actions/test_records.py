"""Past visits in the chat (E2, E3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.records import ActionCheckVisitRecords

Run = Callable[..., Any]
Bind = Callable[..., int]
ONE, TWO, FIVE = "13800000101", "13800000201", "13800000501"
LATEST = (
    "· 11月14日（周六） 上海新华医院镜朗高级专家诊疗部 耳鼻喉科：共 1,200.50 元，"
    "保险付 1,200.50 元，自付 0 元"
)
BEFORE = "· 10月14日（周三） 示范和晴儿科诊所（徐汇） 小儿内科：共 860 元，保险付 860 元，自付 0 元"


@pytest.fixture
def ask(run: Run, bind: Bind) -> Callable[..., str]:
    def about(text: str, phone: str = ONE, **more: Any) -> str:
        bind(phone)
        said: str = run(ActionCheckVisitRecords(), text, "check_visit_records", **more).text
        return said

    return about


def test_all_visits_newest_first_with_sums(ask: Callable[..., str]) -> None:
    assert ask("就诊记录").splitlines() == [
        "王小满有 2 次就诊记录，共 2,060.50 元：保险付 2,060.50 元，自付 0 元。",
        LATEST,
        BEFORE,
    ]


@pytest.mark.parametrize(
    ("said", "first", "lines"),
    [
        ("上个月看了几次", "王小满10月1日（周四）至10月31日（周六）有 1 次", [BEFORE]),
        ("今年花了多少", "王小满1月1日（周四）至11月23日（周一）有 2 次", [LATEST, BEFORE]),
        ("上次看病花了多少", "王小满有 1 次就诊记录，共 1,200.50 元", [LATEST]),
        ("上次在和晴诊所花了多少钱", "王小满在示范和晴儿科诊所（徐汇）有 1 次", [BEFORE]),
        ("耳鼻喉科那次的账单", "王小满耳鼻喉科有 1 次", [LATEST]),
    ],
)  # fmt: skip
def test_only_what_was_asked_for(
    ask: Callable[..., str], said: str, first: str, lines: list[str]
) -> None:
    text = ask(said).splitlines()
    assert text[0].startswith(first)
    assert text[1:] == lines


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("9月份看了几次", "9月1日（周二）至9月30日（周三）"),
        ("去年看过几次", "2025年1月1日（周三）至2025年12月31日（周三）"),
        ("在复旦儿科看过吗", "在复旦大学附属儿科医院国际部特需门诊"),
    ],
)
def test_nothing_fits_and_the_newest_is_told(ask: Callable[..., str], said: str, what: str) -> None:
    assert ask(said) == f"没有王小满{what}的就诊记录。最近一次是：\n{LATEST}"


def test_a_single_day(ask: Callable[..., str], said_day: Callable[..., Any]) -> None:
    text = "10月14号那次花了多少"
    day = said_day(text, "10月14号", "2027-10-14", past="2026-10-14")
    told = ask(text, entities=[day])
    assert told.startswith("王小满10月14日（周三）有 1 次就诊记录，共 860 元")
    assert told.endswith(BEFORE)


def test_there_are_none(ask: Callable[..., str]) -> None:
    assert ask("就诊记录", "13800000401") == "还没有赵可心的就诊记录。"


def test_bills_without_a_visit_on_record(ask: Callable[..., str]) -> None:
    text = ask("看病记录", FIVE)
    assert text.startswith("没有周子墨的就诊记录，有自付账单：")
    assert "· 自付账单 S5001（11月8日（周日） 示范市第一人民医院）：128 元，没付" in text


def test_every_child_where_that_is_asked(ask: Callable[..., str]) -> None:
    text = ask("两个娃的看病记录分别给我", TWO)
    assert text.splitlines() == ["还没有李沐宸的就诊记录。", "还没有李沐瑶的就诊记录。"]


def test_of_several_children_one_is_asked_for(run: Run, bind: Bind) -> None:
    bind(TWO)
    reply = run(ActionCheckVisitRecords(), "就诊记录", "check_visit_records")
    assert reply.followup == "policy_form"


def test_the_question_is_kept_while_a_child_is_chosen(
    run: Run, bind: Bind, said_day: Callable[..., Any]
) -> None:
    text = "10月14号那次花了多少"
    day = said_day(text, "10月14号", "2027-10-14", past="2026-10-14")
    asked = run(ActionCheckVisitRecords(), text, "check_visit_records", entities=[day])
    assert asked.slots["pending_question"] == {"text": text, "entities": [day]}
    bind(ONE)
    slots = {**asked.slots, "policy": "YX2026-000101"}
    after = ["action_submit_bind"]
    answer = run(ActionCheckVisitRecords(), "123456", slots=slots, after=after)
    assert answer.text.startswith("王小满10月14日（周三）有 1 次就诊记录")
    assert answer.slots["pending_question"] is None
    # A new question is not taken for the old one.
    fresh = run(ActionCheckVisitRecords(), "就诊记录", slots=slots)
    assert fresh.text.startswith("王小满有 2 次就诊记录")


def test_who_is_not_bound_binds_first(run: Run) -> None:
    reply = run(ActionCheckVisitRecords(), "就诊记录", "check_visit_records")
    assert (reply.text, reply.followup) == ("", "bind_form")


def test_a_stranger_s_records_are_not_told(ask: Callable[..., str]) -> None:
    assert ask("陈一诺的就诊记录").startswith("这里没有绑定陈一诺的保单")
