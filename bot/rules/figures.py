"""How figures of a day are made of single waits, ratings and conversations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

# Ratings of so many stars and more are good ones.
GOOD_STARS = 4


@dataclass(frozen=True)
class Spread:
    """Durations in short: how many, the middle one, and what nine of ten stay below."""

    count: int
    median: timedelta | None
    ninetieth: timedelta | None


@dataclass(frozen=True)
class Ratings:
    """Ratings in short: how many, the mean of the stars, and the share of good ones (CSAT)."""

    count: int
    mean: float | None
    good: float | None


def spread(durations: Iterable[timedelta]) -> Spread:
    """Sum durations up; the ninetieth percentile is the smallest that 90 % do not exceed."""
    found = sorted(durations)
    if not found:
        return Spread(0, None, None)
    middle = median(one.total_seconds() for one in found)
    rank = -(-len(found) * 9 // 10) - 1
    return Spread(len(found), timedelta(seconds=middle), found[rank])


def ratings(stars: Sequence[int]) -> Ratings:
    """Sum ratings up."""
    if not stars:
        return Ratings(0, None, None)
    good = sum(one >= GOOD_STARS for one in stars)
    return Ratings(len(stars), sum(stars) / len(stars), good / len(stars))


def share(part: int, whole: int) -> float | None:
    """Give a part of a whole, 0 to 1; None of nothing."""
    return part / whole if whole else None


def in_time(
    due_at: datetime, done_at: datetime | None, *, wanted: bool, now: datetime
) -> bool | None:
    """Say whether something was done by its due time; the due moment itself is in time.

    Args:
        due_at: Aware.
        done_at: Aware; None if it was not done.
        wanted: Whether it is still to be done; what was taken back is not.
        now: Aware.

    Returns:
        None if that cannot be said: it is not due yet, or was taken back undone.
    """
    if done_at is not None:
        return done_at <= due_at
    return False if wanted and due_at < now else None
