"""Papers, opening a claim, and how claims stand, in conversation (C1 to C6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.claim_status import ActionCheckClaimStatus
from actions.claims import (
    ActionAskClaimConfirm,
    ActionAskClaimDocuments,
    ActionStartClaim,
    ActionSubmitClaim,
    ActionSubmitDocuments,
    ClaimForm,
    DocumentsForm,
)
from bot.store.models import Claim
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
FILLED = {
    "policy": "YX2026-000101",
    "claim_kind": "public_outpatient",
    "claim_hospital": "上海市儿童医院",
    "claim_date": "2026-11-20",
    "claim_amount": "580",
}


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind("13800000101")


def asked(slot: str, *missing: str) -> dict[str, Any]:
    known = {k: v for k, v in FILLED.items() if k not in (slot, *missing)}
    return known | {"requested_slot": slot}


# ---- papers


@pytest.mark.parametrize("kind", ["public_outpatient", "public_inpatient", "internet"])
def test_the_papers_for_a_kind_are_told_to_anybody(run: Run, entity: Entity, kind: str) -> None:
    reply = run(
        ActionAskClaimDocuments(),
        "要什么材料",
        "ask_claim_documents",
        entities=[entity("claim_kind", kind)],
        sender="stranger",
    )
    assert "□ 填好并签名的理赔表" in reply.text
    assert reply.buttons == [f'/start_claim{{"claim_kind": "{kind}"}}']


def test_without_a_kind_it_is_asked(run: Run, entity: Entity) -> None:
    action = ActionAskClaimDocuments()
    assert run(action, "要什么材料", "ask_claim_documents").followup == "documents_form"
    slots = {"requested_slot": "documents_kind"}
    button = entity("documents_kind", "vaccination")
    reply = run(DocumentsForm(), slots=slots, form="documents_form", entities=[button])
    assert (reply.slots["documents_kind"], reply.slots["requested_slot"]) == ("vaccination", None)
    told = run(ActionSubmitDocuments(), slots={"documents_kind": "vaccination"})
    assert "二级及以上公立医院" in told.text


def test_a_network_clinic_takes_no_claim_and_the_reason_is_told(run: Run, entity: Entity) -> None:
    refused = [texts()["claim_network_clinic"].text]
    kind = [entity("claim_kind", "network_clinic")]
    asked_papers = run(ActionAskClaimDocuments(), "诊所", "ask_claim_documents", entities=kind)
    assert asked_papers.texts == refused
    begun = run(ActionStartClaim(), "在和晴诊所看的，要理赔", "start_claim", entities=kind)
    assert begun.texts == refused
    assert begun.followup == "action_listen"
    amid = run(
        ClaimForm(),
        "和晴诊所",
        slots=asked("claim_hospital", "claim_date", "claim_amount"),
        form="claim_form",
    )
    assert refused[0] in amid.texts
    assert amid.loops == [None]


# ---- the form


def test_an_amount_answers_the_question_for_it(run: Run, entity: Entity) -> None:
    text = "一共580元"
    amount = entity("amount", "580", text, "580元")
    slots = asked("claim_amount")
    reply = run(ClaimForm(), text, slots=slots, form="claim_form", entities=[amount])
    assert reply.slots["claim_amount"] == "580"
    assert reply.slots["requested_slot"] == "claim_confirm"


def test_a_corrected_amount_reaches_the_amount(run: Run, entity: Entity) -> None:
    text = "不对，是680元"
    amount = entity("amount", "680", text, "680元")
    slots = asked("claim_confirm")
    reply = run(ClaimForm(), text, "deny", slots=slots, form="claim_form", entities=[amount])
    assert reply.slots["claim_amount"] == "680"
    assert reply.slots["requested_slot"] == "claim_confirm"
    assert "claim_confirm" not in reply.slots


def test_a_corrected_day_reaches_the_day(run: Run, said_day: Entity) -> None:
    text = "不对，是11月18号"
    day = said_day(text, "11月18号", "2027-11-18", past="2026-11-18")
    slots = asked("claim_amount")
    reply = run(ClaimForm(), text, slots=slots, form="claim_form", entities=[day])
    assert reply.slots["claim_date"] == "2026-11-18"
    assert reply.slots["requested_slot"] == "claim_amount"


@pytest.mark.parametrize(
    ("day", "told"),
    [("2026-11-24", "还没到"), ("2026-05-06", "不在保单有效期内")],
)
def test_a_day_without_cover_is_refused(run: Run, said_day: Entity, day: str, told: str) -> None:
    text = "那天"
    slots = asked("claim_date", "claim_amount")
    when = said_day(text, text, day)
    reply = run(ClaimForm(), text, slots=slots, form="claim_form", entities=[when])
    assert told in reply.text
    assert reply.slots["claim_date"] is None
    assert reply.slots["requested_slot"] == "claim_date"


@pytest.mark.parametrize("amount", ["0", "10000000.01"])
def test_an_impossible_amount_is_refused(run: Run, entity: Entity, amount: str) -> None:
    text = f"{amount}元"
    found = entity("amount", amount, text, text)
    slots = asked("claim_amount")
    reply = run(ClaimForm(), text, slots=slots, form="claim_form", entities=[found])
    assert reply.texts == [texts()["claim_amount_invalid"].text]
    assert reply.slots["claim_amount"] is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [("还剩多少额度", "check_balance"), ("算了", "stop"), ("孩子喘不上气", "report_emergency")],
)
def test_an_aside_is_rejected(run: Run, text: str, intent: str) -> None:
    slots = asked("claim_amount")
    assert run(ClaimForm(), text, intent, slots=slots, form="claim_form").events == []


@pytest.mark.parametrize(("intent", "answer"), [("affirm", True), ("deny", False)])
def test_yes_and_no_end_the_form(run: Run, intent: str, answer: bool) -> None:
    slots = asked("claim_confirm")
    reply = run(ClaimForm(), "好" if answer else "不要", intent, slots=slots, form="claim_form")
    assert (reply.slots["claim_confirm"], reply.slots["requested_slot"]) == (answer, None)


def test_the_summary_tells_what_will_be_opened(run: Run) -> None:
    reply = run(ActionAskClaimConfirm(), slots=FILLED)
    assert "王小满 · 公立门诊/急诊\n上海市儿童医院 · 11月20日（周五） · 580 元" in reply.text
    assert reply.buttons == ["/affirm", "/deny"]


def test_a_confirmed_claim_is_opened_once(run: Run, count: Callable[..., int]) -> None:
    before = count(Claim)
    slots = FILLED | {"claim_confirm": True}
    first = run(ActionSubmitClaim(), "好", "affirm", slots=slots)
    again = run(ActionSubmitClaim(), "好", "affirm", slots=slots)
    assert "□ 费用明细清单" in first.text
    assert "没有重复" in again.text
    assert count(Claim) == before + 1
    assert all(first.slots[name] is None for name in ClaimForm.slots)


def test_a_rejected_claim_is_not_opened(run: Run, count: Callable[..., int]) -> None:
    before = count(Claim)
    reply = run(ActionSubmitClaim(), "不", "deny", slots=FILLED | {"claim_confirm": False})
    assert reply.texts == [texts()["not_submitted"].text]
    assert count(Claim) == before


# ---- how claims stand


def test_claims_are_told_with_what_is_missing_and_when(run: Run, bind: Bind) -> None:
    bind("13800000301", sender="other")
    reply = run(ActionCheckClaimStatus(), "理赔到哪了", "check_claim_status", sender="other")
    lines = {line[2:7]: line for line in reply.text.splitlines() if line.startswith("· ")}
    assert "还缺费用明细清单、填好并签名的理赔表" in lines["C3001"]
    assert "理算中，最晚 12月1日（周二）" in lines["C3002"]
    assert "已付款，赔 620 元" in lines["C3003"]


def test_another_familys_claim_is_unknown(run: Run, entity: Entity) -> None:
    number = entity("reference", "C3001", "C3001")
    reply = run(ActionCheckClaimStatus(), "C3001", "check_claim_status", entities=[number])
    assert "没有理赔编号 C3001" in reply.text
    assert "陈一诺" not in reply.text
