"""The day and the time of day that a parent wishes for a visit, as one message says them.

"12月10号之前", "越快越好" and "下周哪天都行" name no day: they are not taken for one, a day is
proposed instead. Of several days in a message the one that is meant counts.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from actions import texts
from actions.turn import Turn
from bot.services import appointments as service

SEVERAL_DAYS = frozenset({"before", "after", "range", "approximate"})
# In a date with a clock, the bound is the day's only if it stands inside ("12月10号以后下午三点").
DAY_BOUND = re.compile(r"之前|以前|之后|以后|左右|前后|[号日][前后起]")
ABOUT_A_DAY = re.compile(r"月[初中底]|年[初底]")
LAST_COUNTS = re.compile(r"不是|不要|不对|错|改|换|挪|调|推|延|移|提前")
REFUSED_BEFORE = re.compile(r"(?:不是|不要|别约|不约|除了|原来(?:是|约的?)?)\s*$")
REFUSED_AFTER = re.compile(
    r"\s*(?:的|号|就|都|那天|我们?|他|她|孩子)*(?:不行|没空|没时间|不方便|不可以|来不了|去不了|不去)"
)
SOON = re.compile(
    r"[越最尽](?:快|早|近)|马上|随便|哪天都|哪天有|都行|都可以|[你您]们?定|听你|听您|不限|过几天|[这近最]几?[近天]"
)
NEXT_WEEK = re.compile(r"(下+)(?:个)?(?:周|星期|礼拜)")
THIS_WEEK = re.compile(r"[这本](?:个)?(?:周|星期|礼拜)")
WEEKEND = re.compile(r"周末|双休")
MONTH_PART = re.compile(r"(\d{1,2})月(?:份)?(上旬|中旬|下旬)?")
NEXT_MONTH = re.compile(r"下个?月")
ANY_TIME = re.compile(
    r"都行|都可以|都好|随便|不限|无所谓|[你您]们?定|听你|听您|看你|看医院|任意|全天|皆可"
)
# Of several days each would do.
EITHER = re.compile(
    r"都行|都可以|都可|都好|都成|都能|都没问题|均可|或者?|要么|还是(?!.*吧)|随便|哪天"
)
SEVERAL, MOST_DAYS = 2, 4
DAY_ALONE = re.compile(r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})[号號日]?[上下]?午?")
FIRST_DAY = {"上旬": 1, "中旬": 11, "下旬": 21}
OFFERED = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
SATURDAY = 5
# "11月20号" said on the 23rd is three days ago rather than next year.
LONG_AGO, FAR = timedelta(days=60), timedelta(days=200)


@dataclass(frozen=True)
class OpenDay:
    """A stretch of days (local, both ends meant); ``last`` is ``None`` where it has no end.

    ``days`` holds the days themselves where several were said ("明天后天都行").
    """

    first: date
    last: date | None
    days: tuple[date, ...] = ()


@dataclass(frozen=True)
class NoDay:
    """A day that does not exist, or one only said to be wrong."""

    impossible: bool


Day = str | OpenDay | NoDay


def read_day(turn: Turn, *, asked: bool, taken: frozenset[str] = frozenset()) -> Day | None:
    """Return the day wished for: an ISO date, a stretch of days, or that it is none.

    Args:
        turn: The turn.
        asked: Whether the day is what was asked; only then do "随便" and "越快越好" mean days.
        taken: Days (ISO) that only say which visit is meant.
    """
    dated = [e for e in turn.entities("date") if _names_a_day(e)]
    said = [e for e in dated if e["value"].get("date") not in taken]
    if said:
        either = _either(turn, said)
        if either is not None:
            return either
        meant = _meant(turn.text, said)
        if meant is None:
            return NoDay(impossible=False)
        return _day(turn, meant, said)
    if turn.intent == "affirm" and asked:
        return offered_day(turn)
    return _stretch(turn) if asked else None


def read_time(turn: Turn, *, asked: bool) -> str | None:
    """Return the clock time ("HH:MM") or the part of the day wished for.

    "十点半之前" and "九点到十一点" name a part of the day rather than a clock time.
    """
    said = [e for e in turn.entities("date") if e["value"].get("time") or e["value"].get("part")]
    meant = _meant(turn.text, said)
    if meant is not None:
        value = meant["value"]
        clock, part = value.get("time"), value.get("part")
        bound = {"before", "range"} & set(value.get("flags", ())) and not _bounds_day(turn, meant)
        return str(part or clock if bound else clock or part)
    if asked and ANY_TIME.search(turn.text):
        return "any"
    return None


def propose(turn: Turn, stretch: OpenDay) -> None:
    """Say that one day must be chosen, and propose one; of several said, ask which."""
    if stretch.days:
        days = [texts.day(day, turn.now.date()) for day in stretch.days]
        buttons = [button for day in stretch.days for button in day_button(turn, day)]
        turn.say("day_which", buttons=buttons, value=texts.line("and").join(days))
        return
    day = service.day_within(stretch.first, stretch.last, turn.now)
    shown = texts.day(day, turn.now.date())
    turn.say("day_open", buttons=day_button(turn, day), next_day=shown)


def day_button(turn: Turn, day: date) -> list[dict[str, str]]:
    """Return a button that chooses a proposed day, as if it had been typed."""
    typed = texts.line("day_typed", year=day.year, month=day.month, day=day.day)
    return [{"title": texts.day(day, turn.now.date()), "payload": typed}]


def offered_day(turn: Turn) -> str | None:
    """Return the day that the last reply proposed by a button."""
    spoken = 0
    for event in reversed(turn.tracker.events):
        if event["event"] == "user":
            spoken += 1
            if spoken > 1:
                return None
        elif event["event"] == "bot" and spoken == 1:
            for button in (event.get("data") or {}).get("buttons") or ():
                found = OFFERED.fullmatch(str(button.get("payload")))
                if found:
                    return date(*map(int, found.groups())).isoformat()
    return None


def _names_a_day(entity: dict[str, Any]) -> bool:
    value = entity["value"]
    return bool(value.get("date") or "impossible_date" in value.get("flags", ()))


def _meant(text: str, said: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = [
        e
        for e in said
        if not REFUSED_BEFORE.search(text[: e.get("start", 0)])
        and not REFUSED_AFTER.match(text[e.get("end", len(text)) :])
    ]
    if not wanted:
        return None
    return wanted[-1 if LAST_COUNTS.search(text) else 0]


def _either(turn: Turn, said: list[dict[str, Any]]) -> OpenDay | None:
    """Return the days of "周二周三都行", each of which would do."""
    if LAST_COUNTS.search(turn.text) or not EITHER.search(turn.text):
        return None
    wanted = [
        e
        for e in said
        if e["value"].get("date")
        and not SEVERAL_DAYS & set(e["value"].get("flags", ()))
        and not REFUSED_BEFORE.search(turn.text[: e.get("start", 0)])
        and not REFUSED_AFTER.match(turn.text[e.get("end", len(turn.text)) :])
    ]
    days = sorted(set(_in_one_month(turn.text, wanted)))
    days = [day for day in days if day >= turn.now.date()]
    if len(days) < SEVERAL:
        return None
    return OpenDay(days[0], days[-1], tuple(days[:MOST_DAYS]))


def _in_one_month(text: str, said: list[dict[str, Any]]) -> list[date]:
    """Return the days said; in "12月28号29号" the second is of the first one's month."""
    days: list[date] = []
    for entity in said:
        day = date.fromisoformat(entity["value"]["date"])
        alone = DAY_ALONE.fullmatch(text[entity.get("start", 0) : entity.get("end", 0)])
        if days and alone:
            with suppress(ValueError):
                same = days[-1].replace(day=day.day)
                # "12月30号1号" goes on into January.
                day = same if same > days[-1] else same + relativedelta(months=1)
        days.append(day)
    return days


