"""Claims after a visit that the parent paid for: papers, opening, looking (手册·理赔流程 C1–C6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.benefits import VaccinationBenefit, vaccination_options
from bot.rules.calendar import TZ
from bot.rules.claims import (
    ClaimKind,
    ClaimState,
    can_move,
    claim_route,
    document_checklist,
    internet_submission_deadline,
    is_minor,
)
from bot.services import audit
from bot.services.errors import NotFound, Refused
from bot.services.identity import own_policy, policy_ids
from bot.store import queries
from bot.store.models import Claim, ClaimEvent, ClaimRequirement, Hospital, Policy
from bot.store.references import add_numbered
from bot.store.session import Store

# Whose turn it is, and what can follow no more.
TO_COMPLETE = frozenset({"draft", "documents_missing"})
OPEN = TO_COMPLETE | {"submitted", "settling"}
DECIDED = frozenset({"approved", "partly_approved", "rejected", "paid"})
LARGEST_AMOUNT = Decimal(10_000_000)
# First-grade hospitals by name: vaccinations are claimed from second-grade ones upwards (X3).
FIRST_GRADE = re.compile(r"社区|卫生院|卫生服务")


@dataclass(frozen=True)
class Checklist:
    """The papers for a kind of visit and how long settlement takes (working days)."""

    kind: ClaimKind
    allowed: bool
    documents: tuple[str, ...]
    settle_days: int | None
    pay_days: int | None
    needs_originals: bool
    follow_up_only: bool
    send_within_days: int | None


@dataclass(frozen=True)
class ClaimView:
    """A claim as its parent may see it; amounts in CNY, times in Asia/Shanghai.

    ``due_at`` is the time by which it is settled, ``payout_due_at`` the one by which it is paid,
    ``send_by`` the one by which it must be sent in. ``notes`` says why a document is asked for
    again, ``reason`` why the claim is where it is; of a bank card the last four digits are told.
    """

    reference: str
    number: str
    child: str
    kind: str
    hospital: str | None
    visited_on: date | None
    amount: Decimal
    status: str
    missing: tuple[str, ...]
    submitted_at: datetime | None
    due_at: datetime | None
    send_by: datetime | None
    approved_amount: Decimal | None = None
    payout_due_at: datetime | None = None
    paid_at: datetime | None = None
    reason: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    bank_tail: str | None = None
    tracking: str | None = None
    originals_received_at: datetime | None = None
    version: int = 1

    @property
    def needs_originals(self) -> bool:
        """Whether originals must come by courier and have not yet (C2)."""
        needed = claim_route(ClaimKind(self.kind)).needs_originals
        return needed and self.originals_received_at is None

    @property
    def to_complete(self) -> bool:
        """Whether it is the parent's turn."""
        return self.status in TO_COMPLETE


@dataclass(frozen=True)
class ClaimWish:
    """What a parent wants to claim: one visit, the amount paid in CNY.

    ``follow_up`` matters for an internet consultation alone (C3).
    """

    kind: ClaimKind
    hospital: str
    visited_on: date
    amount: Decimal
    follow_up: bool | None = None


@dataclass(frozen=True)
class VisitDay:
    """Whether a claim can be for a visit on a day: why not, and the policy's first and last day."""

    refused: str | None
    valid_from: date
    valid_to: date


def checklist(kind: ClaimKind, *, minor: bool = True, discharged: bool | None = None) -> Checklist:
    """Return the papers that a claim of this kind needs (C6).

    Args:
        kind: The kind of visit.
        minor: Whether the child is under 18; birth certificate and guardian's ID are then due.
        discharged: Whether there was a discharge; for inpatient claims assumed if not said.
    """
    route = claim_route(kind)
    after_stay = kind is ClaimKind.PUBLIC_INPATIENT if discharged is None else discharged
    documents: tuple[str, ...] = ()
    if route.allowed:
        documents = tuple(d.value for d in document_checklist(kind, minor, after_stay))
    return Checklist(
        kind,
        route.allowed,
        documents,
        route.settle_working_days,
        route.pay_working_days,
        route.needs_originals,
        route.follow_up_only,
        route.send_within_working_days,
    )


