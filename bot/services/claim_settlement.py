"""What staff do with a claim: ask for papers, receive originals, settle, decide, pay (C1–C4).

Every function takes the claim's version as staff saw it: whoever decided on an older state of the
claim decides again.

What counts as used of a benefit: a claim's amount from the moment at which settling begins, as far
as the limit reaches; after the decision, what was approved; nothing of a claim that is rejected or
goes back to the parent. ``Claim.counted_amount`` says what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from bot.rules.benefits import remaining
from bot.rules.claims import (
    ClaimKind,
    ClaimState,
    DocumentKind,
    can_move,
    claim_route,
    payout_due,
)
from bot.rules.notifications import NotificationKind
from bot.services import audit, wording
from bot.services.claim_progress import BankAccount, conflicts, open_account, set_due
from bot.services.claims import OPEN, ClaimView, record_move, view
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.notifications import notify
from bot.store import queries
from bot.store.models import BenefitUse, Claim, ClaimRequirement, DocumentReference
from bot.store.session import Store

# Which benefit a claim is paid from; the plans have no benefit of their own for consultations.
BENEFIT = {
    ClaimKind.PUBLIC_OUTPATIENT: "outpatient",
    ClaimKind.INTERNET: "outpatient",
    ClaimKind.PUBLIC_INPATIENT: "inpatient",
    ClaimKind.VACCINATION: "vaccine",
}
FULL_VISITS = "full_reimbursement_visits"
NOTHING = Decimal(0)
OUTCOMES = frozenset({ClaimState.APPROVED, ClaimState.PARTLY_APPROVED, ClaimState.REJECTED})


@dataclass(frozen=True)
class Staff:
    """Who acts, and when (aware); ``version`` is the claim's as they saw it."""

    actor: str
    now: datetime
    version: int


@dataclass(frozen=True)
class Decision:
    """How a claim ends. ``amount`` (CNY) is what is paid, ``reason`` is told to the parent.

    ``full_visit`` says that it uses one of the plan's fully reimbursed visits (E3); the manual
    leaves that judgement to whoever settles.
    """

    outcome: ClaimState
    amount: Decimal
    reason: str | None = None
    full_visit: bool = False


def worklist(store: Store, *, status: str | None = None) -> list[ClaimView]:
    """Return the open claims of all families, or those in a state, first due first."""
    wanted = [status] if status else sorted(OPEN | {"approved", "partly_approved"})
    query = (
        sa.select(Claim)
        .where(Claim.status.in_(wanted))  # type: ignore[attr-defined]
        .order_by(sa.nullslast(Claim.due_at), Claim.id)
    )
    with store.read() as session:
        return [view(row) for row in session.scalars(query)]


def ask_for_papers(
    store: Store, *, reference: str, papers: Mapping[str, str], staff: Staff
) -> ClaimView:
    """Ask the parent for documents, each with the reason; the claim waits for them (C6).

    What of the benefit was counted is free again. A claim that was not sent in yet stays a draft.

    Args:
        store: The store.
        reference: The claim's number.
        papers: Reasons by document (`DocumentKind`); a document may be one of which there is
            something already, or none of the checklist's.
        staff: Who asks.

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``claim_over`` or ``document`` (no such kind, or none given).
    """
    if not papers or not set(papers) <= set(DocumentKind):
        raise Refused("document")
    with _claim(store, reference, staff) as (session, row):
        return _ask(session, row, papers, staff)


def mark_unreadable(
    store: Store, *, reference: str, document: str, reason: str, staff: Staff
) -> ClaimView:
    """Refuse a document that cannot be read, and ask for it again (C6).

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``claim_over``, or ``document`` (none of this kind was received).
    """
    with _claim(store, reference, staff) as (session, row):
        if document not in {r.document for r in row.requirements if r.received}:
            raise Refused("document")
        files = sa.update(DocumentReference).where(
            DocumentReference.claim_id == row.id,
            DocumentReference.document == document,
            DocumentReference.status == "current",
        )
        session.execute(
            files.values(status="unreadable").execution_options(synchronize_session=False)
        )
        return _ask(session, row, {document: reason}, staff)


def _ask(session: Session, row: Claim, papers: Mapping[str, str], staff: Staff) -> ClaimView:
    if row.status not in OPEN:
        raise Refused("claim_over")
    _want(row, papers)
    if row.status in (ClaimState.SUBMITTED, ClaimState.SETTLING):
        _move(session, row, ClaimState.DOCUMENTS_MISSING, staff)
        row.due_at = None
        _count(session, row, NOTHING)
    else:
        _audit(session, row, "claim.papers", staff, documents=sorted(papers))
    lines = [
        wording.line("paper_wanted", document=wording.word("document", name), reason=why)
        for name, why in papers.items()
    ]
    text, documents = "notify_claim_papers", wording.listed(lines)
    _tell(session, row, NotificationKind.CLAIM_NEEDS_PAPERS, text, staff, documents=documents)
    return _seen(session, row)


