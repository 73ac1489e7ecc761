"""Booking, looking up, moving and cancelling visits."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit, entity_spans
from actions.turn import (
    Event,
    ServiceAction,
    Turn,
    as_clock,
    chosen_policy,
    open_form,
    resume,
)
from bot.rules.benefits import CardStatus
from bot.rules.visits import BookingWish, cancellation_deadline, is_late
from bot.services import appointments as service
from bot.services import hospitals as directory
from bot.services import policies
from bot.services.appointments import AppointmentView, Wish
from bot.services.errors import NotFound, Refused

EXPERT = re.compile(r"专家|主任|教授|指定.{0,3}医生|[一-鿿]{1,2}(?:医生|大夫)的号")


class ActionBookAppointment(ServiceAction):
    """Begins a booking once policy, card and plan allow it (V2)."""

    action_name = "action_book_appointment"

    def handle(self, turn: Turn) -> list[Event]:
        """Check what stands in the way, keep what was said, open the form."""
        if turn.form == BookForm.form:
            return resume(turn)
        said = _said(BookForm(), turn) if turn.intent == "book_appointment" else []
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return [*said, *events]
        obstacle = service.booking_obstacle(
            turn.store, identity_id=turn.identity.id, number=number, now=turn.now
        )
        if obstacle is not None:
            _say_obstacle(turn, number, obstacle)
            forget = [SlotSet(slot, None) for slot in BookForm.slots if slot != "policy"]
            return [*events, *forget, SlotSet("pending_task", None), *resume(turn)]
        return [*said, *events, SlotSet("pending_task", None), *open_form(turn, BookForm.form)]


def _say_obstacle(turn: Turn, number: str, obstacle: CardStatus | str) -> None:
    seen = policies.overview(turn.store, identity_id=turn.identity.id, number=number, now=turn.now)
    today = seen.as_of
    word = obstacle.value if isinstance(obstacle, CardStatus) else obstacle
    turn.say(
        f"booking_{word}",
        child=seen.child,
        plan=seen.plan,
        valid_from=texts.day(seen.valid_from, today),
        valid_to=texts.day(seen.valid_to, today),
        owed=texts.yuan(sum((bill.amount for bill in seen.unpaid), start=texts.NOTHING)),
    )


def _said(form: Form, turn: Turn) -> list[Event]:
    """Keep what the opening message said already; the form checks it."""
    found = form.find(turn, None)
    values: dict[str, Any] = {slot: None for slot in form.slots}
    events: list[Event] = []
    for slot, value in found.values.items():
        accepted = form.accept(turn, slot, value, values)
        if accepted is not None:
            values[slot] = accepted
            events.append(SlotSet(slot, accepted))
    return events


class BookForm(Form):
    """Hospital, department, day, time of day, confirmation."""

    form = "book_form"
    slots = ("book_hospital", "book_department", "book_date", "book_time", "book_confirm")
    own = frozenset({"book_appointment", "reschedule_appointment", "find_hospital"})
    confirm = "book_confirm"
    refusals = frozenset({"cancel_appointment"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a hospital, a department, a day and a time of day."""
        found = Found()
        for slot in ("book_hospital", "book_department", "book_date", "book_time"):
            button = turn.entity(slot)
            found.add(slot, button)
        text = turn.text
        if not text:
            return found
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(text, known)
        if place is not None:
            found.add("book_hospital", place.value, (place.start, place.end))
        name = place.value if place else turn.slot("book_hospital")
        rest = (
            text
            if place is None
            else text[: place.start] + "　" * (place.end - place.start) + text[place.end :]
        )
        departments = [d for h in known if name in (None, h.name) for d in h.departments]
        department = directory.match_department(rest, departments)
        if department is not None:
            found.add("book_department", department.value, (department.start, department.end))
        _find_day(found, turn, "book_date", "book_time")
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse other kinds of hospital (V1), unknown departments, past and closed days (V2)."""
        if EXPERT.search(turn.text) and "expert" not in turn.told:
            turn.told.add("expert")
            turn.say("no_named_expert")
        if slot == "book_hospital":
            return _bookable_hospital(turn, str(value))
        if slot == "book_department":
            return _offered_department(turn, str(value), values.get("book_hospital"))
        if slot == "book_date":
            return _possible_day(turn, str(value), turn.clock_time() or values.get("book_time"))
        return value

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """Drop a department that the newly named hospital does not have."""
        department = values.get("book_department")
        if slot == "book_hospital" and department:
            place = directory.hospital(turn.store, values["book_hospital"])
            if department not in place.departments:
                turn.say("department_not_there", hospital=place.name, department=department)
                return {"book_department": None}
        return {}


def _find_day(found: Found, turn: Turn, date_slot: str, time_slot: str) -> None:
    spans = entity_spans(turn, "date")
    day = turn.day()
    if day is not None:
        found.add(date_slot, day.isoformat(), *spans)
    elif "impossible_date" in turn.day_flags():
        turn.say("impossible_date")
    clock_time = turn.clock_time()
    if clock_time is not None:
        found.add(time_slot, clock_time, *spans)


def _bookable_hospital(turn: Turn, name: str) -> str | None:
    try:
        place = directory.hospital(turn.store, name)
    except NotFound:
        return None
    if place.kind == "public_special":
        return place.name
    turn.say(
        f"no_booking_{place.kind}",
        hospital=place.name,
        phone=place.phone,
        hours=place.hours,
    )
    return None


def _offered_department(turn: Turn, department: str, hospital: str | None) -> str | None:
    if hospital is None:
        return department
    place = directory.hospital(turn.store, hospital)
    if department in place.departments:
        return department
    turn.say("department_not_there", hospital=place.name, department=department)
    return None


def _possible_day(turn: Turn, day: str, clock_time: str | None) -> str | None:
    wish = Wish(date.fromisoformat(day), *as_clock(clock_time))
    judged = service.assess(wish, turn.now)
    if judged.next_day is None:
        return day
    today = turn.now.date()
    reason = "past" if judged.wish is BookingWish.PAST else "closed"
    turn.say(
        f"day_{reason}",
        day=texts.day(wish.day, today),
        next_day=texts.day(judged.next_day, today),
    )
    return None


def _place_line(turn: Turn, wish: Wish) -> str:
    day = texts.day(wish.day, turn.now.date())
    if wish.clock is not None:
        return f"{day} {wish.clock:%H:%M}"
    return f"{day} {texts.word('part', wish.part or 'any')}"


class ActionAskBookHospital(ServiceAction):
    """Asks for the hospital, with the ones that can be booked as buttons."""

    action_name = "action_ask_book_hospital"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the direct-billing public hospitals."""
        places = directory.hospitals(turn.store, kind="public_special")
        turn.say(
            "which_hospital",
            buttons=[
                {"title": h.name, "payload": f'/inform{{"book_hospital": "{h.name}"}}'}
                for h in places
            ],
        )
        return []


