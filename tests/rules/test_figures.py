"""Figures of single waits and ratings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.figures import ratings, share, spread

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("seconds", "median", "ninetieth"),
    [([5], 5, 5), ([1, 3], 2, 3), (range(1, 11), 5.5, 9), (range(1, 101), 50.5, 90)],
)
def test_spreads(seconds: list[int], median: float, ninetieth: int) -> None:
    found = spread(one * SECOND for one in seconds)
    assert (found.median, found.ninetieth) == (median * SECOND, ninetieth * SECOND)
    assert found.count == len(seconds)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_nine_of_ten_are_below(seconds: list[int]) -> None:
    found = spread(one * SECOND for one in seconds)
    assert found.ninetieth is not None
    below = sum(one * SECOND <= found.ninetieth for one in seconds)
    assert below * 10 >= len(seconds) * 9
    strictly = sum(one * SECOND < found.ninetieth for one in seconds)
    assert strictly * 10 < len(seconds) * 9


def test_of_nothing() -> None:
    assert spread([]).median is None
    assert ratings([]).good is None
    assert share(0, 0) is None


def test_ratings_and_shares() -> None:
    found = ratings([5, 4, 3, 1])
    assert (found.count, found.mean, found.good) == (4, 3.25, 0.5)
    assert share(3, 4) == 0.75