def originals_received(store: Store, *, reference: str, staff: Staff) -> ClaimView:
    """Note that the couriered originals have come: the 10 working days begin (C2).

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``no_originals`` or ``claim_over``.
    """
    with _claim(store, reference, staff) as (session, row):
        if not claim_route(ClaimKind(row.kind)).needs_originals:
            raise Refused("no_originals")
        if row.status not in OPEN:
            raise Refused("claim_over")
        if row.originals_received_at is None:
            row.originals_received_at = staff.now
            if row.status == ClaimState.SUBMITTED:
                set_due(row, staff.now)
            _audit(session, row, "claim.originals", staff)
            kind = NotificationKind.CLAIM_PROGRESS
            _tell(session, row, kind, "notify_claim_originals", staff)
        return _seen(session, row)


def start_settling(store: Store, *, reference: str, staff: Staff) -> ClaimView:
    """Begin to settle: from now on the amount counts as used (手册·理赔流程 C1–C4).

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``papers_missing``, ``originals_missing`` (C2) or ``move``.
    """
    with _claim(store, reference, staff) as (session, row):
        if not can_move(ClaimState(row.status), ClaimState.SETTLING):
            raise Refused("move")
        if any(not requirement.received for requirement in row.requirements):
            raise Refused("papers_missing")
        if view(row).needs_originals:
            raise Refused("originals_missing")
        if row.due_at is None:
            # It was asked for papers again, and staff received them by another way.
            row.submitted_at = row.submitted_at or staff.now
            set_due(row, staff.now)
        _move(session, row, ClaimState.SETTLING, staff)
        _count(session, row, min(row.amount, _left(session, row)))
        due = wording.moment(row.due_at, staff.now) if row.due_at else None
        when = wording.line("claim_settled_by", due=due) if due else ""
        kind = NotificationKind.CLAIM_PROGRESS
        _tell(session, row, kind, "notify_claim_settling", staff, when=when)
        return _seen(session, row)


def decide(store: Store, *, reference: str, decision: Decision, staff: Staff) -> ClaimView:
    """Approve, partly approve or reject; the parent is told (手册·理赔流程 C1–C4).

    A full approval pays all that was claimed, a partial one less than that and more than nothing,
    both within what is left of the benefit. All but a full approval give a reason.

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``move`` (not being settled), ``amount``, ``over_limit``, ``reason`` or
            ``full_visit`` (none is left, or the claim is not an outpatient visit in full).
    """
    with _claim(store, reference, staff) as (session, row):
        if decision.outcome not in OUTCOMES or not can_move(
            ClaimState(row.status), decision.outcome
        ):
            raise Refused("move")
        _check(session, row, decision)
        _move(session, row, decision.outcome, staff, decision.reason)
        row.approved_amount = decision.amount
        row.settled_at = staff.now
        paid = decision.outcome is not ClaimState.REJECTED
        row.payout_due_at = payout_due(ClaimKind(row.kind), staff.now) if paid else None
        _count(session, row, decision.amount)
        if decision.full_visit:
            _use(session, row, FULL_VISITS).used += 1
        _tell_decision(session, row, decision, staff)
        return _seen(session, row)


def pay(store: Store, *, reference: str, staff: Staff) -> ClaimView:
    """Note that the money was sent; the parent is told (手册·理赔流程 C1, C3, C4).

    Raises:
        NotFound, Conflict: No such claim; or it was changed meanwhile.
        Refused: ``move`` (not approved, or paid already).
    """
    with _claim(store, reference, staff) as (session, row):
        if not can_move(ClaimState(row.status), ClaimState.PAID):
            raise Refused("move")
        _move(session, row, ClaimState.PAID, staff)
        row.paid_at = staff.now
        account = wording.line("bank_tail", tail=row.bank_tail) if row.bank_tail else ""
        _tell(
            session,
            row,
            NotificationKind.CLAIM_PAID,
            "notify_claim_paid",
            staff,
            amount=wording.yuan(row.approved_amount or NOTHING),
            account=account,
        )
        return _seen(session, row)


def payout_account(store: Store, *, reference: str, actor: str, now: datetime) -> BankAccount:
    """Return where a claim is paid to; that it was looked at is written down (C6).

    Raises:
        NotFound: No such claim, or the parent sent a photo instead.
    """
    with store.begin() as session:
        row = _find(session, reference)
        if row.bank_account is None:
            raise NotFound(reference)
        audit.record(
            session, at=now, actor=actor, action="claim.account_seen", subject=f"claim:{row.id}"
        )
        return open_account(row.bank_account)


