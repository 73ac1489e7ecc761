"""What the forms of the work lists have in common: reading them, and naming the row they change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bot.desk.console.calls import Call
from bot.rules.calendar import TZ, local
from bot.services.errors import Refused

# As browsers send a field for a day and clock time; a day alone is none.
_MOMENT = "%Y-%m-%dT%H:%M"
# Nothing is arranged later than that; a year that was mistyped is told to no parent.
FARTHEST = timedelta(days=366)


def which(call: Call) -> dict[str, Any]:
    """Return which row is changed, by whom, when, and as which version it was seen.

    Raises:
        Refused: ``number``: the page did not say which version it showed.
    """
    return {
        "reference": call.path("reference"),
        "actor": call.actor,
        "version": call.version(),
        "now": call.now,
    }


def filled(call: Call, name: str, longest: int) -> str:
    """Return what was written.

    Raises:
        Refused: ``no_text``: nothing was; ``too_long``: more than ``longest`` characters were.
    """
    told = call.text(name)
    if not told:
        raise Refused("no_text")
    if len(told) > longest:
        raise Refused("too_long")
    return told


def moment(call: Call, name: str) -> datetime | None:
    """Return a day and clock time of Asia/Shanghai; ``None`` if none was filled in.

    Raises:
        Refused: ``moment``: it is none, or more than a year ahead.
    """
    given = call.text(name)
    if not given:
        return None
    try:
        found = datetime.strptime(given, _MOMENT).replace(tzinfo=TZ)
    except ValueError as error:
        raise Refused("moment") from error
    if found > call.now + FARTHEST:
        raise Refused("moment")
    return found


def day(given: str) -> date:
    """Read a day as browsers send it.

    Raises:
        Refused: ``day``: it is none.
    """
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise Refused("day") from error


def field_moment(value: datetime) -> str:
    """Write a moment as a field for a day and clock time has it, in Asia/Shanghai."""
    return f"{local(value):{_MOMENT}}"
