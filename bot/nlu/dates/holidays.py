"""Holidays by name and days of the Chinese calendar, by lunar-python (MIT)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

from lunar_python import Lunar, LunarYear

from bot.nlu.dates.calendar import make, nth_weekday

_FIXED = {
    "元旦": (1, 1), "情人节": (2, 14), "妇女节": (3, 8), "三八节": (3, 8), "女神节": (3, 8),
    "植树节": (3, 12), "愚人节": (4, 1), "劳动节": (5, 1), "五一劳动节": (5, 1),
    "五一国际劳动节": (5, 1), "国际劳动节": (5, 1), "五一": (5, 1), "青年节": (5, 4),
    "五四青年节": (5, 4), "护士节": (5, 12), "儿童节": (6, 1), "国际儿童节": (6, 1),
    "六一儿童节": (6, 1), "六一国际儿童节": (6, 1), "六一": (6, 1), "建党节": (7, 1),
    "建军节": (8, 1), "八一建军节": (8, 1), "教师节": (9, 10), "国庆": (10, 1),
    "十一国庆": (10, 1), "万圣节": (10, 31), "万圣夜": (10, 31), "光棍节": (11, 11),
    "双十一": (11, 11), "双11": (11, 11), "双十二": (12, 12), "双12": (12, 12),
    "平安夜": (12, 24), "圣诞": (12, 25), "跨年夜": (12, 31), "国际妇女节": (3, 8),
    "三八妇女节": (3, 8), "三八国际妇女节": (3, 8), "记者节": (11, 8), "医师节": (8, 19),
}  # fmt: skip
_LUNAR = {
    "春节": (1, 1), "大年初一": (1, 1), "年初一": (1, 1), "元宵": (1, 15), "龙抬头": (2, 2),
    "端午": (5, 5), "七夕": (7, 7), "中元节": (7, 15), "中秋": (8, 15), "重阳": (9, 9),
    "腊八": (12, 8),
} | {f"{p}{d}": (1, n)
     for p in ("大年初", "年初") for n, d in enumerate("一二三四五六七八九十", 1)}  # fmt: skip
_NTH = {"母亲节": (5, 2, 6), "父亲节": (6, 3, 6), "感恩节": (11, 4, 3)}
_TERMS = {"清明": "清明", "冬至": "冬至", "夏至": "夏至", "立春": "立春", "立夏": "立夏",
          "立秋": "立秋", "立冬": "立冬"}  # fmt: skip
_EVE = ("除夕", "大年三十", "年三十", "年三十晚", "大年夜", "年夜")


@lru_cache(maxsize=512)
def lunar_day(year: int, month: int, day: int) -> date | None:
    """Return the solar date of a day in a lunar year; a leap month is negative.

    Returns None where that lunar year has no such month or day.
    """
    if not 1900 <= year <= 2099 or day < 1:
        return None
    lunar_month = LunarYear.fromYear(year).getMonth(month)
    if lunar_month is None or day > lunar_month.getDayCount():
        return None
    solar = Lunar.fromYmd(year, month, day).getSolar()
    return make(solar.getYear(), solar.getMonth(), solar.getDay())


@lru_cache(maxsize=512)
def solar_term(year: int, name: str) -> date | None:
    """Return the day of a solar term (清明, 冬至 …) in a solar year."""
    if not 1901 <= year <= 2099:
        return None
    solar = Lunar.fromYmd(year, 6, 1).getJieQiTable()[name]
    return make(solar.getYear(), solar.getMonth(), solar.getDay())


def _eve(year: int) -> date | None:
    # The eve of the year named is the one that ends it, as in speech after the new year.
    new_year = lunar_day(year + 1, 1, 1)
    return new_year - timedelta(days=1) if new_year else None


def _on(name: str) -> Callable[[int], date | None]:
    if name in _FIXED:
        month, day = _FIXED[name]
        return lambda year: make(year, month, day)
    if name in _LUNAR:
        month, day = _LUNAR[name]
        return lambda year: lunar_day(year, month, day)
    if name in _NTH:
        month, nth, weekday = _NTH[name]
        return lambda year: nth_weekday(date(year, month, 1), nth, weekday)
    if name in _TERMS:
        return lambda year: solar_term(year, _TERMS[name])
    return _eve


BY_NAME: dict[str, Callable[[int], date | None]] = {
    name: _on(name) for name in (*_FIXED, *_LUNAR, *_NTH, *_TERMS, *_EVE)
}
"""For each holiday's name, what gives its date in a year."""

_NAMES = "|".join(sorted(BY_NAME, key=len, reverse=True))
PATTERN = (
    rf"(?<![吃煮买做包\d零〇一二三四五六七八九十])(?P<name>{_NAMES})(?:节)?"
    r"(?![零〇一二三四五六七八九十]|上河图|联欢|晚会|月饼|粽|汤圆|假期|期间|长假|小长假|黄金周|放假|"
    r"前后|前夕|前(?!\s?一天)|后(?!\s?一天)|之前|之后|以前|以后|过后|过完|过了|附近|套餐|活动)"
)
"""A holiday that means its day; its season (国庆期间, 五一后) means none."""

AFTER_NAME = re.compile(r"的?(?:当天|那天|当日|那日)?第?(?P<nth>[二三四五六七2-7])天")
"""国庆第三天: the day counted from the holiday's own."""
