"""Claim papers, opening a claim, and how claims stand (C1–C6)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.claim_answers import (
    ABOUT,
    ASK_AGAIN,
    CLAIM_WORD,
    IMPOSSIBLE,
    ONLY_A_TYPE,
    PAYOUT_QUESTION,
    SEVERAL,
    WRONG,
    find_amount,
    find_follow_up,
    find_kind,
    find_visit_day,
    is_short_name,
    kind_of_name,
    place_in,
)
from actions.claim_status import next_buttons, offer_drafts, standing
from actions.document_texts import files_waiting
from actions.forms import Form, Found, Submit, end_early
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.claims import ClaimKind
from bot.services import claims as service
from bot.services import hospitals as directory
from bot.services import pictures
from bot.services.claims import Checklist, ClaimWish
from bot.services.errors import NotFound, Refused

KINDS = frozenset(kind.value for kind in ClaimKind)
URGENT = frozenset({"report_emergency", "talk_to_human"})
NETWORK_CLINIC = ClaimKind.NETWORK_CLINIC.value


def say_checklist(turn: Turn, papers: Checklist) -> None:
    """Tell the papers for a kind of visit and how long settlement takes."""
    kind = texts.word("kind", papers.kind.value)
    if not papers.allowed:
        turn.say("claim_network_clinic")
        return
    lines = "\n".join(f"□ {texts.word('document', d)}" for d in papers.documents)
    picture = pictures.papers(papers.kind, identity_id=turn.identity.id, now=turn.now)
    turn.say(f"documents_{papers.kind.value}", picture=picture, kind=kind, lines=lines)


class DocumentsForm(Form):
    """Which kind of visit the papers are for."""

    form = "documents_form"
    slots = ("documents_kind",)
    own = frozenset({"ask_claim_documents", "start_claim"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a kind of visit."""
        found = Found()
        find_kind(found, turn, "documents_kind")
        return found


class ActionAskClaimDocuments(ServiceAction):
    """Tells which papers a claim needs."""

    action_name = "action_ask_claim_documents"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the kind that was said or is being claimed, else ask which."""
        kind = turn.entity("claim_kind") or turn.slot("claim_kind")
        place = place_in(turn)
        if place is not None and place.kind == NETWORK_CLINIC:
            kind = NETWORK_CLINIC
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


class ActionStartClaim(ServiceAction):
    """Begins a claim."""

    action_name = "action_start_claim"

    def handle(self, turn: Turn) -> list[Event]:
        """Keep what was said, find the child, open the form."""
        if turn.form == ClaimForm.form:
            return resume(turn)
        said: list[Event] = []
        offer_drafts(turn)
        if turn.intent == "start_claim" or CLAIM_WORD.search(turn.text):
            form = ClaimForm()
            values: dict[str, Any] = {}
            for slot, value in form.find(turn, None).values.items():
                accepted = form.accept(turn, slot, value, values)
                values[slot] = accepted
                said.append(SlotSet(slot, accepted))
            if form.say_refused(turn, values):
                forget: list[Event] = [SlotSet(slot, None) for slot in ClaimForm.slots]
                return [*forget, *resume(turn)]
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return [*said, *events]
        return [*said, *events, SlotSet("pending_task", None), *open_form(turn, ClaimForm.form)]


class ClaimForm(Form):
    """Kind of visit, hospital, day, amount, confirmation."""

    form = "claim_form"
    slots = (
        "claim_kind",
        "claim_follow_up",
        "claim_hospital",
        "claim_date",
        "claim_amount",
        "claim_confirm",
    )
    own = frozenset({"start_claim"})
    confirm = "claim_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a kind, a hospital, a past day and an amount; or for what is wrong."""
        found = Found()
        text = turn.text
        place = place_in(turn)
        find_kind(found, turn, "claim_kind")
        find_follow_up(found, turn, asked)
        if place is not None and kind_of_name(turn, place, found):
            found.values.pop("claim_kind", None)
        if place is not None and place.name is not None:
            found.add("claim_hospital", place.name, (place.start, place.end))
        elif asked == "claim_hospital" and place is not None and not found.values:
            found.add("claim_hospital", ONLY_A_TYPE)
        find_visit_day(found, turn)
        find_amount(found, turn, asked)
        child = turn.child_named()
        if child is not None and turn.form == self.form and child.number != turn.slot("policy"):
            found.add("policy", child.number)
        if asked == "claim_hospital" and not found.values and is_short_name(turn):
            found.add("claim_hospital", text.strip(), (0, len(text)))
        if turn.form == self.form and not found.values and WRONG.search(text):
            for slot, words in ABOUT.items():
                if words.search(text) and turn.slot(slot) is not None:
                    found.add(slot, ASK_AGAIN, (0, len(text)))
        return found

    def handle(self, turn: Turn) -> list[Event]:
        """Answer how long it takes on the way; a question mark is no answer to the form's own."""
        if turn.fresh and PAYOUT_QUESTION.search(turn.text) and turn.intent not in URGENT:
            turn.say("claim_times")
            asked: Event = SlotSet("requested_slot", turn.slot("requested_slot"))
            return [SlotSet("misses", 0), asked]
        return super().handle(turn)

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Ask whether it was a follow-up visit where that matters (C3)."""
        if values.get("claim_kind") == ClaimKind.INTERNET.value:
            return self.slots
        return tuple(slot for slot in self.slots if slot != "claim_follow_up")

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        # "金额写错了,改一下" asks for nothing but another amount.
        return ASK_AGAIN not in found.values.values() and super()._aside(turn, asked, found)

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse days without cover and amounts that cannot be; acknowledge what is changed."""
        if value == ASK_AGAIN:
            return None
        if slot == "claim_hospital" and value == ONLY_A_TYPE:
            turn.say("claim_hospital_name")
            return None
        if slot == "claim_date" and not self._possible(turn, value):
            return None
        if slot == "claim_amount" and value == SEVERAL:
            turn.say("claim_amount_total")
            return None
        if slot == "claim_amount" and not 0 < Decimal(value) <= service.LARGEST_AMOUNT:
            turn.say("claim_amount_invalid")
            return None
        # At the end the new summary tells it.
        changed = values.get(slot) not in (None, value)
        if changed and values.get("claim_amount") is None and not self.refused(turn, {slot: value}):
            turn.say("changed", value=_as_told(turn, slot, value))
        return value

    @staticmethod
    def _possible(turn: Turn, value: str) -> bool:
        if value == IMPOSSIBLE:
            turn.say("impossible_date")
            return False
        visited_on = date.fromisoformat(value)
        number = turn.slot("policy")
        if number is None and len(turn.choices) == 1:
            number = turn.choices[0].number
        if number is None:
            # The summary judges it once the child is known.
            return True
        return not _say_refused_day(turn, number, visited_on)

    def refused(self, turn: Turn, values: dict[str, Any]) -> bool:
        """Tell whether this is a visit that was billed directly (C5)."""
        if values.get("claim_kind") == NETWORK_CLINIC:
            return True
        name = values.get("claim_hospital")
        if not name:
            return False
        try:
            return directory.hospital(turn.store, name).kind == NETWORK_CLINIC
        except NotFound:
            return False

    def say_refused(self, turn: Turn, values: dict[str, Any]) -> bool:
        """Say why there is no claim for such a visit (C3, C5); tell whether that was said."""
        internet = values.get("claim_kind") == ClaimKind.INTERNET.value
        if self.refused(turn, values):
            turn.say("claim_network_clinic")
        elif internet and values.get("claim_follow_up") is False:
            turn.say("claim_first_visit")
        else:
            return False
        return True

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Leave with the reason when no claim is accepted."""
        if not self.say_refused(turn, values):
            return None
        return [SlotSet("claim_confirm", None), *end_early()]


class ActionAskClaimDate(ServiceAction):
    """Asks for the day in the words of the kind of visit."""

    action_name = "action_ask_claim_date"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask; after a stay, for the day of discharge."""
        _ask_day(turn)
        return []


