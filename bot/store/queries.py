"""Reads that several services need. All take an open session and write nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from bot.rules.calendar import at, local_day
from bot.store.models import (
    Appointment,
    Authorization,
    Binding,
    ChatIdentity,
    Claim,
    Hospital,
    Plan,
    Policy,
    SelfPayBill,
)

OPEN_APPOINTMENTS = ("requested", "confirmed")


@dataclass(frozen=True)
class BenefitStanding:
    """What a plan gives and what of it is used; CNY or a count, as ``unit`` says."""

    benefit: str
    unit: str
    limit: Decimal
    used: Decimal


def _among(column: Any, values: Collection[Any]) -> Any:
    return column.in_(values)


def identity_by(session: Session, channel: str, account: str) -> ChatIdentity | None:
    """Return the identity of an account in a channel, or None if it never wrote."""
    query = sa.select(ChatIdentity).where(
        ChatIdentity.channel == channel, ChatIdentity.account == account
    )
    found: ChatIdentity | None = session.scalars(query).one_or_none()
    return found


def bound_policies(session: Session, identity_id: int) -> list[Policy]:
    """Return the policies that an identity may see, oldest binding first (手册·电子保险卡 E1).

    Expired ones are among them. Child, plan and household are loaded with them.
    """
    return list(session.scalars(_bound(identity_id)))


def policy_by_number(session: Session, identity_id: int, number: str) -> Policy | None:
    """Return the policy of this number if the identity is bound to it (手册·电子保险卡 E1).

    None says nothing about whether the number exists.
    """
    found: Policy | None = session.scalars(
        _bound(identity_id).where(Policy.number == number)
    ).one_or_none()
    return found


def _bound(identity_id: int) -> Any:
    return (
        sa.select(Policy)
        .join(Binding, Binding.household_id == Policy.household_id)
        .where(Binding.identity_id == identity_id)
        .options(joinedload(Policy.child), joinedload(Policy.plan), joinedload(Policy.household))
        .order_by(Binding.id, Policy.number)
    )


def benefit_standings(session: Session, policy_id: int) -> dict[str, BenefitStanding]:
    """Return limit and use of every benefit of a policy's plan, by benefit (手册·电子保险卡 E2).

    A benefit without a row of use is unused. Empty for an unknown policy.
    """
    policy: Policy | None = session.scalars(
        sa.select(Policy)
        .where(Policy.id == policy_id)
        .options(selectinload(Policy.uses), joinedload(Policy.plan).selectinload(Plan.benefits))
    ).one_or_none()
    if policy is None:
        return {}
    used = {use.benefit: use.used for use in policy.uses}
    return {
        row.benefit: BenefitStanding(
            row.benefit, row.unit, row.limit_value, used.get(row.benefit, Decimal(0))
        )
        for row in sorted(policy.plan.benefits, key=lambda row: row.id)
    }


def unpaid_bills(session: Session, policy_ids: Collection[int]) -> list[SelfPayBill]:
    """Return the unpaid self-pay bills of policies, oldest visit first (手册·电子保险卡 E3).

    One is enough to turn a card grey.
    """
    query = (
        sa.select(SelfPayBill)
        .where(_among(SelfPayBill.policy_id, policy_ids), SelfPayBill.status == "unpaid")
        .options(joinedload(SelfPayBill.hospital))
        .order_by(SelfPayBill.visited_on, SelfPayBill.id)
    )
    return list(session.scalars(query))


def upcoming_appointments(
    session: Session, policy_ids: Collection[int], now: datetime
) -> list[Appointment]:
    """Return requested and confirmed visits of policies, next first (手册·就医流程 V2, V3).

    Today's visits (Asia/Shanghai) are among them until the day is over: the clock time is not
    always known. ``now`` is aware. Raises ValueError for a naive one.
    """
    today = at(local_day(now), time.min)
    query = (
        sa.select(Appointment)
        .where(
            _among(Appointment.policy_id, policy_ids),
            _among(Appointment.status, OPEN_APPOINTMENTS),
            Appointment.visit_at >= today,
        )
        .options(
            joinedload(Appointment.hospital),
            joinedload(Appointment.policy).joinedload(Policy.child),
        )
        .order_by(Appointment.visit_at, Appointment.id)
    )
    return list(session.scalars(query))


def hospitals(
    session: Session, *, kind: str | None = None, city: str | None = None
) -> list[Hospital]:
    """Return hospitals with their aliases and departments, perhaps of one kind and one city."""
    query = (
        sa.select(Hospital)
        .options(selectinload(Hospital.aliases), selectinload(Hospital.departments))
        .order_by(Hospital.id)
    )
    if kind is not None:
        query = query.where(Hospital.kind == kind)
    if city is not None:
        query = query.where(Hospital.city == city)
    return list(session.scalars(query))


def claims_of(session: Session, policy_ids: Collection[int]) -> list[Claim]:
    """Return claims of policies with their checklists, newest first (手册·理赔流程 C1 to C4)."""
    query = (
        sa.select(Claim)
        .where(_among(Claim.policy_id, policy_ids))
        .options(
            selectinload(Claim.requirements),
            selectinload(Claim.events),
            joinedload(Claim.hospital),
            joinedload(Claim.policy).joinedload(Policy.child),
        )
        .order_by(sa.desc(Claim.opened_at), sa.desc(Claim.id))
    )
    return list(session.scalars(query))


def authorizations_of(session: Session, policy_ids: Collection[int]) -> list[Authorization]:
    """Return prior authorizations of policies by day of treatment (手册·事先授权 P1 to P3).

    The papers asked for and the history are loaded with them.
    """
    query = (
        sa.select(Authorization)
        .where(_among(Authorization.policy_id, policy_ids))
        .options(
            selectinload(Authorization.papers),
            selectinload(Authorization.events),
            joinedload(Authorization.hospital),
            joinedload(Authorization.policy).joinedload(Policy.child),
        )
        .order_by(Authorization.treatment_on, Authorization.id)
    )
    return list(session.scalars(query))
