"""The rules told for a case, and how authorizations stand (P1 to P3, E2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from actions.authorizations import ActionAskAuthorizationRules, ActionCheckAuthorization
from bot.clock import TZ
from bot.rules.authorizations import Paper
from bot.services import authorization_desk as desk
from bot.services import authorization_requests as requests
from bot.store.session import Store

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
Day = Callable[..., dict[str, Any]]
RULES, CHECK = "ask_prior_authorization_rules", "check_prior_authorization"
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
ROWS = [
    ("雾化器要不要授权", "要，雾化器需要事先授权：买或租耐用医疗设备要授权"),
    ("住院要授权吗", "要，住院需要事先授权：住院都要授权"),
    ("门诊全麻拔牙要授权吗", "要，全麻、拔牙需要事先授权：全麻下做的门诊手术要授权"),
    ("6000块的检查要授权吗", "要，单项超过 5000 元就要授权"),
    ("5000块整的检查", "按金额看不用"),
    ("累计快三万了", "累计 30,000 元还没有超过 3 万元"),
    ("普通感冒门诊要授权吗", "不用，感冒不在要授权的项目里"),
    ("做核磁要授权吗", "手册没有单独写核磁"),
    ("市一医院住院要授权吗", "不用。示范市第一人民医院不是直付医院"),
    ("没有授权就做了手术会怎样", "没写漏了怎么处理"),
    ("急诊住院来不及授权怎么办", "急症先看病"),
    ("授权是我交还是医院交", "由医院协助申请"),
    ("事先授权多久能批", "手册没有写"),
    ("每次化疗都要重新授权吗", "一次授权管多久"),
    ("授权要什么材料", "手册没有列清单"),
    ("两个工作日怎么算", "调休"),
    ("事先授权的规则", "这些要事先授权"),
]


@pytest.mark.parametrize(("text", "told"), ROWS)
def test_the_rule_for_the_case(run: Run, text: str, told: str) -> None:
    assert told in run(ActionAskAuthorizationRules(), text, RULES).text


@pytest.mark.parametrize(
    ("day", "told", "late"),
    [
        ("2026-11-26", "最晚 11月24日（周二） 23:59 前", False),
        ("2026-11-25", "最晚 11月23日（周一） 23:59 前", False),
        ("2026-11-24", "正常提交时间到 11月20日（周五） 23:59，已经过了", True),
        ("2026-11-23", "已经过了", True),
    ],
)
def test_p1_the_deadline_for_the_day(
    run: Run, said_day: Day, day: str, told: str, late: bool
) -> None:
    text = "那天做手术来得及吗"
    entities = [said_day(text, "那天", day)]
    reply = run(ActionAskAuthorizationRules(), text, RULES, entities=entities)
    assert told in reply.text
    assert reply.texts[0].startswith("来得及") is not late
    assert "要，手术需要事先授权" in reply.text


def test_a_day_that_is_over_is_told_alone(run: Run, said_day: Day) -> None:
    text = "昨天做的手术还能补授权吗"
    entities = [said_day(text, "昨天", "2026-11-22")]
    reply = run(ActionAskAuthorizationRules(), text, RULES, entities=entities)
    assert len(reply.texts) == 1
    assert "已经过了" in reply.text


def test_the_day_of_handing_in_is_not_that_of_the_treatment(run: Run, said_day: Day) -> None:
    text = "今天提交，周五手术来得及吗"
    entities = [said_day(text, "今天", "2026-11-23"), said_day(text, "周五", "2026-11-27")]
    reply = run(ActionAskAuthorizationRules(), text, RULES, entities=entities)
    assert "11月27日（周五）的治疗，最晚 11月25日（周三）" in reply.text


def test_holidays_that_are_not_decreed_are_said(run: Run, said_day: Day) -> None:
    text = "元旦后住院最晚哪天交"
    entities = [said_day(text, "元旦后", "2027-01-04")]
    reply = run(ActionAskAuthorizationRules(), text, RULES, entities=entities)
    assert "2027年的放假和调休还没公布" in reply.text


def test_what_was_asked_about_is_kept_for_the_application(run: Run, said_day: Day) -> None:
    text = "12月8号在新华做斜视手术要授权吗"
    entities = [said_day(text, "12月8号", "2026-12-08")]
    slots = run(ActionAskAuthorizationRules(), text, RULES, entities=entities).slots
    assert slots["auth_treatment"] == "斜视手术"
    assert slots["auth_hospital"] == "上海新华医院镜朗高级专家诊疗部"
    assert slots["auth_date"] == "2026-12-08"
    assert "auth_treatment" not in run(ActionAskAuthorizationRules(), "感冒要授权吗", RULES).slots
    open_form = run(ActionAskAuthorizationRules(), "化疗要授权吗", RULES, form="auth_form")
    assert "auth_treatment" not in open_form.slots


def test_the_plan_and_what_is_used_are_looked_at(run: Run, bind: Bind) -> None:
    bind("13800000301")
    assert "已用 58,888.80 元" in run(ActionAskAuthorizationRules(), "感冒要授权吗", RULES).text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("沐宸住院要授权吗", "成长计划不含直付"),
        ("沐瑶在新华医院住院要授权吗", "成长PLUS计划在上海新华医院镜朗高级专家诊疗部没有直付"),
        ("沐瑶在和晴住院要授权吗", "要，住院需要事先授权"),
    ],
)
def test_p3_direct_billing_of_the_plan(run: Run, bind: Bind, text: str, told: str) -> None:
    bind("13800000201")
    assert told in run(ActionAskAuthorizationRules(), text, RULES).text


def test_a_wish_to_change_is_handed_on(run: Run) -> None:
    for action in (ActionAskAuthorizationRules(), ActionCheckAuthorization()):
        assert run(action, "授权改到下周五", CHECK).followup == "action_change_authorization"


# ---- how they stand


@pytest.fixture
def applied(store: Store, bind: Bind) -> tuple[int, str]:
    """王小满's application, and its number."""
    who = bind("13800000101")
    wish = requests.AuthorizationWish(
        "斜视手术", "上海新华医院镜朗高级专家诊疗部", NOW.date().replace(month=12, day=8)
    )
    seen, _ = requests.submit(store, identity_id=who, number="YX2026-000101", wish=wish, now=NOW)
    return who, seen.reference


