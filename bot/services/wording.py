"""Days, times, amounts and words as messages to parents write them; wording in ``data/texts/``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from bot.rules.calendar import TZ
from bot.texts import texts


def line(name: str, /, **values: str) -> str:
    """Return the phrase ``line_<name>`` with its placeholders filled."""
    return texts()[f"line_{name}"].text.format(**values)


def word(group: str, value: str) -> str:
    """Return the parents' word for a machine's word, for example a document."""
    return texts()[f"line_{group}_{value}"].text


def day(value: date, today: date) -> str:
    """Write a day, with its weekday and, when it is not this year, the year."""
    name = "line_day" if value.year == today.year else "line_day_with_year"
    weekday = texts()["line_weekdays"].text[value.weekday()]
    return texts()[name].text.format(
        year=value.year, month=value.month, day=value.day, weekday=weekday
    )


def moment(value: datetime, now: datetime) -> str:
    """Write a day and clock time in Asia/Shanghai."""
    local = value.astimezone(TZ)
    return f"{day(local.date(), now.astimezone(TZ).date())} {local:%H:%M}"


def yuan(value: Decimal) -> str:
    """Write an amount in CNY: two decimals only where there are fen."""
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"


def listed(parts: list[str]) -> str:
    """Write parts one after the other."""
    return texts()["line_and"].text.join(parts)