def _bounds_day(turn: Turn, entity: dict[str, Any]) -> bool:
    if not entity["value"].get("time"):
        return True
    return bool(DAY_BOUND.search(turn.text[entity.get("start", 0) : entity.get("end")]))


def _day(turn: Turn, meant: dict[str, Any], said: list[dict[str, Any]]) -> Day:
    value, today = meant["value"], turn.now.date()
    if not value.get("date"):
        return NoDay(impossible=True)
    day = date.fromisoformat(value["date"])
    gone = date.fromisoformat(value.get("past") or value["date"])
    written = turn.text[meant.get("start", 0) : meant.get("end")]
    if day > today + FAR and today - LONG_AGO <= gone < today and str(day.year) not in written:
        day = gone
    flags = SEVERAL_DAYS & set(value.get("flags", ()))
    if ABOUT_A_DAY.search(written):
        flags |= {"approximate"}
    if not flags or not _bounds_day(turn, meant):
        return day.isoformat()
    if "before" in flags:
        return OpenDay(today, day)
    if "after" in flags:
        return OpenDay(day + timedelta(days=1), None)
    later = said[said.index(meant) + 1 :]
    end = date.fromisoformat(later[0]["value"].get("date") or day.isoformat()) if later else None
    if "range" in flags and end is not None:
        return OpenDay(day, end + timedelta(days=7) if end < day else end)
    return OpenDay(day, None)


def _stretch(turn: Turn) -> Day | None:
    text, today = turn.text, turn.now.date()
    monday = today - timedelta(days=today.weekday())
    weeks = NEXT_WEEK.search(text)
    if weeks:
        monday += timedelta(days=7 * len(weeks.group(1)))
    if WEEKEND.search(text):
        return (monday + timedelta(days=SATURDAY)).isoformat()
    if weeks:
        return OpenDay(monday, monday + timedelta(days=6))
    if NEXT_MONTH.search(text):
        return OpenDay((today.replace(day=1) + timedelta(days=32)).replace(day=1), None)
    month = MONTH_PART.search(text)
    if month and 1 <= int(month.group(1)) <= 12:
        first = today.replace(month=int(month.group(1)), day=FIRST_DAY.get(month.group(2), 1))
        if first < today.replace(day=1):
            first = first.replace(year=first.year + 1)
        return OpenDay(first, None)
    if THIS_WEEK.search(text):
        return OpenDay(today, monday + timedelta(days=6))
    return OpenDay(today, None) if SOON.search(text) else None
