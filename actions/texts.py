"""Words and phrases of the domain that replies are put together from.

Whole replies are the domain's responses. Dates, amounts and the words for states are needed
inside them; their wording stands in ``domain.yml`` too, under ``utter_word_…`` and
``utter_line_…``, and is read once.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.rules.calendar import TZ

DOMAIN = Path(__file__).resolve().parent.parent / "domain.yml"


@lru_cache(maxsize=1)
def _responses() -> dict[str, str]:
    loaded = yaml.safe_load(DOMAIN.read_text(encoding="utf-8"))["responses"]
    return {name: variants[0].get("text", "") for name, variants in loaded.items()}


def line(name: str, **values: Any) -> str:
    """Return the phrase ``utter_line_<name>`` with its placeholders filled.

    Raises:
        KeyError: The domain has no such phrase.
    """
    return _responses()[f"utter_line_{name}"].format(**values)


def has_line(name: str) -> bool:
    """Tell whether the domain has the phrase ``utter_line_<name>``."""
    return f"utter_line_{name}" in _responses()


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


NOTHING = Decimal(0)


def ordinal(text: str) -> int | None:
    """Read "第二个", "2" or "后面那个"-like choices of a list; ``None`` if there is none."""
    for position, words in enumerate(line("ordinals").split("|"), start=1):
        if text.strip() in words.split(","):
            return position
    return None
