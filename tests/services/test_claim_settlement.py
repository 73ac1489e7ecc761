"""What staff do with claims, each state of a claim, and what counts as used (C1 to C4, C6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.claims import ClaimKind, ClaimState
from bot.services import claim_progress as progress
from bot.services import claim_settlement as settlement
from bot.services import claims, policies
from bot.services.claim_progress import BankAccount
from bot.services.claim_settlement import Decision, Staff
from bot.services.claims import ClaimView
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AuditEntry, Claim, ClaimEvent, DocumentReference, OutboxMessage
from bot.store.session import Store
from bot.texts import texts

OURS, OUR_PHONE = "YX2026-000101", "13800000101"
THEIR_PHONE = "13800000301"
ACCOUNT = BankAccount("6222021234567890128", "招商银行上海徐家汇支行")
Opened = Callable[..., str]


class Desk:
    """A member of staff, who always sees the claim as it is."""

    def __init__(self, store: Store, who: int, now: datetime) -> None:
        self.store, self.who, self.now = store, who, now

    def seen(self, reference: str) -> ClaimView:
        known = claims.claims(self.store, identity_id=self.who)
        return next(c for c in known if c.reference == reference)

    def staff(self, reference: str, now: datetime | None = None) -> Staff:
        return Staff("staff:lin", now or self.now, self.seen(reference).version)

    def submitted(self, reference: str) -> str:
        progress.submit(self.store, identity_id=self.who, reference=reference, now=self.now)
        return reference

    def start(self, reference: str) -> ClaimView:
        staff = self.staff(reference)
        return settlement.start_settling(self.store, reference=reference, staff=staff)

    def settling(self, reference: str) -> str:
        self.start(self.submitted(reference))
        return reference

    def decide(self, reference: str, outcome: str, amount: str, reason: str | None = None, **more: bool) -> ClaimView:  # noqa: E501 # fmt: skip
        decision = Decision(ClaimState(outcome), Decimal(amount), reason, **more)
        staff = self.staff(reference)
        return settlement.decide(self.store, reference=reference, decision=decision, staff=staff)

    def pay(self, reference: str) -> ClaimView:
        return settlement.pay(self.store, reference=reference, staff=self.staff(reference))

    def ask(self, reference: str, **papers: str) -> ClaimView:
        staff = self.staff(reference)
        return settlement.ask_for_papers(
            self.store, reference=reference, papers=papers, staff=staff
        )

    def used(self, benefit: str, number: str = OURS) -> Decimal:
        seen = policies.overview(self.store, identity_id=self.who, number=number, now=self.now)
        return seen.benefits[benefit].used

    def messages(self) -> list[tuple[str, str]]:
        with self.store.read() as session:
            rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)).all()
        return [
            (row.kind, texts()[row.payload["text"]].text.format(**row.payload["values"]))
            for row in rows
        ]


@pytest.fixture
def desk(store: Store, bound: Callable[..., int], now: datetime) -> Desk:
    return Desk(store, bound(OUR_PHONE), now)


def refused(job: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        job()
    return caught.value.reason


# ---- from the draft to the money


def test_an_outpatient_claim_from_the_draft_to_the_money(desk: Desk, claim: Opened) -> None:
    """C1: settled in 3 working days, paid in 2 more; each step with who, when and why."""
    reference = claim(desk.who, complete=True)
    desk.settling(reference)
    seen = desk.decide(reference, "approved", "580")
    assert (seen.status, seen.approved_amount) == ("approved", Decimal(580))
    assert seen.payout_due_at == datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ)
    seen = desk.pay(reference)
    assert (seen.status, seen.paid_at) == ("paid", desk.now)
    with desk.store.read() as session:
        moves = session.execute(
            sa.select(ClaimEvent.previous, ClaimEvent.status, ClaimEvent.actor)
        ).all()
        actions = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.actor == "staff:lin")
        ).all()
    parent, staff = f"identity:{desk.who}", "staff:lin"
    assert [tuple(move) for move in moves] == [
        (None, "draft", parent),
        ("draft", "submitted", parent),
        ("submitted", "settling", staff),
        ("settling", "approved", staff),
        ("approved", "paid", staff),
    ]
    assert actions == ["claim.settling", "claim.approved", "claim.paid"]
    assert desk.messages() == [
        (
            "claim_progress",
            f"王小满 的理赔 {reference} 开始核算赔付金额，最晚 11月26日（周四） 23:59 结案，"
            "有结果马上告诉您。",
        ),
        (
            "claim_settled",
            f"王小满 的理赔 {reference} 通过了：申请 580 元，赔 580 元，"
            "最晚 11月25日（周三） 23:59 到账。",
        ),
        ("claim_paid", f"王小满 的理赔 {reference} 已打款 580 元，请留意到账。"),
    ]


def test_a_part_is_paid_with_the_reason(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who, complete=True)
    progress.set_bank_account(
        desk.store, identity_id=desk.who, reference=reference, account=ACCOUNT, now=desk.now
    )
    desk.settling(reference)
    desk.decide(reference, "partly_approved", "500.50", "挂号费不在保障内")
    seen = desk.pay(reference)
    assert (seen.status, seen.approved_amount) == ("paid", Decimal("500.50"))
    assert seen.reason == "挂号费不在保障内"
    told = [text for _, text in desk.messages()]
    assert "赔 500.50 元" in told[1]
    assert "原因：挂号费不在保障内" in told[1]
    assert "已打款 500.50 元到尾号 0128 的卡" in told[2]
    assert not any("622202" in text for text in told)


def test_a_rejection_is_told_with_the_reason_and_ends_it(desk: Desk, claim: Opened) -> None:
    reference = desk.settling(claim(desk.who, complete=True))
    seen = desk.decide(reference, "rejected", "0", "既往症不在保障内")
    assert (seen.status, seen.reason, seen.payout_due_at) == ("rejected", "既往症不在保障内", None)
    assert "没有通过（申请 580 元）。原因：既往症不在保障内" in desk.messages()[1][1]
    assert refused(lambda: desk.pay(reference)) == "move"


def test_a_stay_in_hospital_waits_for_its_originals(desk: Desk, claim: Opened) -> None:
    """C2: ten working days from the originals' arrival; the manual names no day of payment."""
    reference = claim(desk.who, kind=ClaimKind.PUBLIC_INPATIENT, complete=True)
    desk.submitted(reference)
    assert refused(lambda: desk.start(reference)) == "originals_missing"
    staff = desk.staff(reference, desk.now + timedelta(days=2))
    seen = settlement.originals_received(desk.store, reference=reference, staff=staff)
    assert seen.due_at == datetime(2026, 12, 9, 23, 59, 59, tzinfo=TZ)
    assert not seen.needs_originals
    desk.start(reference)
    assert desk.decide(reference, "approved", "580").payout_due_at is None
    originals, _, approved = desk.messages()
    assert originals == (
        "claim_progress",
        f"王小满 的理赔 {reference}：寄来的原件收到了，接着审核。",
    )
    assert "到账日手册没有写" in approved[1]


