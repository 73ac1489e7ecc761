"""What supervisors set: office hours and ready replies; and what partners were not told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.fields import day as day_typed
from bot.rules.calendar import local_day
from bot.rules.office_hours import DAY_KINDS, HOLIDAY, Span, checked, day_kind, spans_of
from bot.rules.staff import Role
from bot.services import canned_replies, office_hours, webhooks
from bot.services.errors import Refused

SHOWN_DAYS = 14
_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~～至到]\s*(\d{1,2})[:：](\d{2})")
_BETWEEN = re.compile(r"[,，、;；\s]*")


def hours(call: Call) -> Response:
    """Show the weekly plan, single days and how the next fortnight will be."""
    plan = office_hours.plan(call.store)
    today = local_day(call.now)
    coming = [today + timedelta(days=n) for n in range(SHOWN_DAYS)]
    days = office_hours.exceptions(call.store, since=today)
    labels = {one.day: one.label for one in days}
    return call.show(
        "hours.html",
        kinds=DAY_KINDS,
        week={kind: written(plan.week.get(kind, ())) for kind in DAY_KINDS},
        seen=office_hours.week_mark(plan),
        days=days,
        coming=[(day, written(spans_of(plan, day)), labels.get(day)) for day in coming],
        kind_of=day_kind,
        holiday=HOLIDAY,
        written=written,
        office=office_hours.status(call.store, now=call.now),
        today=today,
    )


def set_week(call: Call) -> Response:
    """Replace the weekly plan."""
    office_hours.set_week(
        call.store,
        week={kind: _of_kind(call, kind) for kind in DAY_KINDS},
        seen=call.text("seen"),
        actor=call.actor,
        now=call.now,
    )
    return call.done("/desk/hours", "hours")


def set_day(call: Call) -> Response:
    """Give a day hours of its own, or none."""
    day = day_typed(call.text("day"))
    if day < local_day(call.now):
        raise Refused("past")
    office_hours.set_day(
        call.store,
        day=day,
        spans=typed(call.text("spans")),
        label=call.text("label"),
        actor=call.actor,
        now=call.now,
    )
    return call.done("/desk/hours", "hours")


def clear_day(call: Call) -> Response:
    """Let a day follow the plan again."""
    office_hours.clear_day(
        call.store, day=day_typed(call.text("day")), actor=call.actor, now=call.now
    )
    return call.done("/desk/hours", "hours")


def typed(text: str) -> tuple[Span, ...]:
    """Read spans as they are typed, ``9:00-12:00，13:00-18:00``; an empty text is a closed day.

    Raises:
        Refused: ``spans``: it is written otherwise, or spans overlap.
    """
    rest = text.strip()
    found = []
    while rest:
        match = _SPAN.match(rest)
        if match is None:
            raise Refused("spans")
        opens, closes = (int(match[n]) * 60 + int(match[n + 1]) for n in (1, 3))
        if int(match[2]) > 59 or int(match[4]) > 59:
            raise Refused("spans")
        found.append((opens, closes))
        rest = _BETWEEN.sub("", rest[match.end() :], count=1)
    try:
        return checked(tuple(Span(opens, closes) for opens, closes in found))
    except ValueError as error:
        raise Refused("spans") from error


def written(spans: Any) -> str:
    """Write spans as they are typed."""
    return "，".join(
        f"{s.opens // 60:02}:{s.opens % 60:02}-{s.closes // 60:02}:{s.closes % 60:02}"
        for s in spans
    )


def replies(call: Call) -> Response:
    """Show the ready replies, each as a parent would read it."""
    name = call.user.name
    return call.show(
        "replies.html",
        replies=[
            (one, canned_replies.preview(one.text, agent=name))
            for one in canned_replies.canned_replies(call.store)
        ],
        example=canned_replies.example(name),
    )


def save_reply(call: Call) -> Response:
    """Add or change one."""
    canned_replies.save(
        call.store,
        code=call.text("code"),
        text=call.text("text"),
        version=call.version() if call.text("version") else None,
        actor=call.actor,
        now=call.now,
    )
    return call.done("/desk/replies", "reply_saved")


def remove_reply(call: Call) -> Response:
    """Remove one."""
    canned_replies.remove(
        call.store,
        code=call.text("code"),
        version=call.version(),
        actor=call.actor,
        now=call.now,
    )
    return call.done("/desk/replies", "reply_removed")


def dead_letters(call: Call) -> Response:
    """Show what no partner's endpoint took."""
    return call.show("dead_letters.html", letters=webhooks.dead_letters(call.store))


def replay(call: Call) -> Response:
    """Send one again."""
    webhooks.replay(call.store, call.number("id"), actor=call.actor, now=call.now)
    return call.done("/desk/dead-letters", "replayed")


def _of_kind(call: Call, kind: int) -> tuple[Span, ...]:
    try:
        return typed(call.text(f"kind_{kind}"))
    except Refused as error:
        # Of nine fields, the sentence names the one to mend.
        raise Refused(f"spans_{kind}") from error


_ROLE = Role.SUPERVISOR
ROUTES = (
    door("/hours", hours, role=_ROLE),
    door("/hours/week", set_week, role=_ROLE, post=True),
    door("/hours/day", set_day, role=_ROLE, post=True),
    door("/hours/clear", clear_day, role=_ROLE, post=True),
    door("/replies", replies, role=_ROLE),
    door("/replies/save", save_reply, role=_ROLE, post=True),
    door("/replies/remove", remove_reply, role=_ROLE, post=True),
    door("/dead-letters", dead_letters, role=_ROLE),
    door("/dead-letters/{id:int}/replay", replay, role=_ROLE, post=True),
)
