"""Claims after a visit that the parent paid for (手册·非直付理赔流程 C1–C6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.claims import (
    ClaimKind,
    claim_route,
    document_checklist,
    internet_submission_deadline,
    is_minor,
)
from bot.services import audit
from bot.services.errors import Refused
from bot.services.identity import own_policy, policy_ids
from bot.store import queries
from bot.store.models import Claim, ClaimRequirement, Hospital
from bot.store.references import new_reference
from bot.store.session import Store

LARGEST_AMOUNT = Decimal(10_000_000)


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
    """A claim as its parent may see it; amounts in CNY, times in Asia/Shanghai."""

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


@dataclass(frozen=True)
class ClaimWish:
    """What a parent wants to claim: one visit, the amount paid in CNY."""

    kind: ClaimKind
    hospital: str
    visited_on: date
    amount: Decimal


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


def check_wish(
    store: Store, *, identity_id: int, number: str, wish: ClaimWish, now: datetime
) -> tuple[str, ...]:
    """Check what can be refused before anything is stored.

    Returns:
        Warnings to say in the summary: ``past_internet_deadline`` (C3).

    Raises:
        NotBound, NotFound: The policy is not this account's.
        Refused: ``network_clinic`` (C5), ``future``, ``outside_validity`` or ``amount``.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        return _check(policy.valid_from, policy.valid_to, wish, now)


def open_claim(
    store: Store, *, identity_id: int, number: str, wish: ClaimWish, now: datetime
) -> tuple[ClaimView, bool]:
    """Open a draft claim with its document checklist; the same visit twice opens one claim.

    Returns:
        The claim, and whether it is new.

    Raises:
        NotBound, NotFound, Refused: as :func:`check_wish`.
    """
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        _check(policy.valid_from, policy.valid_to, wish, now)
        amount = wish.amount.quantize(Decimal("0.01"))
        key = f"{policy.id}:{wish.kind.value}:{wish.hospital}:{wish.visited_on}:{amount}"
        found = session.scalar(sa.select(Claim).where(Claim.idempotency_key == key))
        if found is not None:
            return _view(found), False
        place = session.scalar(sa.select(Hospital).where(Hospital.name == wish.hospital))
        row = Claim(
            reference=f"~{identity_id}:{now.timestamp():.0f}"[:16],
            policy_id=policy.id,
            kind=wish.kind.value,
            hospital_id=place.id if place else None,
            hospital_name=wish.hospital,
            visited_on=wish.visited_on,
            amount=amount,
            opened_by_id=identity_id,
            opened_at=now,
            idempotency_key=key,
        )
        session.add(row)
        session.flush()
        row.reference = new_reference("C", row.id)
        papers = checklist(wish.kind, minor=is_minor(policy.child.born, wish.visited_on))
        for document in papers.documents:
            session.add(ClaimRequirement(claim_id=row.id, document=document))
        session.flush()
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="claim.open", subject=f"claim:{row.id}")
        return _view(row), True


def claims(store: Store, *, identity_id: int, number: str | None = None) -> list[ClaimView]:
    """Return the claims of all bound policies (or one), newest first."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        return [_view(row) for row in queries.claims_of(session, ids)]


def _check(valid_from: date, valid_to: date, wish: ClaimWish, now: datetime) -> tuple[str, ...]:
    if not claim_route(wish.kind).allowed:
        raise Refused("network_clinic")
    if wish.visited_on > now.astimezone(TZ).date():
        raise Refused("future")
    if not valid_from <= wish.visited_on <= valid_to:
        raise Refused("outside_validity")
    if not 0 < wish.amount <= LARGEST_AMOUNT:
        raise Refused("amount")
    if wish.kind is ClaimKind.INTERNET and now > internet_submission_deadline(wish.visited_on):
        return ("past_internet_deadline",)
    return ()


def _view(row: Any) -> ClaimView:
    return ClaimView(
        reference=row.reference,
        number=row.policy.number,
        child=row.policy.child.name,
        kind=row.kind,
        hospital=row.hospital.name if row.hospital else row.hospital_name,
        visited_on=row.visited_on,
        amount=Decimal(row.amount),
        status=row.status,
        missing=tuple(r.document for r in row.requirements if not r.received),
        submitted_at=row.submitted_at.astimezone(TZ) if row.submitted_at else None,
        due_at=row.due_at.astimezone(TZ) if row.due_at else None,
    )
