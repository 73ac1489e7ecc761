"""Vaccinations and health checks: the plan's ways, and asking staff for a clinic (M4, X1-X4)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from rasa_sdk.events import SlotSet

from actions import booking_answers as answers
from actions import texts, wishes
from actions.forms import Form, Found, Submit, entity_spans
from actions.service_requests import say_requested, tell_requests
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.benefits import VaccinationWay
from bot.rules.consultations import Service, service_open
from bot.services import hospitals as directory
from bot.services import service_requests as service
from bot.services import vaccination
from bot.services.hospitals import HospitalView
from bot.services.service_requests import Wanted
from bot.services.vaccination import Offer

CHECK = re.compile(r"体检|健康检查|健康体检|儿保|儿童保健|查体|检查")
VACCINE = re.compile(
    r"(?:流感|手足口|EV71|HPV|水痘|肺炎|轮状|五联|四联|六联|乙肝|甲肝|麻腮风|脊灰|百白破|卡介|乙脑|流脑|"
    r"带状|狂犬|破伤风|13价|十三价|23价|9价|九价|4价|四价)[一-鿿\d]{0,4}?(?:疫苗|针)?",
    re.IGNORECASE,
)
STATUS = re.compile(
    r"约上|(?:约|安排)(?:好|得|到)|[怎咋]么?样|到哪|进度|确认了|好了[没吗]|批了|有消息"
)
SERVICE_KINDS: tuple[service.Kind, ...] = ("vaccination", "health_check")


class ActionBookVaccination(ServiceAction):
    """Tells the plan's ways; where a network clinic is one, asks staff to arrange it."""

    action_name = "action_book_vaccination"

    def handle(self, turn: Turn) -> list[Event]:
        """Find the child, tell what the plan gives, go on to the clinic or to the public way."""
        if turn.form == VaccinationForm.form:
            return resume(turn)
        form = VaccinationForm()
        raw = {slot: turn.slot(slot) for slot in form.slots}
        if turn.intent == "book_vaccination":
            found = form.find(turn, None).values
            raw = {slot: found.get(slot) for slot in form.slots}
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            # A day is read anew; words are kept until the policy is known.
            words = ("vaccination_what", "vaccination_clinic")
            return [*(SlotSet(slot, raw[slot]) for slot in words), *events]
        check = CHECK.search(turn.text) is not None and VACCINE.search(turn.text) is None
        done: list[Event] = [*events, SlotSet("pending_task", None)]
        if STATUS.search(turn.text) and _tell_open(turn, number):
            return [*done, *resume(turn)]
        offer = _offer(turn, number, check=check)
        _tell_offer(turn, offer, check=check)
        if offer.way is not VaccinationWay.CLINIC:
            return [*done, *resume(turn)]
        if check:
            raw["vaccination_what"] = texts.line("health_check")
        turn.tracker.slots["policy"] = number
        said = [
            SlotSet(slot, form.accept(turn, slot, value, {}) if value is not None else None)
            for slot, value in raw.items()
        ]
        return [*said, *done, *open_form(turn, VaccinationForm.form)]


def _tell_open(turn: Turn, number: str) -> bool:
    known = service.requests(
        turn.store, identity_id=turn.identity.id, kinds=SERVICE_KINDS, number=number
    )
    return tell_requests(turn, known)


def _offer(turn: Turn, number: str, *, check: bool) -> Offer:
    return vaccination.offer(
        turn.store, identity_id=turn.identity.id, number=number, check=check, now=turn.now
    )


def _tell_offer(turn: Turn, offer: Offer, *, check: bool) -> None:
    """Say what is left, and what stands in the way of a clinic."""
    seen = offer.policy
    in_force = offer.way not in (VaccinationWay.EXPIRED, VaccinationWay.NOT_STARTED)
    if in_force and check and offer.checks_left:
        turn.say("checks_left", child=seen.child, left=offer.checks_left)
    elif in_force and not check and offer.way is not VaccinationWay.NO_BENEFIT:
        turn.say(
            "vaccination_used_up" if offer.used_up else "vaccination_left",
            child=seen.child,
            left=texts.yuan(offer.left),
        )
    if offer.way is not VaccinationWay.CLINIC:
        turn.say(
            f"vaccination_{offer.way.value}",
            child=seen.child,
            plan=seen.plan,
            owed=texts.yuan(sum((bill.amount for bill in seen.unpaid), start=texts.NOTHING)),
            valid_from=texts.day(seen.valid_from, seen.as_of),
            valid_to=texts.day(seen.valid_to, seen.as_of),
        )


