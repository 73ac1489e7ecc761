"""Moving and cancelling a visit (手册·就医流程 V3)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from rasa_sdk.events import FollowupAction, SlotSet

from actions import booking_answers as answers
from actions import texts, wishes
from actions.appointment_words import (
    appointment_line,
    appointment_values,
    find_day,
    mentioned,
    reminded,
    say_unknown_reference,
    wish_in,
    wished_time,
)
from actions.authorization_answers import CHANGE_ACTION, change_wanted
from actions.forms import Form, Found, Submit, entity_spans
from actions.service_requests import begin_cancelling
from actions.turn import (
    Event,
    ServiceAction,
    Turn,
    as_clock,
    open_form,
    resume,
)
from bot.services import appointments as service
from bot.services import handoffs
from bot.services import hospitals as directory
from bot.services.appointments import AppointmentView, Wish
from bot.services.errors import NotFound, Refused

NOT_CANCEL = re.compile(r"(?:不|别|不用|不要|先不)取消")

STILL_MOVE = re.compile(r"(?:仍然|还是|就|要|确定|继续|那)*改(?:期|吧|了)*")

MOVED_TO = re.compile(r"[改换挪调][到成至]")


class _OnAppointment(Form):
    """A form about one existing appointment."""

    reference_slot: ClassVar[str]
    late_slot: ClassVar[str]

    def target(self, turn: Turn, values: dict[str, Any]) -> AppointmentView | None:
        """Return the appointment that the form is about."""
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        wanted = values.get(self.reference_slot)
        return next((a for a in known if a.reference == wanted), None)

    def find_reference(self, turn: Turn, found: Found, asked: str | None) -> None:
        """Search for the appointment meant, when that is what is asked."""
        button = turn.entity("appointment") or turn.entity("reference")
        if button:
            found.add(self.reference_slot, str(button).upper(), *entity_spans(turn, "reference"))
        elif asked == self.reference_slot:
            known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
            meant = mentioned(turn, known)
            ordinal = texts.ordinal(turn.text)
            if ordinal is not None and ordinal <= len(known):
                found.add(self.reference_slot, known[ordinal - 1].reference)
            elif len(meant) == 1 and len(known) > 1:
                found.add(self.reference_slot, meant[0].reference, (0, len(turn.text)))

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Ask a second time once the deadline is past (V3)."""
        target = self.target(turn, values)
        if target is not None and target.late_now:
            return self.slots
        return tuple(slot for slot in self.slots if slot != self.late_slot)

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Take only an appointment of this account."""
        if slot == self.reference_slot and self.target(turn, {slot: value}) is None:
            turn.say("no_such_appointment", reference=str(value))
            return None
        return value

    def _confirmation(self, turn: Turn, asked: str | None, found: Found) -> bool | None:
        if asked == self.late_slot and not found.values:
            answer = self.yes_or_no(turn)
            found.add(self.late_slot, answer)
            return False if answer is False else None
        return super()._confirmation(turn, asked, found)


class CancelForm(_OnAppointment):
    """Which visit, confirmation, and a second one when it is late."""

    form = "cancel_form"
    slots = ("cancel_reference", "cancel_confirm", "cancel_late_confirm")
    own = frozenset({"cancel_appointment", "check_appointment"})
    repeats = frozenset({"cancel_appointment"})
    keeps = NOT_CANCEL
    confirm = "cancel_confirm"
    reference_slot = "cancel_reference"
    late_slot = "cancel_late_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the appointment meant."""
        found = Found()
        self.find_reference(turn, found, asked)
        if asked == self.confirm and not found.values:
            self._find_other(found, turn)
        return found

    def _find_other(self, found: Found, turn: Turn) -> None:
        """Find another visit than the one summed up ("不是这个，是12月8号那个")."""
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        meant = mentioned(turn, known)
        if len(meant) == 1 < len(known) and meant[0].reference != turn.slot(self.reference_slot):
            found.add(self.reference_slot, meant[0].reference, (0, len(turn.text)))


