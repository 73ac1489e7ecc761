"""When agents are there: a weekly plan, public holidays, make-up workdays, single days.

Times are minutes after midnight in Asia/Shanghai, so that a span may end with the day (1440).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.rules.calendar import at, is_make_up_day, is_public_holiday, local

DAY_MINUTES = 24 * 60
# Days of the plan: Monday to Sunday, then the two kinds of days that holidays make.
HOLIDAY, MAKE_UP = 7, 8
DAY_KINDS = range(9)
# So far ahead is looked for an opening.
HORIZON = 60

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """From the minute `opens` until before the minute `closes` of a day."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        """Raise ValueError unless it lies within one day and has a length."""
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            msg = f"no hours of a day: {self.opens} to {self.closes}"
            raise ValueError(msg)


Spans = tuple[Span, ...]


@dataclass(frozen=True)
class OfficePlan:
    """The hours: by kind of day, and those of single days in their place.

    A kind without spans is closed. `days` holds exceptions: an empty tuple closes the day.
    """

    week: Mapping[int, Spans]
    days: Mapping[date, Spans] = field(default_factory=dict)


# 手册·医疗服务: the platform's people are there daily, holidays included, 08:00 to 21:00.
DEFAULT_SPAN = Span(8 * 60, 21 * 60)
DEFAULT_PLAN = OfficePlan({kind: (DEFAULT_SPAN,) for kind in DAY_KINDS})


@dataclass(frozen=True)
class OfficeStatus:
    """Whether people are there; times in Asia/Shanghai.

    `opens_at` is the next opening, None while open or if there is none within `HORIZON` days;
    `closes_at` the end of the running hours, None while closed.
    """

    open: bool
    opens_at: datetime | None
    closes_at: datetime | None


def checked(spans: Spans) -> Spans:
    """Give the spans of one day in order. Raises ValueError if two overlap."""
    ordered = tuple(sorted(spans))
    if any(first.closes > second.opens for first, second in pairwise(ordered)):
        msg = "hours of one day overlap"
        raise ValueError(msg)
    return ordered


def day_kind(d: date) -> int:
    """Give which line of the plan the local day `d` follows."""
    if is_make_up_day(d):
        return MAKE_UP
    return HOLIDAY if is_public_holiday(d) else d.weekday()


def spans_of(plan: OfficePlan, d: date) -> Spans:
    """Give the hours of the local day `d`, in order."""
    return checked(plan.days.get(d, plan.week.get(day_kind(d), ())))


def office_status(plan: OfficePlan, now: datetime) -> OfficeStatus:
    """Say whether people are there at `now` (aware), until when, or from when on.

    The minute of closing is closed. Raises ValueError for a naive datetime.
    """
    moment = local(now)
    for opens, closes in _from(plan, moment.date(), HORIZON):
        if opens <= moment < closes:
            return OfficeStatus(open=True, opens_at=None, closes_at=closes)
        if opens > moment:
            return OfficeStatus(open=False, opens_at=opens, closes_at=None)
    return OfficeStatus(open=False, opens_at=None, closes_at=None)


def office_time(plan: OfficePlan, start: datetime, end: datetime) -> timedelta:
    """Give how much of the time from `start` to `end` (aware) people were there."""
    first, last = local(start), local(end)
    days = max((last.date() - first.date()).days, 0)
    shared = (
        min(closes, last) - max(opens, first)
        for opens, closes in _from(plan, first.date(), days)
        if opens < last and closes > first
    )
    return sum(shared, timedelta())


def after_office_time(plan: OfficePlan, start: datetime, length: timedelta) -> datetime | None:
    """Give the moment when people have been there for `length` after `start` (aware).

    None if that does not come within `HORIZON` days.
    """
    moment, left = local(start), length
    for opens, closes in _from(plan, moment.date(), HORIZON):
        begin = max(opens, moment)
        if closes <= begin:
            continue
        if closes - begin >= left:
            return begin + left
        left -= closes - begin
    return None


def _from(plan: OfficePlan, d: date, days: int) -> Iterator[tuple[datetime, datetime]]:
    for number in range(days + 1):
        day = d + number * _ONE_DAY
        midnight = at(day, datetime.min.time())
        for span in spans_of(plan, day):
            yield (
                midnight + timedelta(minutes=span.opens),
                midnight + timedelta(minutes=span.closes),
            )
