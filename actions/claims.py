"""Claim papers, opening a claim, and how claims stand (C1–C6)."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit, end_early, entity_spans
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.claims import ClaimKind
from bot.services import claims as service
from bot.services import hospitals as directory
from bot.services.claims import Checklist, ClaimWish
from bot.services.errors import NotFound, Refused

KINDS = {kind.value for kind in ClaimKind}
HOSPITAL_WORD = re.compile(
    r"[一-鿿A-Za-z0-9]{2,20}?(?:医院|门诊部|卫生院|保健院|诊所|卫生服务中心)"
)
DOCUMENT_NAMES = re.compile(r"^(?:在|去的?|是|我们|那个|就)+")


def say_checklist(turn: Turn, papers: Checklist) -> None:
    """Tell the papers for a kind of visit and how long settlement takes."""
    kind = texts.word("kind", papers.kind.value)
    if not papers.allowed:
        turn.say("claim_network_clinic")
        return
    lines = "\n".join(f"□ {texts.word('document', d)}" for d in papers.documents)
    turn.say(f"documents_{papers.kind.value}", kind=kind, lines=lines)


class DocumentsForm(Form):
    """Which kind of visit the papers are for."""

    form = "documents_form"
    slots = ("documents_kind",)
    own = frozenset({"ask_claim_documents", "start_claim"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a kind of visit."""
        found = Found()
        _find_kind(found, turn, "documents_kind")
        return found


class ActionAskClaimDocuments(ServiceAction):
    """Tells which papers a claim needs."""

    action_name = "action_ask_claim_documents"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the kind that was said or is being claimed, else ask which."""
        kind = turn.entity("claim_kind") or turn.slot("claim_kind")
        if kind in KINDS:
            say_checklist(turn, service.checklist(ClaimKind(kind)))
            return resume(turn)
        if turn.form == DocumentsForm.form:
            return resume(turn)
        return open_form(turn, DocumentsForm.form)


class ActionSubmitDocuments(Submit):
    """Tells the papers for the kind that was chosen."""

    form_class = DocumentsForm

    def submit(self, turn: Turn) -> str | None:
        """Answer."""
        say_checklist(turn, service.checklist(ClaimKind(turn.slot("documents_kind"))))
        return None


def _find_kind(found: Found, turn: Turn, slot: str) -> None:
    kind = turn.entity(slot) or turn.entity("claim_kind")
    if kind in KINDS:
        found.add(slot, kind, *entity_spans(turn, "claim_kind"))


class ActionStartClaim(ServiceAction):
    """Begins a claim."""

    action_name = "action_start_claim"

    def handle(self, turn: Turn) -> list[Event]:
        """Keep what was said, find the child, open the form."""
        if turn.form == ClaimForm.form:
            return resume(turn)
        said: list[Event] = []
        if turn.intent == "start_claim":
            form = ClaimForm()
            values: dict[str, Any] = {}
            for slot, value in form.find(turn, None).values.items():
                accepted = form.accept(turn, slot, value, values)
                values[slot] = accepted
                said.append(SlotSet(slot, accepted))
            if form.refused(turn, values):
                turn.say("claim_network_clinic")
                forget: list[Event] = [SlotSet(slot, None) for slot in ClaimForm.slots]
                return [*forget, *resume(turn)]
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return [*said, *events]
        return [*said, *events, SlotSet("pending_task", None), *open_form(turn, ClaimForm.form)]


class ClaimForm(Form):
    """Kind of visit, hospital, day, amount, confirmation."""

    form = "claim_form"
    slots = ("claim_kind", "claim_hospital", "claim_date", "claim_amount", "claim_confirm")
    own = frozenset({"start_claim"})
    confirm = "claim_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a kind, a hospital, a past day and an amount."""
        found = Found()
        _find_kind(found, turn, "claim_kind")
        text = turn.text
        place = directory.match_hospital(text, directory.hospitals(turn.store)) if text else None
        if place is not None:
            found.add("claim_hospital", place.value, (place.start, place.end))
        elif asked == "claim_hospital" and text and not found.values:
            named = HOSPITAL_WORD.search(text)
            if named:
                name = DOCUMENT_NAMES.sub("", named.group())
                found.add("claim_hospital", name, named.span())
        day = turn.day(past=True)
        if day is not None:
            found.add("claim_date", day.isoformat(), *entity_spans(turn, "date"))
        elif "impossible_date" in turn.day_flags():
            turn.say("impossible_date")
        amount = turn.amount()
        if (
            amount is None
            and asked == "claim_amount"
            and re.fullmatch(r"\s*\d+(\.\d{1,2})?\s*", text)
        ):
            amount = Decimal(text.strip())
        if amount is not None:
            found.add("claim_amount", str(amount), *entity_spans(turn, "amount"), (0, 0))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse future days and amounts that cannot be."""
        if slot == "claim_date" and date.fromisoformat(value) > turn.now.date():
            turn.say("claim_future", day=texts.day(date.fromisoformat(value), turn.now.date()))
            return None
        if slot == "claim_amount" and not 0 < Decimal(value) <= service.LARGEST_AMOUNT:
            turn.say("claim_amount_invalid")
            return None
        return value

    def refused(self, turn: Turn, values: dict[str, Any]) -> bool:
        """Tell whether this is a visit that was billed directly (C5)."""
        if values.get("claim_kind") == ClaimKind.NETWORK_CLINIC.value:
            return True
        name = values.get("claim_hospital")
        if name is None:
            return False
        try:
            return directory.hospital(turn.store, name).kind == "network_clinic"
        except NotFound:
            return False

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Leave with the reason when no claim is accepted there (C5)."""
        if not self.refused(turn, values):
            return None
        turn.say("claim_network_clinic")
        return [SlotSet("claim_confirm", None), *end_early()]