class MoveForm(_OnAppointment):
    """Which visit, the new day and time, confirmation, and a second one when it is late."""

    form = "move_form"
    slots = ("move_reference", "move_date", "move_time", "move_confirm", "move_late_confirm")
    own = frozenset({"reschedule_appointment", "book_appointment", "check_appointment"})
    confirm = "move_confirm"
    reference_slot = "move_reference"
    late_slot = "move_late_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the appointment meant, the new day and the new time."""
        found = Found()
        self.find_reference(turn, found, asked)
        for slot in ("move_date", "move_time"):
            found.add(slot, turn.entity(slot))
        if asked != self.reference_slot and turn.text:
            find_day(found, turn, "move_date", "move_time", asked)
        if asked == "move_date" and "move_time" in found.values and len(found.values) == 1:
            # "改到下午" keeps the day.
            old = self.target(turn, {self.reference_slot: turn.slot(self.reference_slot)})
            found.add("move_date", old.visit_at.date().isoformat() if old else None)
        still = STILL_MOVE.fullmatch(turn.text.strip(" 。！!"))
        if asked in (self.confirm, self.late_slot) and not found.values and still:
            found.add(asked, True)
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse past and closed days, and the time that it has already (V2)."""
        if slot not in ("move_date", "move_time"):
            return super().accept(turn, slot, value, values)
        old = self.target(turn, values)
        said = wishes.read_time(turn, asked=False) or turn.entity("move_time")
        if slot == "move_date":
            clock_time = said or values.get("move_time")
            if old and value == old.visit_at.date().isoformat() and clock_time is None:
                turn.say("move_same_day", day=texts.day(old.visit_at.date(), turn.now.date()))
                return None
            return answers.possible_day(turn, value, clock_time, old.number if old else None)
        if old and not answers.open_at(turn, old.hospital, str(value)):
            return None
        wish = (
            Wish(date.fromisoformat(values["move_date"]), *as_clock(value))
            if values.get("move_date")
            else None
        )
        if (
            old
            and wish
            and wish.visit_at == old.visit_at
            and bool(wish.clock) != bool(old.day_part)
        ):
            turn.say("move_same_time", when=appointment_values(old, turn)["when"])
            return None
        return value


class _BeginOnAppointment:
    """Finds the appointment meant and opens the form about it."""

    action_name: ClassVar[str]

    form_class: ClassVar[type[_OnAppointment]]

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form; say so if there is nothing to change."""
        if change_wanted(turn):
            return [FollowupAction(CHANGE_ACTION)]
        form = self.form_class
        if turn.form == form.form:
            return resume(turn)
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        if not known:
            turn.say("no_appointments")
            return [SlotSet("pending_task", None), *resume(turn)]
        say_unknown_reference(turn, known)
        meant = mentioned(turn, known)
        events: list[Event] = [SlotSet(slot, None) for slot in form.slots]
        if len(meant) == 1:
            events.append(SlotSet(form.reference_slot, meant[0].reference))
        events += self.prefill(turn, known)
        return [*events, SlotSet("pending_task", None), *open_form(turn, form.form)]

    def prefill(self, turn: Turn, known: list[AppointmentView]) -> list[Event]:
        """Keep what else the opening message said."""
        return []


class ActionCancelAppointment(_BeginOnAppointment, ServiceAction):
    """Begins a cancellation."""

    action_name = "action_cancel_appointment"
    form_class = CancelForm

    def handle(self, turn: Turn) -> list[Event]:
        """Begin with the request that is named, if it is one that staff arrange."""
        other = begin_cancelling(turn) if turn.form != CancelForm.form else None
        return super().handle(turn) if other is None else other


class ActionRescheduleAppointment(_BeginOnAppointment, ServiceAction):
    """Begins moving a visit."""

    action_name = "action_reschedule_appointment"
    form_class = MoveForm

    def prefill(self, turn: Turn, known: list[AppointmentView]) -> list[Event]:
        """Keep the new day: of the days said, the last on which there is no visit yet."""
        if turn.intent != "reschedule_appointment":
            return []
        place = directory.match_hospital(turn.text, directory.hospitals(turn.store))
        if place is not None and place.value not in [a.hospital for a in known]:
            turn.say("move_other_hospital")
        meant = mentioned(turn, known)
        only = meant[0] if len(meant) == 1 else None
        taken = frozenset(a.visit_at.date().isoformat() for a in ([only] if only else known))
        said = wishes.read_day(turn, asked=False, taken=taken)
        clock_time = wishes.read_time(turn, asked=False)
        if said is None and only and clock_time and MOVED_TO.search(turn.text):
            # "把周三的改到下午" keeps the day.
            said = only.visit_at.date().isoformat()
        if said is None:
            return []
        day = answers.possible_day(turn, said, clock_time, only.number if only else None)
        events: list[Event] = [SlotSet("move_date", day)]
        if day and clock_time:
            events.append(SlotSet("move_time", clock_time))
        return events


