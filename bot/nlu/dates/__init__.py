"""Dates and clocks as parents write them: 下周三下午两点半, 12.5号, 农历八月十五, next Friday.

A small Chinese layer finds and computes the day; dateparser reads the absolute string that it
emits, and English. Rather no date than a near one: 过几天, 国庆期间 and 下周 alone give none.
All days and clocks are in Asia/Shanghai.
"""

from bot.nlu.dates.model import TZ, Flag, Grain, Part, Prefer, Resolution
from bot.nlu.dates.resolve import direction, resolve, resolve_all

__all__ = [
    "TZ",
    "Flag",
    "Grain",
    "Part",
    "Prefer",
    "Resolution",
    "direction",
    "resolve",
    "resolve_all",
]
