"""Prior authorization (P1 to P3)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import authorizations as rules
from bot.rules.authorizations import Fact, Ground, Setting, Therapy, TreatmentCase
from bot.rules.calendar import TZ, has_decree, is_working_day
from bot.rules.hospitals import HospitalKind
from bot.store.models import AUTHORIZATION_PAPERS

# Everything is known, and nothing asks for authorization; both amounts are exactly on the limit.
HARMLESS = TreatmentCase(
    setting=Setting.OUTPATIENT,
    surgery=False,
    general_anaesthesia=False,
    therapies=frozenset(),
    large_examination=False,
    single_item_amount=Decimal("5000.00"),
    durable_equipment=False,
    expected_total_in_period=Decimal("30000.00"),
)


def sh(text: str) -> datetime:
    """Read a clock time of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


def harmless_but(**facts: object) -> TreatmentCase:
    """Give the harmless case with other facts."""
    return TreatmentCase(**{**vars(HARMLESS), **facts})


@pytest.mark.parametrize(
    ("treatment_day", "deadline"),
    [
        (date(2026, 11, 27), "2026-11-25T23:59:59"),  # Friday: Wednesday
        (date(2026, 11, 30), "2026-11-26T23:59:59"),  # Monday: Thursday
        (date(2026, 11, 28), "2026-11-26T23:59:59"),  # Saturday: Thursday
        (date(2026, 9, 21), "2026-09-18T23:59:59"),  # the make-up Sunday is one of the two
        (date(2026, 2, 24), "2026-02-13T23:59:59"),  # over the Spring Festival
        (date(2027, 1, 4), "2026-12-30T23:59:59"),  # over New Year
        (date(2024, 3, 4), "2024-02-29T23:59:59"),  # a leap day
    ],
)
def test_p1_deadline(treatment_day: date, deadline: str) -> None:
    assert rules.authorization_deadline(treatment_day) == sh(deadline)


@given(st.dates(date(2024, 1, 1), date(2035, 12, 31)))
def test_p1_two_working_days_are_left_counting_the_deadlines_own(treatment_day: date) -> None:
    deadline = rules.authorization_deadline(treatment_day)
    span = (treatment_day - deadline.date()).days
    days = [deadline.date() + timedelta(days=i) for i in range(span)]
    assert is_working_day(deadline.date())
    assert sum(map(is_working_day, days)) == 2


@given(st.dates(date(2024, 1, 1), date(2035, 12, 31)))
def test_p1_the_day_of_applying_counts_until_its_end(treatment_day: date) -> None:
    deadline = rules.authorization_deadline(treatment_day)
    assert not rules.is_late(treatment_day, deadline)
    assert not rules.is_late(treatment_day, deadline.astimezone(UTC))
    assert not rules.is_late(treatment_day, deadline + timedelta(milliseconds=999))
    assert rules.is_late(treatment_day, deadline + timedelta(seconds=1))


def test_p2_a_case_on_the_limits_needs_none() -> None:
    assert rules.needs_authorization(HARMLESS) == rules.AuthorizationNeed(False, (), ())


@pytest.mark.parametrize(
    ("case", "ground"),
    [
        (harmless_but(setting=Setting.INPATIENT), Ground.INPATIENT_STAY),
        (harmless_but(surgery=True), Ground.SURGERY),
        (harmless_but(large_examination=True), Ground.LARGE_EXAMINATION),
        (harmless_but(single_item_amount=Decimal("5000.01")), Ground.SINGLE_ITEM_AMOUNT),
        (harmless_but(durable_equipment=True), Ground.DURABLE_EQUIPMENT),
        (harmless_but(expected_total_in_period=Decimal("30000.01")), Ground.PERIOD_TOTAL),
    ],
)
def test_p2_each_ground_is_enough(case: TreatmentCase, ground: Ground) -> None:
    assert rules.needs_authorization(case) == rules.AuthorizationNeed(True, (ground,), ())


@pytest.mark.parametrize("therapy", Therapy)
def test_p2_each_therapy_is_enough(therapy: Therapy) -> None:
    need = rules.needs_authorization(harmless_but(therapies=frozenset({therapy})))
    assert need.grounds == (Ground.THERAPY,)


def test_p2_general_anaesthesia_counts_with_outpatient_surgery_only() -> None:
    surgery = rules.needs_authorization(harmless_but(surgery=True, general_anaesthesia=True))
    sedation = rules.needs_authorization(harmless_but(general_anaesthesia=True))
    inpatient = rules.needs_authorization(
        harmless_but(setting=Setting.INPATIENT, surgery=True, general_anaesthesia=True)
    )
    assert surgery.grounds == (Ground.SURGERY, Ground.OUTPATIENT_GENERAL_ANAESTHESIA)
    assert sedation.required is False
    assert inpatient.grounds == (Ground.INPATIENT_STAY, Ground.SURGERY)