@contextmanager
def _claim(store: Store, reference: str, staff: Staff) -> Iterator[tuple[Session, Claim]]:
    with conflicts(), store.begin() as session:
        row = _find(session, reference)
        if row.version != staff.version:
            raise Conflict(reference)
        # Whatever is done here is done once: a second tap comes with a version that is gone.
        flag_modified(row, "status")
        # One change is one version, however much is read on the way.
        with session.no_autoflush:
            yield session, row


def _find(session: Session, reference: str) -> Claim:
    row: Claim | None = session.scalars(
        sa.select(Claim).where(Claim.reference == reference)
    ).one_or_none()
    if row is None:
        raise NotFound(reference)
    return row


def _seen(session: Session, row: Claim) -> ClaimView:
    session.flush()
    return view(row)


def _want(row: Claim, papers: Mapping[str, str]) -> None:
    known = {requirement.document: requirement for requirement in row.requirements}
    for name, why in papers.items():
        requirement = known.get(name)
        if requirement is None:
            requirement = ClaimRequirement(claim_id=row.id, document=name)
            row.requirements.append(requirement)
        requirement.received = False
        requirement.note = why
        if name == DocumentKind.BANK_ACCOUNT:
            row.bank_account = row.bank_tail = None


def _check(session: Session, row: Claim, decision: Decision) -> None:
    amounts = {
        ClaimState.APPROVED: decision.amount == row.amount,
        ClaimState.PARTLY_APPROVED: NOTHING < decision.amount < row.amount,
        ClaimState.REJECTED: decision.amount == NOTHING,
    }
    if not amounts[decision.outcome] or decision.amount != round(decision.amount, 2):
        raise Refused("amount")
    if decision.amount > row.counted_amount + _left(session, row):
        raise Refused("over_limit")
    if decision.outcome is not ClaimState.APPROVED and not (decision.reason or "").strip():
        raise Refused("reason")
    if decision.full_visit:
        in_full = decision.outcome is ClaimState.APPROVED
        standing = queries.benefit_standings(session, row.policy_id).get(FULL_VISITS)
        left = standing is not None and standing.used < standing.limit
        if row.kind != ClaimKind.PUBLIC_OUTPATIENT or not in_full or not left:
            raise Refused("full_visit")


def _left(session: Session, row: Claim) -> Decimal:
    standing = queries.benefit_standings(session, row.policy_id).get(BENEFIT[ClaimKind(row.kind)])
    return remaining(standing.limit, standing.used) if standing else NOTHING


def _use(session: Session, row: Claim, benefit: str) -> BenefitUse:
    use: BenefitUse | None = session.scalars(
        sa.select(BenefitUse).where(
            BenefitUse.policy_id == row.policy_id, BenefitUse.benefit == benefit
        )
    ).one_or_none()
    if use is None:
        use = BenefitUse(policy_id=row.policy_id, benefit=benefit, used=NOTHING)
        session.add(use)
    return use


def _count(session: Session, row: Claim, amount: Decimal) -> None:
    """Let ``amount`` of the claim count as used, instead of what did."""
    change = amount - row.counted_amount
    if change:
        use = _use(session, row, BENEFIT[ClaimKind(row.kind)])
        use.used = max(use.used + change, NOTHING)
    row.counted_amount = amount


def _move(
    session: Session, row: Claim, target: ClaimState, staff: Staff, reason: str | None = None
) -> None:
    record_move(row, target, actor=staff.actor, now=staff.now, reason=reason)
    _audit(session, row, f"claim.{target.value}", staff)


def _audit(session: Session, row: Claim, action: str, staff: Staff, **detail: object) -> None:
    audit.record(
        session, at=staff.now, actor=staff.actor, action=action, subject=f"claim:{row.id}", **detail
    )


def _tell_decision(session: Session, row: Claim, decision: Decision, staff: Staff) -> None:
    values = {}
    if decision.reason:
        values["reason"] = decision.reason
    if decision.outcome is not ClaimState.REJECTED:
        values["paid"] = wording.yuan(decision.amount)
        values["when"] = (
            wording.line("claim_pay_by", due=wording.moment(row.payout_due_at, staff.now))
            if row.payout_due_at
            else wording.line("claim_pay_open")
        )
    name = f"notify_claim_{decision.outcome.value}"
    _tell(session, row, NotificationKind.CLAIM_SETTLED, name, staff, **values)


def _tell(
    session: Session, row: Claim, kind: NotificationKind, text: str, staff: Staff, **values: str
) -> None:
    told = {
        "reference": row.reference,
        "child": row.policy.child.name,
        "claimed": wording.yuan(row.amount),
    }
    notify(
        session,
        policy_id=row.policy_id,
        kind=kind,
        text=text,
        values=told | values,
        # One message for each change: a claim may lack papers more than once.
        key=f"claim:{row.id}:{kind.value}:{staff.version}",
        due_at=staff.now,
    )