def _ask_day(turn: Turn) -> None:
    turn.say(f"ask_claim_date_{turn.slot('claim_kind') or ClaimKind.PUBLIC_OUTPATIENT.value}")


class ActionAskClaimConfirm(ServiceAction):
    """Sums up the claim."""

    action_name = "action_ask_claim_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell what will be opened, with warnings, and ask; or ask for another day."""
        wish, number = _wish(turn), turn.slot("policy")
        if _say_refused_day(turn, number, wish.visited_on):
            _ask_day(turn)
            return [SlotSet("claim_date", None), SlotSet("requested_slot", "claim_date")]
        warnings = service.check_wish(
            turn.store, identity_id=turn.identity.id, number=number, wish=wish, now=turn.now
        )
        for warning in warnings:
            turn.say(f"claim_{warning}", due=_send_by(turn, service.send_by(wish)))
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
        turn.opened = claim.reference
        if not claim.to_complete:
            turn.say("claim_already_under_way", lines=standing(turn, claim, alone=True))
            return None
        lines = "\n".join(f"□ {texts.word('document', d)}" for d in claim.missing)
        late = claim.send_by is not None and claim.send_by < turn.now
        turn.say(
            "claim_opened" if new else "claim_already",
            buttons=next_buttons([claim]),
            reference=claim.reference,
            lines=lines,
            next=texts.line(
                f"claim_next_{claim.kind}" + ("_late" if late else ""),
                due=_send_by(turn, claim.send_by),
            ),
            **_told(turn),
        )
        return files_waiting(turn)

    def handle(self, turn: Turn) -> list[Event]:
        """Open the claim; files that follow are for it."""
        events = super().handle(turn)
        return [*events, SlotSet("file_place", turn.opened)] if turn.opened else events


def _send_by(turn: Turn, moment: datetime | None) -> str:
    return texts.moment(moment, turn.now) if moment is not None else ""


def _wish(turn: Turn) -> ClaimWish:
    return ClaimWish(
        ClaimKind(turn.slot("claim_kind")),
        turn.slot("claim_hospital"),
        date.fromisoformat(turn.slot("claim_date")),
        Decimal(turn.slot("claim_amount")),
        turn.slot("claim_follow_up"),
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


def _say_refused_day(turn: Turn, number: str, visited_on: date) -> bool:
    """Say why there can be no claim for that day; tell whether something was said."""
    judged = service.judge_day(
        turn.store,
        identity_id=turn.identity.id,
        number=number,
        visited_on=visited_on,
        now=turn.now,
    )
    if judged.refused is None:
        return False
    today = turn.now.date()
    turn.say(
        f"claim_{judged.refused}",
        day=texts.day(visited_on, today),
        # With the year on both sides: a policy runs from one year into the next.
        valid_from=texts.day(judged.valid_from, date.min),
        valid_to=texts.day(judged.valid_to, date.min),
    )
    return True


def _as_told(turn: Turn, slot: str, value: str) -> str:
    if slot == "claim_kind":
        return texts.word("kind", value)
    if slot == "claim_date":
        return texts.day(date.fromisoformat(value), turn.now.date())
    if slot == "policy":
        return next((c.child for c in turn.choices if c.number == value), "")
    return value
