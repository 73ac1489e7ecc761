"""Which child a message means, by the words of a family; switching and asking back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from actions.binding import ActionAskPolicy, ActionSwitchPolicy, ActionTellPolicy, PolicyForm
from actions.children import left_out, meant, policy_of, ranked
from actions.policies import ActionCheckBalance
from bot.services.identity import PolicyChoice
from bot.store.models import Policy
from bot.store.session import Store

Run = Callable[..., Any]
Bind = Callable[..., int]
ONE, TWO = "13800000101", "13800000201"
MUCHEN, MUYAO = "YX2026-000201", "YX2026-000202"
TODAY = date(2026, 11, 23)


def choice(number: str, child: str, born: int, valid: int = 2026) -> PolicyChoice:
    return PolicyChoice(
        number, child, "优享计划", date(born, 1, 1), date(valid, 1, 1), date(valid, 12, 31)
    )


BIG, MIDDLE, SMALL = choice("1", "大毛", 2015), choice("2", "二毛", 2018), choice("3", "三毛", 2021)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("老大的额度", ["大毛"]),
        ("老二呢", ["二毛"]),
        ("我家小的那个", ["二毛"]),
        ("看妹妹的", ["二毛"]),
        ("哥哥的先放放，说弟弟的吧", ["大毛", "二毛"]),
        ("额度大的计划", []),
        ("老三的", []),
        ("转去细仔嗰张", ["二毛"]),
        ("大仔嘅额度", ["大毛"]),
        ("switch to my Younger one", ["二毛"]),
        ("the oldest", ["大毛"]),
        ("holder of the policy", []),
    ],
)
def test_ranks_go_by_birth(text: str, named: list[str]) -> None:
    assert ranked(text, [MIDDLE, BIG]) == named


@pytest.mark.parametrize(
    ("text", "named", "denied"),
    [
        ("不看沐宸了看沐瑶的", ["李沐瑶"], []),
        ("不是沐宸，是沐瑶", ["李沐瑶"], []),
        ("别说老大了说老二吧", ["李沐瑶"], []),
        ("不看沐宸了", ["李沐宸"], ["李沐宸"]),
        ("刚才那个是不是沐宸的", ["李沐宸"], []),
        ("沐瑶的看完了看沐宸的", ["李沐瑶", "李沐宸"], []),
        ("不看了", [], []),
    ],
)
def test_who_is_not_meant_is_left_out(text: str, named: list[str], denied: list[str]) -> None:
    siblings = [choice("1", "李沐宸", 2018), choice("2", "李沐瑶", 2021)]
    assert meant(text, siblings) == named
    assert left_out(text, siblings) == denied


def test_a_name_is_read_in_both_scripts() -> None:
    simplified, traditional = choice("1", "沐瑶", 2015), choice("2", "曉寧", 2018)
    assert meant("沐瑤的額度", [simplified, traditional]) == ["沐瑶"]
    assert meant("晓宁的额度", [simplified, traditional]) == ["曉寧"]


def test_of_three_the_last_is_the_youngest() -> None:
    assert ranked("老三和老幺", [BIG, MIDDLE, SMALL]) == ["三毛"]
    assert ranked("老二", [BIG, MIDDLE, SMALL]) == ["二毛"]


def test_one_child_or_twins_have_no_rank() -> None:
    assert ranked("妹妹的额度", [BIG]) == []
    assert ranked("老大的额度", [BIG, choice("2", "二毛", 2015)]) == []


def test_of_two_policies_of_a_child_the_one_in_force_or_talked_of_is_meant() -> None:
    old, new = choice("0", "大毛", 2015, valid=2025), BIG
    assert policy_of("大毛", [old, new], None, TODAY) == new
    assert policy_of("大毛", [old, new], "0", TODAY) == old
    assert policy_of("大毛", [new, choice("9", "大毛", 2015)], None, TODAY) is None
    assert policy_of("小毛", [old, new], None, TODAY) is None


@pytest.mark.parametrize(
    ("said", "child"),
    [("老大的额度", "李沐宸"), ("妹妹还剩多少", "李沐瑶"), ("不是老大，是老二的额度", "李沐瑶")],
)
def test_a_rank_needs_no_choosing(run: Run, bind: Bind, said: str, child: str) -> None:
    bind(TWO)
    reply = run(ActionCheckBalance(), said, "check_balance")
    assert reply.text.startswith(child)


# ---- switching


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("换一个孩子", MUYAO),
        ("换成沐瑶", MUYAO),
        ("刚才查的是老大，现在换老二", MUYAO),
        ("老大的问完啦，下面整老二的", MUYAO),
        ("看沐宸的", MUCHEN),
        ("不看沐宸了", MUYAO),
        ("不看沐瑶了", MUCHEN),
        ("switch to my older one", MUCHEN),
        ("轉去細仔嗰張", MUYAO),
    ],
)
def test_the_child_named_last_is_switched_to(run: Run, bind: Bind, said: str, number: str) -> None:
    bind(TWO)
    reply = run(ActionSwitchPolicy(), said, "switch_policy", slots={"policy": MUCHEN})
    assert reply.slots["policy"] == number


def test_the_plan_names_a_policy(run: Run, bind: Bind, entity: Callable[..., Any]) -> None:
    bind(TWO)
    plan = entity("plan", "成长PLUS计划")
    reply = run(ActionSwitchPolicy(), "成长PLUS计划那份", "switch_policy", entities=[plan])
    assert reply.slots["policy"] == MUYAO
    slots = {"requested_slot": "policy"}
    chosen = run(PolicyForm(), "成长PLUS", entities=[plan], form="policy_form", slots=slots)
    assert chosen.slots["policy"] == MUYAO


@pytest.mark.parametrize(
    ("said", "number"),
    [("不看沐宸了看沐瑶的", MUYAO), ("不是沐瑶", MUCHEN), ("the younger one", MUYAO)],
)
def test_the_question_which_child_hears_who_is_meant(
    run: Run, bind: Bind, said: str, number: str
) -> None:
    bind(TWO)
    asked = {"requested_slot": "policy"}
    assert run(PolicyForm(), said, form="policy_form", slots=asked).slots["policy"] == number


@pytest.mark.parametrize("said", ["刚才那个是沐宸的还是沐瑶的", "现在说的是谁"])
def test_a_question_switches_nothing(run: Run, bind: Bind, said: str) -> None:
    bind(TWO)
    reply = run(ActionSwitchPolicy(), said, "switch_policy", slots={"policy": MUCHEN})
    assert reply.followup == "action_tell_policy"
    assert "policy" not in reply.slots


def test_what_is_talked_about_is_told_with_the_others_to_choose(run: Run, bind: Bind) -> None:
    bind(TWO)
    reply = run(ActionTellPolicy(), slots={"policy": MUYAO}, form="claim_form")
    assert reply.text.startswith("现在说的是李沐瑶（成长PLUS计划）")
    assert [b["title"] for b in reply.messages[0]["buttons"]] == ["李沐宸·成长计划"]
    assert reply.followup == "claim_form"


def test_before_any_choice_all_are_offered(run: Run, bind: Bind) -> None:
    bind(TWO)
    reply = run(ActionTellPolicy())
    assert reply.text.startswith("还没有定下")
    assert len(reply.buttons) == 2


def test_one_policy_is_the_one_talked_about(run: Run, bind: Bind) -> None:
    bind(ONE)
    reply = run(ActionTellPolicy())
    assert reply.text.startswith("现在说的是王小满")
    assert reply.buttons == []


def test_nothing_is_bound(run: Run) -> None:
    assert run(ActionTellPolicy()).buttons == ["/bind_card"]


# ---- two policies of one child


@pytest.fixture
def renewed(store: Store, bind: Bind) -> str:
    """The number of an older policy of 李沐宸 under the same plan."""
    bind(TWO)
    number = "YX2025-000201"
    with store.begin() as session:
        new = session.scalars(sa.select(Policy).where(Policy.number == MUCHEN)).one()
        session.add(
            Policy(
                number=number,
                household_id=new.household_id,
                child_id=new.child_id,
                plan_id=new.plan_id,
                valid_from=date(2025, 1, 1),
                valid_to=date(2025, 12, 31),
            )
        )
    return number


def test_the_policy_in_force_is_meant_by_the_name(run: Run, renewed: str) -> None:
    reply = run(ActionCheckBalance(), "沐宸的额度", "check_balance")
    assert reply.slots["policy"] == MUCHEN


def test_the_older_one_is_reached_by_asking_for_the_other(run: Run, renewed: str) -> None:
    reply = run(ActionSwitchPolicy(), "换沐宸的另一份", "switch_policy", slots={"policy": MUCHEN})
    assert reply.slots["policy"] == renewed


def test_equal_policies_are_told_apart_by_their_last_day(run: Run, renewed: str) -> None:
    titles = [b["title"] for b in run(ActionAskPolicy()).messages[0]["buttons"]]
    assert sorted(titles)[:2] == [
        "李沐宸·成长计划·到2025-12-31",
        "李沐宸·成长计划·到2027-08-14",
    ]
    assert "李沐瑶·成长PLUS计划" in titles
