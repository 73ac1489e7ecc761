"""Calendar arithmetic: months, Monday-based weeks, and the nearest day in the right direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from dateutil.relativedelta import MO, relativedelta

from bot.nlu.dates.model import Context

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def make(year: int, month: int, day: int) -> date | None:
    """Return the date, or None when the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def nearest(days: Iterable[date | None], ctx: Context) -> date | None:
    """Return the next of ``days`` on or after today, or with prefer past the latest up to today."""
    known = [day for day in days if day is not None]
    if ctx.prefer == "past":
        return max((day for day in known if day <= ctx.today), default=None)
    return min((day for day in known if day >= ctx.today), default=None)


def yearly(ctx: Context, year: int | None, on: Callable[[int], date | None]) -> date | None:
    """Return ``on(year)``; without a year, the nearest year's that exists."""
    if year is not None:
        return on(year)
    # Eight years reach the next 29 February from anywhere, across a century's end too.
    this = ctx.today.year
    if ctx.prefer == "past":
        years = range(this, this - 9, -1)
        fits = (day for y in years if (day := on(y)) and day <= ctx.today)
    else:
        # A lunar year ends in the next solar one, so the search starts a year early.
        years = range(this - 1, this + 9)
        fits = (day for y in years if (day := on(y)) and day >= ctx.today)
    return next(fits, None)


def month_day(ctx: Context, year: int | None, month: int, day: int) -> date | None:
    """Return month and day in ``year``, or in the nearest year; None when there is no such day."""
    if not 1 <= month <= 12 or not 1 <= day <= _LONGEST[month - 1]:
        return None
    return yearly(ctx, year, lambda y: make(y, month, day))


def day_of_month(ctx: Context, day: int) -> date | None:
    """Return the nearest month's ``day`` that exists; None outside 1 to 31."""
    first = ctx.today.replace(day=1)
    step = -1 if ctx.prefer == "past" else 1
    months = (first + relativedelta(months=step * n) for n in range(4))
    return nearest((make(m.year, m.month, day) for m in months), ctx)


def month_end(first: date) -> date:
    """Return the last day of the month that ``first`` lies in."""
    return first + relativedelta(day=31)


def in_week(today: date, weeks: int, weekday: int) -> date:
    """Return ``weekday`` (Monday is 0) of the Monday-based week that is ``weeks`` from this one."""
    monday = today + relativedelta(weekday=MO(-1))
    return monday + timedelta(weeks=weeks, days=weekday)


def bare_weekday(ctx: Context, weekday: int) -> date:
    """Return the next ``weekday`` after today, or with prefer past the latest before it."""
    if ctx.prefer == "past":
        return ctx.today - timedelta(days=(ctx.today.weekday() - weekday - 1) % 7 + 1)
    return ctx.today + timedelta(days=(weekday - ctx.today.weekday() - 1) % 7 + 1)


def nth_weekday(first: date, n: int, weekday: int) -> date | None:
    """Return the n-th ``weekday`` of the month of ``first`` (-1: the last one); None if none."""
    if n < 0:
        last = month_end(first)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    day = first.replace(day=1)
    day += timedelta(days=(weekday - day.weekday()) % 7 + 7 * (n - 1))
    return day if day.month == first.month else None