def test_p2_nothing_known_is_no_answer_and_says_what_to_ask() -> None:
    assert rules.needs_authorization(TreatmentCase()) == rules.AuthorizationNeed(
        None, (), tuple(Fact)
    )


@pytest.mark.parametrize("fact", Fact)
def test_p2_one_unknown_fact_leaves_it_open(fact: Fact) -> None:
    need = rules.needs_authorization(harmless_but(**{fact.value: None}))
    assert need == rules.AuthorizationNeed(None, (), (fact,))


@pytest.mark.parametrize("fact", Fact)
def test_p2_a_ground_holds_whatever_else_is_unknown(fact: Fact) -> None:
    known = {"setting": Setting.INPATIENT, fact.value: None}
    if fact is Fact.SETTING:
        known["surgery"] = True  # type: ignore[assignment]
    need = rules.needs_authorization(harmless_but(**known))
    assert need.required is True
    assert need.missing == (fact,)


def test_p2_unknown_anaesthesia_is_never_asked_for() -> None:
    assert rules.needs_authorization(harmless_but(general_anaesthesia=None)).required is False


@given(st.decimals(0, 100_000, places=2), st.decimals(0, 100_000, places=2))
def test_p2_thresholds_are_passed_not_met(item: Decimal, total: Decimal) -> None:
    case = harmless_but(single_item_amount=item, expected_total_in_period=total)
    grounds = rules.needs_authorization(case).grounds
    assert (Ground.SINGLE_ITEM_AMOUNT in grounds) is (item > 5000)
    assert (Ground.PERIOD_TOTAL in grounds) is (total > 30000)


@pytest.mark.parametrize("amount", [Decimal("-0.01"), Decimal("NaN"), Decimal("Infinity")])
@pytest.mark.parametrize("field", ["single_item_amount", "expected_total_in_period"])
def test_p2_what_is_no_amount_is_refused(field: str, amount: Decimal) -> None:
    with pytest.raises(ValueError, match="amount"):
        harmless_but(**{field: amount})


@pytest.mark.parametrize(
    ("kind", "applies"),
    [
        (HospitalKind.PUBLIC_SPECIAL, True),
        (HospitalKind.NETWORK_CLINIC, True),
        (HospitalKind.PUBLIC, False),
    ],
)
def test_p3_for_hospitals_that_bill_directly(kind: HospitalKind, applies: bool) -> None:
    assert rules.authorization_applies(kind) is applies


# ---- applying


VALID = (date(2026, 5, 7), date(2027, 5, 6))


@pytest.mark.parametrize(
    ("day", "refused"),
    [
        (date(2026, 11, 22), rules.DayRefused.PAST),
        (date(2026, 11, 23), None),  # today: late, but not over
        (date(2027, 5, 6), None),
        (date(2027, 5, 7), rules.DayRefused.AFTER_POLICY),
    ],
)
def test_p1_days_that_can_be_applied_for(day: date, refused: rules.DayRefused | None) -> None:
    assert rules.treatment_day_refused(day, *VALID, sh("2026-11-23T23:59:59")) is refused


@given(st.dates(date(2025, 1, 1), date(2028, 12, 31)), st.integers(0, 4 * 365 * 24))
def test_p1_a_day_is_refused_for_one_reason_and_only_outside(day: date, hours: int) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    refused = rules.treatment_day_refused(day, *VALID, now)
    today = now.astimezone(TZ).date()
    assert (refused is None) is (max(today, VALID[0]) <= day <= VALID[1])
    if refused is None and day == today:
        assert rules.is_late(day, now)


def test_p1_before_the_policy_begins() -> None:
    refused = rules.treatment_day_refused(date(2026, 5, 6), *VALID, sh("2026-05-01T08:00:00"))
    assert refused is rules.DayRefused.BEFORE_POLICY


@given(st.dates(date(2024, 1, 1), date(2031, 12, 31)))
def test_p1_a_deadline_is_provisional_where_a_decree_is_missing(day: date) -> None:
    years = rules.provisional_years(day)
    decreed = {year for year in range(2024, 2034) if has_decree(year)}
    assert not set(years) & decreed
    if day.year not in decreed:
        assert day.year in years


def test_p1_no_december_deadline_of_a_decreed_year_is_provisional() -> None:
    assert rules.provisional_years(date(2026, 12, 24)) == ()


@pytest.mark.parametrize(
    ("used", "planned", "passed"),
    [("30000", "0", False), ("30000", "0.01", True), ("46000", "0", True), ("0", "30000", False)],
)
def test_p2_used_and_planned_make_the_total(used: str, planned: str, passed: bool) -> None:
    assert rules.passes_period_total(Decimal(used), Decimal(planned)) is passed


def test_p2_a_single_item_passes_five_thousand() -> None:
    assert rules.passes_single_item(Decimal("5000.01"))
    assert not rules.passes_single_item(Decimal(5000))


def test_p3_the_papers_that_a_parent_may_send() -> None:
    assert {paper.value for paper in rules.PAPERS} == set(AUTHORIZATION_PAPERS)