@pytest.fixture
def do(store: Store, applied: tuple[int, str]) -> Callable[..., None]:
    def do(function: Callable[..., Any], **given: Any) -> None:
        version = desk.look_up(store, applied[1]).version
        function(store, reference=applied[1], actor="staff:mei", version=version, now=NOW, **given)

    return do


def standing(run: Run, text: str = "授权批了没有") -> Any:
    return run(ActionCheckAuthorization(), text, CHECK)


def test_each_state_is_told_with_its_next_step(
    run: Run, do: Callable[..., None], applied: tuple[int, str]
) -> None:
    told = standing(run).text
    assert told.startswith(f"{applied[1]} 斜视手术：已提交，等待审核")
    assert "下一步：等同事审核" in told
    do(desk.take_up)
    assert "斜视手术：审核中" in standing(run).text
    do(desk.ask_for_papers, papers=[Paper.MEDICAL_RECORD], reason="要有诊断")
    told = standing(run).text
    assert "材料不全\n还缺：病历\n原因：要有诊断" in told
    assert "下一步：补上缺的材料" in told
    do(desk.papers_received, papers=[Paper.MEDICAL_RECORD])
    do(desk.approve)
    told = standing(run).text
    assert "已批准，担保函还没有发出的记录" in told
    assert "住院要等它到了再办入院" in told
    do(desk.letter_sent)
    told = standing(run, "担保函发了吗").text
    assert "担保函 11月23日（周一） 10:00 已发给医院" in told
    assert "经过：11月23日（周一） 10:00 提交；11月23日（周一） 10:00 同事开始审核；" in told
    assert "出示电子卡和身份证明" in told


def test_a_refusal_is_told_with_its_reason(run: Run, do: Callable[..., None]) -> None:
    do(desk.take_up)
    do(desk.decline, reason="诊断与治疗不符")
    reply = standing(run, "为什么没通过")
    assert "未批准\n原因：诊断与治疗不符" in reply.text
    assert "/request_prior_authorization" in reply.buttons


def test_the_letter_comes_after_the_approval(run: Run, applied: tuple[int, str]) -> None:
    assert "批准后才由保险公司发给医院" in standing(run, "担保函发了吗").text


def test_what_is_not_kept_is_not_made_up(run: Run, applied: tuple[int, str]) -> None:
    assert "不在我这里的记录里" in standing(run, "批准的金额是多少").text


@pytest.mark.parametrize(
    ("day", "told"),
    [(7, "离治疗很近了还没有结果"), (9, "治疗日期已过还没有结果")],
)
def test_near_or_over_without_a_decision(
    run: Run, clock: Callable[[datetime], None], applied: tuple[int, str], day: int, told: str
) -> None:
    clock(datetime(2026, 12, day, 10, tzinfo=TZ))
    assert told in standing(run).text


def test_a_grey_card_is_told(run: Run, bind: Bind, store: Store) -> None:
    who = bind("13800000501")
    wish = requests.AuthorizationWish(
        "斜视手术", "上海新华医院镜朗高级专家诊疗部", NOW.date().replace(month=12, day=8)
    )
    requests.submit(store, identity_id=who, number="YX2026-000501", wish=wish, now=NOW)
    assert "电子卡已置灰" in standing(run).text


def test_a_number_of_another_family_tells_nothing(run: Run, bind: Bind, entity: Entity) -> None:
    bind("13800000201")
    reply = run(
        ActionCheckAuthorization(),
        "P3002审到哪了",
        CHECK,
        entities=[entity("reference", "P3002")],
    )
    assert reply.texts == ["您绑定的保单里没有授权编号 P3002，请核对一下。"]


def test_not_bound_binds_first(run: Run) -> None:
    reply = run(ActionCheckAuthorization(), "批了没", CHECK)
    assert reply.slots["pending_task"] == "action_check_prior_authorization"
    assert reply.followup == "bind_form"
