"""The services of the health platform (M1 to M8)."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import consultations as rules
from bot.rules.calendar import TZ, at, local
from bot.rules.consultations import CounsellingResult, OpeningHours, Service, ServiceHours

# Hypothesis takes its bounds without a zone.
moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2035-12-31"),
    timezones=st.just(UTC),
)


def sh(text: str) -> datetime:
    """Read a clock time of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23T08:00", "2026-11-23T10:00"),
        ("2026-11-23T12:34", "2026-11-23T14:34"),
        ("2026-11-23T19:30", "2026-11-23T21:30"),
        ("2026-11-23T19:59:59", "2026-11-23T21:59:59"),
        ("2026-11-23T20:00", "2026-11-24T11:00"),
        ("2026-11-23T20:30", "2026-11-24T11:00"),
        ("2026-11-23T20:59:59", "2026-11-24T11:00"),
        ("2026-12-31T20:30", "2027-01-01T11:00"),  # holidays included
        ("2026-02-17T09:00", "2026-02-17T11:00"),  # first day of the Spring Festival
    ],
)
def test_m1_open_hours(asked: str, due: str) -> None:
    offer = rules.phone_consultation(sh(asked))
    assert offer == rules.ConsultationOffer(True, sh(due), queued_for=None, opens_at=None)


@pytest.mark.parametrize(
    ("asked", "opens", "due"),
    [
        ("2026-11-23T21:00", "2026-11-24T08:00", "2026-11-24T10:00"),
        ("2026-11-23T23:30", "2026-11-24T08:00", "2026-11-24T10:00"),
        ("2026-11-24T00:00", "2026-11-24T08:00", "2026-11-24T10:00"),
        ("2026-11-24T00:30", "2026-11-24T08:00", "2026-11-24T10:00"),
        ("2026-11-24T07:59:59", "2026-11-24T08:00", "2026-11-24T10:00"),
        ("2026-12-31T23:30", "2027-01-01T08:00", "2027-01-01T10:00"),
        ("2024-02-28T23:30", "2024-02-29T08:00", "2024-02-29T10:00"),
    ],
)
def test_m1_outside_the_hours_it_is_queued(asked: str, opens: str, due: str) -> None:
    offer = rules.phone_consultation(sh(asked))
    assert offer == rules.ConsultationOffer(False, sh(due), sh(opens), sh(opens))


