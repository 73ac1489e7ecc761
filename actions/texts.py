"""Words, dates and amounts as replies write them; the wording itself is in ``data/texts/``."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.rules.calendar import TZ
from bot.texts import texts

NOTHING = Decimal(0)


def line(name: str, /, **values: Any) -> str:
    """Return the phrase ``line_<name>`` with its placeholders filled.

    Raises:
        KeyError: There is no such phrase.
    """
    return texts()[f"line_{name}"].text.format(**values)


def whole(name: str) -> str:
    """Return a whole reply as it stands, with its placeholders."""
    return texts()[name].text


def has_line(name: str) -> bool:
    """Tell whether there is a phrase ``line_<name>``."""
    return f"line_{name}" in texts()


def word(group: str, value: str) -> str:
    """Return the parents' word for a machine's word, for example a claim's state."""
    return line(f"{group}_{value}")


def day(value: date, today: date) -> str:
    """Write a day, with its weekday and, when it is not this year, the year."""
    name = "day" if value.year == today.year else "day_with_year"
    weekday = line("weekdays")[value.weekday()]
    return line(name, year=value.year, month=value.month, day=value.day, weekday=weekday)


def moment(value: datetime, now: datetime) -> str:
    """Write a day and clock time in Asia/Shanghai."""
    local = value.astimezone(TZ)
    return f"{day(local.date(), now.astimezone(TZ).date())} {local:%H:%M}"


def yuan(value: Decimal) -> str:
    """Write an amount in CNY: two decimals only where there are fen."""
    whole = value == value.to_integral_value()
    return f"{value:,.0f}" if whole else f"{value:,.2f}"


def ordinal(text: str) -> int | None:
    """Read "第二个", "2" or "后面那个"-like choices of a list; ``None`` if there is none."""
    for position, words in enumerate(line("ordinals").split("|"), start=1):
        if text.strip() in re.split("[,，]", words):
            return position
    return None


def inform_button(title: str, **said: str) -> dict[str, str]:
    """Return a quick reply that says entities, by their names, as if they had been typed."""
    return {"title": title, "payload": f"/inform{json.dumps(said, ensure_ascii=False)}"}
