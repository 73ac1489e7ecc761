"""Claims: what is to be settled, with the documents beside the decision (手册·理赔流程 C1–C6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.rules.amounts import amount_typed
from bot.rules.claims import ClaimState, DocumentKind
from bot.rules.sla import Level, due_level
from bot.services import claim_desk, claim_settlement, desk_history, document_desk
from bot.services.claim_settlement import Decision, Staff
from bot.services.claims import ClaimView
from bot.services.errors import Refused
from bot.store.files import get_files

STATES = (
    "submitted", "settling", "documents_missing", "approved", "partly_approved", "paid", "rejected",
    "withdrawn",
)  # fmt: skip
LONGEST_REASON = 200


def claims(call: Call) -> Response:
    """Show the list."""
    return call.show("claims.html", **_list(call))


def claims_list(call: Call) -> Response:
    """Show the list alone."""
    return call.show("claims_list.html", **_list(call))


def claim(call: Call) -> Response:
    """Show a claim, its documents and what can be done."""
    found = claim_desk.claim(call.store, reference=call.path("reference"))
    return call.show(
        "claim.html",
        claim=found.claim,
        left=found.left,
        counted=found.counted,
        most=min(found.claim.amount, found.left + found.counted),
        full_visits_left=found.full_visits_left,
        requirements=found.requirements,
        documents=document_desk.documents_of(
            call.store, get_files(), reference=found.claim.reference
        ),
        history=desk_history.history(call.store, subject=f"claim:{found.id}"),
        kinds=tuple(DocumentKind),
        level=_level(found.claim, call),
        account=None,
    )


def ask(call: Call) -> Response:
    """Ask for papers, each with its reason."""
    wanted: dict[str, str] = {
        kind.value: _reason(call, f"reason_{kind.value}")
        for kind in DocumentKind
        if kind.value in call.texts("paper")
    }
    if not wanted:
        raise Refused("no_paper")
    claim_settlement.ask_for_papers(
        call.store, reference=call.path("reference"), papers=wanted, staff=_staff(call)
    )
    return _done(call, "claim_papers")


def unreadable(call: Call) -> Response:
    """Refuse a document that cannot be read."""
    claim_settlement.mark_unreadable(
        call.store,
        reference=call.path("reference"),
        document=call.text("document"),
        reason=_reason(call, "reason"),
        staff=_staff(call),
    )
    return _done(call, "claim_papers")


def originals(call: Call) -> Response:
    """Note that the originals have come."""
    claim_settlement.originals_received(
        call.store, reference=call.path("reference"), staff=_staff(call)
    )
    return _done(call, "claim_originals")


def settle(call: Call) -> Response:
    """Begin to settle."""
    claim_settlement.start_settling(
        call.store, reference=call.path("reference"), staff=_staff(call)
    )
    return _done(call, "claim_settling")


def decide(call: Call) -> Response:
    """Approve, partly approve or reject."""
    try:
        outcome = ClaimState(call.text("outcome"))
    except ValueError as error:
        raise Refused("outcome") from error
    reference = call.path("reference")
    # In full is what was claimed, whoever types it or not; of a rejection nothing is paid. What
    # was typed beside another outcome is refused, not dropped.
    given = call.text("amount")
    if outcome is ClaimState.REJECTED:
        given = given or "0"
    elif outcome is ClaimState.APPROVED and not given:
        given = str(claim_desk.claim(call.store, reference=reference).claim.amount)
    amount = amount_typed(given)
    if amount is None:
        raise Refused("amount_typed")
    # Browsers count a line break as one sign and send two.
    reason = call.text("reason").replace("\r\n", "\n")
    if len(reason) > LONGEST_REASON:
        raise Refused("reason_200")
    decision = Decision(outcome, amount, reason or None, "full_visit" in call.form)
    claim_settlement.decide(call.store, reference=reference, decision=decision, staff=_staff(call))
    return _done(call, "claim_decided")


def pay(call: Call) -> Response:
    """Note that the money was sent."""
    claim_settlement.pay(call.store, reference=call.path("reference"), staff=_staff(call))
    return _done(call, "claim_paid")


def account(call: Call) -> Response:
    """Show where it is paid to, this once; that it was looked at is written down."""
    found = claim_settlement.payout_account(
        call.store, reference=call.path("reference"), actor=call.actor, now=call.now
    )
    return call.show("account.html", account=found, reference=call.path("reference"))


def _list(call: Call) -> dict[str, Any]:
    state = call.query("state") if call.query("state") in STATES else ""
    query = call.query("q").strip()
    found = claim_desk.claims(call.store, state=state or None, query=query)
    return {
        "claims": found,
        "states": STATES,
        "state": state,
        "query": query,
        "due": claim_desk.due_at,
        "level": lambda one: _level(one, call),
    }


def _level(one: ClaimView, call: Call) -> Level:
    return due_level(one.submitted_at or call.now, claim_desk.due_at(one), call.now)


def _staff(call: Call) -> Staff:
    return Staff(call.actor, call.now, call.version())


def _reason(call: Call, name: str) -> str:
    told = call.text(name)
    if not 1 <= len(told) <= LONGEST_REASON:
        raise Refused("paper_reason")
    return told


def _done(call: Call, said: str) -> Response:
    return call.done(f"/desk/claims/{call.path('reference')}", said)


_ONE = "/claims/{reference:str}"
ROUTES = (
    door("/claims", claims),
    door("/claims-list", claims_list),
    door(_ONE, claim),
    door(f"{_ONE}/papers", ask, post=True),
    door(f"{_ONE}/unreadable", unreadable, post=True),
    door(f"{_ONE}/originals", originals, post=True),
    door(f"{_ONE}/settle", settle, post=True),
    door(f"{_ONE}/decide", decide, post=True),
    door(f"{_ONE}/pay", pay, post=True),
    door(f"{_ONE}/account", account, post=True),
)