def test_m1_hours_are_those_of_shanghai() -> None:
    offer = rules.phone_consultation(datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
    assert offer.due_at == sh("2026-11-24T11:00")


@given(moments)
def test_m1_the_call_comes_soon_and_within_what_is_promised(asked: datetime) -> None:
    offer = rules.phone_consultation(asked)
    wait = offer.due_at - asked
    assert timedelta(hours=2) <= wait <= timedelta(hours=15)
    assert offer.open is (time(8) <= local(asked).time() < time(21))
    assert (offer.queued_for is None) is offer.open
    if offer.queued_for is not None:
        assert asked < offer.queued_for
        assert offer.due_at - offer.queued_for == timedelta(hours=2)


@pytest.mark.parametrize(
    "service",
    [
        Service.PHONE_CONSULTATION,
        Service.ONLINE_CONSULTATION,
        Service.TRIAGE,
        Service.VACCINATION,
    ],
)
def test_m1_m2_m3_m4_hours_are_eight_to_nine_every_day(service: Service) -> None:
    """M1, M2, M3, M4: 08:00-21:00, on a public holiday too."""
    opens, closes = sh("2026-10-01T08:00"), sh("2026-10-01T21:00")
    assert rules.service_open(sh("2026-10-01T07:59:59"), service) == ServiceHours(
        False, opens, closes
    )
    assert rules.service_open(opens, service) == ServiceHours(True, None, closes)
    assert rules.service_open(sh("2026-10-01T20:59:59"), service) == ServiceHours(
        True, None, closes
    )
    assert rules.service_open(closes, service) == ServiceHours(
        False, sh("2026-10-02T08:00"), sh("2026-10-02T21:00")
    )


def test_every_service_has_its_hours() -> None:
    assert set(rules.SERVICE_HOURS) == set(Service)


@given(moments)
def test_m2_m3_m4_the_next_opening_is_ahead_and_open(asked: datetime) -> None:
    """M2, M3, M4: whoever is sent away is told a time at which the service is open."""
    hours = rules.service_open(asked, Service.TRIAGE)
    assert hours.closes_at is not None
    assert hours.closes_at > asked
    if hours.opens_at is None:
        assert hours.open
    else:
        assert asked < hours.opens_at < hours.closes_at
        assert rules.service_open(hours.opens_at, Service.TRIAGE).open


def test_other_daily_hours_can_be_asked_for() -> None:
    hours = rules.hours_at(sh("2026-11-23T09:00"), OpeningHours(time(9, 30), time(18)))
    day = sh("2026-11-23T00:00").date()
    assert hours == ServiceHours(False, at(day, time(9, 30)), at(day, time(18)))


def test_m5_lecture_topics() -> None:
    assert set(rules.LECTURE_TOPICS) == {"common_illness", "outbreaks", "child_health"}


@pytest.mark.parametrize(
    ("hospital", "available"),
    [
        ("复旦大学附属儿科医院国际部特需门诊", True),
        ("上海新华医院镜朗高级专家诊疗部", True),
        (" 上海儿童医学中心国际诊疗部\u3000", True),
        ("上海儿童医学中心", False),
        ("示范和晴儿科诊所（徐汇）", False),
        ("", False),
    ],
)
def test_m6_onsite_assistance_only_at_the_three(hospital: str, available: bool) -> None:
    assert rules.onsite_assistance_available(hospital) is available


@pytest.mark.parametrize(
    "diagnosis",
    ["情感障碍", "抑郁症", "成瘾性格", "自卑", "失读症", "自闭症", "强迫症", "选择性缄默症"],
)
def test_m7_listed_diagnoses(diagnosis: str) -> None:
    result = rules.counselling_allowed(diagnosis, has_recommendation=True, in_network=True)
    assert result is CounsellingResult.ALLOWED
    assert result


@pytest.mark.parametrize(
    ("diagnosis", "recommended", "in_network", "result"),
    [
        (None, True, True, CounsellingResult.NO_DIAGNOSIS),
        ("  ", True, True, CounsellingResult.NO_DIAGNOSIS),
        ("多动症", True, True, CounsellingResult.DIAGNOSIS_NOT_LISTED),
        ("抑郁症", False, True, CounsellingResult.NO_RECOMMENDATION),
        ("抑郁症", True, False, CounsellingResult.NOT_IN_NETWORK),
        ("抑郁症", False, False, CounsellingResult.NO_RECOMMENDATION),
    ],
)
def test_m7_refused_with_the_first_reason(
    diagnosis: str | None, recommended: bool, in_network: bool, result: CounsellingResult
) -> None:
    refused = rules.counselling_allowed(diagnosis, recommended, in_network)
    assert refused is result
    assert not refused


def test_m7_no_other_diagnosis_is_listed() -> None:
    assert len(set(rules.COUNSELLING_DIAGNOSES)) == len(rules.COUNSELLING_DIAGNOSES) == 8


@pytest.mark.parametrize("asked", ["2026-02-17T03:00", "2026-11-23T12:00", "2026-11-23T21:00"])
def test_m8_hotline_never_closes(asked: str) -> None:
    assert rules.HOTLINE == "021-80209058"
    assert rules.service_open(sh(asked), Service.HOTLINE) == ServiceHours(True, None, None)


@pytest.mark.parametrize("service", Service)
def test_a_naive_datetime_is_refused(service: Service) -> None:
    with pytest.raises(ValueError, match="naive"):
        rules.service_open(sh("2026-11-23T12:00").replace(tzinfo=None), service)
