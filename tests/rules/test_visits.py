"""Booking and cancelling a visit (V1 to V4)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import visits
from bot.rules.calendar import TZ, at, end_of_day, is_working_day, local_day
from bot.rules.visits import BookingWish, LateConsequence, VisitStep

days = st.dates(date(2024, 1, 1), date(2035, 12, 31))
# Hypothesis takes its bounds without a zone.
moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2035-12-31"),
    timezones=st.just(UTC),
)


def sh(text: str) -> datetime:
    """Read a clock time of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


def test_v1_outpatient_steps_in_order() -> None:
    assert visits.OUTPATIENT_STEPS == (
        VisitStep.BOOK,
        VisitStep.SHOW_E_CARD_AND_ID,
        VisitStep.SEE_DOCTOR,
        VisitStep.SIGN_BILL,
        VisitStep.LEAVE,
    )


def test_v4_the_guarantee_letter_comes_before_the_stay() -> None:
    steps = visits.INPATIENT_STEPS
    assert steps.index(VisitStep.OBTAIN_GUARANTEE_LETTER) < steps.index(VisitStep.STAY)
    assert steps[-2:] == (VisitStep.SIGN_BILL, VisitStep.LEAVE)


def test_v2_no_named_expert() -> None:
    assert not visits.NAMED_EXPERT_BOOKABLE


@pytest.mark.parametrize(
    ("asked", "due", "promised"),
    [
        ("2026-11-23T10:00", "2026-11-25T23:59:59", date(2026, 11, 26)),
        ("2026-11-23T23:59", "2026-11-25T23:59:59", date(2026, 11, 26)),
        # Due on Friday: the weekend is closed, Monday is the first day to promise.
        ("2026-11-25T10:00", "2026-11-27T23:59:59", date(2026, 11, 30)),
        # Asked on a Saturday: Monday and Tuesday are the two working days.
        ("2026-11-28T10:00", "2026-12-01T23:59:59", date(2026, 12, 2)),
        # The make-up Sunday is a working day, and the outpatients are open.
        ("2026-09-17T10:00", "2026-09-20T23:59:59", date(2026, 9, 21)),
        ("2026-09-16T10:00", "2026-09-18T23:59:59", date(2026, 9, 20)),
        # Over the Spring Festival.
        ("2026-02-13T10:00", "2026-02-24T23:59:59", date(2026, 2, 25)),
    ],
)
def test_v2_due_and_promised(asked: str, due: str, promised: date) -> None:
    assert visits.booking_due(sh(asked)) == sh(due)
    assert visits.earliest_promised_day(sh(asked)) == promised


def test_v2_the_day_of_the_request_is_that_of_shanghai() -> None:
    late_in_utc = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 01:00 on Tuesday in Shanghai
    assert visits.booking_due(late_in_utc) == sh("2026-11-26T23:59:59")


@given(moments)
def test_v2_promised_day_is_open_and_after_the_due_time(asked: datetime) -> None:
    due = visits.booking_due(asked)
    promised = visits.earliest_promised_day(asked)
    assert is_working_day(promised)
    assert due > asked
    assert at(promised, datetime.min.time()) > due


@pytest.mark.parametrize(
    ("visit", "wish"),
    [
        ("2026-11-23T09:59", BookingWish.PAST),
        ("2026-11-23T10:00", BookingWish.PAST),
        ("2026-11-20T10:00", BookingWish.PAST),
        # Asked on Monday at 10:00: for today the deadline was Friday 16:00.
        ("2026-11-23T15:00", BookingWish.AFTER_OWN_DEADLINE),
        # Tuesday can still be cancelled today until 16:00.
        ("2026-11-24T10:00", BookingWish.URGENT),
        ("2026-11-25T10:00", BookingWish.URGENT),
        ("2026-11-26T09:00", BookingWish.NORMAL),
        ("2027-03-01T09:00", BookingWish.NORMAL),
    ],
)
def test_v2_wish_is_classified(visit: str, wish: BookingWish) -> None:
    now = sh("2026-11-23T10:00")
    assert visits.classify_wish(sh(visit), now, now) is wish


def test_v2_tomorrow_is_past_its_own_deadline_after_four() -> None:
    now = sh("2026-11-23T16:00:01")
    wish = visits.classify_wish(sh("2026-11-24T10:00"), now, now)
    assert wish is BookingWish.AFTER_OWN_DEADLINE


