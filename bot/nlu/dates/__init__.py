"""Dates and clocks as parents write them: 下周三下午两点半, 12.5号, 后天, 农历八月十五, next Friday.

A small Chinese layer finds and computes the day; dateparser reads the absolute string that it
emits, and English. Rather no date than a near one: 过几天, 国庆期间 and 下周 alone give none.
All days and clocks are in Asia/Shanghai.
"""

from bot.nlu.dates.model import Flag, Grain, Part, Prefer, Resolution
from bot.nlu.dates.resolve import resolve, resolve_all, tells_of_the_past

__all__ = [
    "Flag",
    "Grain",
    "Part",
    "Prefer",
    "Resolution",
    "resolve",
    "resolve_all",
    "tells_of_the_past",
]
