"""Prior authorizations: reviewing and deciding them (手册·事先授权 P1–P3)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.fields import which
from bot.rules.authorizations import PAPERS, Paper
from bot.rules.sla import Level, due_level
from bot.services import authorization_desk, desk_history, document_desk
from bot.services.authorization_desk import LONGEST_REASON, OPEN
from bot.services.authorizations import AuthorizationView
from bot.services.errors import Refused
from bot.store.files import get_files

STATES = (*OPEN, "approved", "declined", "withdrawn")


def authorizations(call: Call) -> Response:
    """Show the list."""
    return call.show("authorizations.html", **_list(call))


def authorizations_list(call: Call) -> Response:
    """Show the list alone."""
    return call.show("authorizations_list.html", **_list(call))


def authorization(call: Call) -> Response:
    """Show one, its papers and what can be done."""
    found = authorization_desk.look_up(call.store, call.path("reference"))
    return call.show(
        "authorization.html",
        one=found,
        documents=document_desk.documents_of(call.store, get_files(), reference=found.reference),
        papers=[paper.value for paper in PAPERS],
        level=_level(found, call),
        names=desk_history.names(call.store, actors={e.actor for e in found.events}),
    )


def take_up(call: Call) -> Response:
    """Begin the review."""
    authorization_desk.take_up(call.store, **which(call))
    return _done(call, "authorization_review")


def ask(call: Call) -> Response:
    """Ask for papers."""
    authorization_desk.ask_for_papers(
        call.store, papers=_papers(call), reason=_reason(call) or None, **which(call)
    )
    return _done(call, "authorization_papers")


def received(call: Call) -> Response:
    """Note that papers have come by another way."""
    authorization_desk.papers_received(call.store, papers=_papers(call), **which(call))
    return _done(call, "authorization_received")


def approve(call: Call) -> Response:
    """Approve."""
    authorization_desk.approve(call.store, **which(call))
    return _done(call, "authorization_approved")


def decline(call: Call) -> Response:
    """Decline with a reason that the parent reads."""
    reason = _reason(call)
    if not reason:
        raise Refused("reason")
    authorization_desk.decline(call.store, reason=reason, **which(call))
    return _done(call, "authorization_declined")


def letter(call: Call) -> Response:
    """Note that the guarantee letter has gone to the hospital (P3)."""
    authorization_desk.letter_sent(call.store, **which(call))
    return _done(call, "authorization_letter")


def _list(call: Call) -> dict[str, Any]:
    state = call.query("state") if call.query("state") in STATES else ""
    query = call.query("q").strip()
    return {
        "authorizations": authorization_desk.listed(call.store, state=state or None, query=query),
        "states": STATES,
        "state": state,
        "query": query,
        "level": lambda one: _level(one, call),
    }


def _level(one: AuthorizationView, call: Call) -> Level:
    waits = one.status in OPEN or (one.status == "approved" and one.guarantee_letter_at is None)
    return due_level(one.submitted_at, one.deadline, call.now) if waits else Level.GOOD


def _papers(call: Call) -> list[Paper]:
    chosen = [paper for paper in PAPERS if paper.value in call.texts("paper")]
    if not chosen:
        raise Refused("no_paper")
    return chosen


def _reason(call: Call) -> str:
    # Browsers count a line break as one sign and send two.
    reason = call.text("reason").replace("\r\n", "\n")
    if len(reason) > LONGEST_REASON:
        raise Refused("reason_500")
    return reason


def _done(call: Call, said: str) -> Response:
    return call.done(f"/desk/authorizations/{call.path('reference')}", said)


_ONE = "/authorizations/{reference:str}"
ROUTES = (
    door("/authorizations", authorizations),
    door("/authorizations-list", authorizations_list),
    door(_ONE, authorization),
    door(f"{_ONE}/take-up", take_up, post=True),
    door(f"{_ONE}/papers", ask, post=True),
    door(f"{_ONE}/received", received, post=True),
    door(f"{_ONE}/approve", approve, post=True),
    door(f"{_ONE}/decline", decline, post=True),
    door(f"{_ONE}/letter", letter, post=True),
)