def test_v2_an_old_request_keeps_its_promise_until_the_deadline_passes() -> None:
    visit, asked = sh("2026-11-26T10:00"), sh("2026-11-20T10:00")
    in_time = visits.classify_wish(visit, asked, sh("2026-11-25T16:00"))
    too_late = visits.classify_wish(visit, asked, sh("2026-11-25T16:01"))
    assert in_time is BookingWish.NORMAL
    assert too_late is BookingWish.AFTER_OWN_DEADLINE


@given(moments, st.integers(-40, 400))
def test_v2_a_normal_wish_can_be_promised_and_cancelled(now: datetime, hours: int) -> None:
    visit = now + timedelta(hours=hours)
    day, promised = local_day(visit), visits.earliest_promised_day(now)
    match visits.classify_wish(visit, now, now):
        case BookingWish.NORMAL:
            assert day >= promised
            assert not visits.is_late(day, now)
        case BookingWish.URGENT:
            assert day < promised
            assert not visits.is_late(day, now)
        case BookingWish.AFTER_OWN_DEADLINE:
            assert day < promised
            assert visits.is_late(day, now)
        case BookingWish.PAST:
            assert hours <= 0


@pytest.mark.parametrize(
    ("wish", "offered"),
    [
        (date(2026, 11, 26), date(2026, 11, 26)),
        (date(2026, 11, 28), date(2026, 11, 30)),  # Saturday
        (date(2026, 10, 1), date(2026, 11, 26)),  # past: the earliest that can be promised
        (date(2026, 11, 23), date(2026, 11, 23)),  # today is not past
        (date(2027, 1, 1), date(2027, 1, 4)),  # New Year
    ],
)
def test_v2_closed_and_past_days_get_the_next_possible_one(wish: date, offered: date) -> None:
    assert visits.next_possible_day(wish, sh("2026-11-23T10:00")) == offered


def test_v2_the_make_up_sunday_is_open_and_the_holiday_closed() -> None:
    assert visits.is_clinic_day(date(2026, 9, 20))
    assert visits.next_clinic_day(date(2026, 9, 20)) == date(2026, 9, 20)
    assert visits.next_clinic_day(date(2026, 10, 1)) == date(2026, 10, 8)


@pytest.mark.parametrize(
    ("visit_day", "deadline"),
    [
        (date(2026, 11, 30), "2026-11-27T16:00"),
        (date(2026, 9, 21), "2026-09-20T16:00"),  # the make-up Sunday before
        (date(2027, 1, 4), "2026-12-31T16:00"),  # over New Year
        (date(2026, 2, 24), "2026-02-14T16:00"),  # over the Spring Festival, a make-up Saturday
        (date(2026, 10, 8), "2026-09-30T16:00"),  # over National Day
        (date(2026, 10, 10), "2026-10-09T16:00"),  # itself a make-up Saturday
        (date(2024, 3, 1), "2024-02-29T16:00"),  # a leap day
        (date(2026, 11, 29), "2026-11-27T16:00"),  # a Sunday
    ],
)
def test_v3_cancellation_deadline(visit_day: date, deadline: str) -> None:
    assert visits.cancellation_deadline(visit_day) == sh(deadline)


@given(days)
def test_v3_deadline_is_on_the_last_working_day_before(visit_day: date) -> None:
    deadline = visits.cancellation_deadline(visit_day)
    assert (deadline.hour, deadline.minute) == (16, 0)
    assert deadline.date() < visit_day
    assert is_working_day(deadline.date())
    between = deadline.date() + timedelta(days=1)
    while between < visit_day:
        assert not is_working_day(between)
        between += timedelta(days=1)


@given(days)
def test_v3_four_sharp_is_in_time_and_the_next_moment_is_late(visit_day: date) -> None:
    deadline = visits.cancellation_deadline(visit_day)
    assert not visits.is_late(visit_day, deadline)
    assert not visits.is_late(visit_day, deadline.astimezone(UTC))
    assert visits.is_late(visit_day, deadline + timedelta(microseconds=1))
    assert visits.is_late(visit_day, end_of_day(visit_day))


def test_v3_consequences() -> None:
    assert visits.LATE_CONSEQUENCES == tuple(LateConsequence)
    assert len(visits.LATE_CONSEQUENCES) == 3


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        visits.is_late(date(2026, 11, 30), sh("2026-11-27T16:00").replace(tzinfo=None))
