"""Past visits and appointments (手册·就医流程)."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bot.store.models.base import MONEY, Base, col, key, link, one_of, ref
from bot.store.types import UtcDateTime

if TYPE_CHECKING:
    from bot.store.models.coverage import Policy
    from bot.store.models.hospitals import Hospital


class Visit(Base):
    """A past visit; ``self_pay`` is the parent's share (E3), ``reference`` the partner's name."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.CheckConstraint("total >= 0 AND insurer_paid >= 0 AND self_pay >= 0", name="amounts"),
    )
    id: int = key()
    reference: str | None = col(sa.String(64), nullable=True, unique=True)
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    department: str = col(sa.String(32))
    visited_on: date = col(sa.Date)
    total: Decimal = col(MONEY)
    insurer_paid: Decimal = col(MONEY)
    self_pay: Decimal = col(MONEY, default=0)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")


APPOINTMENT_STATES = ("requested", "confirmed", "declined", "cancelled", "fulfilled", "noshow")


class Appointment(Base):
    """A visit to a direct-billing public hospital (V2), arranged by staff until ``due_at``."""

    __tablename__ = "appointment"
    __table_args__ = (
        one_of("status", *APPOINTMENT_STATES),
        sa.CheckConstraint(
            "status = 'declined' OR (decline_reason IS NULL AND proposed_at IS NULL)",
            name="declined",
        ),
    )
    id: int = key()
    reference: str = col(sa.String(16), unique=True)
    policy_id: int = ref("policy.id")
    hospital_id: int = ref("hospital.id")
    department: str = col(sa.String(32))
    visit_at: datetime = col(UtcDateTime, index=True)
    clock_given: bool = col(sa.Boolean, default=True)
    day_part: str | None = col(sa.String(16), nullable=True)
    status: str = col(sa.String(16), default="requested")
    urgent: bool = col(sa.Boolean, default=False)
    requested_by_id: int | None = ref("chat_identity.id", nullable=True)
    requested_at: datetime = col(UtcDateTime)
    due_at: datetime | None = col(UtcDateTime, nullable=True)
    decided_at: datetime | None = col(UtcDateTime, nullable=True)
    decline_reason: str | None = col(sa.String(60), nullable=True)
    proposed_at: datetime | None = col(UtcDateTime, nullable=True)
    cancelled_at: datetime | None = col(UtcDateTime, nullable=True)
    cancelled_late: bool = col(sa.Boolean, default=False)
    idempotency_key: str | None = col(sa.String(128), nullable=True, unique=True)
    version: int = col(sa.Integer, default=1)
    policy: Policy = link("Policy")
    hospital: Hospital = link("Hospital")
    __mapper_args__ = {"version_id_col": version}
