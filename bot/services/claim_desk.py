"""Claims as staff see them: the list, and one with what its decision depends on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from bot.rules.benefits import remaining
from bot.rules.claims import ClaimKind
from bot.services.claim_settlement import BENEFIT, FULL_VISITS
from bot.services.claims import ClaimView, view
from bot.services.desk_search import MOST, matching
from bot.services.errors import NotFound
from bot.store import queries
from bot.store.models import Claim
from bot.store.session import Store

# What staff are to do something about comes first.
_ORDER = {"submitted": 0, "settling": 0, "approved": 1, "partly_approved": 1}


@dataclass(frozen=True)
class Requirement:
    """A document on the checklist: whether it is here, and why it was asked for again."""

    document: str
    received: bool
    note: str | None


@dataclass(frozen=True)
class DeskClaim:
    """A claim with what is left of the benefit it is paid from and what it counts there (CNY)."""

    id: int
    claim: ClaimView
    left: Decimal
    counted: Decimal
    full_visits_left: Decimal
    requirements: tuple[Requirement, ...]


def claims(store: Store, *, state: str | None = None, query: str = "") -> tuple[ClaimView, ...]:
    """Return claims, what staff have to do first, then by due time; drafts are the parents' own.

    Args:
        store: The store.
        state: Of one state; else all that are not over.
        query: Part of a number, a child's name or a policy's number; then of any state.
    """
    wanted = sa.select(Claim).where(Claim.status != "draft")
    if state:
        wanted = wanted.where(Claim.status == state)
    elif not query:
        wanted = wanted.where(Claim.status.in_([*_ORDER, "documents_missing"]))  # type: ignore[attr-defined]
    wanted = matching(wanted, Claim, query).order_by(sa.desc(Claim.id)).limit(MOST)
    with store.read() as session:
        found = [view(row) for row in session.scalars(wanted)]
    return tuple(sorted(found, key=_urgency))


def due_at(found: ClaimView) -> datetime | None:
    """Return by when staff have to do something about a claim."""
    if found.status in ("approved", "partly_approved"):
        return found.payout_due_at
    return found.due_at if found.status in ("submitted", "settling") else None


def claim(store: Store, *, reference: str) -> DeskClaim:
    """Return a claim.

    Raises:
        NotFound: There is none, or it is a draft.
    """
    with store.read() as session:
        row = session.scalar(sa.select(Claim).where(Claim.reference == reference))
        if row is None or row.status == "draft":
            raise NotFound(reference)
        standings = queries.benefit_standings(session, row.policy_id)
        paid_from = standings.get(BENEFIT[ClaimKind(row.kind)])
        full = standings.get(FULL_VISITS)
        return DeskClaim(
            row.id,
            view(row),
            remaining(paid_from.limit, paid_from.used) if paid_from else Decimal(0),
            row.counted_amount,
            remaining(full.limit, full.used) if full else Decimal(0),
            tuple(Requirement(r.document, r.received, r.note) for r in row.requirements),
        )


def _urgency(found: ClaimView) -> tuple[int, bool, float, str]:
    due = due_at(found)
    moment = due.timestamp() if due else 0.0
    return (_ORDER.get(found.status, 2), due is None, moment, found.reference)
