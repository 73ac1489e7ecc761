"""Claims: read, ask for papers, settle, decide with amounts, pay (C1–C6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StrictBool

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
    Words200,
    after,
    cursor_of,
)
from bot.rules.claims import ClaimState, DocumentKind
from bot.rules.partners import Scope
from bot.services import claim_settlement, partner_lists
from bot.services.claim_settlement import Decision, Staff
from bot.services.claims import ClaimView
from bot.services.partner_lists import Part

router = APIRouter(route_class=GatedRoute, prefix="/claims", tags=["claims"])
Status = Literal[
    "submitted", "documents_missing", "settling", "approved", "partly_approved", "rejected",
    "paid", "withdrawn",
]  # fmt: skip
Outcome = Literal["approved", "partly_approved", "rejected"]
WRITE = operation(Scope.CLAIMS_WRITE, post=True, versioned=True)


class ClaimOut(Out):
    """A claim; `missing` are the documents that it waits for, of the account the last digits."""

    reference: str
    policy_number: str
    child: str
    kind: str
    hospital: str | None
    visited_on: Day | None
    amount: Money
    approved_amount: Money | None
    status: Status
    missing: list[str]
    submitted_at: Moment | None
    due_at: Moment | None
    payout_due_at: Moment | None
    paid_at: Moment | None
    reason: str | None
    bank_tail: str | None
    originals_received_at: Moment | None
    version: int


class WantedPaper(In):
    """A document and the reason, for the parent."""

    document: DocumentKind
    reason: Words200


class AskClaimPapers(In):
    """The documents to ask for."""

    papers: Annotated[list[WantedPaper], Field(min_length=1, max_length=12)]


class Decide(In):
    """How it ends; what is paid, in CNY. All but a full approval need a reason."""

    outcome: Outcome
    amount: Money
    reason: Words200 | None = None
    full_visit: StrictBool = False


class Account(Out):
    """Where it is paid to."""

    card: str
    branch: str


@router.get("", **operation(Scope.CLAIMS_READ))
def list_claims(
    call: Caller, status: Status | None = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[ClaimOut]:
    """List claims that were sent in, oldest first."""
    found = partner_lists.claims(call.store, Part(after(cursor), limit, status))
    items = [_out(one) for one in found.items]
    return Page(items=items, next_cursor=cursor_of(found.next_after))


@router.get("/{reference}", **operation(Scope.CLAIMS_READ, 404))
def read_claim(reference: Reference, call: Caller, response: Response) -> ClaimOut:
    """Return a claim; its ETag goes into If-Match."""
    return _shown(call, reference, response)


@router.get("/{reference}/account", **operation(Scope.ACCOUNTS_READ, 404))
def read_account(reference: Reference, call: Caller) -> Account:
    """Return where a claim is paid to; that it was read is written into the audit."""
    partner_lists.claim(call.store, reference)
    found = claim_settlement.payout_account(
        call.store, reference=reference, actor=call.actor, now=call.now
    )
    return Account.model_validate(found)


@router.post("/{reference}/ask-papers", **WRITE)
def ask_papers(
    reference: Reference, body: AskClaimPapers, version: Version, call: Caller, response: Response
) -> ClaimOut:
    """Ask the parent for documents; the claim waits for them."""
    papers = {one.document.value: one.reason for one in body.papers}
    desk = claim_settlement.ask_for_papers
    return _do(desk, call, reference, version, response, papers=papers)


@router.post("/{reference}/unreadable", **WRITE)
def unreadable(
    reference: Reference, body: WantedPaper, version: Version, call: Caller, response: Response
) -> ClaimOut:
    """Refuse a document that cannot be read, and ask for it again."""
    given = {"document": body.document.value, "reason": body.reason}
    return _do(claim_settlement.mark_unreadable, call, reference, version, response, **given)


@router.post("/{reference}/originals", **WRITE)
def originals(reference: Reference, version: Version, call: Caller, response: Response) -> ClaimOut:
    """Note that the couriered originals have come."""
    return _do(claim_settlement.originals_received, call, reference, version, response)


@router.post("/{reference}/settle", **WRITE)
def settle(reference: Reference, version: Version, call: Caller, response: Response) -> ClaimOut:
    """Begin to settle: from now on the amount counts as used."""
    return _do(claim_settlement.start_settling, call, reference, version, response)


@router.post("/{reference}/decide", **WRITE)
def decide(
    reference: Reference, body: Decide, version: Version, call: Caller, response: Response
) -> ClaimOut:
    """Approve, partly approve or reject; the parents are told."""
    decision = Decision(ClaimState(body.outcome), body.amount, body.reason, body.full_visit)
    desk = claim_settlement.decide
    return _do(desk, call, reference, version, response, decision=decision)


@router.post("/{reference}/pay", **WRITE)
def pay(reference: Reference, version: Version, call: Caller, response: Response) -> ClaimOut:
    """Note that the money was sent; the parents are told."""
    return _do(claim_settlement.pay, call, reference, version, response)


def _do(
    desk: Callable[..., Any],
    call: Call,
    reference: str,
    version: int,
    response: Response,
    **given: Any,
) -> ClaimOut:
    # A draft is its parent's own.
    partner_lists.claim(call.store, reference)
    staff = Staff(call.actor, call.now, version)
    changed(
        lambda: desk(call.store, reference=reference, staff=staff, **given),
        version,
        lambda: partner_lists.claim(call.store, reference).version,
    )
    return _shown(call, reference, response)


def _shown(call: Call, reference: str, response: Response) -> ClaimOut:
    found = _out(partner_lists.claim(call.store, reference))
    response.headers["ETag"] = f'"{found.version}"'
    return found


def _out(seen: ClaimView) -> ClaimOut:
    values = {n: getattr(seen, n) for n in ClaimOut.model_fields if n != "policy_number"}
    return ClaimOut.model_validate(
        values | {"policy_number": seen.number, "missing": list(seen.missing)}
    )
