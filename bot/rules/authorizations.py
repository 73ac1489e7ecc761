"""Prior authorization: until when, and for what (手册·事先授权 P1 to P3)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from bot.rules.calendar import (
    add_working_days,
    end_of_day,
    is_past_day,
    local_day,
    undecreed_years,
)
from bot.rules.hospitals import DIRECT_BILLING_KINDS, HospitalKind

AUTHORIZATION_WORKING_DAYS = 2
SINGLE_ITEM_THRESHOLD = Decimal(5000)
PERIOD_TOTAL_THRESHOLD = Decimal(30000)


class Paper(StrEnum):
    """What a parent may send with an application.

    The manual gives no list: the hospital helps to apply (手册·事先授权 P3). These are what
    those who decide ask for.
    """

    MEDICAL_RECORD = "medical_record"  # 病历
    EXAMINATION_ORDER = "examination_order"  # 检查申请单, 住院单
    COST_ESTIMATE = "cost_estimate"  # 费用预估


PAPERS = tuple(Paper)


class DayRefused(StrEnum):
    """Why there can be no application for a treatment on a day."""

    PAST = "past"
    BEFORE_POLICY = "before_policy"
    AFTER_POLICY = "after_policy"


class Setting(StrEnum):
    """Where a treatment takes place."""

    INPATIENT = "inpatient"
    OUTPATIENT = "outpatient"


class Therapy(StrEnum):
    """The therapies that need authorization as an outpatient too (手册·事先授权 P2)."""

    CHEMOTHERAPY = "chemotherapy"
    RADIOTHERAPY = "radiotherapy"
    TUMOUR_IMMUNOTHERAPY = "tumour_immunotherapy"
    TUMOUR_ENDOCRINE_THERAPY = "tumour_endocrine_therapy"
    PROTON_HEAVY_ION = "proton_heavy_ion"
    DIALYSIS = "dialysis"


class Ground(StrEnum):
    """Why a case needs authorization (手册·事先授权 P2)."""

    INPATIENT_STAY = "inpatient_stay"
    SURGERY = "surgery"
    OUTPATIENT_GENERAL_ANAESTHESIA = "outpatient_general_anaesthesia"
    THERAPY = "therapy"
    LARGE_EXAMINATION = "large_examination"
    SINGLE_ITEM_AMOUNT = "single_item_amount"
    DURABLE_EQUIPMENT = "durable_equipment"
    PERIOD_TOTAL = "period_total"


class Fact(StrEnum):
    """What has to be known of a case, by the name of its field; the order is that of asking."""

    SETTING = "setting"
    SURGERY = "surgery"
    THERAPIES = "therapies"
    LARGE_EXAMINATION = "large_examination"
    DURABLE_EQUIPMENT = "durable_equipment"
    SINGLE_ITEM_AMOUNT = "single_item_amount"
    EXPECTED_TOTAL_IN_PERIOD = "expected_total_in_period"


@dataclass(frozen=True)
class TreatmentCase:
    """What is known of a planned treatment; None stands for not known. Amounts in CNY.

    `single_item_amount` is the dearest single examination, treatment or medicine,
    `expected_total_in_period` all medical cost expected within the insurance period. An empty
    `therapies` says that none of them is planned. Raises ValueError for an amount below zero.
    """

    setting: Setting | None = None
    surgery: bool | None = None
    general_anaesthesia: bool | None = None
    therapies: frozenset[Therapy] | None = None
    large_examination: bool | None = None
    single_item_amount: Decimal | None = None
    durable_equipment: bool | None = None
    expected_total_in_period: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse amounts that are no amounts."""
        for amount in (self.single_item_amount, self.expected_total_in_period):
            if amount is not None and (not amount.is_finite() or amount < 0):
                msg = "an amount is a finite number of yuan, zero or above"
                raise ValueError(msg)


@dataclass(frozen=True)
class AuthorizationNeed:
    """Whether authorization is needed: None while no ground is found but facts are `missing`."""

    required: bool | None
    grounds: tuple[Ground, ...]
    missing: tuple[Fact, ...]


