"""dateparser, kept to what it reads without fail: absolute strings and English phrases."""

from __future__ import annotations

from datetime import date, datetime, time

from dateparser.date import DateDataParser

_FORMATS = ["%Y-%m-%d %H:%M"]
# The parser is built once: dateparser.parse() looks its settings up anew at every call.
_ABSOLUTE = DateDataParser(languages=["en"])


def read_absolute(day: date, at: time | None) -> tuple[date, time | None]:
    """Return what dateparser reads from the absolute string of a day and a clock.

    Raises:
        ValueError: if dateparser does not read the string, which no valid day brings about.
    """
    text = f"{day:%Y-%m-%d} {at or time():%H:%M}"
    read: datetime | None = _ABSOLUTE.get_date_data(text, _FORMATS).date_obj
    if read is None:
        raise ValueError(text)
    return read.date(), read.time() if at is not None else None


def read_english(text: str, now: datetime | None = None) -> datetime | None:
    """Return the naive local time that an English phrase means, or None.

    Takes ``now`` as the local time that relative phrases count from.
    """
    settings = {"RELATIVE_BASE": now.replace(tzinfo=None)} if now else {}
    read: datetime | None = (
        DateDataParser(languages=["en"], settings=settings).get_date_data(text).date_obj
    )
    return read.replace(tzinfo=None) if read else None