def judge_day(
    store: Store, *, identity_id: int, number: str, visited_on: date, now: datetime
) -> VisitDay:
    """Judge the day of a visit (local) before the rest is asked for (手册·非直付理赔流程 C1).

    Returns:
        ``refused`` is ``future``, ``outside_validity`` or ``None``. An expired policy still
        takes claims for visits within its validity.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        refused = _refused_day(policy, visited_on, now)
        return VisitDay(refused, policy.valid_from, policy.valid_to)


def send_by(wish: ClaimWish) -> datetime | None:
    """Return the last moment to send it in, in Asia/Shanghai (C3); ``None`` if there is none."""
    return _send_by(wish.kind, wish.visited_on)


def check_wish(
    store: Store, *, identity_id: int, number: str, wish: ClaimWish, now: datetime
) -> tuple[str, ...]:
    """Check what can be refused before anything is stored.

    Returns:
        Warnings to say in the summary: ``past_internet_deadline`` (C3),
        ``no_vaccine_benefit``, ``vaccine_used_up`` and ``first_grade_vaccination`` (X3).

    Raises:
        NotBound, NotFound: The policy is not this account's.
        Refused: ``network_clinic`` (C5), ``first_visit`` (C3: an internet consultation that is
            not said to be a follow-up visit), ``future``, ``outside_validity`` or ``amount``.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        _check(policy, wish, now)
        return _warnings(session, policy, wish, now)


def open_claim(
    store: Store, *, identity_id: int, number: str, wish: ClaimWish, now: datetime
) -> tuple[ClaimView, bool]:
    """Open a draft claim with its document checklist; the same visit twice opens one claim.

    A claim that was withdrawn does not stand in the way of a new one.

    Returns:
        The claim, and whether it is new.

    Raises:
        NotBound, NotFound, Refused: as :func:`check_wish`.
    """
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        _check(policy, wish, now)
        amount = wish.amount.quantize(Decimal("0.01"))
        key = f"{policy.id}:{wish.kind.value}:{wish.hospital}:{wish.visited_on}:{amount}"
        found = session.scalar(sa.select(Claim).where(Claim.idempotency_key == key))
        if found is not None:
            return view(found), False
        place = session.scalar(sa.select(Hospital).where(Hospital.name == wish.hospital))
        row = Claim(
            policy_id=policy.id,
            kind=wish.kind.value,
            hospital_id=place.id if place else None,
            hospital_name=wish.hospital,
            visited_on=wish.visited_on,
            amount=amount,
            opened_by_id=identity_id,
            opened_at=now,
            follow_up=wish.follow_up if wish.kind is ClaimKind.INTERNET else None,
            idempotency_key=key,
        )
        add_numbered(session, row, "C")
        papers = checklist(wish.kind, minor=is_minor(policy.child.born, wish.visited_on))
        for document in papers.documents:
            session.add(ClaimRequirement(claim_id=row.id, document=document))
        session.flush()
        actor = audit.identity_actor(identity_id)
        record_move(row, ClaimState.DRAFT, actor=actor, now=now, opening=True)
        audit.record(session, at=now, actor=actor, action="claim.open", subject=f"claim:{row.id}")
        session.flush()
        return view(row), True


