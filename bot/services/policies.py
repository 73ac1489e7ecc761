"""What a policy covers, what is left of it, and the state of its card (E2, E3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.rules.benefits import CardStatus, card_status, remaining
from bot.rules.calendar import TZ
from bot.services.identity import own_policy
from bot.store import queries
from bot.store.models import Policy
from bot.store.session import Store


@dataclass(frozen=True)
class Benefit:
    """One benefit: limit, used and left; CNY or a count, by ``unit``."""

    name: str
    unit: str
    limit: Decimal
    used: Decimal
    left: Decimal


@dataclass(frozen=True)
class Bill:
    """A self-pay amount in CNY (E3)."""

    reference: str
    hospital: str
    visited_on: date
    amount: Decimal


@dataclass(frozen=True)
class PolicyView:
    """A policy as its parent may see it, on the day ``as_of`` (Asia/Shanghai)."""

    number: str
    child: str
    born: date
    plan: str
    valid_from: date
    valid_to: date
    status: CardStatus
    benefits: dict[str, Benefit]
    direct_billing: frozenset[str]
    vaccination_routes: frozenset[str]
    clinic_brand: str | None
    unpaid: tuple[Bill, ...]
    as_of: date


def overview(store: Store, *, identity_id: int, number: str, now: datetime) -> PolicyView:
    """Return a bound policy with what is left of each benefit (remaining = limit − used).

    Raises:
        NotBound, NotFound: see :func:`bot.services.identity.own_policy`.
    """
    with store.read() as session:
        return view(session, own_policy(session, identity_id, number), now)


def view(session: Any, policy: Policy, now: datetime) -> PolicyView:
    """Read a policy inside a transaction; see :func:`overview`."""
    today = now.astimezone(TZ).date()
    unpaid = unpaid_bills(session, policy)
    benefits = {
        b.benefit: Benefit(b.benefit, b.unit, b.limit, b.used, remaining(b.limit, b.used))
        for b in queries.benefit_standings(session, policy.id).values()
    }
    routes = policy.plan.routes
    return PolicyView(
        number=policy.number,
        child=policy.child.name,
        born=policy.child.born,
        plan=policy.plan.name,
        valid_from=policy.valid_from,
        valid_to=policy.valid_to,
        status=card_status(len(unpaid), policy.valid_from, policy.valid_to, today),
        benefits=benefits,
        direct_billing=frozenset(r.route for r in routes if r.service == "direct_billing"),
        vaccination_routes=frozenset(r.route for r in routes if r.service == "vaccination"),
        clinic_brand=policy.clinic_brand,
        unpaid=unpaid,
        as_of=today,
    )


def unpaid_bills(session: Any, policy: Policy) -> tuple[Bill, ...]:
    """Return what the parent still owes on this policy."""
    return tuple(
        Bill(bill.reference, bill.hospital.name, bill.visited_on, bill.amount)
        for bill in queries.unpaid_bills(session, [policy.id])
    )
