"""A day's figures for supervisors, with charts and files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from bot.desk.console import pages
from bot.desk.console.calls import Call, door
from bot.desk.console.fields import day as day_typed
from bot.rules.calendar import local_day
from bot.rules.staff import Role
from bot.services import figures, figures_csv
from bot.services.errors import Refused

CSV = "text/csv; charset=utf-8"
SHOWN_DAYS = 14


def today(call: Call) -> Response:
    """Show a day, and the fortnight up to it."""
    return call.show("figures.html", **_shown(call))


def part(call: Call) -> Response:
    """Show it without the page around it."""
    return call.show("figures_part.html", **_shown(call))


def day_file(call: Call) -> Response:
    """Answer with a day as a file."""
    day = _day(call, "day", local_day(call.now))
    found = figures.figures(call.store, day=day, now=call.now)
    return _file(figures_csv.day_csv(found), f"figures-{day}.csv")


def days_file(call: Call) -> Response:
    """Answer with several days as a file, 31 at most."""
    last = _day(call, "last", local_day(call.now))
    first = _day(call, "first", last - timedelta(days=SHOWN_DAYS - 1))
    if not 0 <= (last - first).days < figures.MOST_DAYS:
        raise Refused("days")
    found = figures.figures_between(call.store, first=first, last=last, now=call.now)
    return _file(figures_csv.days_csv(found), f"figures-{first}-{last}.csv")


def _shown(call: Call) -> dict[str, Any]:
    day = _day(call, "day", local_day(call.now))
    days = figures.figures_between(
        call.store, first=day - timedelta(days=SHOWN_DAYS - 1), last=day, now=call.now
    )
    return {"day": day, "today": local_day(call.now), "found": days[-1], "days": days}


def _day(call: Call, name: str, otherwise: date) -> date:
    given = call.query(name)
    if not given:
        return otherwise
    found = day_typed(given)
    if not date(2020, 1, 1) <= found <= local_day(call.now):
        raise Refused("day")
    return found


def _file(content: bytes, name: str) -> Response:
    headers = pages.NO_STORE | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=CSV, headers=headers)


ROUTES = (
    door("/figures", today, role=Role.SUPERVISOR),
    door("/figures-part", part, role=Role.SUPERVISOR),
    door("/figures.csv", day_file, role=Role.SUPERVISOR),
    door("/figures-days.csv", days_file, role=Role.SUPERVISOR),
)
