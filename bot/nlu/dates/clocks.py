"""Clocks and day parts: 下午三点半, 3:30pm, 差五分八点, and the clinic's reading of 三点."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import time

from bot.nlu.dates.model import ClockAtom, Flag, Part
from bot.nlu.dates.text import CN, NOT_IN_NUM, NUM, to_int

_PARTS: dict[Part, str] = {
    "dawn": "凌晨|后半夜|下半夜|半夜三更|大半夜|半夜|拂晓|天没亮",
    "morning": "早上|早晨|清晨|清早|大清早|一大早|一早|早间|晨间|上午|午前|上半天|上昼|早浪向",
    "noon": "中午|正午|晌午|午间|大中午|晏昼",
    "afternoon": "下午|午后|下半天|后半晌|后晌|下昼|下晏",
    "evening": "傍晚|晚上|晚间|夜里|夜间|夜晚|深夜|黄昏|大晚上|夜头|夜里向|晚黑",
}
_PART_OF: dict[str, Part] = {
    word: part for part, words in _PARTS.items() for word in words.split("|")
} | {"早": "morning", "晨": "morning", "晚": "evening", "夜": "evening"}

_WORDS = "|".join(sorted((w for w in _PART_OF if len(w) > 1), key=len, reverse=True))
# One character alone is a day part only right after a day or right before a clock.
_PART = (
    rf"(?P<part>{_WORDS}"
    rf"|[早晚夜晨](?=\s{{0,3}}(?:\d{{1,2}}|[{CN}]{{1,3}})\s{{0,3}}(?:[点:时]|am|pm)))"
)
_NOT_MINUTES = rf"(?!\s{{0,3}}(?:[度℃岁个块元斤天人名%片粒包次.\d{CN}]|号楼))"
_MINUTES = (
    r"(?P<half>半)"
    r"|(?:过)?(?P<quarter>[一三1-3])刻"
    r"|(?P<sharp>[整正])"
    rf"|差(?P<to>{NUM})分"
    rf"|(?:过)?(?P<min>\d{{1,2}}|[{CN}]{{1,3}})\s{{0,3}}分(?!之|钟[前后])"
    rf"|(?P<bare>\d{{2}}|[零〇][一二三四五六七八九\d]|[二三四五]?十[一二三四五六七八九]?){_NOT_MINUTES}"
)
_CLOCK = (
    rf"(?:差(?P<before>{NUM}|一刻)分?(?:钟)?(?:到|就)?)?"
    rf"(?<!第)(?:{NOT_IN_NUM}(?P<from>\d{{1,2}}|[{CN}]{{1,3}})点?\s{{0,3}}(?:[-~到至])\s{{0,3}}(?:{_WORDS})?)?"
    rf"(?<!第)(?<![\d{CN}]、){NOT_IN_NUM}(?P<hour>\d{{1,2}}|[{CN}]{{1,3}})\s{{0,3}}"
    rf"(?:(?:点钟?|时(?![候间不常刻长段差]))\s{{0,3}}(?:{_MINUTES})?)"
)
_COLON = (
    r"(?<![\d:.])(?P<h>\d{1,2})\s?:\s?(?P<m>[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    r"(?:\s{0,3}(?P<ap>[ap]\.?m\b\.?))?"
)
_AMPM = r"(?<![\d:.])(?P<h12>\d{1,2})(?:[:.](?P<m12>[0-5]\d))?\s{0,3}(?P<ap12>[ap]\.?m(?![a-z])\.?)"
_PATTERN = re.compile(
    rf"(?:{_PART}\s{{0,3}}(?:的|是|,|大概|大约|差不多)?\s{{0,3}})?(?:{_AMPM}|{_COLON}|{_CLOCK})|(?P<alone>{_WORDS})",
    re.IGNORECASE,
)
_NO_CLOCK = re.compile(
    r"\s{0,3}(?:(?<!钟)儿(?![科童保骨内外])|些|心|评|滴|子|名|赞|击|头|一点|\.\d|[\d一二三四五六七八九]\s{0,3}(?:度|℃|%|倍|个百分))"
)
_ONE_DIGIT = re.compile(r"\s{0,3}[\d一二三四五六七八九零]")
_GLUED_PART = re.compile(r"\s?(?P<part>[早晚晨夜])(?:间)?(?![就已点些餐饭产教期熟班报])")


def glued_part(text: str, at: int) -> ClockAtom | None:
    """Return the one-character day part (7月5号晚) that stands at ``at``, right after a day."""
    match = _GLUED_PART.match(text, at)
    if match is None:
        return None
    return ClockAtom(match.start("part"), match.end(), None, _PART_OF[match["part"]])


def part_of(clock: time) -> Part:
    """Return the day part that a clock falls in."""
    if clock.hour < 5:
        return "dawn"
    if clock.hour < 12:
        return "morning"
    if clock.hour < 13:
        return "noon"
    return "afternoon" if clock.hour < 18 else "evening"


def find_clocks(text: str) -> list[ClockAtom]:
    """Return the clocks and day parts of a normalised, masked ``text``, from left to right."""
    atoms: list[ClockAtom] = []
    for match in _PATTERN.finditer(text):
        if match["alone"]:
            atoms.append(ClockAtom(*match.span(), None, _PART_OF[match["alone"]]))
            continue
        atom = _clock(match, text)
        if atom is not None:
            atoms.append(atom)
        elif match["part"] and len(match["part"]) > 1:
            atoms.append(ClockAtom(*match.span("part"), None, _PART_OF[match["part"]]))
    return atoms


def _clock(match: re.Match[str], text: str) -> ClockAtom | None:
    part = _PART_OF[match["part"]] if match["part"] else None
    ampm = match["ap"] or match["ap12"]
    said, minute, end = _read(match, text, part is not None)
    hour = to_int(said) if said else None
    if hour is None or minute is None:
        return None
    flags: set[Flag] = {Flag.RANGE} if match["from"] else set()
    if hour > 24 or (hour == 24 and minute):
        # A number beyond the day is a quantity, unless a day part vouches for a clock.
        return (
            ClockAtom(match.start(), end, None, part, flags=frozenset({Flag.IMPOSSIBLE_TIME}))
            if part
            else None
        )
    if ampm:
        hour, carry = (hour % 12 + (12 if ampm[0] in "pP" else 0) if hour <= 12 else hour), 0
        return _made(match.start(), end, hour, minute, part, carry, flags)
    if part is None and len(said) == 2 and said.startswith("0"):
        # 05:00 is written by the 24-hour clock.
        return _made(match.start(), end, hour, minute, part, 0, flags)
    return read_in_part(match.start(), end, hour, minute, part, flags, half="半夜" in match[0])


def read_in_part(
    start: int,
    end: int,
    hour: int,
    minute: int,
    part: Part | None,
    flags: Iterable[Flag] = (),
    *,
    half: bool = False,
) -> ClockAtom:
    """Return the clock of an hour as said, minutes (may be negative: 差五分) and a day part."""
    turned, carry, guessed = reading(hour, part, half=half)
    atom = _made(start, end, turned, minute, part, carry, flags)
    if not guessed:
        return atom
    return replace(atom, said=(hour, minute), flags=atom.flags | {Flag.HALF_DAY_GUESSED})


def _made(
    start: int,
    end: int,
    hour: int,
    minute: int,
    part: Part | None,
    carry: int,
    flags: Iterable[Flag],
) -> ClockAtom:
    days, total = divmod(hour * 60 + minute, 24 * 60)
    clock = time(total // 60, total % 60)
    return ClockAtom(start, end, clock, part, carry + days, flags=frozenset(flags))


def _read(match: re.Match[str], text: str, has_part: bool) -> tuple[str, int | None, int]:
    """Return the hour as written, the minutes (None: no clock at all) and where the clock ends."""
    end = match.end()
    if match["h12"]:
        return match["h12"], int(match["m12"] or 0), end
    if match["h"]:
        return match["h"], int(match["m"]), end
    if match["from"]:
        return match["from"], 0, end
    if match["half"]:
        minute: int | None = 30
    elif match["quarter"]:
        minute = 15 * (to_int(match["quarter"]) or 0)
    elif match["to"] or match["before"]:
        to = match["to"] or match["before"]
        minute = -15 if to == "一刻" else -(to_int(to) or 0)
    elif match["min"] or match["bare"]:
        minute = to_int(match["min"] or match["bare"])
        if minute is not None and minute > 59:
            return match["hour"], None if not has_part else 0, match.start("hour")
    elif match["sharp"]:
        minute = 0
    else:
        # 十点五度, 零点五 and 两点儿 are no clocks; 下午三点三个人 is one.
        if _NO_CLOCK.match(text, end) or (not has_part and _ONE_DIGIT.match(text, end)):
            return match["hour"], None, end
        minute = 0
    return match["hour"], minute, end


def reading(hour: int, part: Part | None, *, half: bool = False) -> tuple[int, int, bool]:
    """Return an hour as said in a day part as (hour of the day, days to carry, guessed or not).

    Without a day part the clinic's reading holds: 1 to 6 is the afternoon, 7 to 12 as said.
    ``half`` says that the part was 半夜, whose twelve and eleven lie before the new day.
    """
    if hour == 24:
        return 0, 1, False
    if hour > 12 or hour == 0:
        return hour, 0, False
    if part is None:
        return (hour + 12 if hour <= 6 else hour), 0, True
    if part == "dawn":
        if half and hour >= 10:
            return (0, 1, False) if hour == 12 else (hour + 12, 0, False)
        return hour % 12, 0, False
    if part == "morning":
        return hour, 0, False
    if part == "noon":
        return (hour + 12 if hour <= 4 else hour), 0, False
    if part == "afternoon":
        return (12 if hour == 12 else hour + 12), 0, False
    if hour == 12:
        return 0, 1, False
    # One to three at night lie after that day's midnight.
    return (hour, 1, False) if hour <= 3 else (hour + 12, 0, False)
