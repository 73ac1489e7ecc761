"""On-site assistance at the three hospitals that have it (手册·医疗服务 M6)."""

from __future__ import annotations

from datetime import date
from typing import Any

from rasa_sdk.events import SlotSet

from actions import booking_answers as answers
from actions import texts, wishes
from actions.forms import Form, Found, Submit, entity_spans
from actions.service_requests import say_requested
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.services import appointments
from bot.services import hospitals as directory
from bot.services import service_requests as service
from bot.services.service_requests import Wanted


class ActionRequestOnsiteAssistance(ServiceAction):
    """Begins a request, with what a booked visit tells already."""

    action_name = "action_request_onsite_assistance"

    def handle(self, turn: Turn) -> list[Event]:
        """Find the child, take hospital and day from the message or the one visit there is."""
        if turn.form == OnsiteForm.form:
            return resume(turn)
        form = OnsiteForm()
        said: list[Event] = []
        # What was said before binding is kept.
        given = {slot: turn.slot(slot) for slot in form.slots if turn.slot(slot) is not None}
        if turn.intent == "request_onsite_assistance":
            said, given = [SlotSet(slot, None) for slot in form.slots], {}
            found = form.find(turn, None)
            for slot, value in found.values.items():
                if slot in form.slots:
                    given[slot] = form.accept(turn, slot, value, given)
        number, events = chosen_policy(turn, self.action_name)
        if number is not None and not given:
            given = _visit(turn, number)
        said += [SlotSet(slot, value) for slot, value in given.items() if value is not None]
        if number is None:
            return [*said, *events]
        return [*said, *events, SlotSet("pending_task", None), *open_form(turn, OnsiteForm.form)]


def _visit(turn: Turn, number: str) -> dict[str, Any]:
    names = {h.name for h in service.onsite_places(turn.store)}
    known = appointments.upcoming(
        turn.store, identity_id=turn.identity.id, number=number, now=turn.now
    )
    fitting = [a for a in known if a.hospital in names]
    if len(fitting) != 1:
        return {}
    day = fitting[0].visit_at.date().isoformat()
    return {"onsite_hospital": fitting[0].hospital, "onsite_date": day}


class OnsiteForm(Form):
    """Hospital, day, confirmation."""

    form = "onsite_form"
    slots = ("onsite_hospital", "onsite_date", "onsite_confirm")
    own = frozenset({"request_onsite_assistance", "book_appointment"})
    confirm = "onsite_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a hospital and a day."""
        found = Found()
        found.add("onsite_hospital", turn.entity("onsite_hospital"))
        if not turn.text:
            return found
        place = directory.match_hospital(turn.text, directory.hospitals(turn.store))
        offered = service.onsite_places(turn.store)
        position = texts.ordinal(turn.text)
        if place is not None:
            found.add("onsite_hospital", place.value, (place.start, place.end))
        elif asked == "onsite_hospital" and position and position <= len(offered):
            found.add("onsite_hospital", offered[position - 1].name, (0, len(turn.text)))
        elif asked in (None, "onsite_hospital"):
            unlisted = answers.unlisted_hospital(turn)
            if unlisted is not None:
                found.add("onsite_hospital", unlisted.name, (unlisted.start, unlisted.end))
        found.add(
            "onsite_date",
            wishes.read_day(turn, asked=asked == "onsite_date"),
            *entity_spans(turn, "date"),
        )
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse other hospitals (M6), past and closed days."""
        if slot == "onsite_hospital":
            if value in [h.name for h in service.onsite_places(turn.store)]:
                return value
            turn.say("onsite_not_there", hospital=str(value))
            return None
        if slot == "onsite_date":
            return answers.possible_day(turn, value, None, turn.slot("policy"))
        return value


class ActionAskOnsiteHospital(ServiceAction):
    """Asks which of the three."""

    action_name = "action_ask_onsite_hospital"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer them as buttons."""
        buttons = [
            texts.inform_button(h.name, onsite_hospital=h.name)
            for h in service.onsite_places(turn.store)
        ]
        turn.say("ask_onsite_hospital", buttons=buttons)
        return []


class ActionAskOnsiteDate(ServiceAction):
    """Asks for the day of the visit."""

    action_name = "action_ask_onsite_date"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_onsite_date")
        return []


class ActionAskOnsiteConfirm(ServiceAction):
    """Sums up the request."""

    action_name = "action_ask_onsite_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell child, hospital and day, and ask."""
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        day = date.fromisoformat(turn.slot("onsite_date"))
        turn.say(
            "confirm_onsite",
            child=child,
            hospital=turn.slot("onsite_hospital"),
            day=texts.day(day, turn.now.date()),
        )
        return []


class ActionSubmitOnsite(Submit):
    """Records the request."""

    form_class = OnsiteForm

    def submit(self, turn: Turn) -> str | None:
        """Record, tell the number."""
        wanted = Wanted(
            "onsite", turn.slot("onsite_hospital"), date.fromisoformat(turn.slot("onsite_date"))
        )
        say_requested(turn, wanted)
        return None
