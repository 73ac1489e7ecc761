"""Looking up visits, and until when they can be changed (手册·就医流程 V2, V3)."""

from __future__ import annotations

from datetime import date

from rasa_sdk.events import SlotSet

from actions import texts, wishes
from actions.appointment_words import appointment_line, mentioned, say_unknown_reference
from actions.booking import BookForm
from actions.service_requests import meant, tell_requests
from actions.turn import (
    Event,
    ServiceAction,
    Turn,
    open_form,
    resume,
)
from bot.rules.visits import cancellation_deadline, is_late
from bot.services import appointments as service


class ActionCheckAppointment(ServiceAction):
    """Tells the upcoming visits."""

    action_name = "action_check_appointment"

    def handle(self, turn: Turn) -> list[Event]:
        """List them with state and deadline."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        if tell_requests(turn, meant(turn)):
            return [SlotSet("pending_task", None), *resume(turn)]
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        shown = mentioned(turn, known) or known
        if not known:
            turn.say("no_appointments")
        else:
            say_unknown_reference(turn, known)
            day = turn.day()
            if day is not None and day not in [a.visit_at.date() for a in known]:
                turn.say("no_appointment_that_day", day=texts.day(day, turn.now.date()))
            turn.say("appointments", lines="\n".join(appointment_line(a, turn) for a in shown))
        return [SlotSet("pending_task", None), *resume(turn)]


class ActionAskCancellationDeadline(ServiceAction):
    """Tells until when a visit can be changed or cancelled (V3)."""

    action_name = "action_ask_cancellation_deadline"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the day named, else for the parent's own visits, else the rule."""
        said = wishes.read_day(turn, asked=False)
        if said is None and turn.form == BookForm.form:
            said = turn.slot("book_date")
        day = date.fromisoformat(said) if isinstance(said, str) else None
        if day is not None and day < turn.now.date():
            deadline = texts.moment(cancellation_deadline(day), turn.now)
            turn.say("deadline_day_gone", day=texts.day(day, turn.now.date()), deadline=deadline)
            return resume(turn)
        if day is not None and turn.form == BookForm.form:
            deadline = texts.moment(cancellation_deadline(day), turn.now)
            turn.say("deadline_for_wish", day=texts.day(day, turn.now.date()), deadline=deadline)
            return resume(turn)
        if day is not None:
            late = is_late(day, turn.now)
            turn.say(
                "deadline_passed" if late else "deadline_for_day",
                day=texts.day(day, turn.now.date()),
                deadline=texts.moment(cancellation_deadline(day), turn.now),
            )
            return resume(turn)
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        known = mentioned(turn, known) or known
        if known:
            turn.say("deadlines", lines="\n".join(appointment_line(a, turn) for a in known))
        else:
            turn.say("deadline_rule")
        return resume(turn)
