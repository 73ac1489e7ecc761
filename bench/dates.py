"""The date reader in the form that the scorers of date test sets call.

``python score.py bench.dates:scored --path .`` measures it on such a set.
"""

from __future__ import annotations

from datetime import date, datetime, time

from bot.nlu.dates import TZ, direction, resolve


def scored(text: str, ref: datetime) -> tuple[date | None, time | None]:
    """Return the date and the clock that ``text`` says, seen from ``ref``.

    Takes ``ref`` as local time in Asia/Shanghai when naive. The test sets carry no direction,
    so the one that the text itself shows is used.
    """
    now = ref if ref.tzinfo else ref.replace(tzinfo=TZ)
    found = resolve(text, now, direction(text, now))
    return (found.date, found.time) if found else (None, None)
