"""How claims stand: what is missing, until when, why, how much (C1–C6)."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import texts
from actions.claim_requests import MONEY, REFUSED
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.services import claims as service
from bot.services import pictures
from bot.services.claims import ClaimView
from bot.services.pictures import PictureView

UNDER_WAY = frozenset({"submitted", "settling"})
APPROVED = frozenset({"approved", "partly_approved"})
# So many fit what a parent reads.
LISTED = 8


class ActionCheckClaimStatus(ServiceAction):
    """Tells how claims stand."""

    action_name = "action_check_claim_status"

    def handle(self, turn: Turn) -> list[Event]:
        """List the claims of the child named, else of all bound children."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = service.claims(turn.store, identity_id=turn.identity.id)
        child = turn.child_named()
        if child is not None:
            known = [c for c in known if c.number == child.number]
        reference = turn.entity("reference")
        if reference:
            named = [c for c in known if c.reference == str(reference).upper()]
            if not named:
                turn.say("claim_unknown", reference=str(reference).upper())
            known = named or known
        else:
            known = _asked_about(turn, known)
        if known:
            shown = [c for c in known if c.status != "withdrawn"] or known
            say_claims(turn, shown[:LISTED])
        elif not reference:
            turn.say("no_claims")
        return [SlotSet("pending_task", None), *resume(turn)]


def _asked_about(turn: Turn, known: list[ClaimView]) -> list[ClaimView]:
    """Leave the claims that "为什么没通过" and "赔了多少" can be about, if there are any."""
    statuses: frozenset[str] = frozenset()
    if REFUSED.search(turn.text):
        statuses = frozenset({"rejected", "partly_approved"})
    elif MONEY.search(turn.text):
        statuses = service.DECIDED | UNDER_WAY
    return [c for c in known if c.status in statuses] or known


def say_claims(turn: Turn, known: list[ClaimView]) -> None:
    """Tell how these claims stand, with what the parent can do next."""
    lines = "\n".join(standing(turn, c, alone=len(known) == 1) for c in known)
    waiting = [c for c in known if c.to_complete]
    if waiting:
        # A list is of one claim; of several, the one that was touched last.
        picture = papers_shown(turn, waiting[0]) if waiting[0].missing else None
        turn.say("claims_to_complete", buttons=next_buttons(waiting), picture=picture, lines=lines)
    else:
        turn.say("claims", lines=lines)


def papers_shown(turn: Turn, claim: ClaimView) -> PictureView:
    """Return the picture of a claim's papers, ticked where they have come (C6)."""
    return pictures.claim_papers(
        turn.store, identity_id=turn.identity.id, reference=claim.reference, now=turn.now
    )


def next_buttons(known: list[ClaimView]) -> list[dict[str, str]]:
    """Return buttons for what can be done at once about these claims."""
    offered = {
        "form": any("claim_form" in c.missing for c in known),
        "bank": any("bank_account" in c.missing for c in known),
        "tracking": any(c.needs_originals and not c.tracking for c in known),
        "missing": len(known) > 1,
    }
    intents = {"form": "ask_claim_documents", "missing": "ask_claim_documents"}
    only = f', "reference": "{known[0].reference}"' if len(known) == 1 else ""
    return [
        {
            "title": texts.line(f"claim_button_{task}"),
            "payload": f'/{intents.get(task, "inform")}{{"claim_task": "{task}"{only}}}',
        }
        for task, wanted in offered.items()
        if wanted
    ]


def offer_drafts(turn: Turn) -> None:
    """Offer to go on with a claim that was begun before; a new one is begun all the same."""
    if turn.form is not None or any(turn.entity(e) for e in ("amount", "date", "claim_kind")):
        return
    known = service.claims(turn.store, identity_id=turn.identity.id) if turn.choices else []
    drafts = [c for c in known if c.to_complete]
    if not drafts:
        return
    last = drafts[0]
    payload = f'/ask_claim_documents{{"claim_task": "missing", "reference": "{last.reference}"}}'
    go_on = {"title": texts.line("claim_go_on"), "payload": payload}
    turn.say(
        "claim_drafts",
        buttons=[go_on],
        count=len(drafts),
        reference=last.reference,
        place=f"{last.child} {place_of(turn, last)}".strip(),
    )


def place_of(turn: Turn, claim: ClaimView) -> str:
    """Return hospital and day of a claim, as far as they are known."""
    parts = [claim.hospital or ""]
    if claim.visited_on is not None:
        parts.append(texts.day(claim.visited_on, turn.now.date()))
    return " ".join(part for part in parts if part)


def papers(claim: ClaimView) -> list[str]:
    """Return what is missing, each with why it is asked for again."""
    return [
        texts.line("claim_paper_again", document=texts.word("document", d), reason=claim.notes[d])
        if d in claim.notes
        else texts.word("document", d)
        for d in claim.missing
    ]


def standing(turn: Turn, claim: ClaimView, *, alone: bool = False) -> str:
    """Return the line that tells how a claim stands; all that is missing only if it is alone."""
    place = place_of(turn, claim)
    said = texts.line(
        "claim",
        reference=claim.reference,
        child=claim.child,
        kind=texts.word("kind", claim.kind),
        place=f" {place}" if place else "",
        amount=texts.yuan(claim.amount),
        status=texts.word("claim_status", claim.status),
    )
    # A claim just opened lacks everything: that long a list is told of one claim alone.
    lacking = claim.status == "documents_missing" or (alone and claim.status == "draft")
    if lacking and claim.missing:
        documents = texts.line("and").join(papers(claim))
        said += texts.line("claim_missing", documents=documents)
    return said + _settling(turn, claim) + _decided(turn, claim)


def _settling(turn: Turn, claim: ClaimView) -> str:
    if claim.status not in UNDER_WAY:
        return ""
    if claim.due_at is not None:
        late = "overdue" if claim.due_at < turn.now else "due"
        return texts.line(f"claim_{late}", due=texts.moment(claim.due_at, turn.now))
    if claim.tracking:
        return texts.line("claim_originals_sent", number=claim.tracking)
    return texts.line("claim_originals")


def _decided(turn: Turn, claim: ClaimView) -> str:
    said = ""
    if claim.status not in service.DECIDED:
        return said
    if claim.approved_amount is not None and claim.status != "rejected":
        said += texts.line("claim_pays", paid=texts.yuan(claim.approved_amount))
    if claim.status in APPROVED:
        said += _payout(turn, claim)
    if claim.paid_at is not None:
        said += texts.line("claim_paid_on", day=texts.day(claim.paid_at.date(), turn.now.date()))
    if claim.bank_tail and claim.status != "rejected":
        said += texts.line("claim_to_card", tail=claim.bank_tail)
    return said + (texts.line("claim_reason", reason=claim.reason) if claim.reason else "")


def _payout(turn: Turn, claim: ClaimView) -> str:
    if claim.payout_due_at is None:
        return texts.line("claim_payout_open")
    late = "overdue" if claim.payout_due_at < turn.now else "due"
    return texts.line(f"claim_payout_{late}", due=texts.moment(claim.payout_due_at, turn.now))