def test_originals_that_come_before_the_claim_is_sent_in(desk: Desk, claim: Opened) -> None:
    """C2: the ten working days begin with the later of the two."""
    reference = claim(desk.who, kind=ClaimKind.PUBLIC_INPATIENT, complete=True)
    seen = settlement.originals_received(
        desk.store, reference=reference, staff=desk.staff(reference)
    )
    assert seen.due_at is None
    later = desk.now + timedelta(days=1)
    seen, _ = progress.submit(desk.store, identity_id=desk.who, reference=reference, now=later)
    assert seen.due_at == datetime(2026, 12, 8, 23, 59, 59, tzinfo=TZ)


def test_only_a_stay_in_hospital_has_originals(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who)
    staff = desk.staff(reference)
    job = lambda: settlement.originals_received(desk.store, reference=reference, staff=staff)  # noqa: E731
    assert refused(job) == "no_originals"


# ---- papers


def test_papers_are_asked_for_and_the_claim_comes_back(desk: Desk, claim: Opened) -> None:
    """C6: the parent is told what and why; due anew once it is sent in again."""
    reference = desk.settling(claim(desk.who, complete=True))
    assert desk.used("outpatient") == Decimal("4140.50")
    seen = desk.ask(reference, invoice="金额看不清", discharge_summary="请补出院小结")
    assert (seen.status, seen.due_at) == ("documents_missing", None)
    assert seen.missing == ("invoice", "discharge_summary")
    assert seen.notes == {"invoice": "金额看不清", "discharge_summary": "请补出院小结"}
    assert desk.used("outpatient") == Decimal("3560.50")
    kind, told = desk.messages()[1]
    assert kind == "claim_needs_papers"
    assert "发票原件（金额看不清）、出院小结（请补出院小结）" in told
    assert refused(lambda: desk.submitted(reference)) == "papers_missing"


