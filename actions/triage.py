"""Which department to go to (手册·医疗服务 M3): no diagnosis, only a door to knock at."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.benefits import CardStatus
from bot.rules.consultations import Service, service_open
from bot.rules.triage import departments_for
from bot.services import triage as service
from bot.services.triage import Advice

MOST_DOORS = 3
LONGEST = 500


class ActionRequestTriage(ServiceAction):
    """Answers where to go, or asks what the child has."""

    action_name = "action_request_triage"

    def handle(self, turn: Turn) -> list[Event]:
        """Advise on what was said; a bare request is asked what it is about."""
        said = turn.text.strip()[:LONGEST] if turn.intent == "request_triage" else ""
        complaint = said or str(turn.slot("triage_symptom") or "")
        if not departments_for(complaint):
            if turn.form and turn.form != TriageForm.form:
                # Amid another task one answer must do.
                turn.say("triage_unknown", hours=_hours(turn))
                return resume(turn)
            return [SlotSet("triage_symptom", None), *open_form(turn, TriageForm.form)]
        number: str | None = None
        events: list[Event] = []
        if turn.choices:
            number, events = chosen_policy(turn, self.action_name)
            if number is None:
                return [SlotSet("triage_symptom", complaint), *events]
        _tell(turn, complaint, number)
        forget = [SlotSet("triage_symptom", None), SlotSet("pending_task", None)]
        return [*events, *forget, *resume(turn)]


def _hours(turn: Turn) -> str:
    hours = service_open(turn.now, Service.TRIAGE)
    if hours.opens_at is None:
        return texts.line("triage_open")
    return texts.line("triage_closed", opens=texts.moment(hours.opens_at, turn.now))


def _tell(turn: Turn, complaint: str, number: str | None) -> None:
    advice = service.advise(
        turn.store,
        complaint=complaint,
        identity_id=turn.identity.id,
        number=number,
        now=turn.now,
    )
    if not advice.directions:
        turn.say("triage_unknown", hours=_hours(turn))
        return
    reasons = texts.line("and").join(
        texts.line("triage_direction", sign=texts.word("sign", d.sign), department=d.department)
        for d in advice.directions
    )
    if number is None:
        turn.say("triage_unbound", reasons=reasons)
    elif advice.status in (CardStatus.EXPIRED, CardStatus.NOT_STARTED):
        turn.say("triage_no_cover", reasons=reasons)
    elif not advice.doors:
        turn.say("triage_no_door", reasons=reasons)
    else:
        _tell_doors(turn, advice, reasons)


def _tell_doors(turn: Turn, advice: Advice, reasons: str) -> None:
    doors = advice.doors[:MOST_DOORS]
    lines = "\n".join(
        texts.line(
            "triage_door",
            hospital=door.hospital.name,
            department=door.department,
            kind=texts.word("hospital", door.hospital.kind),
            phone=door.hospital.phone,
        )
        for door in doors
    )
    first = next((d for d in doors if d.hospital.kind == "public_special"), None)
    buttons = []
    if first is not None and advice.status is CardStatus.ACTIVE:
        payload = (
            f'/book_appointment{{"book_hospital": "{first.hospital.name}", '
            f'"book_department": "{first.department}"}}'
        )
        buttons = [{"title": texts.line("book_there"), "payload": payload}]
    turn.say("triage_doors", buttons=buttons, reasons=reasons, lines=lines)
    if advice.status is CardStatus.GREY:
        turn.say("triage_grey")


class TriageForm(Form):
    """What the child has, in the parent's words."""

    form = "triage_form"
    slots = ("triage_symptom",)
    own = frozenset({"request_triage", "ask_medical_advice", "inform", "request_counselling"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Take what names a sign; whatever else answers the question is taken too."""
        found = Found()
        text = turn.text.strip()[:LONGEST]
        known = bool(departments_for(text))
        answer = turn.intent in (*self.own, "nlu_fallback", "out_of_scope", "check_coverage", "faq")
        if text and answer and (known or turn.intent in ("inform", "nlu_fallback")):
            found.add("triage_symptom", text, (0, len(turn.text)))
        return found


class ActionAskTriageSymptom(ServiceAction):
    """Asks what the child has."""

    action_name = "action_ask_triage_symptom"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask, and say what for."""
        turn.say("ask_triage_symptom")
        return []


class ActionSubmitTriage(Submit):
    """Answers with the departments."""

    form_class = TriageForm

    def submit(self, turn: Turn) -> str | None:
        """Advise for the child in question, if there is one."""
        known = [c.number for c in turn.choices]
        number = turn.slot("policy") if turn.slot("policy") in known else None
        if number is None and len(known) == 1:
            number = known[0]
        _tell(turn, str(turn.slot("triage_symptom")), number)
        return None
