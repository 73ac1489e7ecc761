"""Visits: to be confirmed or declined within V2's two working days, and what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.fields import field_moment, moment, which
from bot.rules.sla import Level, due_level
from bot.rules.states import AppointmentState
from bot.services import appointment_desk, appointment_list, desk_history
from bot.services.appointment_desk import LONGEST_REASON, SameVisit
from bot.services.appointment_list import DeskAppointment
from bot.services.errors import Refused

_S = AppointmentState
STATES = tuple(state.value for state in _S)


def appointments(call: Call) -> Response:
    """Show the list."""
    return call.show("appointments.html", **_list(call))


def appointments_list(call: Call) -> Response:
    """Show the list alone."""
    return call.show("appointments_list.html", **_list(call))


def appointment(call: Call) -> Response:
    """Show one and what can be done."""
    found = appointment_list.look_up(call.store, reference=call.path("reference"))
    return call.show(
        "appointment.html",
        one=found.appointment,
        found=found,
        next=_next(found.appointment, call),
        soonest=field_moment(call.now),
        history=desk_history.history(call.store, subject=f"appointment:{found.id}"),
        level=_level(found.appointment, call),
        longest=LONGEST_REASON,
    )


def confirm(call: Call) -> Response:
    """Confirm, perhaps at the hospital's clock time."""
    with _no_twin():
        appointment_desk.confirm(call.store, visit_at=moment(call, "visit_at"), **which(call))
    return _done(call, "appointment_confirmed")


def change(call: Call) -> Response:
    """Move it, because the hospital did."""
    visit_at = moment(call, "visit_at")
    if visit_at is None:
        raise Refused("moment")
    with _no_twin():
        appointment_desk.change(call.store, visit_at=visit_at, **which(call))
    return _done(call, "appointment_changed")


def decline(call: Call) -> Response:
    """Say that it cannot be arranged, and perhaps when it could."""
    appointment_desk.decline(
        call.store, reason=_reason(call), proposal=moment(call, "proposal"), **which(call)
    )
    return _done(call, "appointment_declined")


def call_off(call: Call) -> Response:
    """Cancel it, because the hospital cannot keep it."""
    appointment_desk.call_off(call.store, reason=_reason(call), **which(call))
    return _done(call, "appointment_called_off")


def fulfil(call: Call) -> Response:
    """Note that the child was seen."""
    appointment_desk.fulfil(call.store, **which(call))
    return _done(call, "appointment_over")


def no_show(call: Call) -> Response:
    """Note that nobody came."""
    appointment_desk.no_show(call.store, **which(call))
    return _done(call, "appointment_over")


def _list(call: Call) -> dict[str, Any]:
    state = call.query("state") if call.query("state") in STATES else ""
    query = call.query("q").strip()
    return {
        "appointments": appointment_list.listed(call.store, state=state or None, query=query),
        "states": STATES,
        "state": state,
        "query": query,
        "level": lambda one: _level(one, call),
        "next": lambda one: _next(one, call),
    }


def _level(one: DeskAppointment, call: Call) -> Level:
    waits = one.status == _S.REQUESTED
    return due_level(one.requested_at, one.due_at, call.now) if waits else Level.GOOD


def _next(one: DeskAppointment, call: Call) -> str:
    """Return what is to be done next: ``answer``, ``record``, ``visit`` (wait for it), or none."""
    if one.status == _S.REQUESTED:
        return "answer"
    if one.status == _S.CONFIRMED:
        return "record" if one.visit_at <= call.now else "visit"
    return ""


def _reason(call: Call) -> str:
    told = call.text("reason").rstrip("。.")
    if not 1 <= len(told) <= LONGEST_REASON:
        raise Refused("reason_60")
    return told


@contextmanager
def _no_twin() -> Iterator[None]:
    """Say that there is the same visit then already: reading the page again would not help."""
    try:
        yield
    except SameVisit as error:
        raise Refused("booked_then") from error


def _done(call: Call, said: str) -> Response:
    return call.done(f"/desk/appointments/{call.path('reference')}", said)


_ONE = "/appointments/{reference:str}"
ROUTES = (
    door("/appointments", appointments),
    door("/appointments-list", appointments_list),
    door(_ONE, appointment),
    door(f"{_ONE}/confirm", confirm, post=True),
    door(f"{_ONE}/change", change, post=True),
    door(f"{_ONE}/decline", decline, post=True),
    door(f"{_ONE}/call-off", call_off, post=True),
    door(f"{_ONE}/fulfil", fulfil, post=True),
    door(f"{_ONE}/no-show", no_show, post=True),
)