def test_a_draft_stays_a_draft_and_each_message_is_sent(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who, complete=True)
    assert desk.ask(reference, invoice="看不清").status == "draft"
    desk.ask(reference, medical_record="缺第二页")
    assert [kind for kind, _ in desk.messages()] == ["claim_needs_papers"] * 2


def test_an_unreadable_document_is_asked_for_again(desk: Desk, claim: Opened) -> None:
    reference = desk.submitted(claim(desk.who, complete=True))
    with desk.store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == reference)).one()
        for name, status in (("invoice", "current"), ("medical_record", "current")):
            session.add(
                DocumentReference(
                    claim_id=row.id,
                    identity_id=desk.who,
                    document=name,
                    media_type="image/jpeg",
                    size=1,
                    sha256=name.ljust(64, "0"),
                    storage_key=name,
                    status=status,
                    received_at=desk.now,
                )
            )
    seen = settlement.mark_unreadable(
        desk.store,
        reference=reference,
        document="invoice",
        reason="太模糊",
        staff=desk.staff(reference),
    )
    assert (seen.status, seen.missing) == ("documents_missing", ("invoice",))
    with desk.store.read() as session:
        files = dict(
            session.execute(sa.select(DocumentReference.document, DocumentReference.status)).all()
        )
    assert files == {"invoice": "unreadable", "medical_record": "current"}


def test_a_bank_card_that_is_asked_for_again_is_forgotten(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who, complete=True)
    progress.set_bank_account(
        desk.store, identity_id=desk.who, reference=reference, account=ACCOUNT, now=desk.now
    )
    seen = desk.ask(reference, bank_account="卡已注销")
    assert (seen.bank_tail, seen.missing) == (None, ("bank_account",))


def test_what_is_no_document_is_not_asked_for(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who)
    assert refused(lambda: desk.ask(reference, selfie="好看")) == "document"
    assert refused(lambda: desk.ask(reference)) == "document"
    staff = desk.staff(reference)
    job = lambda: settlement.mark_unreadable(  # noqa: E731
        desk.store, reference=reference, document="invoice", reason="太模糊", staff=staff
    )
    assert refused(job) == "document"


def test_nothing_is_asked_for_once_it_is_decided(desk: Desk, claim: Opened) -> None:
    reference = desk.settling(claim(desk.who, complete=True))
    desk.decide(reference, "approved", "580")
    assert refused(lambda: desk.ask(reference, invoice="看不清")) == "claim_over"


def test_a_claim_with_a_document_missing_is_not_settled(
    desk: Desk, claim: Opened, received: Callable[..., None]
) -> None:
    reference = desk.submitted(claim(desk.who, complete=True))
    received(reference, "invoice")
    assert refused(lambda: desk.start(reference)) == "papers_missing"


def test_staff_may_settle_what_came_by_another_way(
    desk: Desk, claim: Opened, received: Callable[..., None]
) -> None:
    reference = desk.submitted(claim(desk.who, complete=True))
    desk.ask(reference, invoice="看不清")
    received(reference)
    seen = desk.start(reference)
    assert seen.status == "settling"
    assert seen.due_at is not None


