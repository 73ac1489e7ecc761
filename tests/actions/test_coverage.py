"""Whether one thing is paid for, in the chat: stated with its source, or honestly not (E2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.coverage import ActionCheckCoverage

Run = Callable[..., Any]
Bind = Callable[..., int]
ONE, TWO, FIVE = "13800000101", "13800000201", "13800000501"


@pytest.fixture
def ask(run: Run, bind: Bind) -> Callable[..., Any]:
    def about(text: str, *phones: str, **more: Any) -> Any:
        bind(*phones)
        return run(ActionCheckCoverage(), text, "check_coverage", **more)

    return about


@pytest.mark.parametrize(
    ("said", "item"),
    [
        ("牙科保不保", "看牙、矫正这类"),
        ("近视配镜报不报", "配镜、近视矫正这类"),
        ("救护车的钱出吗", "救护车费"),
        ("住院期间护工费赔吗", "陪护、护工费"),
        ("住院床位费报不报", "住院床位费"),
    ],
)
@pytest.mark.parametrize("phones", [(), (ONE,), (TWO,)])
def test_what_the_manual_does_not_name_is_never_guessed(
    ask: Callable[..., Any], said: str, item: str, phones: tuple[str, ...]
) -> None:
    reply = ask(said, *phones)
    assert reply.text.startswith(f"{item}赔不赔，手册没有写明，我不能替您猜。")
    assert "021-80209058" in reply.text
    assert "/talk_to_human" in reply.buttons
    assert reply.loops == []


def test_an_item_nobody_knows_is_not_guessed_either(ask: Callable[..., Any]) -> None:
    reply = ask("买辆婴儿车能报吗", ONE)
    assert reply.texts[0].startswith("这一项赔不赔，手册没有写明")


@pytest.mark.parametrize(
    ("said", "told", "section"),
    [
        ("雾化器能报吗", "要先做事先授权", "手册·事先授权"),
        ("核磁能报吗", "要先做事先授权", "手册·事先授权"),
        ("割包皮赔不赔", "至少提前 2 个工作日", "手册·事先授权"),
        ("心理咨询能报吗", "精神科医生确诊", "手册·医疗服务"),
        ("互联网医院看病报不报", "只有复诊", "手册·理赔流程"),
        ("图文问诊要自费吗", "图文问诊免费", "手册·医疗服务"),
        ("哪些不赔", "没有逐条列出", "手册·疫苗责任"),
    ],
)
@pytest.mark.parametrize("phones", [(), (ONE,)])
def test_what_is_stated_names_its_section(
    ask: Callable[..., Any], said: str, told: str, section: str, phones: tuple[str, ...]
) -> None:
    text = ask(said, *phones).text
    assert told in text
    assert f"（{section}）" in text


def test_an_item_with_a_benefit_tells_what_is_left_of_it(ask: Callable[..., Any]) -> None:
    first, second = ask("流感疫苗能报吗", ONE).texts
    assert "国家批准" in first
    assert "（手册·疫苗责任）" in first
    assert second.splitlines() == [
        "王小满（优享PLUS计划）：",
        "· 疫苗：剩 1,520 元（限额 2,000，已用 480）",
        "走法：网络内诊所直付、二级及以上公立医院普通部，先付后理赔。",
    ]


def test_a_plan_without_vaccination_benefit_pays_for_none(ask: Callable[..., Any]) -> None:
    reply = ask("打疫苗能报吗", FIVE)
    assert reply.texts[-1] == "周子墨的优享计划没有疫苗保额，打疫苗不能赔。"
    assert reply.texts[0].startswith("注意：周子墨的电子卡已置灰")


def test_who_is_not_bound_hears_what_is_stated_and_no_amount(ask: Callable[..., Any]) -> None:
    reply = ask("打疫苗能报吗")
    assert "国家批准" in reply.text
    assert reply.buttons[-1] == "/bind_card"
    assert "元" not in reply.text
    assert reply.loops == []


def test_of_two_children_the_one_named_is_meant(ask: Callable[..., Any]) -> None:
    reply = ask("沐宸打疫苗能报吗", TWO)
    assert "李沐宸的成长计划没有疫苗保额" in reply.text
    assert reply.slots["policy"] == "YX2026-000201"


def test_of_two_children_one_is_asked_for(ask: Callable[..., Any]) -> None:
    assert ask("打疫苗能报吗", TWO).followup == "policy_form"


@pytest.mark.parametrize("said", ["保障范围", "住院额度多少", "疫苗保障"])
def test_a_benefit_by_its_name_is_the_plans_own_list(ask: Callable[..., Any], said: str) -> None:
    (text,) = ask(said, ONE).texts
    assert text.startswith("王小满（优享PLUS计划），保障期")


def test_an_answer_amid_a_form_goes_back_to_it(ask: Callable[..., Any]) -> None:
    assert ask("牙科保不保", ONE, form="book_form").followup == "book_form"
