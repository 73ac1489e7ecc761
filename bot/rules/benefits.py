"""What a plan gives: the e-card, the limits, self-pay, vaccination and health checks.

手册·电子保险卡 E1 to E3; 手册·疫苗责任 X1 to X4. Which routes and amounts a plan has is data of
the plan and comes as an argument.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bot.rules.claims import ClaimKind
from bot.rules.hospitals import HospitalKind, bills_directly
from bot.rules.identity import normalise_child_name, normalise_phone, same_child_name

__all__ = [
    "E_CARD_SECTIONS",
    "MAX_CHECKS",
    "PLANS",
    "VACCINE_COVER",
    "CardStatus",
    "DirectBilling",
    "ECardSection",
    "Payment",
    "VaccinationBenefit",
    "VaccinationOption",
    "VaccinationOptions",
    "VaccinationWay",
    "VaccineCover",
    "brand_allowed",
    "card_status",
    "direct_billing_allowed",
    "in_force",
    "normalise_child_name",
    "normalise_phone",
    "public_vaccination_claimable",
    "remaining",
    "remaining_checks",
    "same_child_name",
    "self_pay_applies",
    "vaccination_options",
    "vaccination_way",
    "vaccine_covered",
]

PLANS = (
    "成长计划",
    "成长PLUS计划",
    "优享计划",
    "优享PLUS计划",
    "优享MAX计划",
    "优享PLUS MAX计划",
)

# X1
MAX_CHECKS = 8
# X3: 二级 and above.
_LOWEST_VACCINATION_GRADE = 2


class ECardSection(StrEnum):
    """What the e-card shows (手册·电子保险卡 E2)."""

    COVERAGE = "coverage"
    VISIT_RECORDS = "visit_records"
    AUTHORIZATIONS = "authorizations"
    CLAIMS = "claims"
    NETWORK_HOSPITALS = "network_hospitals"
    NOTES = "notes"
    COMPLAINTS = "complaints"


E_CARD_SECTIONS = tuple(ECardSection)


class CardStatus(StrEnum):
    """What an e-card is good for on a day (手册·电子保险卡 E3)."""

    ACTIVE = "active"
    GREY = "grey"  # 置灰: no direct billing until the self-pay bill is paid
    EXPIRED = "expired"
    NOT_STARTED = "not_started"


class DirectBilling(StrEnum):
    """Whether a visit is billed directly, and if not, why; true only when it is."""

    ALLOWED = "allowed"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    HOSPITAL_DOES_NOT_BILL = "hospital_does_not_bill"
    NOT_IN_PLAN = "not_in_plan"
    CARD_GREY = "card_grey"

    def __bool__(self) -> bool:
        """Be true for ALLOWED alone."""
        return self is DirectBilling.ALLOWED


class Payment(StrEnum):
    """Who pays first."""

    DIRECT_BILLING = "direct_billing"  # above the limit the parent pays
    PAY_THEN_CLAIM = "pay_then_claim"


class VaccinationBenefit(StrEnum):
    """How the vaccination benefit of a plan stands."""

    NONE = "none"
    AVAILABLE = "available"
    USED_UP = "used_up"


class VaccineCover(StrEnum):
    """What the vaccination benefit pays for (手册·疫苗责任 X2)."""

    VACCINE = "vaccine"
    INJECTION = "injection"


VACCINE_COVER = tuple(VaccineCover)


@dataclass(frozen=True)
class VaccinationOption:
    """One way to a vaccination; `brand_fits` is None where no brand of clinic plays a part."""

    route: HospitalKind
    payment: Payment
    brand_fits: bool | None


@dataclass(frozen=True)
class VaccinationOptions:
    """The vaccination benefit, what remains of it in CNY, and the ways to use it."""

    benefit: VaccinationBenefit
    remaining: Decimal
    options: tuple[VaccinationOption, ...]


class VaccinationWay(StrEnum):
    """How a vaccination or a health check can be had today, the first obstacle before others."""

    CLINIC = "clinic"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    NO_BENEFIT = "no_benefit"
    CHECKS_USED_UP = "checks_used_up"
    PUBLIC_ONLY = "public_only"
    GREY = "grey"


def vaccination_way(
    status: CardStatus,
    routes: Collection[str],
    benefit: VaccinationBenefit,
    checks_left: int,
    *,
    check: bool,
) -> VaccinationWay:
    """Give whether a network clinic can be asked for, or what stands in the way (X1, X3, E3).

    Takes the card's status, the plan's vaccination routes, how its vaccination benefit stands and
    how many health checks are left; `check` is true for a health check. A used-up benefit is no
    obstacle: the parent pays (手册·疫苗责任 X3).
    """
    if status is CardStatus.EXPIRED:
        return VaccinationWay.EXPIRED
    if status is CardStatus.NOT_STARTED:
        return VaccinationWay.NOT_STARTED
    if check and checks_left <= 0:
        return VaccinationWay.CHECKS_USED_UP
    if not check and benefit is VaccinationBenefit.NONE:
        return VaccinationWay.NO_BENEFIT
    if HospitalKind.NETWORK_CLINIC not in routes:
        return VaccinationWay.PUBLIC_ONLY
    return VaccinationWay.GREY if status is CardStatus.GREY else VaccinationWay.CLINIC


def remaining(limit: Decimal, used: Decimal) -> Decimal:
    """Give what remains of a limit, both in CNY; never below zero (手册·电子保险卡 E2)."""
    return max(limit - used, Decimal(0))


def in_force(valid_from: date, valid_to: date, on: date) -> bool:
    """Say whether a policy is valid on the local day `on`, first and last day included.

    A visit within the validity can be claimed even after the policy has expired (手册·电子保险卡
    E1).
    """
    return valid_from <= on <= valid_to


def card_status(unpaid_bills: int, valid_from: date, valid_to: date, on: date) -> CardStatus:
    """Give what the e-card is good for on the local day `on` (手册·电子保险卡 E3).

    One unpaid self-pay bill turns it grey; an expired card is expired first, and one that has not
    begun is that first.
    """
    if on > valid_to:
        return CardStatus.EXPIRED
    if on < valid_from:
        return CardStatus.NOT_STARTED
    return CardStatus.GREY if unpaid_bills > 0 else CardStatus.ACTIVE


def direct_billing_allowed(
    status: CardStatus, routes: Collection[str], kind: HospitalKind
) -> DirectBilling:
    """Say whether a hospital of this kind bills the insurer for this card (手册·就医流程 V1, E3).

    Takes the card's status on the day of the visit and the plan's direct-billing routes. A grey
    card comes last among the reasons: to pay the bill is worth telling only where it helps.
    """
    if status is CardStatus.EXPIRED:
        return DirectBilling.EXPIRED
    if status is CardStatus.NOT_STARTED:
        return DirectBilling.NOT_STARTED
    if not bills_directly(kind):
        return DirectBilling.HOSPITAL_DOES_NOT_BILL
    if kind not in routes:
        return DirectBilling.NOT_IN_PLAN
    return DirectBilling.CARD_GREY if status is CardStatus.GREY else DirectBilling.ALLOWED


def self_pay_applies(kind: ClaimKind, full_visits_used: int, full_visits_limit: int) -> bool:
    """Say whether a visit can leave a self-pay amount (手册·电子保险卡 E3).

    Only a public hospital's outpatient or emergency visit does, and only after the visits that
    are paid in full, counted without this one, are used up.
    """
    return kind is ClaimKind.PUBLIC_OUTPATIENT and full_visits_used >= full_visits_limit


def remaining_checks(used: int) -> int:
    """Give how many of the 8 child health checks are left, never below zero (手册·疫苗责任 X1)."""
    return max(MAX_CHECKS - used, 0)


def vaccine_covered(nationally_approved: bool, experimental: bool) -> bool:
    """Say whether a vaccine is one that the benefit pays for (手册·疫苗责任 X2)."""
    return nationally_approved and not experimental


def public_vaccination_claimable(grade: int, ordinary_department: bool) -> bool:
    """Say whether a vaccination at a public hospital can be claimed (手册·疫苗责任 X3).

    `grade` is the hospital's: 1, 2 or 3 for 一级, 二级, 三级.
    """
    return grade >= _LOWEST_VACCINATION_GRADE and ordinary_department


def _brand(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def brand_allowed(locked_brand: str | None, brand: str) -> bool:
    """Say whether a clinic's brand can be visited (手册·疫苗责任 X4).

    The first visit to a network clinic fixes the brand; None means that there was none yet.
    """
    return locked_brand is None or _brand(locked_brand) == _brand(brand)


def vaccination_options(
    routes: Collection[str],
    limit: Decimal,
    used: Decimal,
    brand_locked: str | None = None,
    brand: str | None = None,
) -> VaccinationOptions:
    """Give the ways in which a plan pays for a vaccination (手册·疫苗责任 X3, X4).

    Takes the plan's vaccination routes, its limit and what is used of it in CNY, the brand that an
    earlier visit fixed and the brand of the clinic asked for (None: none). A limit of zero is no
    benefit at all, whatever the routes; a used-up one leaves the ways, at the parent's own cost.
    """
    left = remaining(limit, used)
    options: list[VaccinationOption] = []
    if HospitalKind.NETWORK_CLINIC in routes:
        fits = None if brand is None else brand_allowed(brand_locked, brand)
        options.append(VaccinationOption(HospitalKind.NETWORK_CLINIC, Payment.DIRECT_BILLING, fits))
    if HospitalKind.PUBLIC in routes:
        options.append(VaccinationOption(HospitalKind.PUBLIC, Payment.PAY_THEN_CLAIM, None))
    if limit <= 0 or not options:
        return VaccinationOptions(VaccinationBenefit.NONE, Decimal(0), ())
    benefit = VaccinationBenefit.AVAILABLE if left else VaccinationBenefit.USED_UP
    return VaccinationOptions(benefit, left, tuple(options))