class ActionAskBookDepartment(ServiceAction):
    """Asks for the department, with the hospital's own as buttons."""

    action_name = "action_ask_book_department"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the departments of the chosen hospital."""
        place = directory.hospital(turn.store, turn.slot("book_hospital"))
        turn.say(
            "which_department",
            hospital=place.name,
            buttons=[
                {"title": d, "payload": f'/inform{{"book_department": "{d}"}}'}
                for d in place.departments
            ],
        )
        return []


class ActionAskBookConfirm(ServiceAction):
    """Sums up the booking with its deadline and, where due, a plain warning (V2, V3)."""

    action_name = "action_ask_book_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell what will be asked for, until when it can be cancelled, and ask."""
        wish = _wish(turn, "book_date", "book_time")
        judged = service.assess(wish, turn.now)
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        turn.say(
            f"confirm_booking_{judged.wish.value}",
            child=child,
            hospital=turn.slot("book_hospital"),
            department=turn.slot("book_department"),
            when=_place_line(turn, wish),
            due=texts.moment(judged.due_at, turn.now),
            deadline=texts.moment(judged.deadline, turn.now),
        )
        return []


class ActionSubmitBook(Submit):
    """Stores the booking."""

    form_class = BookForm

    def submit(self, turn: Turn) -> str | None:
        """Book, and tell the reference, the due time and the deadline."""
        wish = _wish(turn, "book_date", "book_time")
        try:
            booked, new = service.book(
                turn.store,
                identity_id=turn.identity.id,
                number=turn.slot("policy"),
                hospital=turn.slot("book_hospital"),
                department=turn.slot("book_department"),
                wish=wish,
                now=turn.now,
            )
        except Refused as refused:
            turn.say("booking_refused", reason=texts.word("refused", refused.reason))
            return None
        turn.say(
            "booked" if new else "booked_already",
            reference=booked.reference,
            **_told(booked, turn),
        )
        return None


