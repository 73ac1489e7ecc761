"""Booking a visit (手册·就医流程 V1, V2)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from rasa_sdk.events import SlotSet

from actions import booking_answers as answers
from actions import texts, wishes
from actions.appointment_words import appointment_values, find_day, reminded, wish_in, wished_time
from actions.forms import Form, Found, Submit
from actions.turn import (
    Event,
    ServiceAction,
    Turn,
    chosen_policy,
    open_form,
    resume,
)
from bot.rules.benefits import CardStatus
from bot.services import appointments as service
from bot.services import hospitals as directory
from bot.services import policies
from bot.services.errors import Refused

SHORT_WISH = 10

QUESTION = re.compile(r"[?？吗]|哪里|在哪|地址|电话|几点|怎么|多少|多远")


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
        find_day(found, turn, "book_date", "book_time", asked)
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


def _shown(slot: str, value: Any, turn: Turn) -> str:
    if slot == "book_date":
        return texts.day(date.fromisoformat(value), turn.now.date())
    if slot == "book_time":
        return str(value) if ":" in value else texts.word("part", value)
    return str(value)


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
        wish = wish_in(turn, "book_date", "book_time")
        judged = service.assess(wish, turn.now)
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        turn.say(
            f"confirm_booking_{judged.wish.value}",
            child=child,
            hospital=turn.slot("book_hospital"),
            department=turn.slot("book_department"),
            when=wished_time(turn, wish),
            due=texts.moment(judged.due_at, turn.now),
            deadline=texts.moment(judged.deadline, turn.now),
        )
        return []


class ActionSubmitBook(Submit):
    """Stores the booking."""

    form_class = BookForm

    def submit(self, turn: Turn) -> str | None:
        """Book, and tell the reference, the due time and the deadline."""
        wish = wish_in(turn, "book_date", "book_time")
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
        told = appointment_values(booked, turn)
        if not new:
            turn.say("booked_already", reference=booked.reference, **told)
            return None
        ending = reminded(turn, booked)
        turn.say(f"booked{ending}", reference=booked.reference, **told)
        return None
