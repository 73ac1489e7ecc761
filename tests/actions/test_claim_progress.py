"""Open claims in conversation: missing, sending in, withdrawing, form, courier, bank (C1 to C6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from actions.claim_details import (
    ActionAskBankConfirm,
    ActionAskTrackingConfirm,
    ActionClaimBank,
    ActionClaimTracking,
    ActionSubmitClaimBank,
    ActionSubmitClaimTracking,
    ClaimBankForm,
    ClaimTrackingForm,
)
from actions.claim_progress import (
    ActionAskClaimSubmitConfirm,
    ActionAskClaimWithdrawConfirm,
    ActionClaimMissing,
    ActionClaimSheet,
    ActionClaimSubmit,
    ActionClaimWithdraw,
    ActionSubmitClaimSheet,
    ActionSubmitClaimSubmit,
    ActionSubmitClaimWithdraw,
    ClaimSheetForm,
    ClaimSubmitForm,
    ClaimWithdrawForm,
)
from actions.claim_targets import ActionAskClaimTarget
from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services.claim_progress import BankAccount, open_account, seal_account
from bot.services.claims import ClaimWish, open_claim
from bot.store.models import Claim
from bot.store.session import Store
from bot.texts import texts

Run = Callable[..., Any]
Entity = Callable[..., dict[str, Any]]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
CARD, BRANCH = "6222021234567890128", "招商银行上海徐家汇支行"
OURS = "YX2026-000101"


@pytest.fixture(autouse=True)
def who(bind: Callable[..., int]) -> int:
    return bind("13800000101")


@pytest.fixture
def claim(store: Store, who: int) -> Callable[..., str]:
    """Open a claim; return its number."""

    def opened(
        kind: str = "public_outpatient",
        day: date = date(2026, 11, 20),
        *,
        complete: bool = False,
        status: str = "draft",
        hospital: str = "上海市儿童医院",
    ) -> str:
        wish = ClaimWish(ClaimKind(kind), hospital, day, Decimal(580), follow_up=True)
        seen, _ = open_claim(store, identity_id=who, number=OURS, wish=wish, now=NOW)
        with store.begin() as session:
            row = session.scalars(sa.select(Claim).where(Claim.reference == seen.reference)).one()
            row.status = status
            for requirement in row.requirements:
                requirement.received = complete
        return seen.reference

    return opened


def stored(store: Store, reference: str) -> Claim:
    with store.read() as session:
        found: Claim = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        return found


# ---- what is missing


def test_what_is_missing_is_told_from_the_store(run: Run, claim: Callable[..., str]) -> None:
    reference = claim()
    reply = run(ActionClaimMissing(), "还缺什么")
    assert f"{reference}（王小满 · 上海市儿童医院 11月20日（周五））还缺：" in reply.text
    assert "□ 发票原件" in reply.text
    assert f'/inform{{"claim_task": "bank", "reference": "{reference}"}}' in reply.buttons


def test_a_complete_claim_lacks_sending_in_alone(run: Run, claim: Callable[..., str]) -> None:
    claim(complete=True)
    reply = run(ActionClaimMissing(), "还缺什么")
    assert "材料齐了" in reply.text
    assert reply.buttons == ['/start_claim{"claim_task": "submit"}']


def test_originals_that_are_waited_for(run: Run, claim: Callable[..., str], store: Store) -> None:
    reference = claim("public_inpatient", complete=True, status="submitted")
    assert "还等原件" in run(ActionClaimMissing(), "还缺什么").text
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        row.originals_tracking = "SF1234567890123"
    told = run(ActionClaimMissing(), "还缺什么").text
    assert "原件在路上（单号 SF1234567890123）" in told
    assert "现在不用您补东西" in told


def test_several_claims_are_all_told(run: Run, claim: Callable[..., str]) -> None:
    first, second = claim(), claim(day=date(2026, 11, 19), status="documents_missing")
    told = run(ActionClaimMissing(), "还缺什么").text
    assert first in told
    assert second in told


def test_nothing_is_missing_where_there_is_no_claim(run: Run) -> None:
    reply = run(ActionClaimMissing(), "还缺什么")
    assert reply.texts == [texts()["no_claim_for_this"].text]


# ---- sending in


def test_a_complete_claim_is_summed_up_and_sent_in_once(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    reference = claim(complete=True)
    begun = run(ActionClaimSubmit(), "提交吧", "affirm")
    assert (begun.slots["claim_target"], begun.followup) == (reference, "claim_submit_form")
    slots = {"claim_target": reference, "claim_submit_confirm": True}
    summed = run(ActionAskClaimSubmitConfirm(), slots=slots)
    assert "上海市儿童医院 11月20日（周五） · 580 元" in summed.text
    sent = run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert f"已提交 {reference}，最晚 11月26日（周四） 23:59 结案" in sent.text
    again = run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert "没有重复提交" in again.text
    assert stored(store, reference).status == "submitted"


def test_one_that_is_sent_in_is_not_begun_again(
    run: Run, claim: Callable[..., str], entity: Entity
) -> None:
    reference = claim(complete=True, status="submitted")
    number = entity("reference", reference, f"提交{reference}", reference)
    reply = run(ActionClaimSubmit(), f"提交{reference}", "start_claim", entities=[number])
    assert "没有重复提交" in reply.text
    assert reply.followup == "action_listen"


def test_the_one_complete_claim_is_meant(run: Run, claim: Callable[..., str]) -> None:
    claim(day=date(2026, 11, 19))
    complete = claim(complete=True)
    assert run(ActionClaimSubmit(), "提交吧").slots["claim_target"] == complete


def test_an_incomplete_claim_is_not_begun(run: Run, claim: Callable[..., str]) -> None:
    claim()
    reply = run(ActionClaimSubmit(), "提交吧")
    assert "还缺" in reply.text
    assert reply.followup == "action_listen"


def test_one_of_several_is_chosen_and_its_papers_are_told(
    run: Run, claim: Callable[..., str], entity: Entity
) -> None:
    first, second = claim(), claim(day=date(2026, 11, 19), hospital="华山医院")
    begun = run(ActionClaimSubmit(), "提交吧")
    assert begun.followup == "claim_submit_form"
    asked = run(ActionAskClaimTarget(), form="claim_submit_form")
    assert f'/inform{{"reference": "{first}"}}' in asked.buttons
    slots = {"requested_slot": "claim_target"}
    text = "华山那个"
    for said, entities in ((text, []), (second, [entity("reference", second)])):
        reply = run(
            ClaimSubmitForm(), said, slots=slots, form="claim_submit_form", entities=entities
        )
        if said == second:
            assert f"{second}（王小满 · 华山医院" in reply.text
            assert reply.loops == [None]


def test_a_document_that_is_refused_meanwhile_is_told(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    reference = claim()
    slots = {"claim_target": reference, "claim_submit_confirm": True}
    reply = run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert "还缺" in reply.text
    assert stored(store, reference).status == "draft"


def test_what_is_over_meanwhile_is_told(run: Run, claim: Callable[..., str]) -> None:
    reference = claim(complete=True, status="withdrawn")
    slots = {"claim_target": reference, "claim_submit_confirm": True}
    reply = run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert "已经有结果或已撤回" in reply.text


def test_a_late_internet_consultation_is_warned_of_and_taken(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    """C3: within one working day; later it is still taken, and that is said."""
    reference = claim("internet", date(2026, 11, 16), complete=True)
    slots = {"claim_target": reference, "claim_submit_confirm": True}
    summed = run(ActionAskClaimSubmitConfirm(), slots=slots)
    assert "期限 11月17日（周二） 23:59 已过" in summed.texts[0]
    run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert stored(store, reference).status == "submitted"


@pytest.mark.parametrize("tracking", [None, "SF1234567890123"])
def test_a_stay_in_hospital_is_told_where_the_originals_go(
    run: Run, claim: Callable[..., str], store: Store, tracking: str | None
) -> None:
    """C2."""
    reference = claim("public_inpatient", complete=True)
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        row.originals_tracking = tracking
    slots = {"claim_target": reference, "claim_submit_confirm": True}
    reply = run(ActionSubmitClaimSubmit(), "好", "affirm", slots=slots)
    assert ("龙华中路596号1201室" in reply.text) == (tracking is None)
    assert (f"单号 {tracking}" in reply.text) == (tracking is not None)
    assert "原件" in reply.text
    assert "10 个工作日结案" in reply.text


def test_a_rejected_summary_sends_nothing_in(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    reference = claim(complete=True)
    slots = {"claim_target": reference, "claim_submit_confirm": False}
    reply = run(ActionSubmitClaimSubmit(), "不", "deny", slots=slots)
    assert reply.texts == [texts()["not_submitted"].text]
    assert stored(store, reference).status == "draft"


def test_submit_once_more_is_a_yes(run: Run, claim: Callable[..., str]) -> None:
    slots = {"claim_target": claim(complete=True), "requested_slot": "claim_submit_confirm"}
    form = "claim_submit_form"
    reply = run(ClaimSubmitForm(), "提交", "start_claim", slots=slots, form=form)
    assert reply.slots["claim_submit_confirm"] is True


# ---- withdrawing


def test_a_claim_is_withdrawn_after_a_yes(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    reference = claim()
    assert run(ActionClaimWithdraw(), "撤回").slots["claim_target"] == reference
    slots = {"claim_target": reference, "requested_slot": "claim_withdraw_confirm"}
    assert "要撤回这个理赔吗" in run(ActionAskClaimWithdrawConfirm(), slots=slots).text
    form = "claim_withdraw_form"
    yes = run(ClaimWithdrawForm(), "撤了吧", "cancel_appointment", slots=slots, form=form)
    assert yes.slots["claim_withdraw_confirm"] is True
    no = run(ClaimWithdrawForm(), "先别撤", "inform", slots=slots, form=form)
    assert no.slots["claim_withdraw_confirm"] is False
    done = run(ActionSubmitClaimWithdraw(), slots=slots | {"claim_withdraw_confirm": True})
    assert f"已撤回 {reference}" in done.text
    assert stored(store, reference).status == "withdrawn"


def test_what_is_being_settled_is_not_withdrawn(
    run: Run, claim: Callable[..., str], entity: Entity, store: Store
) -> None:
    reference = claim(complete=True, status="settling")
    number = entity("reference", reference, f"撤回{reference}", reference)
    reply = run(ActionClaimWithdraw(), f"撤回{reference}", entities=[number])
    assert "已经在理算" in reply.text
    assert reply.followup == "action_listen"
    slots = {"claim_target": reference, "claim_withdraw_confirm": True}
    assert "已经在理算" in run(ActionSubmitClaimWithdraw(), slots=slots).text
    assert stored(store, reference).status == "settling"


# ---- the form to sign


def test_the_form_is_a_link_for_a_quarter_of_an_hour(run: Run, claim: Callable[..., str]) -> None:
    """C6: the claim form, filled in."""
    reference = claim()
    reply = run(ActionClaimSheet(), "理赔表发我一份", "ask_claim_documents")
    assert f"http://127.0.0.1:8080/files/claim-form/{reference}." in reply.text
    assert "10:15 前点开" in reply.text
    assert reply.followup == "action_listen"


def test_of_several_the_form_wanted_is_asked_for(
    run: Run, claim: Callable[..., str], entity: Entity
) -> None:
    first, second = claim(), claim(day=date(2026, 11, 19))
    assert run(ActionClaimSheet(), "理赔表发我一份").followup == "claim_sheet_form"
    slots = {"requested_slot": "claim_target"}
    chosen = run(ClaimSheetForm(), "第二个", slots=slots, form="claim_sheet_form")
    assert chosen.slots["claim_target"] == first
    link = run(ActionSubmitClaimSheet(), slots={"claim_target": second})
    assert f"/claim-form/{second}." in link.text


def test_no_form_of_what_is_over(run: Run, claim: Callable[..., str]) -> None:
    reference = claim(status="withdrawn")
    assert "办不了" in run(ActionSubmitClaimSheet(), slots={"claim_target": reference}).text


# ---- the courier's number


def test_a_courier_number_is_summed_up_and_noted(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    """C2."""
    reference = claim("public_inpatient")
    begun = run(ActionClaimTracking(), "原件寄了，单号SF1234567890123")
    assert begun.slots["claim_target"] == reference
    assert begun.slots["tracking_number"] == "SF1234567890123"
    slots = {"claim_target": reference, "tracking_number": "SF1234567890123"}
    assert "SF1234567890123" in run(ActionAskTrackingConfirm(), slots=slots).text
    asked = slots | {"requested_slot": "tracking_confirm"}
    text = "不对，是SF1234567890124"
    form = "claim_tracking_form"
    corrected = run(ClaimTrackingForm(), text, "deny", slots=asked, form=form)
    assert corrected.slots["tracking_number"] == "SF1234567890124"
    assert corrected.slots["requested_slot"] == "tracking_confirm"
    run(ActionSubmitClaimTracking(), slots=slots | {"tracking_confirm": True})
    assert stored(store, reference).originals_tracking == "SF1234567890123"


def test_what_is_no_courier_number_is_questioned(run: Run, claim: Callable[..., str]) -> None:
    slots = {"claim_target": claim("public_inpatient"), "requested_slot": "tracking_number"}
    reply = run(ClaimTrackingForm(), "SF12345", slots=slots, form="claim_tracking_form")
    assert reply.texts == [texts()["tracking_invalid"].text]
    assert reply.slots["tracking_number"] is None


def test_only_a_stay_in_hospital_needs_a_courier(run: Run, claim: Callable[..., str]) -> None:
    claim()
    reply = run(ActionClaimTracking(), "快递单号SF1234567890123")
    assert reply.texts == [texts()["no_claim_for_this"].text]


# ---- the bank account


def test_the_card_is_sealed_at_once_and_told_by_its_end(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    """C6."""
    reference = claim()
    begun = run(ActionClaimBank(), f"卡号{CARD}，{BRANCH}")
    sealed = begun.slots["bank_card"]
    assert CARD not in str(begun.events)
    assert begun.slots["bank_branch"] == BRANCH
    slots = {"claim_target": reference, "bank_card": sealed, "bank_branch": BRANCH}
    summed = run(ActionAskBankConfirm(), slots=slots)
    assert f"尾号 0128 的卡 · {BRANCH}" in summed.text
    done = run(ActionSubmitClaimBank(), slots=slots | {"bank_confirm": True})
    assert "尾号 0128" in done.text
    assert CARD[:8] not in summed.text + done.text
    assert done.slots["bank_card"] is None
    kept = stored(store, reference).bank_account
    assert kept is not None
    assert open_account(kept).card == CARD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("6222021234567890127", "bank_card_check"),
        ("62220212345", "bank_card_length"),
        ("622202123456789", "bank_card_length"),
        ("110101199003074477", "bank_card_id_number"),
    ],
)
def test_a_wrong_number_is_questioned(
    run: Run, claim: Callable[..., str], text: str, told: str
) -> None:
    slots = {"claim_target": claim(), "requested_slot": "bank_card"}
    reply = run(ClaimBankForm(), text, slots=slots, form="claim_bank_form")
    assert reply.texts == [texts()[told].text]
    assert (reply.slots["bank_card"], reply.slots["requested_slot"]) == (None, "bank_card")


def test_a_bank_needs_its_branch(run: Run, claim: Callable[..., str]) -> None:
    slots = {"claim_target": claim(), "bank_card": "sealed", "requested_slot": "bank_branch"}
    form = "claim_bank_form"
    reply = run(ClaimBankForm(), "招商银行", slots=slots, form=form)
    assert "具体到支行" in reply.text
    assert reply.slots["bank_branch"] is None
    short = run(ClaimBankForm(), "招行徐家汇支行", slots=slots, form=form)
    assert short.slots["bank_branch"] == "招行徐家汇支行"


def test_the_account_of_a_claim_under_settlement_is_left_alone(
    run: Run, claim: Callable[..., str], store: Store
) -> None:
    reference = claim(complete=True, status="settling")
    begun = run(ActionClaimBank(), f"卡号{CARD}，{BRANCH}")
    assert begun.texts == [texts()["no_claim_for_this"].text]
    slots = {
        "claim_target": reference,
        "bank_card": seal_account(BankAccount(CARD, "")),
        "bank_branch": BRANCH,
        "bank_confirm": True,
    }
    assert "要转人工改" in run(ActionSubmitClaimBank(), slots=slots).text
    assert stored(store, reference).bank_account is None


@pytest.mark.parametrize(("filled", "goes_on"), [({}, None), ({"claim_kind": "internet"}, True)])
def test_an_empty_new_claim_is_left_for_the_old_one(
    run: Run, claim: Callable[..., str], entity: Entity, filled: dict[str, str], goes_on: bool
) -> None:
    claim()
    pressed = [entity("claim_task", "missing")]
    reply = run(ActionClaimMissing(), entities=pressed, slots=filled, form="claim_form")
    assert (reply.followup == "claim_form") == bool(goes_on)
    assert (None in reply.loops) == (not goes_on)


# ---- whose it is


@pytest.mark.parametrize(
    "action", [ActionClaimSubmit(), ActionClaimWithdraw(), ActionClaimSheet(), ActionClaimBank()]
)
def test_another_familys_claim_is_unknown(run: Run, entity: Entity, action: Any) -> None:
    number = entity("reference", "C3001", "C3001", "C3001")
    reply = run(action, "C3001", entities=[number])
    assert reply.texts == ["您绑定的保单里没有理赔编号 C3001，请核对一下。"]


@pytest.mark.parametrize(
    "action",
    [ActionClaimSubmit(), ActionClaimWithdraw(), ActionClaimTracking(), ActionClaimMissing()],
)
def test_whoever_is_not_bound_binds_first(run: Run, action: Any) -> None:
    reply = run(action, "还缺什么", sender="stranger")
    assert reply.followup == "bind_form"
    assert reply.slots["pending_task"] == action.action_name