def _wish(turn: Turn, date_slot: str, time_slot: str) -> Wish:
    return Wish(date.fromisoformat(turn.slot(date_slot)), *as_clock(turn.slot(time_slot)))


def _told(seen: AppointmentView, turn: Turn) -> dict[str, Any]:
    """Return what replies say of an appointment."""
    clock = None if seen.day_part else seen.visit_at.time()
    wish = Wish(seen.visit_at.date(), clock, seen.day_part)
    return {
        "child": seen.child,
        "hospital": seen.hospital,
        "department": seen.department,
        "when": _place_line(turn, wish),
        "status": texts.word("appointment", seen.status),
        "deadline": texts.moment(seen.deadline, turn.now),
        "due": texts.moment(seen.due_at, turn.now) if seen.due_at else "",
    }


def _line(seen: AppointmentView, turn: Turn) -> str:
    return texts.line("appointment", reference=seen.reference, **_told(seen, turn))


def _mentioned(turn: Turn, known: list[AppointmentView]) -> list[AppointmentView]:
    """Return the appointments that a message may mean, by reference, child, place or day."""
    reference = turn.entity("appointment") or turn.entity("reference")
    if reference:
        return [a for a in known if a.reference == str(reference).upper()]
    child = turn.child_named()
    if child is not None:
        known = [a for a in known if a.number == child.number] or known
    place = directory.match_hospital(turn.text, directory.hospitals(turn.store))
    if place is not None:
        known = [a for a in known if a.hospital == place.value] or known
    day = turn.day()
    if day is not None:
        known = [a for a in known if a.visit_at.date() == day] or known
    return known


class ActionCheckAppointment(ServiceAction):
    """Tells the upcoming visits."""

    action_name = "action_check_appointment"

    def handle(self, turn: Turn) -> list[Event]:
        """List them with state and deadline."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = _mentioned(
            turn, service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        )
        if not known:
            turn.say("no_appointments")
        else:
            turn.say("appointments", lines="\n".join(_line(a, turn) for a in known))
        return [SlotSet("pending_task", None), *resume(turn)]


class ActionAskCancellationDeadline(ServiceAction):
    """Tells until when a visit can be changed or cancelled (V3)."""

    action_name = "action_ask_cancellation_deadline"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the day named, else for the parent's own visits, else the rule."""
        day = turn.day()
        if day is not None:
            late = is_late(day, turn.now)
            turn.say(
                "deadline_passed" if late else "deadline_for_day",
                day=texts.day(day, turn.now.date()),
                deadline=texts.moment(cancellation_deadline(day), turn.now),
            )
            return resume(turn)
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        if known:
            turn.say("deadlines", lines="\n".join(_line(a, turn) for a in known))
        else:
            turn.say("deadline_rule")
        return resume(turn)


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
            meant = _mentioned(turn, known)
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
            answer = {"affirm": True, "deny": False}.get(turn.intent)
            if answer is not None:
                found.add(self.late_slot, answer)
            return False if answer is False else None
        return super()._confirmation(turn, asked, found)


