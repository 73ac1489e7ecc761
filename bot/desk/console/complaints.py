"""Complaints and suggestions: taken up, and answered in words that the parent reads (E2)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.fields import filled, which
from bot.rules.sla import Level, due_level
from bot.rules.states import ComplaintState
from bot.services import complaint_desk, desk_history
from bot.services import complaints as service
from bot.services.complaints import ComplaintView

STATES = tuple(state.value for state in ComplaintState)
LONGEST_ANSWER = 1_000


def complaints(call: Call) -> Response:
    """Show the list."""
    return call.show("complaints.html", **_list(call))


def complaints_list(call: Call) -> Response:
    """Show the list alone."""
    return call.show("complaints_list.html", **_list(call))


def complaint(call: Call) -> Response:
    """Show one, all that was said about it, and what can be done."""
    reference = call.path("reference")
    found = complaint_desk.look_up(call.store, reference=reference)
    return call.show(
        "complaint.html",
        one=found.seen.complaint,
        found=found,
        history=desk_history.history(call.store, subject=reference),
        level=_level(found.seen.complaint, call),
        longest=LONGEST_ANSWER,
    )


def take_up(call: Call) -> Response:
    """Take one up."""
    service.take_up(call.store, **which(call))
    return _done(call, "complaint_taken")


def answer(call: Call) -> Response:
    """Answer one; the parent reads it word for word."""
    service.resolve(call.store, answer=filled(call, "answer", LONGEST_ANSWER), **which(call))
    return _done(call, "complaint_answered")


def _list(call: Call) -> dict[str, Any]:
    state = call.query("state") if call.query("state") in STATES else ""
    query = call.query("q").strip()
    return {
        "rows": complaint_desk.listed(call.store, state=state or None, query=query),
        "states": STATES,
        "state": state,
        "query": query,
        "level": lambda one: _level(one, call),
    }


def _level(one: ComplaintView, call: Call) -> Level:
    if one.status == ComplaintState.RESOLVED:
        return Level.GOOD
    return due_level(one.received_at, one.due_at, call.now)


def _done(call: Call, said: str) -> Response:
    return call.done(f"/desk/complaints/{call.path('reference')}", said)


_ONE = "/complaints/{reference:str}"
ROUTES = (
    door("/complaints", complaints),
    door("/complaints-list", complaints_list),
    door(_ONE, complaint),
    door(f"{_ONE}/take-up", take_up, post=True),
    door(f"{_ONE}/answer", answer, post=True),
)
