"""Balance, coverage, visits and self-pay in conversation (E2, E3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.coverage import ActionCheckCoverage
from actions.payments import ActionPaySelfPay
from actions.policies import ActionCardStatus, ActionCheckBalance, ActionECard
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]


@pytest.fixture
def ask(run: Run, bind: Bind) -> Callable[..., Any]:
    """Ask about a policy as the parent who is bound to it."""

    def about(action: Any, number: str, **more: Any) -> Any:
        bind("138" + "00000" + number[-3:])
        return run(action, "问一下", slots={"policy": number}, **more)

    return about


def test_the_balance_tells_left_limit_and_used_of_each_benefit_with_its_day(
    ask: Callable[..., Any],
) -> None:
    (text,) = ask(ActionCheckBalance(), "YX2026-000101").texts
    assert text.splitlines() == [
        "王小满（优享PLUS计划）截至 11月23日（周一） 还剩：",
        "· 门诊：剩 26,439.50 元（限额 30,000，已用 3,560.50）",
        "· 门诊全额赔付：剩 3 次（限额 5，已用 2）",
        "· 住院：剩 300,000 元（限额 300,000，已用 0）",
        "· 疫苗：剩 1,520 元（限额 2,000，已用 480）",
        "· 儿童健康检查：剩 5 次（限额 8，已用 3）",
    ]


@pytest.mark.parametrize("action", [ActionCheckBalance(), ActionCheckCoverage()])
def test_a_plan_without_vaccination_benefit_says_so(ask: Callable[..., Any], action: Any) -> None:
    without = texts()["line_no_vaccine_benefit"].text
    assert without in ask(action, "YX2026-000501").text
    assert without not in ask(action, "YX2026-000301").text


@pytest.mark.parametrize("action", [ActionCheckBalance(), ActionCheckCoverage()])
@pytest.mark.parametrize(
    ("number", "first"),
    [
        ("YX2026-000401", "注意：赵可心的保单已于 7月11日（周六） 到期"),
        ("YX2026-000501", "注意：周子墨的电子卡已置灰，因为有 128 元自付款没付"),
    ],
)
def test_a_grey_or_expired_card_is_told_first(
    ask: Callable[..., Any], action: Any, number: str, first: str
) -> None:
    said = ask(action, number).texts
    assert len(said) == 2
    assert said[0].startswith(first)


def test_a_card_in_order_needs_no_remark(ask: Callable[..., Any]) -> None:
    assert len(ask(ActionCheckCoverage(), "YX2026-000101").texts) == 1


def test_coverage_tells_limits_routes_and_validity(ask: Callable[..., Any]) -> None:
    text = ask(ActionCheckCoverage(), "YX2026-000101").text
    assert "· 门诊：30,000 元" in text
    assert "直付：网络内诊所、可直付公立医院（特需部/国际部）" in text
    assert "5月7日（周四） 至 2027年5月6日（周四）" in text
    assert "手册没有逐项写明" in text


def test_a_plan_without_direct_billing_says_so(run: Run, bind: Bind) -> None:
    bind("13800000201")
    slots = {"policy": "YX2026-000201"}
    text = run(ActionCheckCoverage(), "保什么", slots=slots).text
    assert texts()["line_no_routes"].text in text


def test_what_is_owed_is_told_with_where_to_pay(ask: Callable[..., Any]) -> None:
    text = ask(ActionPaySelfPay(), "YX2026-000501").text
    assert "S5001 11月8日（周日） 示范市第一人民医院：128 元" in text
    assert "/pay/demo/Z" in text
    assert "10:30 前有效" in text


def test_who_owes_nothing_is_told_so(ask: Callable[..., Any]) -> None:
    assert "没有未付的自付款" in ask(ActionPaySelfPay(), "YX2026-000101").text


def test_an_answer_amid_a_form_goes_back_to_it(ask: Callable[..., Any]) -> None:
    reply = ask(ActionCheckBalance(), "YX2026-000101", form="book_form")
    assert reply.followup == "book_form"


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (ActionECard(), ("电子保险卡", "王小满", "YX****-**0101")),
        (ActionCardStatus(), ("电子保险卡", "正常")),
        (ActionCheckBalance(), ("王小满还剩多少", "剩 26,439.50 元")),
    ],
)
def test_what_people_look_at_comes_as_a_picture_too(
    run: Run, bind: Callable[..., int], action: Any, words: tuple[str, ...]
) -> None:
    bind("13800000101")
    said = run(action)
    shown = [message for message in said.messages if message["image"]]
    assert len(shown) == 1
    assert shown[0]["image"].startswith("/pictures/")
    assert shown[0]["text"]
    assert all(word in shown[0]["alt"] for word in words)


def test_a_grey_card_is_shown_with_what_is_owed(run: Run, bind: Callable[..., int]) -> None:
    bind("13800000501")
    said = run(ActionECard())
    assert "128 元自付款没付" in said.texts[0]
    assert said.messages[-1]["pin"] is True
    assert "电子卡已置灰" in said.messages[-1]["alt"]


def test_whoever_is_not_bound_is_bound_before_the_card_is_shown(run: Run) -> None:
    said = run(ActionECard())
    assert said.slots["pending_task"] == "action_e_card"
    assert said.followup == "bind_form"
    assert not [m for m in said.messages if m["image"]]


def test_what_another_familys_child_owes_is_not_answered_with_the_own(
    run: Run, bind: Callable[..., int]
) -> None:
    bind("13800000501")
    said = run(ActionPaySelfPay(), "付王小满的自付款", "pay_self_pay")
    assert "没有绑定王小满" in said.text
    assert "128" not in said.text
    own = run(ActionPaySelfPay(), "付周子墨的自付款", "pay_self_pay")
    assert "128 元" in own.text
