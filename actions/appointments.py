"""Booking, looking up, moving and cancelling visits."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from rasa_sdk.events import FollowupAction, SlotSet

from actions import booking_answers as answers
from actions import texts, wishes
from actions.authorization_answers import CHANGE_ACTION, change_wanted
from actions.forms import Form, Found, Submit, entity_spans
from actions.service_requests import begin_cancelling, meant, tell_requests
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
from bot.rules.visits import cancellation_deadline, is_late
from bot.services import appointments as service
from bot.services import handoffs, policies, reminder_settings
from bot.services import hospitals as directory
from bot.services.appointments import AppointmentView, Wish
from bot.services.errors import NotFound, Refused

SHORT_WISH = 10
QUESTION = re.compile(r"[?？吗]|哪里|在哪|地址|电话|几点|怎么|多少|多远")
NOT_CANCEL = re.compile(r"(?:不|别|不用|不要|先不)取消")
STILL_MOVE = re.compile(r"(?:仍然|还是|就|要|确定|继续|那)*改(?:期|吧|了)*")
MOVED_TO = re.compile(r"[改换挪调][到成至]")


class ActionBookAppointment(ServiceAction):
    """Begins a booking once policy, card and plan allow it (V2)."""

    action_name = "action_book_appointment"

    def handle(self, turn: Turn) -> list[Event]:
        """Check what stands in the way, keep what was said, open the form."""
        if turn.form == BookForm.form:
            answers.decline_expert(turn)
            return resume(turn)
        if turn.intent == "book_appointment" and answers.booked_elsewhere(turn):
            return [SlotSet("pending_task", None), *resume(turn)]
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
    if obstacle == "no_route" and "network_clinic" in seen.direct_billing:
        turn.say("booking_only_clinics", child=seen.child, plan=seen.plan)
        return
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
        elif asked == "book_hospital" or answers.BOOKS.search(text):
            unlisted = answers.unlisted_hospital(turn)
            if unlisted is not None:
                found.add("book_hospital", unlisted.name, (unlisted.start, unlisted.end))
        department = answers.department_named(turn, place, known)
        if department is not None:
            found.add("book_department", department.value, (department.start, department.end))
        _find_day(found, turn, "book_date", "book_time", asked)
        answers.find_choice(found, turn, asked)
        for slot, words in answers.AGAIN.items():
            timed = slot == "book_date" and "book_time" in found.values
            if slot not in found.values and not timed and turn.slot(slot) and words.search(text):
                found.add(slot, answers.AGAIN, (0, len(text)))
        if found.values:
            answers.decline_expert(turn)
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse other kinds of hospital (V1), unknown departments, past and closed days (V2)."""
        if value is answers.AGAIN:
            return None
        if slot == "book_hospital":
            return answers.bookable_hospital(turn, str(value))
        if slot == "book_department":
            return answers.offered_department(turn, str(value), values.get("book_hospital"))
        if slot == "book_date":
            clock_time = wishes.read_time(turn, asked=False) or values.get("book_time")
            return answers.possible_day(turn, value, clock_time, turn.slot("policy"))
        if slot == "book_time":
            return answers.possible_time(turn, str(value), values)
        return value

    def _next(self, turn: Turn, values: dict[str, Any]) -> Event:
        event = super()._next(turn, values)
        asked = turn.slot("requested_slot")
        if turn.fresh and asked == event["value"] and asked != self.confirm:
            # An answer to another question than the one asked again must not seem lost.
            new = [s for s in self.slots if values[s] is not None and values[s] != turn.slot(s)]
            if new:
                value = texts.line("and").join(_shown(s, values[s], turn) for s in new)
                turn.say("noted", value=value)
        return event

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        if turn.intent == "find_hospital" and asked != "book_hospital":
            # "新华医院在哪里" is a question about a hospital rather than another choice.
            return bool(QUESTION.search(turn.text))
        if asked == "book_date" and len(turn.text) <= SHORT_WISH:
            # "还是越快越好" sounds like a question of the manual, too.
            return not isinstance(found.values.get("book_date"), wishes.OpenDay) and super()._aside(
                turn, asked, found
            )
        return super()._aside(turn, asked, found)

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """Drop a department that the newly named hospital does not have."""
        department = values.get("book_department")
        if slot == "book_hospital" and department:
            place = directory.hospital(turn.store, values["book_hospital"])
            if department not in place.departments:
                answers.say_not_there(turn, place, department)
                return {"book_department": None}
        return {}


def _find_day(
    found: Found, turn: Turn, date_slot: str, time_slot: str, asked: str | None = None
) -> None:
    spans = entity_spans(turn, "date")
    found.add(date_slot, wishes.read_day(turn, asked=asked == date_slot), *spans)
    found.add(time_slot, wishes.read_time(turn, asked=asked == time_slot), *spans)


# "有哪些私立诊所" asks for a kind of place and names none.


def _shown(slot: str, value: Any, turn: Turn) -> str:
    if slot == "book_date":
        return texts.day(date.fromisoformat(value), turn.now.date())
    if slot == "book_time":
        return str(value) if ":" in value else texts.word("part", value)
    return str(value)


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
        turn.say(
            "which_hospital",
            buttons=[
                texts.inform_button(h.name, book_hospital=h.name)
                for h in answers.offered_hospitals(turn)
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
            buttons=[texts.inform_button(d, book_department=d) for d in place.departments],
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
        told = _told(booked, turn)
        if not new:
            turn.say("booked_already", reference=booked.reference, **told)
            return None
        ending = _reminded(turn, booked)
        turn.say(f"booked{ending}", reference=booked.reference, **told)
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


def _reminded(turn: Turn, seen: AppointmentView) -> str:
    """Return how the names of texts end that promise a reminder, or do not."""
    word = reminder_settings.deadline_promise(
        turn.store, identity_id=turn.identity.id, deadline=seen.deadline, now=turn.now
    )
    return "" if word == "reminded" else f"_{word}"


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


def _say_unknown_reference(turn: Turn, known: list[AppointmentView]) -> None:
    reference = str(turn.entity("appointment") or turn.entity("reference") or "").upper()
    if reference and reference not in [a.reference for a in known]:
        turn.say("no_such_appointment", reference=reference)


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
        shown = _mentioned(turn, known) or known
        if not known:
            turn.say("no_appointments")
        else:
            _say_unknown_reference(turn, known)
            day = turn.day()
            if day is not None and day not in [a.visit_at.date() for a in known]:
                turn.say("no_appointment_that_day", day=texts.day(day, turn.now.date()))
            turn.say("appointments", lines="\n".join(_line(a, turn) for a in shown))
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
        known = _mentioned(turn, known) or known
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
        meant = _mentioned(turn, known)
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
            _find_day(found, turn, "move_date", "move_time", asked)
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
            turn.say("move_same_time", when=_told(old, turn)["when"])
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
        _say_unknown_reference(turn, known)
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
        meant = _mentioned(turn, known)
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
            texts.inform_button(f"{a.reference} {_told(a, turn)['when']}", appointment=a.reference)
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
                wish=_wish(turn, "move_date", "move_time"),
                now=turn.now,
                late_accepted=bool(turn.slot("move_late_confirm")),
            )
        except Refused as refused:
            turn.say("change_refused", reason=texts.word("refused", refused.reason))
            return None
        ending = _reminded(turn, seen)
        turn.say(f"moved{ending}", reference=seen.reference, **_told(seen, turn))
        return None