class ActionAskClaimConfirm(ServiceAction):
    """Sums up the claim."""

    action_name = "action_ask_claim_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell what will be opened, with warnings, and ask."""
        try:
            warnings = service.check_wish(
                turn.store,
                identity_id=turn.identity.id,
                number=turn.slot("policy"),
                wish=_wish(turn),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("claim_doubt", reason=texts.word("refused", refused.reason))
            warnings = ()
        for warning in warnings:
            turn.say(f"claim_{warning}")
        turn.say("confirm_claim", **_told(turn))
        return []


class ActionSubmitClaim(Submit):
    """Opens the claim."""

    form_class = ClaimForm

    def submit(self, turn: Turn) -> str | None:
        """Open, tell the number and the papers."""
        try:
            claim, new = service.open_claim(
                turn.store,
                identity_id=turn.identity.id,
                number=turn.slot("policy"),
                wish=_wish(turn),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("claim_refused", reason=texts.word("refused", refused.reason))
            return None
        lines = "\n".join(f"□ {texts.word('document', d)}" for d in claim.missing)
        turn.say(
            "claim_opened" if new else "claim_already",
            reference=claim.reference,
            lines=lines,
            **_told(turn),
        )
        if claim.kind == ClaimKind.PUBLIC_INPATIENT.value and new:
            turn.say("claim_originals")
        return None


def _wish(turn: Turn) -> ClaimWish:
    return ClaimWish(
        ClaimKind(turn.slot("claim_kind")),
        turn.slot("claim_hospital"),
        date.fromisoformat(turn.slot("claim_date")),
        Decimal(turn.slot("claim_amount")),
    )


def _told(turn: Turn) -> dict[str, Any]:
    wish = _wish(turn)
    return {
        "child": next((c.child for c in turn.choices if c.number == turn.slot("policy")), ""),
        "kind": texts.word("kind", wish.kind.value),
        "hospital": wish.hospital,
        "day": texts.day(wish.visited_on, turn.now.date()),
        "amount": texts.yuan(wish.amount),
    }


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
            known = [c for c in known if c.reference == str(reference).upper()] or known
        if not known:
            turn.say("no_claims")
        else:
            lines = [
                texts.line(
                    "claim",
                    reference=c.reference,
                    child=c.child,
                    kind=texts.word("kind", c.kind),
                    amount=texts.yuan(c.amount),
                    status=texts.word("claim_status", c.status),
                )
                + (
                    texts.line(
                        "claim_missing",
                        documents=texts.line("and").join(
                            texts.word("document", d) for d in c.missing
                        ),
                    )
                    if c.status == "documents_missing" and c.missing
                    else ""
                )
                for c in known
            ]
            turn.say("claims", lines="\n".join(lines))
        return [SlotSet("pending_task", None), *resume(turn)]
