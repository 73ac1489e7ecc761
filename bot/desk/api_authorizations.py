"""Prior authorizations: read, review, ask for papers, decide, send the letter (P1–P3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from bot.desk.api_gate import Call, Caller, GatedRoute, Version, changed, operation
from bot.desk.api_types import (
    DEFAULT_LIMIT,
    Cursor,
    Day,
    In,
    Limit,
    Moment,
    Money,
    Out,
    Page,
    Reference,
    Words500,
    after,
    cursor_of,
)
from bot.rules.authorizations import Paper
from bot.rules.partners import Scope
from bot.services import authorization_desk, partner_lists
from bot.services.authorizations import AuthorizationView
from bot.services.partner_lists import Part

router = APIRouter(route_class=GatedRoute, prefix="/authorizations", tags=["authorizations"])
Status = Literal[
    "draft", "submitted", "under_review", "documents_missing", "approved", "declined", "withdrawn"
]
WRITE = operation(Scope.AUTHORIZATIONS_WRITE, post=True, versioned=True)


class AuthorizationOut(Out):
    """A prior authorization; `missing` are the papers asked for and not there yet."""

    reference: str
    policy_number: str
    child: str
    treatment: str
    hospital: str | None
    treatment_on: Day
    estimated_amount: Money | None
    status: Status
    urgent: bool
    submitted_at: Moment
    deadline: Moment
    guarantee_letter_at: Moment | None
    missing: list[str]
    reason: str | None
    version: int


class AskPapers(In):
    """Which papers, and why."""

    papers: list[Paper] = Field(min_length=1, max_length=3)
    reason: Words500 | None = None


class PapersReceived(In):
    """Which papers have come."""

    papers: list[Paper] = Field(min_length=1, max_length=3)


class DeclineAuthorization(In):
    """Why, for the parent."""

    reason: Words500


@router.get("", **operation(Scope.AUTHORIZATIONS_READ))
def list_authorizations(
    call: Caller, status: Status | None = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[AuthorizationOut]:
    """List prior authorizations, oldest first."""
    found = partner_lists.authorizations(call.store, Part(after(cursor), limit, status))
    items = [_out(one) for one in found.items]
    return Page(items=items, next_cursor=cursor_of(found.next_after))


@router.get("/{reference}", **operation(Scope.AUTHORIZATIONS_READ, 404))
def read_authorization(reference: Reference, call: Caller, response: Response) -> AuthorizationOut:
    """Return a prior authorization; its ETag goes into If-Match."""
    return _shown(call, reference, response)


@router.post("/{reference}/review", **WRITE)
def review(
    reference: Reference, version: Version, call: Caller, response: Response
) -> AuthorizationOut:
    """Begin the review."""
    return _do(authorization_desk.take_up, call, reference, version, response)


@router.post("/{reference}/ask-papers", **WRITE)
def ask_papers(
    reference: Reference, body: AskPapers, version: Version, call: Caller, response: Response
) -> AuthorizationOut:
    """Ask the parent for papers."""
    given = {"papers": body.papers, "reason": body.reason}
    return _do(authorization_desk.ask_for_papers, call, reference, version, response, **given)


@router.post("/{reference}/papers-received", **WRITE)
def papers_received(
    reference: Reference, body: PapersReceived, version: Version, call: Caller, response: Response
) -> AuthorizationOut:
    """Note that papers have come; with all of them the review goes on."""
    desk = authorization_desk.papers_received
    return _do(desk, call, reference, version, response, papers=body.papers)


@router.post("/{reference}/approve", **WRITE)
def approve(
    reference: Reference, version: Version, call: Caller, response: Response
) -> AuthorizationOut:
    """Approve what is under review; the parents are told."""
    return _do(authorization_desk.approve, call, reference, version, response)


@router.post("/{reference}/decline", **WRITE)
def decline(
    reference: Reference,
    body: DeclineAuthorization,
    version: Version,
    call: Caller,
    response: Response,
) -> AuthorizationOut:
    """Decline what is under review, with the reason that the parent will read."""
    desk = authorization_desk.decline
    return _do(desk, call, reference, version, response, reason=body.reason)


@router.post("/{reference}/letter", **WRITE)
def letter(
    reference: Reference, version: Version, call: Caller, response: Response
) -> AuthorizationOut:
    """Note that the guarantee letter has gone to the hospital."""
    return _do(authorization_desk.letter_sent, call, reference, version, response)


def _do(
    desk: Callable[..., Any],
    call: Call,
    reference: str,
    version: int,
    response: Response,
    **given: Any,
) -> AuthorizationOut:
    changed(
        lambda: desk(
            call.store,
            reference=reference,
            actor=call.actor,
            now=call.now,
            version=version,
            **given,
        ),
        version,
        lambda: partner_lists.authorization(call.store, reference).version,
    )
    return _shown(call, reference, response)


def _shown(call: Call, reference: str, response: Response) -> AuthorizationOut:
    found = _out(partner_lists.authorization(call.store, reference))
    response.headers["ETag"] = f'"{found.version}"'
    return found


def _out(seen: AuthorizationView) -> AuthorizationOut:
    names = AuthorizationOut.model_fields
    values = {name: getattr(seen, name) for name in names if name != "policy_number"}
    return AuthorizationOut.model_validate(
        values | {"policy_number": seen.number, "missing": list(seen.missing)}
    )
