"""Vaccinations and child health checks: what a policy gives, and at which clinics (X1-X4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.rules.benefits import (
    VaccinationBenefit,
    VaccinationWay,
    brand_allowed,
    remaining_checks,
    vaccination_options,
    vaccination_way,
)
from bot.services import hospitals as directory
from bot.services import policies
from bot.services.hospitals import HospitalView
from bot.services.policies import PolicyView
from bot.store.session import Store

# A clinic that vaccinates has this department.
DEPARTMENT = "疫苗接种"
CLINIC = "network_clinic"


@dataclass(frozen=True)
class Offer:
    """What a policy gives for a vaccination or a health check.

    Attributes:
        policy: The policy on the day.
        way: Whether a clinic can be asked for, or what stands in the way.
        left: What is left of the vaccination benefit, CNY.
        used_up: Whether there is a benefit and nothing left of it.
        checks_left: How many health checks are left (X1).
        clinics: The clinics that can be asked for, by the brand that is fixed (X4).
    """

    policy: PolicyView
    way: VaccinationWay
    left: Decimal
    used_up: bool
    checks_left: int
    clinics: tuple[HospitalView, ...]


def offer(store: Store, *, identity_id: int, number: str, check: bool, now: datetime) -> Offer:
    """Return what a bound policy gives for a vaccination, or for a health check.

    Args:
        store: The store.
        identity_id: The chat account.
        number: Its policy.
        check: Whether a health check is meant.
        now: Aware.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    seen = policies.overview(store, identity_id=identity_id, number=number, now=now)
    return judge(seen, directory.hospitals(store, kind=CLINIC), check=check)


def judge(seen: PolicyView, clinics: Iterable[HospitalView], *, check: bool) -> Offer:
    """Judge a policy that has been read already; see :func:`offer`."""
    vaccine, checks = seen.benefits["vaccine"], seen.benefits["health_checks"]
    options = vaccination_options(seen.vaccination_routes, vaccine.limit, vaccine.used)
    checks_left = min(remaining_checks(int(checks.used)), int(checks.left))
    way = vaccination_way(
        seen.status, seen.vaccination_routes, options.benefit, checks_left, check=check
    )
    return Offer(
        seen,
        way,
        options.remaining,
        options.benefit is VaccinationBenefit.USED_UP,
        checks_left,
        tuple(
            place
            for place in clinics
            if place.kind == CLINIC
            and DEPARTMENT in place.departments
            and brand_allowed(seen.clinic_brand, place.brand or "")
        ),
    )
