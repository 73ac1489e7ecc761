"""Plans, policies, what is used of them, and the parent's own share."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import MONEY, Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.hospitals import Hospital
    from bot.store.models.people import Child, Household


class Plan(Base):
    """One of the six plans."""

    __tablename__ = "plan"
    id: int = key()
    name: str = col(sa.String(32), unique=True)
    benefits: list[PlanBenefit] = link(
        "PlanBenefit", back_populates="plan", order_by="PlanBenefit.id"
    )
    routes: list[PlanRoute] = link("PlanRoute", back_populates="plan", order_by="PlanRoute.id")


BENEFITS = ("outpatient", "full_reimbursement_visits", "inpatient", "vaccine", "health_checks")


class PlanBenefit(Base):
    """A limit of a plan: CNY for money benefits, a count for visits and checks."""

    __tablename__ = "plan_benefit"
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "benefit"),
        one_of("benefit", *BENEFITS),
        one_of("unit", "CNY", "count"),
        sa.CheckConstraint("limit_value >= 0", name="limit_value"),
    )
    id: int = key()
    plan_id: int = ref("plan.id")
    benefit: str = col(sa.String(32))
    unit: str = col(sa.String(8))
    limit_value: Decimal = col(MONEY)
    plan: Plan = link("Plan", back_populates="benefits")


class PlanRoute(Base):
    """Where a plan may be used: direct billing (V1) and vaccination (X3) routes."""

    __tablename__ = "plan_route"
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "service", "route"),
        one_of("service", "direct_billing", "vaccination"),
        one_of("route", "network_clinic", "public_special", "public"),
    )
    id: int = key()
    plan_id: int = ref("plan.id")
    service: str = col(sa.String(32))
    route: str = col(sa.String(32))
    plan: Plan = link("Plan", back_populates="routes")


class Policy(Base):
    """Coverage of one child under one plan; ``valid_to`` is the last covered day."""

    __tablename__ = "policy"
    __table_args__ = (sa.CheckConstraint("valid_to >= valid_from", name="validity"),)
    id: int = key()
    number: str = col(sa.String(32), unique=True)
    household_id: int = ref("household.id")
    child_id: int = ref("child.id")
    plan_id: int = ref("plan.id")
    valid_from: date = col(sa.Date)
    valid_to: date = col(sa.Date)
    clinic_brand: str | None = col(sa.String(32), nullable=True)
    version: int = col(sa.Integer, default=1)
    household: Household = link("Household", back_populates="policies")
    child: Child = link("Child")
    plan: Plan = link("Plan")
    uses: list[BenefitUse] = link("BenefitUse", back_populates="policy", order_by="BenefitUse.id")
    __mapper_args__ = {"version_id_col": version}


class BenefitUse(Base):
    """What of a benefit is used, amounts under settlement included."""

    __tablename__ = "benefit_use"
    __table_args__ = (
        sa.UniqueConstraint("policy_id", "benefit"),
        one_of("benefit", *BENEFITS),
        sa.CheckConstraint("used >= 0", name="used"),
    )
    id: int = key()
    policy_id: int = ref("policy.id")
    benefit: str = col(sa.String(32))
    used: Decimal = col(MONEY, default=0)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy", back_populates="uses")
    __mapper_args__ = {"version_id_col": version}


class SelfPayBill(Base):
    """The parent's share of a settled public-hospital visit (E3); unpaid turns the card grey.

    Without ``issued_at`` it counts as issued on the day of the visit.
    """

    __tablename__ = "self_pay_bill"
    __table_args__ = (
        one_of("status", "unpaid", "paid", "waived"),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    visited_on: date = col(sa.Date)
    amount: Decimal = col(MONEY)
    status: str = col(sa.String(16), default="unpaid")
    issued_at: datetime | None = col(UtcDateTime, nullable=True)
    paid_at: datetime | None = col(UtcDateTime, nullable=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")
    __mapper_args__ = {"version_id_col": version}


PAYMENT_STATES = ("created", "pending", "paid", "failed", "expired")


class Payment(Base):
    """One attempt to pay a self-pay bill, at the payment provider's page (E3)."""

    __tablename__ = "payment"
    __table_args__ = (
        one_of("status", *PAYMENT_STATES),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    id: int = key()
    reference: str = col(sa.String(32), unique=True)
    bill_id: int = ref("self_pay_bill.id")
    identity_id: int = ref("chat_identity.id")
    amount: Decimal = col(MONEY)
    status: str = col(sa.String(16), default="created")
    url: str | None = col(sa.String(500), nullable=True)
    provider_reference: str | None = col(sa.String(64), nullable=True)
    created_at: datetime = col(UtcDateTime)
    expires_at: datetime = col(UtcDateTime)
    paid_at: datetime | None = col(UtcDateTime, nullable=True)
    version: int = col(sa.Integer, default=1)
    bill: SelfPayBill = link("SelfPayBill")
    __mapper_args__ = {"version_id_col": version}