class CancelForm(_OnAppointment):
    """Which visit, confirmation, and a second one when it is late."""

    form = "cancel_form"
    slots = ("cancel_reference", "cancel_confirm", "cancel_late_confirm")
    own = frozenset({"cancel_appointment", "check_appointment"})
    confirm = "cancel_confirm"
    reference_slot = "cancel_reference"
    late_slot = "cancel_late_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the appointment meant."""
        found = Found()
        self.find_reference(turn, found, asked)
        # "取消" repeated at the summary is a yes.
        if asked == self.confirm and turn.intent == "cancel_appointment" and not found.values:
            found.add(self.confirm, True)
        return found


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
            _find_day(found, turn, "move_date", "move_time")
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse past and closed days (V2)."""
        if slot == "move_date":
            return _possible_day(turn, str(value), turn.clock_time() or values.get("move_time"))
        return super().accept(turn, slot, value, values)


class _BeginOnAppointment:
    """Finds the appointment meant and opens the form about it."""

    action_name: ClassVar[str]

    form_class: ClassVar[type[_OnAppointment]]

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form; say so if there is nothing to change."""
        form = self.form_class
        if turn.form == form.form:
            return resume(turn)
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        if not known:
            turn.say("no_appointments")
            return [SlotSet("pending_task", None), *resume(turn)]
        meant = _mentioned(turn, known)
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


class ActionRescheduleAppointment(_BeginOnAppointment, ServiceAction):
    """Begins moving a visit."""

    action_name = "action_reschedule_appointment"
    form_class = MoveForm

    def prefill(self, turn: Turn, known: list[AppointmentView]) -> list[Event]:
        """Keep the new day: of the days said, the last on which there is no visit yet."""
        taken = {a.visit_at.date() for a in known}
        new = [day for day in turn.days() if day not in taken]
        if not new or turn.intent != "reschedule_appointment":
            return []
        day = _possible_day(turn, new[-1].isoformat(), turn.clock_time())
        events: list[Event] = [SlotSet("move_date", day)]
        if day and turn.clock_time():
            events.append(SlotSet("move_time", turn.clock_time()))
        return events


class _AskReference:
    """Asks which appointment is meant."""

    def handle(self, turn: Turn) -> list[Event]:
        """List them, each as a button."""
        known = service.upcoming(turn.store, identity_id=turn.identity.id, now=turn.now)
        buttons = [
            {
                "title": f"{a.reference} {_told(a, turn)['when']}",
                "payload": f'/inform{{"appointment": "{a.reference}"}}',
            }
            for a in known
        ]
        lines = "\n".join(_line(a, turn) for a in known)
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
        turn.say(f"confirm_cancel_{kind}", reference=seen.reference, **_told(seen, turn))
        return []


class ActionAskMoveConfirm(ServiceAction):
    """Sums up a move; past the old visit's deadline, with what may follow (V3)."""

    action_name = "action_ask_move_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the old and the new time, and the new deadline."""
        seen = _target(turn, MoveForm())
        wish = _wish(turn, "move_date", "move_time")
        judged = service.assess(wish, turn.now)
        kind = "late" if seen.late_now else judged.wish.value
        told = _told(seen, turn) | {
            "new_when": _place_line(turn, wish),
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
        turn.say("cancelled", reference=seen.reference, **_told(seen, turn))
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
                wish=_wish(turn, "move_date", "move_time"),
                now=turn.now,
                late_accepted=bool(turn.slot("move_late_confirm")),
            )
        except Refused as refused:
            turn.say("change_refused", reason=texts.word("refused", refused.reason))
            return None
        turn.say("moved", reference=seen.reference, **_told(seen, turn))
        return None