class _AskReference:
    """Asks which appointment is meant."""

    def handle(self, turn: Turn) -> list[Event]:
        """List them, each as a button."""
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        buttons = [
            texts.inform_button(
                f"{a.reference} {appointment_values(a, turn)['when']}", appointment=a.reference
            )
            for a in known
        ]
        lines = "\n".join(appointment_line(a, turn) for a in known)
        turn.say("which_appointment", buttons=buttons, lines=lines)
        return []


class ActionAskCancelReference(_AskReference, ServiceAction):
    """Asks which visit to cancel."""

    action_name = "action_ask_cancel_reference"
    ends_turn = False


class ActionAskMoveReference(_AskReference, ServiceAction):
    """Asks which visit to move."""

    action_name = "action_ask_move_reference"
    ends_turn = False


class ActionAskCancelConfirm(ServiceAction):
    """Sums up a cancellation; past the deadline, with what may follow (V3)."""

    action_name = "action_ask_cancel_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell which visit, and whether it is late."""
        seen = _target(turn, CancelForm())
        kind = "late" if seen.late_now else "in_time"
        turn.say(
            f"confirm_cancel_{kind}", reference=seen.reference, **appointment_values(seen, turn)
        )
        return []


class ActionAskMoveConfirm(ServiceAction):
    """Sums up a move; past the old visit's deadline, with what may follow (V3)."""

    action_name = "action_ask_move_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the old and the new time, and the new deadline."""
        seen = _target(turn, MoveForm())
        wish = wish_in(turn, "move_date", "move_time")
        judged = service.assess(wish, turn.now)
        kind = "late" if seen.late_now else judged.wish.value
        told = appointment_values(seen, turn) | {
            "new_when": wished_time(turn, wish),
            "new_deadline": texts.moment(judged.deadline, turn.now),
            "due": texts.moment(judged.due_at, turn.now),
        }
        turn.say(f"confirm_move_{kind}", reference=seen.reference, **told)
        return []


def _target(turn: Turn, form: _OnAppointment) -> AppointmentView:
    seen = form.target(turn, {form.reference_slot: turn.slot(form.reference_slot)})
    if seen is None:
        raise NotFound(turn.slot(form.reference_slot))
    return seen


class ActionSubmitCancel(Submit):
    """Cancels the visit."""

    form_class = CancelForm

    def submit(self, turn: Turn) -> str | None:
        """Cancel, and say so."""
        if turn.slot("cancel_late_confirm") is False:
            turn.say("not_submitted")
            return None
        try:
            seen = service.cancel(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("cancel_reference"),
                now=turn.now,
                late_accepted=bool(turn.slot("cancel_late_confirm")),
            )
        except Refused as refused:
            turn.say("change_refused", reason=texts.word("refused", refused.reason))
            return None
        turn.say("cancelled", reference=seen.reference, **appointment_values(seen, turn))
        if turn.slot("cancel_late_confirm"):
            # The hospital expects the child: somebody has to tell it (V3).
            handoffs.request_handoff(
                turn.store,
                identity_id=turn.identity.id,
                reason="rule",
                note=seen.reference,
                now=turn.now,
            )
        return None


class ActionSubmitMove(Submit):
    """Moves the visit."""

    form_class = MoveForm

    def submit(self, turn: Turn) -> str | None:
        """Move, and tell the new due time and deadline."""
        if turn.slot("move_late_confirm") is False:
            turn.say("not_submitted")
            return None
        try:
            seen = service.reschedule(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("move_reference"),
                wish=wish_in(turn, "move_date", "move_time"),
                now=turn.now,
                late_accepted=bool(turn.slot("move_late_confirm")),
            )
        except Refused as refused:
            turn.say("change_refused", reason=texts.word("refused", refused.reason))
            return None
        ending = reminded(turn, seen)
        turn.say(f"moved{ending}", reference=seen.reference, **appointment_values(seen, turn))
        return None
