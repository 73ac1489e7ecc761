"""English words for days and clocks: the span is found here, dateparser reads it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from bot.nlu.dates import absolute, calendar
from bot.nlu.dates.clocks import read_in_part
from bot.nlu.dates.model import ClockAtom, Context, DayAtom, Flag, Part

_NUMBER = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|half an?)"
_UNIT = r"(?:minute|min|hour|day|week|month|year)s?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_LONG = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_SHORT = "mon|tues?|weds?|thur?s?|fri|sat|sun"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(
    r"(?<![a-z])(?:"
    r"(?:the )?(?P<near>day after tomorrow|day before yesterday|today|tonight|"
    r"tomorrow|tmrw?|yesterday)"
    # Sat and sun are words of their own, so short names need a lead.
    rf"|(?P<lead>next|this|last|coming|on) (?P<weekday>{_LONG}|{_SHORT})"
    rf"|(?P<bare>{_LONG}|mon|tue|weds?|thu|fri|"
    r"(?:sat|sun)(?=,? (?:\d|at |morning|afternoon|evening|noon)))"
    r"|on the (?P<nth>\d{1,2})(?:st|nd|rd|th)(?! of| ?[a-z]{3,9} \d{4})"
    rf"|(?P<month>{_MONTH}) ?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|:)"
    r"(?:,? ?(?P<year>(?:19|20)\d\d))?"
    rf"|(?:the )?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ?(?P<month2>{_MONTH})"
    r"(?:,? ?(?P<year2>(?:19|20)\d\d))?"
    rf"|in (?P<ahead>{_NUMBER} {_UNIT})"
    rf"|(?P<amount>{_NUMBER} {_UNIT}) (?P<side>ago|later|from now|from today)"
    r")(?![a-z])",
    re.IGNORECASE,
)
_PART = re.compile(
    r"(?<![a-z])(?:(?P<morning>morning)|(?P<noon>noon)|(?P<afternoon>afternoon)"
    r"|(?P<evening>evening|night|tonight))(?![a-z])",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<![a-z])at (?P<hour>\d{1,2})(?: o'?clock)?(?![\d:.]| ?[ap]\.?m)", re.IGNORECASE
)
_HAS_LETTERS = re.compile(r"[A-Za-z]{2}")


@lru_cache(maxsize=256)
def _month_day(month: str, day: str) -> date | None:
    """Return month and day as dateparser reads them, in a leap year; None if there is no such."""
    read = absolute.read_english(f"{month.rstrip('.')} {day} 2024")
    return read.date() if read else None


def find_english_days(ctx: Context) -> list[DayAtom]:
    """Return the days that the English words of ``ctx.text`` name, from left to right."""
    if not _HAS_LETTERS.search(ctx.text):
        return []
    return [atom for match in _DAY.finditer(ctx.text) if (atom := _day(match, ctx))]


def _day(match: re.Match[str], ctx: Context) -> DayAtom | None:
    if match["near"]:
        return _near(match, ctx)
    if match["weekday"] or match["bare"]:
        return _weekday(match, ctx)
    if match["nth"]:
        found = calendar.day_of_month(ctx, int(match["nth"]))
        return DayAtom(*match.span(), found) if found else None
    if match["month"] or match["month2"]:
        read = _month_day(match["month"] or match["month2"], match["day"] or match["day2"])
        year = match["year"] or match["year2"]
        if read is None:
            return DayAtom(*match.span(), None, flags=frozenset({Flag.IMPOSSIBLE_DATE}))
        found = calendar.month_day(ctx, int(year) if year else None, read.month, read.day)
        flags = frozenset() if found else frozenset({Flag.IMPOSSIBLE_DATE})
        return DayAtom(*match.span(), found, flags=flags)
    amount = match["ahead"] or match["amount"]
    amount = re.sub(r"half an? hour", "30 minutes", amount, flags=re.IGNORECASE)
    phrase = f"{amount} ago" if match["side"] == "ago" else f"in {amount}"
    read_at = absolute.read_english(phrase, ctx.now)
    if read_at is None:
        return None
    exact = re.search(r"min|hour", amount, re.IGNORECASE) is not None
    at = read_at.time().replace(second=0, microsecond=0) if exact else None
    return DayAtom(*match.span(), read_at.date(), time=at)


def _near(match: re.Match[str], ctx: Context) -> DayAtom:
    shifts = {"today": 0, "tonight": 0, "yesterday": -1, "day after tomorrow": 2}
    word = match["near"].lower()
    shift = -2 if word == "day before yesterday" else shifts.get(word, 1)
    return DayAtom(*match.span(), ctx.today + timedelta(days=shift))


def _weekday(match: re.Match[str], ctx: Context) -> DayAtom:
    # dateparser takes "next Friday" for the coming one; parents mean 下周五, as weeks are counted.
    weekday = _WEEKDAYS.index((match["weekday"] or match["bare"]).lower()[:3])
    lead = (match["lead"] or "").lower()
    if lead in ("next", "last", "this"):
        weeks = {"next": 1, "last": -1, "this": 0}[lead]
        return DayAtom(*match.span(), calendar.in_week(ctx.today, weeks, weekday), weekday=weekday)
    flags = {Flag.WEEKDAY_SAID_ON_THAT_WEEKDAY} if weekday == ctx.today.weekday() else set()
    day = calendar.bare_weekday(ctx, weekday)
    return DayAtom(*match.span(), day, weekday=weekday, flags=frozenset(flags))


def find_english_clocks(text: str) -> list[ClockAtom]:
    """Return the clocks like "at 3" and the day parts in English words of ``text``, in order."""
    if not _HAS_LETTERS.search(text):
        return []
    found = [
        read_in_part(*match.span(), int(match["hour"]), 0, None)
        for match in _CLOCK.finditer(text)
        if int(match["hour"]) <= 24
    ]
    parts: tuple[Part, ...] = ("morning", "noon", "afternoon", "evening")
    for match in _PART.finditer(text):
        part = next(part for part in parts if match[part])
        found.append(ClockAtom(*match.span(), None, part))
    return found
