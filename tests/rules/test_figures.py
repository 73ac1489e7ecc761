"""How figures are made of single waits and ratings."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.calendar import TZ
from bot.rules.figures import in_time, ratings, share, spread

DUE = datetime(2026, 11, 23, 12, tzinfo=TZ)
SECOND = timedelta(seconds=1)


def seconds(*lengths: int) -> list[timedelta]:
    return [timedelta(seconds=length) for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "median", "ninetieth"),
    [
        ((7,), 7, 7),
        ((30, 10), 20, 30),
        ((9, 1, 5), 5, 9),
        (range(1, 11), 5.5, 9),
        (range(1, 12), 6, 10),
        (range(1, 101), 50.5, 90),
    ],
)
def test_the_middle_and_what_nine_of_ten_do_not_exceed(
    lengths: tuple[int, ...], median: float, ninetieth: int
) -> None:
    found = spread(seconds(*lengths))
    assert found.count == len(lengths)
    assert found.median == timedelta(seconds=median)
    assert found.ninetieth == timedelta(seconds=ninetieth)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_nine_of_ten_and_no_smaller_length_would_do(lengths: list[int]) -> None:
    found = spread(seconds(*lengths)).ninetieth
    assert found is not None
    reached = sum(length <= found.total_seconds() for length in lengths)
    below = sum(length < found.total_seconds() for length in lengths)
    assert 10 * reached >= 9 * len(lengths) > 10 * below


def test_of_nothing_nothing_is_said() -> None:
    assert (spread([]).count, spread([]).median, spread([]).ninetieth) == (0, None, None)
    assert (ratings([]).count, ratings([]).mean, ratings([]).good) == (0, None, None)
    assert share(0, 0) is None


def test_four_stars_are_good_and_three_are_not() -> None:
    found = ratings([5, 4, 3, 1])
    assert (found.count, found.mean, found.good) == (4, 3.25, 0.5)
    assert share(1, 4) == 0.25


@pytest.mark.parametrize(
    ("done", "wanted", "now", "kept"),
    [
        (DUE, False, DUE + SECOND, True),
        (DUE - SECOND, False, DUE - SECOND, True),
        (DUE + SECOND, False, DUE + SECOND, False),
        (None, True, DUE, None),
        (None, True, DUE + SECOND, False),
        (None, False, DUE + SECOND, None),
    ],
)
def test_in_time_to_the_second(
    done: datetime | None, wanted: bool, now: datetime, kept: bool | None
) -> None:
    assert in_time(DUE, done, wanted=wanted, now=now) is kept
