"""Smaller lists: doctors' calls, what else was asked for, wishes for erasure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.fields import filled, which
from bot.rules.calendar import local_day
from bot.rules.sla import Level, due_level
from bot.rules.staff import Role
from bot.services import consultation_desk, data_desk, data_requests, service_requests
from bot.services.errors import Refused
from bot.store.files import get_files

LONGEST_NOTE = service_requests.LONGEST


def consultations(call: Call) -> Response:
    """Show the calls that parents wait for (手册·医疗服务 M1)."""
    return call.show("consultations.html", **_calls(call))


def consultations_list(call: Call) -> Response:
    """Show the calls alone."""
    return call.show("consultations_list.html", **_calls(call))


def called_back(call: Call) -> Response:
    """Note that the doctor has called."""
    consultation_desk.called_back(call.store, **which(call))
    return call.done("/desk/consultations", "called_back")


def close_consultation(call: Call) -> Response:
    """End a call that will not be made."""
    reason = filled(call, "reason", LONGEST_NOTE)
    consultation_desk.close(call.store, reason=reason, **which(call))
    return call.done("/desk/consultations", "consultation_closed")


def services(call: Call) -> Response:
    """Show what else staff are to arrange."""
    return call.show("services.html", **_services(call))


def services_list(call: Call) -> Response:
    """Show the same alone."""
    return call.show("services_list.html", **_services(call))


def decide_service(call: Call) -> Response:
    """Arrange it or say why not."""
    outcome = call.text("arranged")
    # A form that was sent without either button decides nothing.
    if outcome not in ("0", "1"):
        raise Refused("outcome")
    service_requests.decide(
        call.store,
        arranged=outcome == "1",
        note=filled(call, "note", LONGEST_NOTE),
        **which(call),
    )
    return call.done("/desk/services", "service_decided")


def data(call: Call) -> Response:
    """Show the wishes for erasure."""
    return call.show("data.html", **_data(call))


def data_list(call: Call) -> Response:
    """Show the wishes alone."""
    return call.show("data_list.html", **_data(call))


def take_data(call: Call) -> Response:
    """Check a wish."""
    data_requests.take_up(call.store, **which(call))
    return call.done("/desk/data", "data_taken")


def refuse_data(call: Call) -> Response:
    """Refuse a wish with a reason; nothing is erased."""
    data_requests.refuse(call.store, reason=filled(call, "reason", LONGEST_NOTE), **which(call))
    return call.done("/desk/data", "data_refused")


def erase(call: Call) -> Response:
    """Erase; only if the number was typed once more."""
    if call.text("again").upper() != call.path("reference"):
        raise Refused("again")
    data_requests.erase(call.store, get_files(), **which(call))
    return call.done("/desk/data", "data_erased")


def _calls(call: Call) -> dict[str, Any]:
    found = consultation_desk.worklist(call.store, now=call.now)
    return {"rows": found, "level": _level(call), "longest": LONGEST_NOTE}


def _services(call: Call) -> dict[str, Any]:
    return {
        "rows": service_requests.waiting(call.store),
        "today": local_day(call.now),
        "longest": LONGEST_NOTE,
    }


def _data(call: Call) -> dict[str, Any]:
    return {
        "rows": data_desk.worklist(call.store),
        "level": _level(call),
        "longest": LONGEST_NOTE,
    }


def _level(call: Call) -> Callable[[Any], Level]:
    return lambda row: due_level(row.requested_at, row.due_at, call.now)


ROUTES = (
    door("/consultations", consultations),
    door("/consultations-list", consultations_list),
    door("/consultations/{reference:str}/called-back", called_back, post=True),
    door("/consultations/{reference:str}/close", close_consultation, post=True),
    door("/services", services),
    door("/services-list", services_list),
    door("/services/{reference:str}/decide", decide_service, post=True),
    door("/data", data),
    door("/data-list", data_list),
    door("/data/{reference:str}/take-up", take_data, post=True),
    door("/data/{reference:str}/refuse", refuse_data, post=True, role=Role.SUPERVISOR),
    door("/data/{reference:str}/erase", erase, post=True, role=Role.SUPERVISOR),
)
