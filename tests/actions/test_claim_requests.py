"""Which messages are about an open claim, whatever their intent looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from actions.appointment_changes import ActionCancelAppointment
from actions.claims import ActionAskClaimDocuments, ActionStartClaim
from actions.conversation import ActionAffirm, ActionInform, ActionOutOfScope
from actions.people import ActionTalkToHuman
from actions.turn import ServiceAction
from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services.claims import ClaimWish, open_claim
from bot.store.models import Claim
from bot.store.session import Store

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def draft(store: Store, bind: Bind) -> str:
    who = bind("13800000101")
    wish = ClaimWish(
        ClaimKind.PUBLIC_OUTPATIENT, "上海市儿童医院", date(2026, 11, 20), Decimal(580)
    )
    seen, _ = open_claim(store, identity_id=who, number="YX2026-000101", wish=wish, now=NOW)
    return seen.reference


@pytest.mark.parametrize(
    ("action", "text", "intent", "leads_to"),
    [
        (ActionAffirm(), "材料都齐了，提交吧", "affirm", "action_claim_submit"),
        (ActionAffirm(), "可以提交了", "affirm", "action_claim_submit"),
        (ActionStartClaim(), "提交理赔", "start_claim", "action_claim_submit"),
        (ActionCancelAppointment(), "取消理赔", "cancel_appointment", "action_claim_withdraw"),
        (ActionInform(), "那个理赔不要了，撤了吧", "inform", "action_claim_withdraw"),
        (ActionInform(), "我不想报销了", "inform", "action_claim_withdraw"),
        (ActionInform(), "撤回吧", "inform", "action_claim_withdraw"),
        (ActionInform(), "不报了，把那个理赔撤回", "inform", "action_claim_withdraw"),
        (ActionInform(), "撤回C10004", "inform", "action_claim_withdraw"),
        (ActionOutOfScope(), "快递单号SF1234567890123", "out_of_scope", "action_claim_tracking"),
        (ActionOutOfScope(), "圆通 YT1234567890123", "out_of_scope", "action_claim_tracking"),
        (ActionInform(), "6222021234567890128", "inform", "action_claim_bank"),
        (ActionInform(), "卡号6222021234567890127", "inform", "action_claim_bank"),
        (ActionInform(), "我要改收款账户", "inform", "action_claim_bank"),
        (ActionInform(), "填银行卡", "inform", "action_claim_bank"),
        (ActionAskClaimDocuments(), "理赔表发我一份", "ask_claim_documents", "action_claim_sheet"),
        (ActionAskClaimDocuments(), "还差哪些材料", "ask_claim_documents", "action_claim_missing"),
        (ActionInform(), "材料怎么补交", "inform", "action_claim_missing"),
        (ActionInform(), "上次那个理赔继续弄", "inform", "action_claim_missing"),
        (ActionInform(), "接着弄上次的报销", "inform", "action_claim_missing"),
        (ActionInform(), "钱什么时候到", "inform", "action_check_claim_status"),
    ],
)
def test_what_an_open_claim_is_asked(
    run: Run, draft: str, action: ServiceAction, text: str, intent: str, leads_to: str
) -> None:
    assert run(action, text, intent).followup == leads_to


@pytest.mark.parametrize(
    ("action", "text", "intent"),
    [
        (ActionStartClaim(), "我要理赔", "start_claim"),
        (ActionStartClaim(), "再提交一笔理赔", "start_claim"),
        (ActionStartClaim(), "我要提交一个理赔申请", "start_claim"),
        (ActionAskClaimDocuments(), "理赔要什么材料", "ask_claim_documents"),
        (ActionAskClaimDocuments(), "理赔表由谁签字", "ask_claim_documents"),
        (ActionAskClaimDocuments(), "银行卡要填到支行吗", "ask_claim_documents"),
        (ActionAffirm(), "好的", "affirm"),
        (ActionInform(), "13800000101", "inform"),
        (ActionInform(), "授权材料提交了吗", "inform"),
        (ActionCancelAppointment(), "取消预约", "cancel_appointment"),
        (ActionInform(), "撤销讲座报名吧", "inform"),
        (ActionInform(), "孩子发全身疹子", "inform"),
        (ActionInform(), "我的资料安全", "inform"),
        (ActionInform(), "医生怎么不过来", "inform"),
        (ActionTalkToHuman(), "转人工，我要撤回理赔", "talk_to_human"),
    ],
)
def test_what_is_about_something_else(
    run: Run, draft: str, action: ServiceAction, text: str, intent: str
) -> None:
    reply = run(action, text, intent)
    led = reply.followup or ""
    assert not led.startswith("action_claim_")


@pytest.mark.parametrize("text", ["还缺什么材料", "可以提交了", "理赔表发我一份", "钱什么时候到"])
def test_without_a_claim_it_is_asked_in_general(run: Run, bind: Bind, text: str) -> None:
    bind("13800000501")
    reply = run(ActionAskClaimDocuments(), text, "ask_claim_documents")
    assert reply.followup == "documents_form"


def test_inside_the_form_that_opens_a_claim_nothing_leads_away(run: Run, draft: str) -> None:
    reply = run(ActionStartClaim(), "提交理赔", "start_claim", form="claim_form")
    assert reply.followup == "claim_form"


def test_a_button_leads_away_from_any_form(run: Run, draft: str, entity: Entity) -> None:
    pressed = [entity("claim_task", "missing")]
    reply = run(ActionInform(), intent="inform", entities=pressed, form="claim_form")
    assert reply.followup == "action_claim_missing"


def test_a_claims_number_beside_the_point_is_answered(run: Run, bind: Bind, entity: Entity) -> None:
    number = entity("reference", "C3002", "C3002怎么样了", "C3002")
    reply = run(ActionOutOfScope(), "C3002怎么样了", "out_of_scope", entities=[number])
    assert reply.followup == "action_check_claim_status"


def test_why_a_claim_was_refused_is_its_status(run: Run, draft: str, store: Store) -> None:
    assert run(ActionInform(), "为什么没通过").followup != "action_check_claim_status"
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == draft)).one()
        row.status = "rejected"
    assert run(ActionInform(), "为什么没通过").followup == "action_check_claim_status"
