"""Spans of days as parents name them when they look back: 上个月, 今年, 最近三个月, 9月份."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER = r"(?:\d{1,2}|[一二三四五六七八九十两]{1,3}|几|半)"
# What "几个月" means: a few.
_FEW = 3
_WEEK = r"(?:周|星期|礼拜)"
_NO_DAY = r"(?![一二三四五六日天末\d])"
_RECENT = re.compile(
    rf"(?:最近|近来|近|过去|这|前)(?P<number>{_NUMBER})个?(?P<unit>天|日|周|星期|礼拜|月|年)"
)
_YEAR = r"(?P<year>今年|去年|前年|20\d\d年?)?的?"
_MONTH = re.compile(
    rf"{_YEAR}(?<![\d第])(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?"
)
_DAY_AFTER = re.compile(r"^\s*(?:\d{1,2}|[一二三四五六七八九十廿]{1,3})\s*[日号]?")
_HALF = re.compile(rf"{_YEAR}(?P<half>[上下])半年")
_WHOLE_YEAR = re.compile(r"今年|本年|去年|前年|(?<!\d)20\d\d年")
_HOLIDAYS = (
    (re.compile("国庆|十一(?:长假|假期|期间|那)"), (10, 1), (10, 8)),
    (re.compile("五一"), (5, 1), (5, 5)),
    (re.compile("暑假"), (7, 1), (8, 31)),
)


@dataclass(frozen=True)
class Period:
    """From the first to the last local day, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        """Say whether a local day lies within."""
        return self.first <= day <= self.last


def read_period(text: str, today: date) -> Period | None:
    """Find the span of past days that a text names; None if it names none.

    A month or a holiday without a year is the last one that has begun. The end never lies behind
    `today`. Single days ("昨天", "上周三") are no spans.
    """
    found = _recent(text, today) or _weeks(text, today) or _months(text, today)
    found = found or _halves(text, today) or _years(text, today) or _holidays(text, today)
    return Period(found.first, min(found.last, today)) if found else None


def _number(word: str) -> int:
    if word == "几":
        return _FEW
    if word.isdigit():
        return int(word)
    tens, found, ones = word.partition("十")
    if not found:
        return _DIGITS[word[-1]]
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _months_back(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _recent(text: str, today: date) -> Period | None:
    said = _RECENT.search(text)
    if not said:
        return None
    number, unit = said["number"], said["unit"]
    if unit in "天日" and number != "半":
        return Period(today - timedelta(days=_number(number) - 1), today)
    if unit in "周星期礼拜" and number != "半":
        return Period(today - timedelta(weeks=_number(number)), today)
    if unit == "年":
        months = 6 if number == "半" else 12 * _number(number)
        return Period(_months_back(today, months), today)
    if unit == "月":
        first = today - timedelta(days=15)
        return Period(first if number == "半" else _months_back(today, _number(number)), today)
    return None


def _weeks(text: str, today: date) -> Period | None:
    monday = today - timedelta(days=today.weekday())
    for words, back in (
        (rf"上上个?{_WEEK}", 2),
        (rf"上个?{_WEEK}", 1),
        (rf"(?:这个?|本){_WEEK}", 0),
    ):
        if re.search(words + _NO_DAY, text):
            first = monday - timedelta(weeks=back)
            return Period(first, first + timedelta(days=6))
    return None


def _month(year: int, month: int) -> Period:
    return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _months(text: str, today: date) -> Period | None:
    for words, back in (("上上个?月", 2), ("上个?月", 1), ("这个月|本月|当月", 0)):
        said = re.search(words, text)
        if said and not _DAY_AFTER.match(text[said.end() :]):
            day = _months_back(today.replace(day=1), back)
            return _month(day.year, day.month)
    said = _MONTH.search(text)
    if not said or _DAY_AFTER.match(text[said.end() :]):
        return None
    month = _number(said["month"])
    year = _year(said["year"], today)
    if year is None:
        year = today.year if month <= today.month else today.year - 1
    return _month(year, month)


def _year(word: str | None, today: date) -> int | None:
    if word is None:
        return None
    back = {"今年": 0, "本年": 0, "去年": 1, "前年": 2}.get(word)
    return int(word[:4]) if back is None else today.year - back


def _halves(text: str, today: date) -> Period | None:
    said = _HALF.search(text)
    if not said:
        return None
    year = _year(said["year"], today) or today.year
    if said["half"] == "上":
        return Period(date(year, 1, 1), date(year, 6, 30))
    year -= date(year, 7, 1) > today
    return Period(date(year, 7, 1), date(year, 12, 31))


def _years(text: str, today: date) -> Period | None:
    said = _WHOLE_YEAR.search(text)
    year = _year(said.group(), today) if said else None
    # Nothing that has happened lies ahead.
    if year is None or year > today.year:
        return None
    return Period(date(year, 1, 1), date(year, 12, 31))


def _holidays(text: str, today: date) -> Period | None:
    for words, first, last in _HOLIDAYS:
        if words.search(text):
            year = today.year if date(today.year, *first) <= today else today.year - 1
            return Period(date(year, *first), date(year, *last))
    return None
