"""From the pieces that the rules find to whole readings, and from those to the one asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from bot.nlu.dates.absolute import read_absolute
from bot.nlu.dates.clocks import find_clocks, glued_part, part_of, read_in_part
from bot.nlu.dates.days import find_days
from bot.nlu.dates.english import find_english_clocks, find_english_days
from bot.nlu.dates.model import TZ, ClockAtom, Context, DayAtom, Flag, Prefer, Resolution
from bot.nlu.dates.text import mask, normalise

Atom = TypeVar("Atom", DayAtom, ClockAtom)

_NEAR = re.compile(r"[\s,，、的是在就吧呢啊哈嘛也就都最好大概约(（on]{0,6}", re.IGNORECASE)
_BREAK = re.compile(r"[。!?;！？；\n]|现在|刚才|刚刚|已经")
_FAR = 20
_SAME_DAY = re.compile(r"[\s(（]*(?:也?就?是)?[\s(（]*")
_COMMA = re.compile(r"[\s,，(（]*(?:也?就?是)?[\s(（]*")
_TO = re.compile(r"\s{0,3}(?:到|至|-|~)\s{0,3}")
_EITHER = re.compile(r"^[^,，。;!?]{0,8}(?:和|或|还是|跟|、|及|到|至|与|or|and)", re.IGNORECASE)
_DAY_BEFORE = re.compile(r"的?前(?:一|1)天")
_DAY_AFTER = re.compile(r"的?(?:后(?:一|1)天|第二天)")
_BOUNDS = (
    (Flag.BEFORE, re.compile(r"\s?(?:号|日)?(?:(?:之|以)前|前(?![天一台面后往日门]))")),
    (Flag.AFTER, re.compile(r"\s?(?:号|日)?(?:(?:之|以)后|后(?![天一台面日来])|起(?!床)|开始)")),
    (Flag.APPROXIMATE, re.compile(r"\s?(?:左右|前后|上下|那几天|那两天)")),
)
# What stands right before the day that a parent wants, when a message names several.
_WANTED = re.compile(
    r"(?:(?:改|换|挪|调|推|延|移|推迟|延后|提前)[到成为至约]?|不对|说错了|"
    r"(?<!不)(?:应该|还)?是|约|预约|预订|挂|订|定在|定到|安排在|安排到|变成|更改为)(?:一?下)?[\s,，:是在了个]{0,3}$"
)
_REFUSED_AFTER = re.compile(
    r"\s{0,3}(?:的|就|都|我们?|他)?(?:不行|没空|没时间|来不了|去不了|不可以|不方便|不去了?|取消|约满|没号)"
)
_REFUSED_BEFORE = re.compile(
    r"(?:不是|不要|除了|原来(?:约|是)?的?|原定(?:在|于)?|本来(?:约|是)?的?|把|别约|不约)\s{0,3}$"
)
# What tells that something has happened: before the day, or after it.
_PAST_BEFORE = re.compile(
    r"已经|曾经|上次|上回|那次|当时|刚才|刚刚|(?<![号日天月期年一二三四五六])之前|最近一次"
)
_PAST_AFTER = re.compile(
    r"已经|刚|那次|出生|(?:[看做打去住查拍配开花用吃烧吐拉诊验治种付交买挂来拔补缝割术院断摔烫伤病发险]"
    r"(?:完|好|过)?(?:了(?![吗没])|过(?![敏滤几两程期号])))"
    r"|[看做打去住出查拍配开验付交买拔补割院诊种病生摔险](?:完|回)?的(?!话|时候能|号)"
    r"|的(?:(?:还)?(?:能|可以|怎么)报|发票|收据|账单|小票|病历|处方|费用|单子)"
)
_PLANNED = re.compile(r"想|要(?!求)|打算|准备|能|可以|可不可以|约|改|挪|计划|争取|再")
_CLAUSE = re.compile(r"[,，。;；!?！？\n]")


def resolve_all(text: str, now: datetime, prefer: Prefer = "future") -> list[Resolution]:
    """Return every date, clock and day part that ``text`` says, from left to right.

    Takes ``now`` aware, in any time zone; ``prefer`` says in which direction a day without a
    year, month or week lies: "future" for plans, "past" for what has happened.

    Raises:
        ValueError: if ``now`` is naive.
    """
    if now.tzinfo is None:
        raise ValueError(now)
    ctx = Context(mask(normalise(text)), now.astimezone(TZ), prefer)
    days = _merge_weekdays(_longest([*find_days(ctx), *find_english_days(ctx)]), ctx.text)
    rest = ctx.text
    for day in days:
        rest = rest[: day.start] + "\0" * (day.end - day.start) + rest[day.end :]
    clocks = _longest([*find_clocks(rest), *find_english_clocks(rest)])
    owned, loose = _attach(days, clocks, ctx.text)
    found = [_whole(day, owned[i], ctx, text) for i, day in enumerate(days)]
    found += [_clock_only(atoms, text) for atoms in loose]
    return _ranges(found, ctx.text)


def resolve(text: str, now: datetime, prefer: Prefer = "future") -> Resolution | None:
    """Return the one date (or else the clock) that ``text`` is about, or None.

    Takes and raises what :func:`resolve_all` does. Of several days the one that follows a word
    of booking or correcting wins (周三不行,改到周五), then the first in the direction of
    ``prefer``. A day that does not exist (2月30日) comes back with date None and
    ``Flag.IMPOSSIBLE_DATE``.
    """
    found = resolve_all(text, now, prefer)
    dated = [one for one in found if one.date or Flag.IMPOSSIBLE_DATE in one.flags]
    if len(dated) < 2:
        return dated[0] if dated else next(iter(found), None)
    return _choose(dated, normalise(text), now.astimezone(TZ), prefer)


def direction(text: str, now: datetime) -> Prefer:
    """Return "past" if the clause that holds the date reports what has happened (3号打的疫苗).

    Takes and raises what :func:`resolve` does. For callers whose own question does not already
    say where the date lies.
    """
    found = resolve(text, now)
    if found is None or found.date is None:
        return "future"
    spans = [found.span]
    if found.date <= now.astimezone(TZ).date():
        spans += [one.span for one in resolve_all(text, now) if one.date]
    text = normalise(text)
    return "past" if any(_reports(text, *span) for span in spans) else "future"


def _reports(text: str, start: int, end: int) -> bool:
    """Return whether the clause around a day tells that something happened on it."""
    before = _CLAUSE.split(text[:start])[-1]
    after = _CLAUSE.split(text[end:])[0]
    early, late = _PAST_BEFORE.search(before), _PAST_AFTER.search(after)
    # A plan between the cue and the day takes the cue's word away: 12号想把疫苗打了.
    if early and not _PLANNED.search(before[early.end() :]):
        return True
    return late is not None and not _PLANNED.search(after[: late.start()])


def _choose(dated: list[Resolution], text: str, now: datetime, prefer: Prefer) -> Resolution:
    open_ = [
        one
        for one in dated
        if not _REFUSED_AFTER.match(text, one.span[1])
        and not _REFUSED_BEFORE.search(text[: one.span[0]])
    ] or dated
    today = now.date()
    fits = [
        one
        for one in open_
        if one.date is None or (one.date <= today if prefer == "past" else one.date >= today)
    ] or open_
    wanted = [one for one in fits if _WANTED.search(text[: one.span[0]])]
    if wanted:
        return wanted[-1]
    first = fits[0]
    if prefer == "future" and first.date == today and first.time is None and len(fits) > 1:
        # 今天发烧了,后天想看: today tells the story, unless it is offered as a choice.
        between = text[first.span[1] : fits[1].span[0]]
        if not _EITHER.search(between) and fits[1].date != today:
            return fits[1]
    return first


def _longest(atoms: Iterable[Atom]) -> list[Atom]:
    """Return the atoms that do not overlap, longer ones first, in the order of the text."""
    kept: list[Atom] = []
    for atom in sorted(atoms, key=lambda one: one.start - one.end):
        if all(atom.end <= other.start or other.end <= atom.start for other in kept):
            kept.append(atom)
    return sorted(kept, key=lambda one: one.start)


def _merge_weekdays(days: list[DayAtom], text: str) -> list[DayAtom]:
    """Join a day that is said twice: 12月3号周四, 下周三(12月9号), 12/24 平安夜."""
    merged: list[DayAtom] = []
    for day in days:
        last = merged[-1] if merged else None
        if last is None or last.date is None or day.date is None:
            merged.append(day)
            continue
        gap = text[last.end : day.start]
        same = last.date == day.date or (
            day.weekday is not None
            and last.weekday is None
            and Flag.RANGE not in last.flags
            and day.weekday == last.date.weekday()
        )
        if same and _COMMA.fullmatch(gap):
            merged[-1] = replace(last, end=day.end, weekday=None)
        elif (last.weekday is None) != (day.weekday is None) and _SAME_DAY.fullmatch(gap):
            kept = last if last.weekday is None else day
            flags = kept.flags | ({Flag.WEEKDAY_MISMATCH} if not same else set())
            merged[-1] = replace(kept, start=last.start, end=day.end, flags=frozenset(flags))
        else:
            merged.append(day)
    return merged


def _attach(
    days: list[DayAtom], clocks: list[ClockAtom], text: str
) -> tuple[list[list[ClockAtom]], list[list[ClockAtom]]]:
    """Return the clocks of each day, and those that belong to none, grouped where they touch."""
    owned: list[list[ClockAtom]] = [[] for _ in days]
    loose: list[list[ClockAtom]] = []
    for i, day in enumerate(days):
        part = glued_part(text, day.end)
        if part and not any(clock.start <= part.start < clock.end for clock in clocks):
            owned[i].append(part)
    for clock in clocks:
        before = max((i for i, day in enumerate(days) if day.end <= clock.start), default=None)
        after = next((i for i, day in enumerate(days) if day.start >= clock.end), None)
        last = max((one.end for one in owned[before]), default=0) if before is not None else 0
        start = max(last, days[before].end) if before is not None else 0
        close = before is not None and _NEAR.fullmatch(text[start : clock.start])
        ahead = after is not None and _NEAR.fullmatch(text[clock.end : days[after].start])
        if before is not None and close:
            owned[before].append(clock)
        elif after is not None and ahead:
            owned[after].append(clock)
        elif (
            before is not None
            and clock.start - start <= _FAR
            and not _BREAK.search(text[start : clock.start])
        ):
            owned[before].append(clock)
        elif loose and _NEAR.fullmatch(text[loose[-1][-1].end : clock.start]):
            loose[-1].append(clock)
        else:
            loose.append([clock])
    return owned, loose


def _joined(atoms: list[ClockAtom]) -> ClockAtom:
    """Return the first clock of ``atoms``, read in the day part that stands apart from it."""
    part = next((one.part for one in atoms if one.part), None)
    clock = next((one for one in atoms if one.time), atoms[0])
    if clock.said and part:
        again = read_in_part(clock.start, clock.end, *clock.said, part)
        clock = replace(again, flags=(clock.flags - {Flag.HALF_DAY_GUESSED}) | again.flags)
    elif clock.time is None and part:
        clock = replace(clock, part=part)
    return clock


def _whole(day: DayAtom, clocks: list[ClockAtom], ctx: Context, text: str) -> Resolution:
    """Return the reading of a day with its clocks, with what is said right behind it."""
    clock = _joined(clocks) if clocks else None
    start = min([day.start, *(one.start for one in clocks)])
    end = max([day.end, *(one.end for one in clocks)])
    flags = set(day.flags) | (set(clock.flags) if clock else set())
    found, at = day.date, day.time
    part = clock.part if clock else None
    if clock and clock.time and at is None:
        at = clock.time
        if found and clock.carry:
            found += timedelta(days=clock.carry)
    for pattern, shift in ((_DAY_BEFORE, -1), (_DAY_AFTER, 1)):
        behind = pattern.match(ctx.text, end)
        if behind and found:
            found, end = found + timedelta(days=shift), behind.end()
    flags |= _bounds(ctx.text, end) or _bounds(ctx.text, day.end)
    if found:
        found, at = read_absolute(found, at)
    return Resolution(
        date=found,
        time=at,
        part=part or (part_of(at) if at else None),
        grain="minute" if at else "part" if part else "day",
        span=(start, end),
        text=text[start:end],
        flags=frozenset(flags),
    )


def _bounds(text: str, end: int) -> frozenset[Flag]:
    """Return whether 之前, 以后 or 左右 stands behind a reading that ends at ``end``."""
    return frozenset([flag for flag, bound in _BOUNDS if bound.match(text, end)][:1])


def _clock_only(atoms: list[ClockAtom], text: str) -> Resolution:
    clock = _joined(atoms)
    start, end = atoms[0].start, atoms[-1].end
    return Resolution(
        date=None,
        time=clock.time,
        part=clock.part or (part_of(clock.time) if clock.time else None),
        grain="minute" if clock.time else "part",
        span=(start, end),
        text=text[start:end],
        flags=clock.flags | _bounds(text, end),
    )


def _ranges(found: list[Resolution], text: str) -> list[Resolution]:
    """Return ``found`` with the first of two days joined by 到 flagged as the start of a range."""
    ordered = sorted(found, key=lambda one: one.span)
    for i, (one, other) in enumerate(pairwise(ordered)):
        if one.date and other.date and _TO.fullmatch(text[one.span[1] : other.span[0]]):
            ordered[i] = replace(one, flags=one.flags | {Flag.RANGE})
    return ordered
