"""Working days of China: against the decrees themselves, and by their properties."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import calendar

ONE_DAY = timedelta(days=1)
# The State Council's decrees, written down from their text: first and last day off, make-up days.
DECREES = {
    2025: (
        [
            (date(2025, 1, 1), date(2025, 1, 1)),
            (date(2025, 1, 28), date(2025, 2, 4)),
            (date(2025, 4, 4), date(2025, 4, 6)),
            (date(2025, 5, 1), date(2025, 5, 5)),
            (date(2025, 5, 31), date(2025, 6, 2)),
            (date(2025, 10, 1), date(2025, 10, 8)),
        ],
        {
            date(2025, 1, 26),
            date(2025, 2, 8),
            date(2025, 4, 27),
            date(2025, 9, 28),
            date(2025, 10, 11),
        },
    ),
    2026: (
        [
            (date(2026, 1, 1), date(2026, 1, 3)),
            (date(2026, 2, 15), date(2026, 2, 23)),
            (date(2026, 4, 4), date(2026, 4, 6)),
            (date(2026, 5, 1), date(2026, 5, 5)),
            (date(2026, 6, 19), date(2026, 6, 21)),
            (date(2026, 9, 25), date(2026, 9, 27)),
            (date(2026, 10, 1), date(2026, 10, 7)),
        ],
        {
            date(2026, 1, 4),
            date(2026, 2, 14),
            date(2026, 2, 28),
            date(2026, 5, 9),
            date(2026, 9, 20),
            date(2026, 10, 10),
        },
    ),
}
UNDECREED = 2060  # far enough away that no update of the holidays brings its decree

days = st.dates(date(2001, 1, 10), date(2098, 12, 1))
decreed_days = st.dates(date(2024, 1, 1), date(2026, 12, 20))
counts = st.integers(1, 15)


@pytest.mark.parametrize("year", DECREES)
def test_every_day_of_a_decreed_year_is_as_decreed(year: int) -> None:
    spans, make_up = DECREES[year]
    day = date(year, 1, 1)
    while day.year == year:
        off = any(first <= day <= last for first, last in spans)
        expected = day in make_up or (day.weekday() < 5 and not off)
        assert calendar.is_working_day(day) is expected, day
        day += ONE_DAY


@pytest.mark.parametrize(
    "day", [date(2005, 12, 31), date(2006, 12, 30), date(2006, 12, 31), date(2011, 12, 31)]
)
def test_make_up_days_of_the_next_years_decree_are_working_days(day: date) -> None:
    assert day.weekday() >= 5
    assert calendar.is_working_day(day)


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        (date(2026, 11, 30), -1, date(2026, 11, 27)),
        (date(2026, 9, 21), -1, date(2026, 9, 20)),  # a make-up Sunday
        (date(2027, 1, 4), -1, date(2026, 12, 31)),  # New Year's Day is a Friday
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # Saturday before the Spring Festival
        (date(2026, 2, 14), 1, date(2026, 2, 24)),  # over the whole Spring Festival
        (date(2026, 2, 24), -2, date(2026, 2, 13)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # National Day, ends on a make-up Saturday
        (date(2025, 12, 31), 1, date(2026, 1, 4)),  # New Year, a make-up Sunday
        (date(2024, 2, 28), 1, date(2024, 2, 29)),  # a leap day
        (date(2024, 3, 1), -1, date(2024, 2, 29)),
    ],
)
def test_counting_over_holidays(start: date, n: int, expected: date) -> None:
    assert calendar.add_working_days(start, n) == expected


def test_no_working_days_is_the_day_itself_even_a_sunday() -> None:
    assert calendar.add_working_days(date(2026, 11, 29), 0) == date(2026, 11, 29)


def test_next_and_previous_leave_the_day_itself_out() -> None:
    assert calendar.next_working_day(date(2026, 11, 25)) == date(2026, 11, 26)
    assert calendar.previous_working_day(date(2026, 11, 25)) == date(2026, 11, 24)


@given(days, counts)
def test_the_nth_working_day_has_n_working_days_up_to_it(start: date, n: int) -> None:
    end = calendar.add_working_days(start, n)
    span = [start + ONE_DAY * i for i in range(1, (end - start).days + 1)]
    assert calendar.is_working_day(end)
    assert sum(map(calendar.is_working_day, span)) == n


@given(days, counts)
def test_back_and_forth_meet_on_working_days(start: date, n: int) -> None:
    working = calendar.next_working_day(start)
    assert calendar.add_working_days(calendar.add_working_days(working, n), -n) == working
    assert calendar.add_working_days(calendar.add_working_days(working, -n), n) == working


@given(days, counts)
def test_a_later_start_never_ends_earlier(start: date, n: int) -> None:
    after = start + ONE_DAY
    assert calendar.add_working_days(start, n) <= calendar.add_working_days(after, n)
    assert calendar.add_working_days(start, -n) <= calendar.add_working_days(after, -n)


@given(decreed_days)
def test_no_run_of_days_off_is_longer_than_the_longest_festival(start: date) -> None:
    assert calendar.next_working_day(start) - start <= timedelta(days=10)


def test_every_year_since_the_first_decree_is_known() -> None:
    assert all(calendar.has_decree(year) for year in range(2001, 2027))
    assert not calendar.has_decree(2000)


def test_a_year_without_decree_has_its_weekends_and_statutory_holidays() -> None:
    assert not calendar.has_decree(UNDECREED)
    off = [date(UNDECREED, 1, 1), date(UNDECREED, 2, 2), date(UNDECREED, 10, 1)]
    assert not any(map(calendar.is_working_day, off))
    day = date(UNDECREED, 1, 1)
    while day.year == UNDECREED:
        assert day.weekday() < 5 or not calendar.is_working_day(day)
        day += ONE_DAY


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 3, 1), date(2026, 12, 26), ()),
        (date(2059, 12, 1), date(2059, 12, 26), (2059,)),
        # The make-up days for New Year may lie in the last days of December.
        (date(2059, 12, 1), date(2059, 12, 27), (2059, UNDECREED)),
        (date(UNDECREED, 3, 1), date(UNDECREED, 3, 9), (UNDECREED,)),
        (date(UNDECREED, 3, 9), date(UNDECREED, 3, 1), (UNDECREED,)),
        (date(2025, 12, 27), date(2025, 12, 30), ()),
    ],
)
def test_undecreed_years_names_what_a_count_depends_on(
    first: date, last: date, expected: tuple[int, ...]
) -> None:
    assert calendar.undecreed_years(first, last) == expected


def test_the_last_year_of_the_calendar_can_be_asked_for() -> None:
    assert calendar.is_working_day(date(9999, 12, 31)) is True  # a Friday
    with pytest.raises(OverflowError):
        calendar.next_working_day(date(9999, 12, 31))


def test_local_day_is_that_of_shanghai() -> None:
    assert calendar.local_day(datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert calendar.local_day(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_a_naive_datetime_is_refused() -> None:
    naive = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        calendar.local(naive)


def test_at_and_end_of_day_are_clock_times_of_shanghai() -> None:
    day = date(2026, 11, 23)
    assert calendar.at(day, time(8, 0)) == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    end = calendar.end_of_day(day)
    assert end == datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)
    assert end.isoformat() == "2026-11-23T23:59:59+08:00"


def test_a_day_is_past_only_after_its_last_second_is_over() -> None:
    due = calendar.end_of_day(date(2026, 11, 23))
    assert not calendar.is_past_day(due, due + timedelta(microseconds=999_999))
    assert calendar.is_past_day(due, due + timedelta(seconds=1))
