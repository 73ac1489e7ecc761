"""China's working days and the local day: what every deadline of the manual is counted with.

Weekends and public holidays are off, the make-up workdays (调休) that the State Council decrees
are on. `holidays` holds the decrees; a year without one yet is counted with its weekends and its
statutory holidays, and `undecreed_years` names it so that the parent can be told.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

TZ = ZoneInfo("Asia/Shanghai")

_ONE_DAY = timedelta(days=1)
_LAST_MOMENT = time(23, 59, 59)
_SATURDAY = 5
# New Year's decree may turn the last weekend of the old year into workdays (2001, 2005, 2006,
# 2011), never further back: from this day of December on, the next year's decree is needed too.
_NEXT_DECREE_REACHES_BACK_TO = 27


@lru_cache(maxsize=128)
def _year(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Give the days off and the make-up workdays that fall in `year`."""
    # One calendar a year, frozen: a shared holidays object grows while it is read, which two
    # threads must not do at once. Its make-up days include those of other years' decrees.
    calendar = holidays.country_holidays("CN", years=year, expand=False)
    off = frozenset(day for day in calendar if day.year == year)
    return off, frozenset(day for day in calendar.weekend_workdays if day.year == year)


def has_decree(year: int) -> bool:
    """Say whether the State Council's decree on holidays and make-up days of `year` is known.

    Every decree since the first one (2001) moved workdays to a weekend, so their presence in the
    data is the sign: an update of `holidays` brings the next year without a change here.
    False means that working days of that year are provisional, which the parent must be told.
    """
    return bool(_year(year)[1])


def undecreed_years(first: date, last: date) -> tuple[int, ...]:
    """Name the years without a decree that counting from `first` to `last` depends on.

    Takes two local days in either order; an empty result means that the count is final. The last
    days of December depend on the next year's decree as well.
    """
    first, last = min(first, last), max(first, last)
    last_year = last.year
    if (last.month, last.day) >= (12, _NEXT_DECREE_REACHES_BACK_TO):
        last_year = min(last_year + 1, MAXYEAR)
    return tuple(year for year in range(first.year, last_year + 1) if not has_decree(year))


def is_working_day(d: date) -> bool:
    """Say whether the local day `d` is a working day in China (make-up workdays are)."""
    off, make_up = _year(d.year)
    if d in make_up:
        return True
    return d.weekday() < _SATURDAY and d not in off


def is_public_holiday(d: date) -> bool:
    """Say whether the local day `d` is a public holiday in China, or off because of one."""
    off, make_up = _year(d.year)
    return d in off and d not in make_up


def is_make_up_day(d: date) -> bool:
    """Say whether the local day `d` is a weekend's day made a workday (调休)."""
    return d in _year(d.year)[1]


def _working_days(d: date, step: timedelta) -> Iterator[date]:
    while True:
        d += step
        if is_working_day(d):
            yield d


def add_working_days(d: date, n: int) -> date:
    """Give the n-th working day after `d`, or before it when `n` is negative.

    The day `d` itself does not count, whether it is a working day or not; n = 0 gives `d` back.
    Raises OverflowError beyond the years 1 to 9999.
    """
    days = _working_days(d, _ONE_DAY if n > 0 else -_ONE_DAY)
    for _ in range(abs(n)):
        d = next(days)
    return d


def previous_working_day(d: date) -> date:
    """Give the last working day before the local day `d`."""
    return add_working_days(d, -1)


def next_working_day(d: date) -> date:
    """Give the first working day after the local day `d`."""
    return add_working_days(d, 1)


def local(moment: datetime) -> datetime:
    """Give an aware `moment` in Asia/Shanghai. Raises ValueError for a naive one."""
    if moment.utcoffset() is None:
        msg = "a naive datetime names no moment"
        raise ValueError(msg)
    return moment.astimezone(TZ)


def local_day(moment: datetime) -> date:
    """Give the day that it is in Asia/Shanghai at `moment`. Raises ValueError for a naive one."""
    return local(moment).date()


def at(d: date, clock: time) -> datetime:
    """Give the moment when clocks in Asia/Shanghai show `clock` on the day `d`."""
    return datetime.combine(d, clock, tzinfo=TZ)


def day_bounds(d: date) -> tuple[datetime, datetime]:
    """Give the first moment of the local day `d` and that of the next."""
    return at(d, time()), at(d + timedelta(days=1), time())


def end_of_day(d: date) -> datetime:
    """Give the last second of the local day `d`, 23:59:59 in Asia/Shanghai.

    Told to a parent, it reads as a time of that day, which 00:00 of the next day does not.
    `is_past_day` compares with it so that the last second still counts in full.
    """
    return at(d, _LAST_MOMENT)


def is_past_day(due: datetime, now: datetime) -> bool:
    """Say whether the local day on which `due` falls is over at `now`. Both are aware."""
    return local_day(now) > local_day(due)
