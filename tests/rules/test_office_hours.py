"""When agents are there."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.calendar import TZ, is_make_up_day, is_public_holiday, is_working_day
from bot.rules.office_hours import (
    DEFAULT_PLAN,
    HOLIDAY,
    MAKE_UP,
    OfficePlan,
    Span,
    after_office_time,
    checked,
    day_kind,
    office_status,
    office_time,
)

MONDAY = date(2026, 11, 23)
MORNING, AFTERNOON = Span(9 * 60, 12 * 60), Span(13 * 60 + 30, 18 * 60)
WORK = OfficePlan(dict.fromkeys([*range(5), MAKE_UP], (MORNING, AFTERNOON)))


def at(clock: str, day: date = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=TZ)


@pytest.mark.parametrize(
    ("clock", "open_now", "opens", "closes"),
    [
        ("08:59", False, "2026-11-23 09:00", None),
        ("09:00", True, None, "2026-11-23 12:00"),
        ("11:59:59", True, None, "2026-11-23 12:00"),
        ("12:00", False, "2026-11-23 13:30", None),
        ("17:59", True, None, "2026-11-23 18:00"),
        ("18:00", False, "2026-11-24 09:00", None),
    ],
)
def test_several_spans_a_day(
    clock: str, open_now: bool, opens: str | None, closes: str | None
) -> None:
    status = office_status(WORK, at(clock))
    told = [f"{m:%Y-%m-%d %H:%M}" if m else None for m in (status.opens_at, status.closes_at)]
    assert (status.open, told) == (open_now, [opens, closes])


@pytest.mark.parametrize(
    ("moment", "open_now"),
    [("10:00", True), ("20:59", True), ("21:00", False), ("07:59", False), ("08:00", True)],
)
def test_by_default_daily_from_eight_to_nine_holidays_included(moment: str, open_now: bool) -> None:
    for day in (MONDAY, date(2026, 10, 1), date(2026, 11, 22), date(2026, 10, 10)):
        assert office_status(DEFAULT_PLAN, at(moment, day)).open is open_now


def test_holidays_and_make_up_days_have_lines_of_their_own() -> None:
    assert day_kind(date(2026, 10, 1)) == HOLIDAY
    assert day_kind(date(2026, 10, 10)) == MAKE_UP
    assert day_kind(date(2026, 11, 22)) == 6
    # National day: closed until the first day of work after it.
    status = office_status(WORK, at("10:00", date(2026, 10, 1)))
    assert (status.open, f"{status.opens_at:%m-%d %H:%M}") == (False, "10-08 09:00")
    assert office_status(WORK, at("10:00", date(2026, 10, 10))).open


def test_a_single_day_comes_before_the_plan() -> None:
    plan = OfficePlan(WORK.week, {MONDAY: (), date(2026, 11, 29): (Span(600, 660),)})
    status = office_status(plan, at("10:00"))
    assert (status.open, f"{status.opens_at:%m-%d %H:%M}") == (False, "11-24 09:00")
    assert office_status(plan, at("10:30", date(2026, 11, 29))).open


def test_a_span_may_end_with_the_day_and_the_next_go_on() -> None:
    night = OfficePlan(dict.fromkeys(range(9), (Span(0, 1440),)))
    status = office_status(night, at("23:59:59"))
    assert status.open
    assert status.closes_at == at("00:00", date(2026, 11, 24))


def test_nobody_ever_there() -> None:
    status = office_status(OfficePlan({}), at("10:00"))
    assert (status.open, status.opens_at) == (False, None)
    assert after_office_time(OfficePlan({}), at("10:00"), timedelta(hours=1)) is None


@pytest.mark.parametrize(("opens", "closes"), [(-1, 5), (5, 5), (6, 5), (0, 1441)])
def test_no_span_outside_the_day(opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match="no hours"):
        Span(opens, closes)


def test_spans_of_one_day_do_not_overlap() -> None:
    assert checked((AFTERNOON, MORNING)) == (MORNING, AFTERNOON)
    with pytest.raises(ValueError, match="overlap"):
        checked((MORNING, Span(600, 800)))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        office_status(WORK, datetime(2026, 11, 23, 10))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23 10:00", 1, "11-23 11:00"),
        ("2026-11-23 11:00", 2, "11-23 14:30"),
        ("2026-11-23 17:30", 2, "11-24 10:30"),
        ("2026-11-23 23:30", 2, "11-24 11:00"),
        ("2026-11-27 18:00", 1, "11-30 10:00"),
    ],
)
def test_so_much_office_time_later(start: str, hours: int, due: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=TZ)
    found = after_office_time(WORK, moment, timedelta(hours=hours))
    assert f"{found:%m-%d %H:%M}" == due


MOMENTS = st.datetimes(datetime(2026, 9, 20), datetime(2026, 10, 15), timezones=st.just(TZ))  # noqa: DTZ001


@given(MOMENTS, st.integers(1, 600))
def test_waiting_so_long_takes_so_much_office_time(start: datetime, minutes: int) -> None:
    length = timedelta(minutes=minutes)
    due = after_office_time(WORK, start, length)
    assert due is not None
    assert office_time(WORK, start, due) == length
    assert office_time(WORK, start, due - timedelta(seconds=1)) < length


@given(MOMENTS, st.integers(0, 20_000))
def test_office_time_is_part_of_the_time(start: datetime, minutes: int) -> None:
    end = start + timedelta(minutes=minutes)
    assert timedelta() <= office_time(WORK, start, end) <= end - start


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_the_kinds_of_days_are_the_calendars(d: date) -> None:
    if is_make_up_day(d):
        assert is_working_day(d)
        assert d.weekday() >= 5
    if is_public_holiday(d):
        assert not is_working_day(d)
    if d.weekday() < 5 and not is_public_holiday(d):
        assert is_working_day(d)