def authorization_deadline(treatment_day: date) -> datetime:
    """Give the last moment to apply for a treatment on a local day (手册·事先授权 P1).

    That is the end of the second working day before it, in Asia/Shanghai: for a Friday, Wednesday
    23:59:59. The day of applying is usable until its end.
    """
    return end_of_day(add_working_days(treatment_day, -AUTHORIZATION_WORKING_DAYS))


def is_late(treatment_day: date, now: datetime) -> bool:
    """Say whether applying at `now` (aware) is late (手册·事先授权 P1).

    A late application is accepted and marked urgent. Raises ValueError for a naive datetime.
    """
    return is_past_day(authorization_deadline(treatment_day), now)


def treatment_day_refused(
    treatment_day: date, valid_from: date, valid_to: date, now: datetime
) -> DayRefused | None:
    """Say why nothing can be applied for on a local day; None if it can (手册·事先授权 P1).

    It is applied for before the treatment, so a day that is over is refused; today is late only.
    The day has to be within the policy's validity. Raises ValueError for a naive `now`.
    """
    if treatment_day < local_day(now):
        return DayRefused.PAST
    if treatment_day < valid_from:
        return DayRefused.BEFORE_POLICY
    return DayRefused.AFTER_POLICY if treatment_day > valid_to else None


def provisional_years(treatment_day: date) -> tuple[int, ...]:
    """Name the years whose holidays are not decreed yet and may still move the deadline (P1)."""
    return undecreed_years(authorization_deadline(treatment_day).date(), treatment_day)


def authorization_applies(kind: HospitalKind) -> bool:
    """Say whether authorization is for hospitals of this kind (手册·事先授权 P3).

    It is for those that bill directly, public and private; they help to apply and get the
    guarantee letter.
    """
    return kind in DIRECT_BILLING_KINDS


def _above(amount: Decimal | None, threshold: Decimal) -> bool:
    return amount is not None and amount > threshold


def passes_single_item(amount: Decimal) -> bool:
    """Say whether a single item at this price in CNY needs authorization (手册·事先授权 P2)."""
    return _above(amount, SINGLE_ITEM_THRESHOLD)


def passes_period_total(used: Decimal, planned: Decimal = Decimal(0)) -> bool:
    """Say whether what is used and what is planned pass CNY 30,000 together (手册·事先授权 P2).

    Both are within one insurance period. The manual does not say whose costs are added up, so
    whoever answers tells it as a reason to apply, never as one not to.
    """
    return _above(used + planned, PERIOD_TOTAL_THRESHOLD)


def needs_authorization(case: TreatmentCase) -> AuthorizationNeed:
    """Say whether a planned treatment needs authorization, and on what grounds (手册·事先授权 P2).

    Exactly CNY 5,000 or CNY 30,000 is not above. General anaesthesia counts with outpatient
    surgery only, and surgery is a ground by itself, so it never has to be asked for.
    """
    outpatient_surgery = case.setting is Setting.OUTPATIENT and case.surgery is True
    found = (
        (Ground.INPATIENT_STAY, case.setting is Setting.INPATIENT),
        (Ground.SURGERY, case.surgery is True),
        (
            Ground.OUTPATIENT_GENERAL_ANAESTHESIA,
            outpatient_surgery and case.general_anaesthesia is True,
        ),
        (Ground.THERAPY, bool(case.therapies)),
        (Ground.LARGE_EXAMINATION, case.large_examination is True),
        (Ground.SINGLE_ITEM_AMOUNT, _above(case.single_item_amount, SINGLE_ITEM_THRESHOLD)),
        (Ground.DURABLE_EQUIPMENT, case.durable_equipment is True),
        (Ground.PERIOD_TOTAL, _above(case.expected_total_in_period, PERIOD_TOTAL_THRESHOLD)),
    )
    grounds = tuple(ground for ground, holds in found if holds)
    missing = tuple(fact for fact in Fact if getattr(case, fact.value) is None)
    if grounds:
        return AuthorizationNeed(True, grounds, missing)
    return AuthorizationNeed(None if missing else False, (), missing)
