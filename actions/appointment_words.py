"""What replies say of visits, and which visit a message means."""

from __future__ import annotations

from datetime import date
from typing import Any

from actions import texts, wishes
from actions.forms import Found, entity_spans
from actions.turn import (
    Turn,
    as_clock,
)
from bot.services import hospitals as directory
from bot.services import reminder_settings
from bot.services.appointments import AppointmentView, Wish


def find_day(
    found: Found, turn: Turn, date_slot: str, time_slot: str, asked: str | None = None
) -> None:
    """Add the day and the time that the message names for a form's slots."""
    spans = entity_spans(turn, "date")
    found.add(date_slot, wishes.read_day(turn, asked=asked == date_slot), *spans)
    found.add(time_slot, wishes.read_time(turn, asked=asked == time_slot), *spans)


def wished_time(turn: Turn, wish: Wish) -> str:
    """Write a day with its clock time or part of the day."""
    day = texts.day(wish.day, turn.now.date())
    if wish.clock is not None:
        return f"{day} {wish.clock:%H:%M}"
    return f"{day} {texts.word('part', wish.part or 'any')}"


def wish_in(turn: Turn, date_slot: str, time_slot: str) -> Wish:
    """Return the day and time that a form's slots hold."""
    return Wish(date.fromisoformat(turn.slot(date_slot)), *as_clock(turn.slot(time_slot)))


def appointment_values(seen: AppointmentView, turn: Turn) -> dict[str, Any]:
    """Return what replies say of an appointment."""
    clock = None if seen.day_part else seen.visit_at.time()
    wish = Wish(seen.visit_at.date(), clock, seen.day_part)
    return {
        "child": seen.child,
        "hospital": seen.hospital,
        "department": seen.department,
        "when": wished_time(turn, wish),
        "status": texts.word("appointment", seen.status),
        "deadline": texts.moment(seen.deadline, turn.now),
        "due": texts.moment(seen.due_at, turn.now) if seen.due_at else "",
    }


def reminded(turn: Turn, seen: AppointmentView) -> str:
    """Return how the names of texts end that promise a reminder, or do not."""
    word = reminder_settings.deadline_promise(
        turn.store, identity_id=turn.identity.id, deadline=seen.deadline, now=turn.now
    )
    return "" if word == "reminded" else f"_{word}"


def appointment_line(seen: AppointmentView, turn: Turn) -> str:
    """Write a visit in one line."""
    return texts.line("appointment", reference=seen.reference, **appointment_values(seen, turn))


def mentioned(turn: Turn, known: list[AppointmentView]) -> list[AppointmentView]:
    """Return the appointments that a message may mean, by reference, child, place or day."""
    reference = turn.entity("appointment") or turn.entity("reference")
    if reference:
        return [a for a in known if a.reference == str(reference).upper()]
    child = turn.child_named()
    if child is not None:
        known = [a for a in known if a.number == child.number] or known
    place = directory.match_hospital(turn.text, directory.hospitals(turn.store))
    if place is not None:
        known = [a for a in known if a.hospital == place.value] or known
    day = turn.day()
    if day is not None:
        known = [a for a in known if a.visit_at.date() == day] or known
    return known


def say_unknown_reference(turn: Turn, known: list[AppointmentView]) -> None:
    """Say that the number named is none of these visits'."""
    reference = str(turn.entity("appointment") or turn.entity("reference") or "").upper()
    if reference and reference not in [a.reference for a in known]:
        turn.say("no_such_appointment", reference=reference)
