"""Hours of the medical services and the doctor's call-back (M1–M4)."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit, entity_spans
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.benefits import normalise_phone
from bot.rules.consultations import phone_consultation
from bot.services import consultations as service

SYMPTOM_INTENTS = frozenset(
    {"inform", "ask_medical_advice", "request_triage", "request_phone_consultation",
     "nlu_fallback", "out_of_scope", "faq", "check_coverage", "request_counselling"}
)  # fmt: skip
LONGEST_SYMPTOM = 500


class ActionAskConsultationHours(ServiceAction):
    """Tells the hours, computed for now."""

    action_name = "action_ask_consultation_hours"

    def handle(self, turn: Turn) -> list[Event]:
        """Say whether the phone consultation is open now and when a call would come."""
        _say_hours(turn)
        return resume(turn)


def _say_hours(turn: Turn) -> None:
    offer = phone_consultation(turn.now)
    due = texts.moment(offer.due_at, turn.now)
    if not offer.open and offer.queued_for is not None:
        opens = texts.moment(offer.queued_for, turn.now)
        turn.say("hours_closed", opens=opens, due=due)
    else:
        turn.say("hours_open", due=due)


class ActionAskMedicalAdvice(ServiceAction):
    """Gives no diagnosis and no dose; offers the doctor's call with its hours."""

    action_name = "action_ask_medical_advice"

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the phone consultation."""
        turn.say("no_medical_advice")
        _say_hours(turn)
        return resume(turn)


class ActionRequestPhoneConsultation(ServiceAction):
    """Begins asking for a doctor's call."""

    action_name = "action_request_phone_consultation"

    def handle(self, turn: Turn) -> list[Event]:
        """Find the child, open the form."""
        if turn.form == ConsultForm.form:
            return resume(turn)
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return events
        return [*events, SlotSet("pending_task", None), *open_form(turn, ConsultForm.form)]


class ConsultForm(Form):
    """The symptom in the parent's words, the number to call, confirmation."""

    form = "consult_form"
    slots = ("consult_symptom", "consult_phone", "consult_confirm")
    own = frozenset({"request_phone_consultation"})
    confirm = "consult_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a phone; take the text as the symptom when that is asked."""
        found = Found()
        phone = turn.entity("phone")
        if phone is not None:
            found.add("consult_phone", str(phone), *entity_spans(turn, "phone"))
        text = turn.text.strip()
        if asked == "consult_symptom" and text and turn.intent in SYMPTOM_INTENTS:
            found.add("consult_symptom", text[:LONGEST_SYMPTOM], (0, len(turn.text)))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check the phone's form."""
        if slot != "consult_phone":
            return value
        try:
            return normalise_phone(str(value))
        except ValueError:
            turn.say("phone_invalid")
            return None


class ActionAskConsultConfirm(ServiceAction):
    """Sums up the request with its due time."""

    action_name = "action_ask_consult_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell child, number, symptom and by when the doctor calls, and ask."""
        offer = phone_consultation(turn.now)
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        turn.say(
            "confirm_consult" if offer.open else "confirm_consult_queued",
            child=child,
            symptom=turn.slot("consult_symptom"),
            phone=turn.slot("consult_phone"),
            due=texts.moment(offer.due_at, turn.now),
        )
        return []


class ActionSubmitConsult(Submit):
    """Records the request."""

    form_class = ConsultForm

    def submit(self, turn: Turn) -> str | None:
        """Record, tell the number and the due time."""
        seen, new = service.request_phone_consultation(
            turn.store,
            identity_id=turn.identity.id,
            number=turn.slot("policy"),
            symptom=turn.slot("consult_symptom"),
            phone=turn.slot("consult_phone"),
            now=turn.now,
        )
        turn.say(
            "consult_requested" if new else "consult_already",
            reference=seen.reference,
            due=texts.moment(seen.due_at, turn.now),
        )
        return None
