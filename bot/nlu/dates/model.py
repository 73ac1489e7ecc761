"""What the date reader returns, and the pieces that its rules hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

TZ = ZoneInfo("Asia/Shanghai")
Prefer = Literal["future", "past"]
Part = Literal["dawn", "morning", "noon", "afternoon", "evening"]
Grain = Literal["day", "part", "minute"]


class Flag(StrEnum):
    """What a caller should know, or ask back about, before relying on a reading."""

    HALF_DAY_GUESSED = "half_day_guessed"
    WEEKDAY_SAID_ON_THAT_WEEKDAY = "weekday_said_on_that_weekday"
    WEEKDAY_MISMATCH = "weekday_mismatch"
    IMPOSSIBLE_DATE = "impossible_date"
    IMPOSSIBLE_TIME = "impossible_time"
    LUNAR = "lunar"
    APPROXIMATE = "approximate"
    BEFORE = "before"
    AFTER = "after"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Resolution:
    """One date, clock or day part that a text says.

    Attributes:
        date: the calendar day in Asia/Shanghai; None when only a clock or a day part is
            said, or when the day does not exist (``Flag.IMPOSSIBLE_DATE``).
        time: the clock in Asia/Shanghai, naive; None when no clock is said.
        part: the day part said, or the one the clock falls in; None when neither is said.
        grain: how finely the text says it: a day, a part of one, or a minute.
        span: start and end offsets in the original text.
        text: the original text between the two.
        flags: what is guessed, odd or open about it.
    """

    date: date | None
    time: time | None
    part: Part | None
    grain: Grain
    span: tuple[int, int]
    text: str
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What every rule needs: the normalised text, the local time, the direction."""

    text: str
    now: datetime
    prefer: Prefer

    @property
    def today(self) -> date:
        """Return the local calendar day of ``now``."""
        return self.now.date()


@dataclass(frozen=True, slots=True)
class DayAtom:
    """A stretch of the text that names one day (None: a day that does not exist)."""

    start: int
    end: int
    date: date | None
    time: time | None = None
    weekday: int | None = None
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class ClockAtom:
    """A stretch of the text that names a clock, a day part, or both.

    ``carry`` days are added to the day it belongs to: twelve at night is the next day's start.
    ``said`` keeps the hour and minute of a clock without a day part, to be read again when a
    day part is found elsewhere.
    """

    start: int
    end: int
    time: time | None
    part: Part | None
    carry: int = 0
    said: tuple[int, int] | None = None
    flags: frozenset[Flag] = frozenset()