# ---- amounts


@pytest.mark.parametrize(
    ("outcome", "amount", "reason", "why"),
    [
        ("approved", "580.01", None, "amount"),
        ("approved", "579.99", None, "amount"),
        ("approved", "0", None, "amount"),
        ("partly_approved", "580", "x", "amount"),
        ("partly_approved", "0", "x", "amount"),
        ("partly_approved", "-1", "x", "amount"),
        ("partly_approved", "1.001", "x", "amount"),
        ("partly_approved", "600", "x", "amount"),
        ("rejected", "1", "x", "amount"),
        ("partly_approved", "100", None, "reason"),
        ("partly_approved", "100", "  ", "reason"),
        ("rejected", "0", None, "reason"),
        ("paid", "580", None, "move"),
        ("withdrawn", "0", "x", "move"),
    ],
)
def test_decisions_that_cannot_be(
    desk: Desk, claim: Opened, outcome: str, amount: str, reason: str | None, why: str
) -> None:
    reference = desk.settling(claim(desk.who, complete=True))
    assert refused(lambda: desk.decide(reference, outcome, amount, reason)) == why
    assert desk.seen(reference).status == "settling"
    assert [kind for kind, _ in desk.messages()] == ["claim_progress"]


@pytest.mark.parametrize("status", ["draft", "submitted", "documents_missing", "approved"])
def test_only_what_is_being_settled_is_decided(desk: Desk, claim: Opened, status: str) -> None:
    reference = claim(desk.who, complete=True)
    with desk.store.begin() as session:
        session.scalars(sa.select(Claim).where(Claim.reference == reference)).one().status = status
    assert refused(lambda: desk.decide(reference, "rejected", "0", "x")) == "move"


@pytest.mark.parametrize(
    ("outcome", "amount", "used"),
    [
        ("approved", "580", "4140.50"),
        ("partly_approved", "500", "4060.50"),
        ("rejected", "0", "3560.50"),
    ],
)
def test_what_is_under_settlement_counts_as_used_and_then_what_is_paid(
    desk: Desk, claim: Opened, outcome: str, amount: str, used: str
) -> None:
    reference = desk.submitted(claim(desk.who, complete=True))
    assert desk.used("outpatient") == Decimal("3560.50")
    desk.start(reference)
    assert desk.used("outpatient") == Decimal("4140.50")
    desk.decide(reference, outcome, amount, "部分项目不在保障内" if outcome != "approved" else None)
    assert desk.used("outpatient") == Decimal(used)
    if outcome != "rejected":
        desk.pay(reference)
        assert desk.used("outpatient") == Decimal(used)


@pytest.mark.parametrize(
    ("kind", "benefit"),
    [
        ("public_outpatient", "outpatient"),
        ("internet", "outpatient"),
        ("public_inpatient", "inpatient"),
        ("vaccination", "vaccine"),
    ],
)
def test_each_kind_is_paid_from_its_benefit(
    desk: Desk, claim: Opened, kind: str, benefit: str
) -> None:
    before = desk.used(benefit)
    reference = desk.submitted(claim(desk.who, kind=ClaimKind(kind), complete=True))
    if kind == "public_inpatient":
        staff = desk.staff(reference)
        settlement.originals_received(desk.store, reference=reference, staff=staff)
    desk.start(reference)
    assert desk.used(benefit) == before + 580


def test_no_more_is_paid_than_the_limit_leaves(desk: Desk, claim: Opened) -> None:
    # 2,000 of vaccination a year, 480 used.
    reference = claim(desk.who, kind=ClaimKind.VACCINATION, amount="1600", complete=True)
    desk.settling(reference)
    assert desk.used("vaccine") == Decimal(2000)
    assert refused(lambda: desk.decide(reference, "approved", "1600")) == "over_limit"
    seen = desk.decide(reference, "partly_approved", "1520", "超出疫苗额度")
    assert seen.approved_amount == Decimal(1520)
    assert desk.used("vaccine") == Decimal(2000)


