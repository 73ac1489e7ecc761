"""Days counted from now: 三天后, 两个月前, 一个半小时后, 1天2小时后, 三个月后的5号."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from bot.nlu.dates import calendar
from bot.nlu.dates.model import Context, DayAtom, Flag
from bot.nlu.dates.text import CN, NOT_IN_NUM, NUM, to_int

_UNIT = r"(?P<unit>年|个月|周|星期|礼拜|天|日|小时|钟头|刻钟|分钟|分)"
_PIECE = re.compile(
    rf"(?P<n>{NUM}|半)\s{{0,3}}(?P<a>个半|个|半)?\s{{0,3}}(?:{_UNIT}|(?P<month>月))(?P<half>半)?"
)
_AMOUNT = (
    rf"(?:(?:{NUM}|半)\s{{0,3}}(?:个半|个|半)?\s{{0,3}}"
    r"(?:年|月|周|星期|礼拜|天|日|小时|钟头|刻钟|分钟|分)半?(?:零|又|,)?\s{0,3}){1,3}"
)
# A count that follows an event runs from that event, not from now: 吃药两小时后, 出院三天后.
_ANCHORED = (
    r"(?<![了院完术烧热咳泻吐痛药饭针苗痊娠娩产伤敏嗽肿疹涕退摔满保期效收付批交买腹睡用常察观动第每前后隔提早晚迟])"
    rf"(?<!肚子)(?<![\d{CN}][-~到至、,])"
)
_EVENT_BEFORE = re.compile(
    r"(?:就诊|看病|看诊|手术|治疗|住院|入院|接种|打针|用药|生效|到期|出生)(?:的)?$"
)
_VISIT_BEFORE = re.compile(r"(?:预约|检查|就医|门诊|复诊|开会|体检)$")
# 过三天 counts ahead only where 过 is the verb: 吃过三天药 tells of the past.
_VERB_FREE = r"(?<![^\s,，。;!?、再等想要就我们那先得能以])"
_SHIFTS = {"上": -1, "下": 1}


def week_shift(text: str, start: int, said: str) -> int:
    """Return how many weeks or months 上上, 下, 这 and the like are away.

    In 看一下下周 the first 下 belongs to the verb, so one fewer is counted.
    """
    if said.startswith("大"):
        return 2 * _SHIFTS.get(said[1], 0)
    if said.startswith("再下"):
        return 2
    run = len(said) - len(said.lstrip(said[0]))
    shift = _SHIFTS.get(said[0], 0) * run
    if said[0] == "下" and start > 0 and text[start - 1] == "一" and shift:
        shift -= 1
    return shift


def _delta(amount: str) -> tuple[relativedelta, bool] | None:
    """Return the span that an amount means, and whether it counts hours or minutes."""
    total, clock = relativedelta(), False
    for piece in _PIECE.finditer(amount):
        unit = piece["unit"] or "月"
        half = piece["a"] in ("个半", "半") or bool(piece["half"])
        if unit == "月" and piece["a"] != "个":
            if not half and piece["n"] != "半":
                return None
            unit = "个月"
        number = 0 if piece["n"] == "半" else to_int(piece["n"])
        if number is None:
            return None
        half = half or piece["n"] == "半"
        if unit in ("年",):
            total += relativedelta(years=number, months=6 if half else 0)
        elif unit in ("个月", "月"):
            total += relativedelta(months=number, days=15 if half else 0)
        elif unit in ("周", "星期", "礼拜"):
            if half:
                return None
            total += relativedelta(weeks=number)
        elif unit in ("天", "日"):
            total += relativedelta(days=number, hours=12 if half else 0)
            clock = clock or half
        else:
            minutes = {"小时": 60, "钟头": 60, "刻钟": 15}.get(unit, 1)
            total += relativedelta(minutes=number * minutes + (minutes // 2 if half else 0))
            clock = True
    return total, clock


def _offset(match: re.Match[str], ctx: Context) -> DayAtom | None:
    read = _delta(match["amount"])
    if read is None:
        return None
    delta, clock = read
    side = match["side"]
    before = ctx.text[: match.start()].rstrip()
    if _EVENT_BEFORE.search(before) or (side == "前" and _VISIT_BEFORE.search(before)):
        return None
    now = ctx.now.replace(tzinfo=None)
    try:
        then = now - delta if side == "前" else now + delta
    except (OverflowError, ValueError):
        return None
    at = then.time().replace(second=0, microsecond=0) if clock else None
    return DayAtom(*match.span(), then.date(), time=at)


def _month_later(match: re.Match[str], ctx: Context) -> DayAtom | None:
    months, day = to_int(match["months"]), to_int(match["day"])
    if months is None or day is None:
        return None
    first = ctx.today.replace(day=1) + relativedelta(
        months=-months if match["side"] == "前" else months
    )
    found = calendar.make(first.year, first.month, day)
    flags = frozenset() if found else frozenset({Flag.IMPOSSIBLE_DATE})
    return DayAtom(*match.span(), found, flags=flags)


def _same_weekday(match: re.Match[str], ctx: Context) -> DayAtom:
    said = match["shift"]
    day: date = ctx.today + timedelta(weeks=week_shift(ctx.text, match.start(), said))
    return DayAtom(*match.span(), day)


OFFSET_RULES: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str], Context], DayAtom | None]], ...
] = (
    (
        re.compile(
            rf"{NOT_IN_NUM}{_ANCHORED}(?P<amount>{_AMOUNT})(?:之|以)?"
            r"(?P<side>后(?!天(?!气)|年|面|期|遗)|前(?!后|台|面|线))(?:的?今天)?"
        ),
        _offset,
    ),
    (
        re.compile(
            rf"{_VERB_FREE}(?:再)?过\s{{0,3}}(?P<amount>{_AMOUNT})(?P<side>)(?:之|以)?后?(?!内)"
        ),
        _offset,
    ),
    (
        re.compile(
            rf"{NOT_IN_NUM}(?P<months>{NUM})\s{{0,3}}个月(?:之|以)?(?P<side>[后前])的?\s{{0,3}}(?P<day>{NUM})\s{{0,3}}[号日]"
        ),
        _month_later,
    ),
    (
        re.compile(r"(?P<shift>上{1,3}|下{1,3})(?:个)?(?:周|星期|礼拜)的?(?:今天|同一天)"),
        _same_weekday,
    ),
)
"""The rules for days counted from now, in the form of ``days.RULES``."""
