"""The e-card, limits, self-pay, vaccination and health checks (E1 to E3, X1 to X4)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import benefits as rules
from bot.rules import identity
from bot.rules.benefits import (
    CardStatus,
    DirectBilling,
    Payment,
    VaccinationBenefit,
    VaccinationOption,
)
from bot.rules.claims import ClaimKind
from bot.rules.hospitals import HospitalKind

START, END = date(2026, 5, 7), date(2027, 5, 6)
amounts = st.decimals(0, 1_000_000, places=2)
BOTH = ["network_clinic", "public"]  # as plain words, the way plan data holds them


def test_plans_are_the_six_of_the_manual() -> None:
    assert rules.PLANS == (
        "成长计划",
        "成长PLUS计划",
        "优享计划",
        "优享PLUS计划",
        "优享MAX计划",
        "优享PLUS MAX计划",
    )


def test_e1_names_and_phones_are_read_here_too() -> None:
    assert rules.normalise_child_name is identity.normalise_child_name
    assert rules.normalise_phone is identity.normalise_phone


def test_e2_the_card_shows_what_the_manual_lists() -> None:
    assert set(rules.E_CARD_SECTIONS) == {
        "coverage",
        "visit_records",
        "authorizations",
        "claims",
        "network_hospitals",
        "notes",
        "complaints",
    }


@pytest.mark.parametrize(
    ("limit", "used", "left"),
    [
        ("30000", "3560.50", "26439.50"),
        ("1000", "1000", "0"),
        ("1000", "1000.01", "0"),
        ("0", "0", "0"),
    ],
)
def test_e2_remaining(limit: str, used: str, left: str) -> None:
    assert rules.remaining(Decimal(limit), Decimal(used)) == Decimal(left)


@given(amounts, amounts)
def test_e2_remaining_is_never_below_zero_nor_above_the_limit(
    limit: Decimal, used: Decimal
) -> None:
    left = rules.remaining(limit, used)
    assert 0 <= left <= limit
    assert left + used >= limit


@pytest.mark.parametrize(
    ("unpaid", "on", "status"),
    [
        (0, date(2026, 11, 23), CardStatus.ACTIVE),
        (1, date(2026, 11, 23), CardStatus.GREY),
        (3, date(2026, 11, 23), CardStatus.GREY),
        (0, START, CardStatus.ACTIVE),
        (0, END, CardStatus.ACTIVE),
        (0, START - timedelta(days=1), CardStatus.NOT_STARTED),
        (0, END + timedelta(days=1), CardStatus.EXPIRED),
        (1, START - timedelta(days=1), CardStatus.NOT_STARTED),
        (1, END + timedelta(days=1), CardStatus.EXPIRED),  # expired beats grey
    ],
)
def test_e3_card_status(unpaid: int, on: date, status: CardStatus) -> None:
    assert rules.card_status(unpaid, START, END, on) is status


@given(st.integers(0, 3), st.dates(date(2025, 1, 1), date(2029, 1, 1)))
def test_e3_the_card_works_only_within_the_policys_validity(unpaid: int, on: date) -> None:
    status = rules.card_status(unpaid, START, END, on)
    working = status in {CardStatus.ACTIVE, CardStatus.GREY}
    assert working is rules.in_force(START, END, on)


@pytest.mark.parametrize(
    ("status", "routes", "kind", "result"),
    [
        (
            CardStatus.ACTIVE,
            ["public_special"],
            HospitalKind.PUBLIC_SPECIAL,
            DirectBilling.ALLOWED,
        ),
        (
            CardStatus.ACTIVE,
            ["network_clinic"],
            HospitalKind.PUBLIC_SPECIAL,
            DirectBilling.NOT_IN_PLAN,
        ),
        (CardStatus.ACTIVE, [], HospitalKind.NETWORK_CLINIC, DirectBilling.NOT_IN_PLAN),
        (
            CardStatus.ACTIVE,
            ["public_special", "public"],
            HospitalKind.PUBLIC,
            DirectBilling.HOSPITAL_DOES_NOT_BILL,
        ),
        (
            CardStatus.GREY,
            ["public_special"],
            HospitalKind.PUBLIC_SPECIAL,
            DirectBilling.CARD_GREY,
        ),
        # To pay the bill would not help a plan without the route.
        (CardStatus.GREY, [], HospitalKind.PUBLIC_SPECIAL, DirectBilling.NOT_IN_PLAN),
        (
            CardStatus.EXPIRED,
            ["public_special"],
            HospitalKind.PUBLIC_SPECIAL,
            DirectBilling.EXPIRED,
        ),
        (CardStatus.NOT_STARTED, [], HospitalKind.PUBLIC, DirectBilling.NOT_STARTED),
    ],
)
def test_e3_direct_billing(
    status: CardStatus, routes: list[str], kind: HospitalKind, result: DirectBilling
) -> None:
    """E3, V1: a grey card stops direct billing."""
    answer = rules.direct_billing_allowed(status, routes, kind)
    assert answer is result
    assert bool(answer) is (result is DirectBilling.ALLOWED)


@pytest.mark.parametrize(
    ("kind", "used", "applies"),
    [
        (ClaimKind.PUBLIC_OUTPATIENT, 4, False),
        (ClaimKind.PUBLIC_OUTPATIENT, 5, True),
        (ClaimKind.PUBLIC_OUTPATIENT, 6, True),
        (ClaimKind.PUBLIC_INPATIENT, 6, False),
        (ClaimKind.VACCINATION, 6, False),
        (ClaimKind.INTERNET, 6, False),
        (ClaimKind.NETWORK_CLINIC, 6, False),
    ],
)
def test_e3_self_pay(kind: ClaimKind, used: int, applies: bool) -> None:
    assert rules.self_pay_applies(kind, used, 5) is applies


@pytest.mark.parametrize(("used", "left"), [(0, 8), (3, 5), (8, 0), (9, 0)])
def test_x1_at_most_eight_checks(used: int, left: int) -> None:
    assert rules.remaining_checks(used) == left


@pytest.mark.parametrize(
    ("approved", "experimental", "covered"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_x2_approved_and_not_experimental(
    approved: bool, experimental: bool, covered: bool
) -> None:
    assert rules.vaccine_covered(approved, experimental) is covered
    assert rules.VACCINE_COVER == ("vaccine", "injection")


def test_x3_both_routes() -> None:
    result = rules.vaccination_options(BOTH, Decimal(2000), Decimal(480), None, "和晴")
    assert result == rules.VaccinationOptions(
        VaccinationBenefit.AVAILABLE,
        Decimal(1520),
        (
            VaccinationOption(HospitalKind.NETWORK_CLINIC, Payment.DIRECT_BILLING, True),
            VaccinationOption(HospitalKind.PUBLIC, Payment.PAY_THEN_CLAIM, None),
        ),
    )


@pytest.mark.parametrize("routes", [["public"], BOTH, []])
def test_x3_a_limit_of_zero_is_no_benefit(routes: list[str]) -> None:
    result = rules.vaccination_options(routes, Decimal(0), Decimal(0))
    assert result == rules.VaccinationOptions(VaccinationBenefit.NONE, Decimal(0), ())


def test_x3_a_limit_without_a_route_is_no_benefit() -> None:
    result = rules.vaccination_options([], Decimal(1000), Decimal(0))
    assert result.benefit is VaccinationBenefit.NONE
    assert result.remaining == 0


@pytest.mark.parametrize("used", ["1000", "1200"])
def test_x3_a_used_up_limit_leaves_the_ways(used: str) -> None:
    result = rules.vaccination_options(BOTH, Decimal(1000), Decimal(used))
    assert result.benefit is VaccinationBenefit.USED_UP
    assert result.remaining == 0
    assert [option.route for option in result.options] == BOTH


def test_x3_public_only() -> None:
    result = rules.vaccination_options(["public"], Decimal(1000), Decimal(0))
    assert result.options == (VaccinationOption(HospitalKind.PUBLIC, Payment.PAY_THEN_CLAIM, None),)


@pytest.mark.parametrize(
    ("grade", "ordinary", "claimable"),
    [(1, True, False), (2, True, True), (3, True, True), (3, False, False)],
)
def test_x3_public_hospital_from_grade_two_ordinary_department(
    grade: int, ordinary: bool, claimable: bool
) -> None:
    assert rules.public_vaccination_claimable(grade, ordinary) is claimable


@pytest.mark.parametrize(
    ("locked", "brand", "allowed"),
    [
        (None, "和晴", True),
        ("和晴", "和晴", True),
        ("和晴", " 和 晴", True),
        ("和晴", "青禾", False),
        ("Ｈｅｑｉｎｇ", "heqing", True),
    ],
)
def test_x4_the_first_brand_stays(locked: str | None, brand: str, allowed: bool) -> None:
    assert rules.brand_allowed(locked, brand) is allowed


@pytest.mark.parametrize(
    ("locked", "brand", "fits"),
    [(None, None, None), ("和晴", None, None), ("和晴", "和晴", True), ("和晴", "青禾", False)],
)
def test_x4_the_brand_is_told_with_the_clinic_route(
    locked: str | None, brand: str | None, fits: bool | None
) -> None:
    result = rules.vaccination_options(BOTH, Decimal(1000), Decimal(0), locked, brand)
    assert [option.brand_fits for option in result.options] == [fits, None]