def test_a_demonstration_claim_under_settlement_is_counted_already(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    desk = Desk(store, bound(THEIR_PHONE), now)
    number = "YX2026-000301"
    assert desk.used("inpatient", number) == Decimal(46000)
    desk.decide("C3002", "partly_approved", "40000", "床位费超标")
    assert desk.used("inpatient", number) == Decimal(40000)


def test_a_fully_reimbursed_visit_is_counted_where_staff_say_so(desk: Desk, claim: Opened) -> None:
    reference = desk.settling(claim(desk.who, complete=True))
    desk.decide(reference, "approved", "580", full_visit=True)
    assert desk.used("full_reimbursement_visits") == 3


@pytest.mark.parametrize("case", ["kind", "part", "none_left"])
def test_no_fully_reimbursed_visit_where_there_is_none(
    desk: Desk, claim: Opened, store: Store, bound: Callable[..., int], case: str
) -> None:
    if case == "none_left":
        desk.who = bound(THEIR_PHONE, account="other")
        reference = claim(desk.who, "YX2026-000301", complete=True)
    else:
        kind = ClaimKind.INTERNET if case == "kind" else ClaimKind.PUBLIC_OUTPATIENT
        reference = claim(desk.who, kind=kind, complete=True)
    desk.settling(reference)
    how = ("partly_approved", "1", "x") if case == "part" else ("approved", "580", None)
    assert refused(lambda: desk.decide(reference, *how, full_visit=True)) == "full_visit"


# ---- whose turn it is, and twice


def test_whoever_saw_an_older_state_decides_again(desk: Desk, claim: Opened) -> None:
    reference = desk.settling(claim(desk.who, complete=True))
    old = desk.staff(reference)
    desk.decide(reference, "approved", "580")
    job = Decision(ClaimState.REJECTED, Decimal(0), "x")
    with pytest.raises(Conflict):
        settlement.decide(desk.store, reference=reference, decision=job, staff=old)
    assert desk.seen(reference).status == "approved"


def test_a_second_tap_does_nothing_twice(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who, complete=True)
    staff = desk.staff(reference)
    papers = {"invoice": "看不清"}
    settlement.ask_for_papers(desk.store, reference=reference, papers=papers, staff=staff)
    with pytest.raises(Conflict):
        settlement.ask_for_papers(desk.store, reference=reference, papers=papers, staff=staff)
    assert len(desk.messages()) == 1


def test_an_unknown_claim(desk: Desk) -> None:
    staff = Staff("staff:lin", desk.now, 1)
    with pytest.raises(NotFound):
        settlement.pay(desk.store, reference="C9999", staff=staff)
    with pytest.raises(NotFound):
        settlement.payout_account(desk.store, reference="C9999", actor="staff:lin", now=desk.now)


def test_the_worklist_is_by_due_time(desk: Desk, claim: Opened) -> None:
    reference = desk.submitted(claim(desk.who, complete=True))
    open_ = settlement.worklist(desk.store)
    assert [c.reference for c in open_] == [reference, "C3002", "C3001"]
    assert [c.reference for c in settlement.worklist(desk.store, status="settling")] == ["C3002"]


def test_looking_at_the_bank_account_is_written_down(desk: Desk, claim: Opened) -> None:
    reference = claim(desk.who)
    with pytest.raises(NotFound):
        settlement.payout_account(desk.store, reference=reference, actor="staff:lin", now=desk.now)
    progress.set_bank_account(
        desk.store, identity_id=desk.who, reference=reference, account=ACCOUNT, now=desk.now
    )
    seen = settlement.payout_account(
        desk.store, reference=reference, actor="staff:lin", now=desk.now
    )
    assert seen == ACCOUNT
    with desk.store.read() as session:
        looked = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "claim.account_seen")
        ).one()
    assert looked.actor == "staff:lin"