def claims(store: Store, *, identity_id: int, number: str | None = None) -> list[ClaimView]:
    """Return the claims of all bound policies (or one), newest first."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        return [view(row) for row in queries.claims_of(session, ids)]


def _refused_day(policy: Policy, visited_on: date, now: datetime) -> str | None:
    if visited_on > now.astimezone(TZ).date():
        return "future"
    return None if policy.valid_from <= visited_on <= policy.valid_to else "outside_validity"


def _check(policy: Policy, wish: ClaimWish, now: datetime) -> None:
    if not claim_route(wish.kind).allowed:
        raise Refused("network_clinic")
    if claim_route(wish.kind).follow_up_only and wish.follow_up is not True:
        raise Refused("first_visit")
    refused = _refused_day(policy, wish.visited_on, now)
    if refused is not None:
        raise Refused(refused)
    if not 0 < wish.amount <= LARGEST_AMOUNT:
        raise Refused("amount")


def _warnings(session: Any, policy: Policy, wish: ClaimWish, now: datetime) -> tuple[str, ...]:
    if wish.kind is ClaimKind.INTERNET:
        late = now > internet_submission_deadline(wish.visited_on)
        return ("past_internet_deadline",) if late else ()
    if wish.kind is not ClaimKind.VACCINATION:
        return ()
    vaccine = queries.benefit_standings(session, policy.id).get("vaccine")
    routes = [r.route for r in policy.plan.routes if r.service == "vaccination"]
    limit, used = (vaccine.limit, vaccine.used) if vaccine else (Decimal(0), Decimal(0))
    benefit = vaccination_options(routes, limit, used).benefit
    if benefit is VaccinationBenefit.NONE:
        return ("no_vaccine_benefit",)
    used_up = ("vaccine_used_up",) if benefit is VaccinationBenefit.USED_UP else ()
    first_grade = ("first_grade_vaccination",) if FIRST_GRADE.search(wish.hospital) else ()
    return used_up + first_grade


def _send_by(kind: ClaimKind, visited_on: date | None) -> datetime | None:
    if kind is not ClaimKind.INTERNET or visited_on is None:
        return None
    return internet_submission_deadline(visited_on)


def own_claim(session: Session, identity_id: int, reference: str) -> Claim:
    """Return a claim of a policy that this identity is bound to.

    Raises:
        NotFound: It is not; it is not said whether there is such a claim.
    """
    query = sa.select(Claim).where(
        Claim.reference == reference, _among(Claim.policy_id, policy_ids(session, identity_id))
    )
    row: Claim | None = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(reference)
    return row


def record_move(
    row: Claim,
    target: ClaimState,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
    opening: bool = False,
) -> None:
    """Bring a claim into a state and write down who did it, when and why (C1–C4).

    Raises:
        ValueError: The state cannot follow the present one.
    """
    previous = None if opening else ClaimState(row.status)
    if previous is not None and not can_move(previous, target):
        msg = f"no claim goes from {previous} to {target}"
        raise ValueError(msg)
    row.status = target.value
    row.events.append(
        ClaimEvent(
            at=now,
            actor=actor,
            previous=previous.value if previous else None,
            status=target.value,
            reason=reason,
        )
    )


def view(row: Claim) -> ClaimView:
    """Read a claim inside a transaction."""
    waiting = [r for r in row.requirements if not r.received]
    last = row.events[-1] if row.events else None
    # Paid is the last word, but why it is less was said before.
    reasons = [e.reason for e in row.events if e.reason and e.status in DECIDED]
    return ClaimView(
        reference=row.reference,
        number=row.policy.number,
        child=row.policy.child.name,
        kind=row.kind,
        hospital=row.hospital.name if row.hospital else row.hospital_name,
        visited_on=row.visited_on,
        amount=Decimal(row.amount),
        status=row.status,
        missing=tuple(r.document for r in waiting),
        submitted_at=_local(row.submitted_at),
        due_at=_local(row.due_at),
        send_by=_send_by(ClaimKind(row.kind), row.visited_on),
        approved_amount=row.approved_amount,
        payout_due_at=_local(row.payout_due_at),
        paid_at=_local(row.paid_at),
        reason=reasons[-1] if reasons and row.status in DECIDED else last.reason if last else None,
        notes={r.document: r.note for r in waiting if r.note},
        bank_tail=row.bank_tail,
        tracking=row.originals_tracking,
        originals_received_at=_local(row.originals_received_at),
        version=row.version,
    )


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone(TZ) if moment else None


def _among(column: Any, values: list[int]) -> Any:
    return column.in_(values)
