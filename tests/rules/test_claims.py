"""Claims (C1 to C6)."""

from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import claims as rules
from bot.rules.calendar import TZ, add_working_days, is_working_day, local_day
from bot.rules.claims import Channel, ClaimKind, ClaimState, DocumentKind

CLAIMABLE = [kind for kind in ClaimKind if kind is not ClaimKind.NETWORK_CLINIC]
ONLINE_KINDS = [ClaimKind.PUBLIC_OUTPATIENT, ClaimKind.INTERNET, ClaimKind.VACCINATION]
# Hypothesis takes its bounds without a zone.
moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2035-12-31"),
    timezones=st.just(UTC),
)


def sh(text: str) -> datetime:
    """Read a clock time of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


def test_c1_public_outpatient_is_online_three_days_and_two() -> None:
    route = rules.claim_route(ClaimKind.PUBLIC_OUTPATIENT)
    assert route == rules.ClaimRoute(True, 3, 2, False, False, None, (Channel.ONLINE,))


def test_c2_inpatient_needs_originals_and_ten_days_and_states_no_payout() -> None:
    route = rules.claim_route(ClaimKind.PUBLIC_INPATIENT)
    channels = (Channel.ONLINE, Channel.COURIER)
    assert route == rules.ClaimRoute(True, 10, None, True, False, None, channels)
    assert rules.payout_due(ClaimKind.PUBLIC_INPATIENT, sh("2026-11-23T10:00")) is None


def test_c2_originals_go_to_the_address_of_the_manual() -> None:
    assert rules.ORIGINALS_RECIPIENT == "风石健康理赔部"
    assert rules.ORIGINALS_ADDRESS == "上海市徐汇区龙华中路596号1201室"
    assert rules.ORIGINALS_PHONE == "021-80209058"


def test_c3_internet_is_for_follow_ups_within_a_day_online_or_by_mail() -> None:
    route = rules.claim_route(ClaimKind.INTERNET)
    assert route == rules.ClaimRoute(True, 3, 2, False, True, 1, (Channel.ONLINE, Channel.EMAIL))
    assert rules.CLAIMS_EMAIL == "service@windstoneservice.com"


def test_c4_vaccination_goes_the_way_of_c1() -> None:
    assert rules.claim_route(ClaimKind.VACCINATION) == rules.claim_route(
        ClaimKind.PUBLIC_OUTPATIENT
    )


def test_c5_a_network_clinic_has_no_claim() -> None:
    assert not rules.claim_route(ClaimKind.NETWORK_CLINIC).allowed
    now = sh("2026-11-23T10:00")
    with pytest.raises(rules.NotClaimableError, match="network_clinic") as raised:
        rules.settlement_due(ClaimKind.NETWORK_CLINIC, now)
    assert raised.value.kind is ClaimKind.NETWORK_CLINIC
    with pytest.raises(rules.NotClaimableError):
        rules.payout_due(ClaimKind.NETWORK_CLINIC, now)
    with pytest.raises(rules.NotClaimableError):
        rules.document_checklist(ClaimKind.NETWORK_CLINIC, minor=True, discharged=False)


@pytest.mark.parametrize(
    ("kind", "complete", "due"),
    [
        (ClaimKind.PUBLIC_OUTPATIENT, "2026-11-23T10:00", "2026-11-26T23:59:59"),
        (ClaimKind.PUBLIC_OUTPATIENT, "2026-11-27T10:00", "2026-12-02T23:59:59"),
        (ClaimKind.VACCINATION, "2026-11-28T10:00", "2026-12-02T23:59:59"),
        (ClaimKind.INTERNET, "2026-09-17T10:00", "2026-09-21T23:59:59"),  # make-up Sunday
        (ClaimKind.PUBLIC_OUTPATIENT, "2026-02-13T10:00", "2026-02-25T23:59:59"),
        (ClaimKind.PUBLIC_INPATIENT, "2026-11-23T10:00", "2026-12-07T23:59:59"),
    ],
)
def test_c1_c2_c3_c4_settlement_due(kind: ClaimKind, complete: str, due: str) -> None:
    """C1, C2, C3, C4: three working days, ten for an inpatient claim."""
    assert rules.settlement_due(kind, sh(complete)) == sh(due)


def test_c1_the_day_is_that_of_shanghai() -> None:
    late_in_utc = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert rules.settlement_due(ClaimKind.PUBLIC_OUTPATIENT, late_in_utc) == sh(
        "2026-11-27T23:59:59"
    )


@pytest.mark.parametrize("kind", ONLINE_KINDS)
def test_c1_c3_c4_payout_two_working_days_after_the_settlement(kind: ClaimKind) -> None:
    """C1, C3, C4: paid out in two working days."""
    assert rules.payout_due(kind, sh("2026-11-26T10:00")) == sh("2026-11-30T23:59:59")


@given(moments, st.sampled_from(CLAIMABLE))
def test_c1_c2_c3_c4_due_times_are_ends_of_working_days(start: datetime, kind: ClaimKind) -> None:
    """C1, C2, C3, C4: never a weekend or holiday, never before the start."""
    settled = rules.settlement_due(kind, start)
    days = rules.claim_route(kind).settle_working_days
    assert days is not None
    assert settled.date() == add_working_days(local_day(start), days)
    assert is_working_day(settled.date())
    paid = rules.payout_due(kind, settled)
    if paid is not None:
        assert is_working_day(paid.date())
        assert paid > settled > start


@pytest.mark.parametrize("kind", CLAIMABLE)
def test_a_naive_datetime_is_refused(kind: ClaimKind) -> None:
    naive = sh("2026-11-23T10:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        rules.settlement_due(kind, naive)
    with pytest.raises(ValueError, match="naive"):
        rules.payout_due(kind, naive)


@pytest.mark.parametrize(
    ("visit_day", "deadline"),
    [
        (date(2026, 11, 23), "2026-11-24T23:59:59"),
        (date(2026, 11, 27), "2026-11-30T23:59:59"),
        (date(2026, 9, 19), "2026-09-20T23:59:59"),  # a make-up Sunday
        (date(2026, 12, 31), "2027-01-04T23:59:59"),  # New Year
    ],
)
def test_c3_internet_submission_deadline(visit_day: date, deadline: str) -> None:
    assert rules.internet_submission_deadline(visit_day) == sh(deadline)


def test_c6_a_grown_up_outpatient_has_the_general_list() -> None:
    documents = rules.document_checklist(ClaimKind.PUBLIC_OUTPATIENT, minor=False, discharged=False)
    assert documents == (
        DocumentKind.MEDICAL_RECORD,
        DocumentKind.ID_DOCUMENT,
        DocumentKind.E_CARD,
        DocumentKind.BANK_ACCOUNT,
        DocumentKind.ITEMISED_BILL,
        DocumentKind.INVOICE,
        DocumentKind.CLAIM_FORM,
    )


def test_c6_a_discharged_child_has_three_more() -> None:
    grown_up = rules.document_checklist(ClaimKind.PUBLIC_INPATIENT, minor=False, discharged=False)
    child = rules.document_checklist(ClaimKind.PUBLIC_INPATIENT, minor=True, discharged=True)
    assert set(child) - set(grown_up) == {
        DocumentKind.DISCHARGE_SUMMARY,
        DocumentKind.BIRTH_CERTIFICATE,
        DocumentKind.GUARDIAN_ID,
    }


def test_c3_c6_an_internet_visit_adds_its_receipts() -> None:
    """C3, C6: the e-receipts of the consultation and, if there was one, of the prescription."""
    kind = ClaimKind.INTERNET
    both = rules.document_checklist(kind, minor=True, discharged=False)
    without = rules.document_checklist(kind, minor=True, discharged=False, prescription=False)
    assert DocumentKind.CONSULTATION_RECEIPT in without
    assert set(both) - set(without) == {DocumentKind.PRESCRIPTION_RECEIPT}


@pytest.mark.parametrize(
    ("kind", "minor", "discharged"), list(product(CLAIMABLE, [True, False], [True, False]))
)
def test_c6_each_document_is_asked_for_once_and_only_where_it_belongs(
    kind: ClaimKind, minor: bool, discharged: bool
) -> None:
    documents = rules.document_checklist(kind, minor, discharged)
    assert len(set(documents)) == len(documents)
    assert (DocumentKind.GUARDIAN_ID in documents) is minor
    assert (DocumentKind.BIRTH_CERTIFICATE in documents) is minor
    assert (DocumentKind.DISCHARGE_SUMMARY in documents) is discharged
    assert (DocumentKind.CONSULTATION_RECEIPT in documents) is (kind is ClaimKind.INTERNET)


@pytest.mark.parametrize(
    ("born", "on", "minor"),
    [
        (date(2008, 11, 24), date(2026, 11, 23), True),
        (date(2008, 11, 23), date(2026, 11, 23), False),
        (date(2008, 2, 29), date(2026, 2, 28), True),  # a leap day
        (date(2008, 2, 29), date(2026, 3, 1), False),
        (date(2026, 11, 23), date(2026, 11, 23), True),
    ],
)
def test_c6_minority_ends_on_the_eighteenth_birthday(born: date, on: date, minor: bool) -> None:
    assert rules.is_minor(born, on) is minor


def test_c6_nobody_is_born_later() -> None:
    with pytest.raises(ValueError, match="born"):
        rules.is_minor(date(2026, 11, 24), date(2026, 11, 23))


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.integers(0, 12_000))
def test_c6_once_of_age_always_of_age(born: date, days: int) -> None:
    on = date.fromordinal(born.toordinal() + days)
    if not rules.is_minor(born, on):
        assert not rules.is_minor(born, date.fromordinal(on.toordinal() + 1))
        assert days >= 18 * 365


@pytest.mark.parametrize(
    ("current", "target", "allowed"),
    [
        (ClaimState.DRAFT, ClaimState.SUBMITTED, True),
        (ClaimState.SUBMITTED, ClaimState.DOCUMENTS_MISSING, True),
        (ClaimState.DOCUMENTS_MISSING, ClaimState.SETTLING, True),
        (ClaimState.SETTLING, ClaimState.PARTLY_APPROVED, True),
        (ClaimState.APPROVED, ClaimState.PAID, True),
        (ClaimState.SETTLING, ClaimState.WITHDRAWN, False),
        (ClaimState.DRAFT, ClaimState.SETTLING, False),
        (ClaimState.REJECTED, ClaimState.PAID, False),
        (ClaimState.PAID, ClaimState.SETTLING, False),
    ],
)
def test_c1_moves_of_a_claim(current: ClaimState, target: ClaimState, allowed: bool) -> None:
    assert rules.can_move(current, target) is allowed


def test_c1_withdrawn_from_the_three_early_states_alone() -> None:
    early = {state for state in ClaimState if rules.can_move(state, ClaimState.WITHDRAWN)}
    assert early == {ClaimState.DRAFT, ClaimState.SUBMITTED, ClaimState.DOCUMENTS_MISSING}