class VaccinationForm(Form):
    """Which vaccine or check, which clinic, which day, confirmation."""

    form = "vaccination_form"
    slots = ("vaccination_what", "vaccination_clinic", "vaccination_date", "vaccination_confirm")
    own = frozenset({"book_vaccination", "book_appointment"})
    confirm = "vaccination_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a vaccine, a clinic and a day."""
        found = Found()
        for slot in ("vaccination_what", "vaccination_clinic"):
            found.add(slot, turn.entity(slot))
        text = turn.text
        if not text:
            return found
        vaccine = VACCINE.search(text)
        if vaccine is not None:
            found.add("vaccination_what", vaccine.group(), vaccine.span())
        elif asked == "vaccination_what" and CHECK.search(text):
            found.add("vaccination_what", texts.line("health_check"), (0, len(text)))
        elif asked == "vaccination_what" and turn.intent in ("inform", "book_vaccination"):
            found.add("vaccination_what", text.strip()[:40], (0, len(text)))
        place = directory.match_hospital(text, directory.hospitals(turn.store))
        position = texts.ordinal(text)
        offered = _clinics(turn)
        if place is not None:
            found.add("vaccination_clinic", place.value, (place.start, place.end))
        elif asked == "vaccination_clinic" and position and position <= len(offered):
            found.values = {"vaccination_clinic": offered[position - 1].name}
            return found
        day = wishes.read_day(turn, asked=asked == "vaccination_date")
        found.add("vaccination_date", day, *entity_spans(turn, "date"))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse other hospitals (X3) and brands (X4), past days and days outside the policy."""
        if slot == "vaccination_clinic":
            return self._clinic(turn, str(value))
        if slot == "vaccination_date":
            return _possible_day(turn, value)
        return value

    def _clinic(self, turn: Turn, name: str) -> str | None:
        if name in [h.name for h in _clinics(turn)]:
            return name
        place = directory.hospital(turn.store, name)
        if place.kind != "network_clinic":
            turn.say("vaccination_not_clinic", hospital=name)
            return None
        policy = answers.policy_of(turn, turn.slot("policy"))
        brand = policy.clinic_brand if policy else None
        turn.say("vaccination_brand", hospital=name, brand=brand or "")
        return None


def _clinics(turn: Turn) -> tuple[HospitalView, ...]:
    number = turn.slot("policy")
    known = number in [c.number for c in turn.choices]
    return _offer(turn, number, check=False).clinics if known else ()


def _possible_day(turn: Turn, day: Any) -> str | None:
    """Return the day if it can be wished for; clinics open on weekends too."""
    if isinstance(day, wishes.OpenDay):
        wishes.propose(turn, day)
        return None
    if isinstance(day, wishes.NoDay):
        if day.impossible:
            turn.say("impossible_date")
        return None
    wished = date.fromisoformat(day)
    today = turn.now.date()
    if wished <= today:
        turn.say("vaccination_day_past", day=texts.day(wished, today))
        return None
    policy = answers.policy_of(turn, turn.slot("policy"))
    if policy is not None and wished > policy.valid_to:
        until = texts.day(policy.valid_to, today)
        turn.say(
            "day_after_policy", child=policy.child, valid_to=until, day=texts.day(wished, today)
        )
        return None
    return wished.isoformat()


class ActionAskVaccinationWhat(ServiceAction):
    """Asks which vaccine."""

    action_name = "action_ask_vaccination_what"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_vaccination_what")
        return []


class ActionAskVaccinationClinic(ServiceAction):
    """Asks which clinic, only those of the brand that the policy may use."""

    action_name = "action_ask_vaccination_clinic"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the clinics as buttons."""
        buttons = [texts.inform_button(h.name, vaccination_clinic=h.name) for h in _clinics(turn)]
        turn.say("ask_vaccination_clinic", buttons=buttons)
        return []


class ActionAskVaccinationDate(ServiceAction):
    """Asks for the day."""

    action_name = "action_ask_vaccination_date"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_vaccination_date")
        return []


class ActionAskVaccinationConfirm(ServiceAction):
    """Sums up the request."""

    action_name = "action_ask_vaccination_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell all of it, and when staff take it up."""
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        hours = service_open(turn.now, Service.VACCINATION)
        turn.say(
            "confirm_vaccination",
            child=child,
            what=turn.slot("vaccination_what"),
            hospital=turn.slot("vaccination_clinic"),
            day=texts.day(date.fromisoformat(turn.slot("vaccination_date")), turn.now.date()),
            when=texts.line("staff_now")
            if hours.opens_at is None
            else texts.line("staff_later", opens=texts.moment(hours.opens_at, turn.now)),
        )
        return []


class ActionSubmitVaccination(Submit):
    """Records the request."""

    form_class = VaccinationForm

    def submit(self, turn: Turn) -> str | None:
        """Record, tell the number."""
        what = str(turn.slot("vaccination_what"))
        check = what == texts.line("health_check")
        say_requested(
            turn,
            Wanted(
                "health_check" if check else "vaccination",
                turn.slot("vaccination_clinic"),
                date.fromisoformat(turn.slot("vaccination_date")),
                what,
            ),
        )
        return None
