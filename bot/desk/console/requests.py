"""Smaller lists: doctors' calls, complaints, what else was asked for, wishes for erasure."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.rules.sla import due_level
from bot.rules.staff import Role
from bot.services import complaints, consultation_desk, data_requests, service_requests
from bot.services.errors import Refused
from bot.store.files import get_files

LONGEST_ANSWER = 1_000
LONGEST_NOTE = 200


def consultations(call: Call) -> Response:
    """Show the calls that parents wait for (手册·医疗服务 M1)."""
    found = consultation_desk.worklist(call.store, now=call.now)
    return call.show("consultations.html", rows=found, level=_level(call))


def called_back(call: Call) -> Response:
    """Note that the doctor has called."""
    consultation_desk.called_back(call.store, **_which(call))
    return call.done("/desk/consultations", "called_back")


def close_consultation(call: Call) -> Response:
    """End a call that will not be made."""
    consultation_desk.close(
        call.store, reason=_filled(call, "reason", LONGEST_NOTE), **_which(call)
    )
    return call.done("/desk/consultations", "consultation_closed")


def complaint_list(call: Call) -> Response:
    """Show the complaints and suggestions that wait for an answer."""
    found = complaints.open_complaints(call.store)
    return call.show("complaints.html", rows=found, level=_level(call, "received_at"))


def take_complaint(call: Call) -> Response:
    """Take one up."""
    complaints.take_up(call.store, **_which(call))
    return call.done("/desk/complaints", "complaint_taken")


def answer_complaint(call: Call) -> Response:
    """Answer one; the parent reads it word for word."""
    complaints.resolve(call.store, answer=_filled(call, "answer", LONGEST_ANSWER), **_which(call))
    return call.done("/desk/complaints", "complaint_answered")


def services(call: Call) -> Response:
    """Show what else staff are to arrange."""
    return call.show("services.html", rows=service_requests.waiting(call.store))


def decide_service(call: Call) -> Response:
    """Arrange it or say why not."""
    service_requests.decide(
        call.store,
        arranged=call.text("arranged") == "1",
        note=_filled(call, "note", LONGEST_NOTE),
        **_which(call),
    )
    return call.done("/desk/services", "service_decided")


def data(call: Call) -> Response:
    """Show the wishes for erasure."""
    found = data_requests.open_requests(call.store)
    return call.show("data.html", rows=found, level=_level(call))


def take_data(call: Call) -> Response:
    """Check a wish."""
    data_requests.take_up(call.store, **_which(call))
    return call.done("/desk/data", "data_taken")


def refuse_data(call: Call) -> Response:
    """Refuse a wish with a reason; nothing is erased."""
    data_requests.refuse(call.store, reason=_filled(call, "reason", LONGEST_NOTE), **_which(call))
    return call.done("/desk/data", "data_refused")


def erase(call: Call) -> Response:
    """Erase; only if the number was typed once more."""
    if call.text("again").upper() != call.path("reference"):
        raise Refused("again")
    data_requests.erase(call.store, get_files(), **_which(call))
    return call.done("/desk/data", "data_erased")


def _level(call: Call, since: str = "requested_at") -> Any:
    return lambda row: due_level(getattr(row, since), row.due_at, call.now)


def _filled(call: Call, name: str, longest: int) -> str:
    told = call.text(name)
    if not told:
        raise Refused("no_text")
    if len(told) > longest:
        raise Refused("too_long")
    return told


def _which(call: Call) -> dict[str, Any]:
    return {
        "reference": call.path("reference"),
        "actor": call.actor,
        "version": call.version(),
        "now": call.now,
    }


ROUTES = (
    door("/consultations", consultations),
    door("/consultations/{reference:str}/called-back", called_back, post=True),
    door("/consultations/{reference:str}/close", close_consultation, post=True),
    door("/complaints", complaint_list),
    door("/complaints/{reference:str}/take-up", take_complaint, post=True),
    door("/complaints/{reference:str}/answer", answer_complaint, post=True),
    door("/services", services),
    door("/services/{reference:str}/decide", decide_service, post=True),
    door("/data", data),
    door("/data/{reference:str}/take-up", take_data, post=True),
    door("/data/{reference:str}/refuse", refuse_data, post=True, role=Role.SUPERVISOR),
    door("/data/{reference:str}/erase", erase, post=True, role=Role.SUPERVISOR),
)
