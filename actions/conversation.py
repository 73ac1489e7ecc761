"""Emergencies, people, stopping, not understanding, and the rest of a conversation."""

from __future__ import annotations

import re

from rasa_sdk.events import FollowupAction, SlotSet

from actions import texts
from actions.appointments import BookForm, CancelForm, MoveForm
from actions.binding import BindForm, PolicyForm
from actions.booking_answers import unlisted_hospital
from actions.claim_answers import CLAIM_WORD
from actions.claims import ClaimForm, DocumentsForm
from actions.consultations import ConsultForm
from actions.forms import Form, says_no
from actions.turn import Event, ServiceAction, Turn, close_form, open_form, resume
from bot.rules.authorizations import authorization_deadline, is_late
from bot.services import authorizations, handoffs
from bot.services import hospitals as directory
from bot.services.authorizations import AuthorizationView
from bot.services.hospitals import HospitalView

FORMS: tuple[type[Form], ...] = (
    BindForm,
    PolicyForm,
    BookForm,
    CancelForm,
    MoveForm,
    DocumentsForm,
    ClaimForm,
    ConsultForm,
)
# "我要投诉" says that, not what about.
BARE_COMPLAINT = re.compile(
    r"(?:我|就|真)*(?:要|想)?(?:投诉|提意见|提个?建议|反映个?问题|举报)(?:你们|一下|你)?"
)
PUNCTUATION = " ,，。.!！~～"
MISSES_BEFORE_HUMAN = 2
MOST_HOSPITALS = 6
# What a bare number is about, by its letter.
REFERENCES = {
    "A": "action_check_appointment",
    "C": "action_check_claim_status",
    "P": "action_check_prior_authorization",
    "S": "action_pay_self_pay",
}
# Below this share of confidence a second intent is no candidate for "您是想…还是…".
SECOND_CHOICE = 0.15


class ActionReportEmergency(ServiceAction):
    """Danger: 120 first, hotline, and an urgent hand-off; in any state (安全)."""

    action_name = "action_report_emergency"
    failure_response = "emergency"

    def handle(self, turn: Turn) -> list[Event]:
        """Say it before anything else is tried; the form, if any, waits for the next message."""
        turn.say("emergency")
        try:
            handoffs.request_handoff(
                turn.store, identity_id=turn.identity.id, reason="emergency", now=turn.now
            )
        except Exception:
            # The call to 120 must reach the parent whatever happens to the store.
            self.log_failure(turn.tracker)
        return []


class ActionTalkToHuman(ServiceAction):
    """Asks for a person."""

    action_name = "action_talk_to_human"

    def handle(self, turn: Turn) -> list[Event]:
        """Queue the conversation, tell the hotline."""
        new = handoffs.request_handoff(
            turn.store, identity_id=turn.identity.id, reason="asked", now=turn.now
        )
        turn.say("handoff" if new else "handoff_already")
        return []


class ActionFileComplaint(ServiceAction):
    """Records a complaint or suggestion in the parent's words."""

    action_name = "action_file_complaint"

    def handle(self, turn: Turn) -> list[Event]:
        """Record it, tell its number."""
        if not turn.text or BARE_COMPLAINT.fullmatch(turn.text.strip(PUNCTUATION)):
            turn.say("complaint_how")
            return resume(turn)
        reference = handoffs.file_complaint(
            turn.store, identity_id=turn.identity.id, text=turn.text, now=turn.now
        )
        turn.say("complaint_filed", reference=reference)
        return resume(turn)


def _asked_for_complaint(turn: Turn) -> bool:
    """Tell whether the last thing said was the request to write down a complaint."""
    events = iter(reversed(turn.tracker.events))
    next((e for e in events if e["event"] == "user"), None)
    last = next((e for e in events if e["event"] in ("bot", "user")), None)
    return bool(turn.text) and last is not None and last.get("text") == texts.whole("complaint_how")


class ActionStop(ServiceAction):
    """Leaves the current task."""

    action_name = "action_stop"

    def handle(self, turn: Turn) -> list[Event]:
        """Forget the task's answers; a task put aside is offered again."""
        if turn.form is None:
            turn.say("nothing_to_stop")
            return [SlotSet("pending_task", None)]
        turn.say("stopped")
        form = next(f for f in FORMS if f.form == turn.form)
        names = (*form.slots, *form.scratch)
        forgotten = close_form(turn, [n for n in names if n != "policy"])
        return [SlotSet("pending_task", None), *forgotten]


class ActionAffirm(ServiceAction):
    """A yes to nothing in particular; inside a form its question stands."""

    action_name = "action_affirm"

    def handle(self, turn: Turn) -> list[Event]:
        """Ask what is wanted."""
        if turn.form is None:
            turn.say("affirm")
        return resume(turn)


class ActionDeny(ServiceAction):
    """A no to nothing in particular; inside a form its question stands."""

    action_name = "action_deny"

    def handle(self, turn: Turn) -> list[Event]:
        """Leave it; "不要了" to a form's question leaves the form."""
        if turn.form and says_no(turn.text):
            return [FollowupAction("action_stop")]
        turn.say("deny_in_form" if turn.form else "deny")
        return resume(turn)


class ActionResume(ServiceAction):
    """Asks the open form's question again after an aside that the rules answered."""

    action_name = "action_resume"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Go back to the form; what is beside the point twice in a row brings a person."""
        misses = 0
        if turn.form and turn.intent == "out_of_scope":
            misses = int(turn.slot("misses") or 0) + 1
            if misses >= MISSES_BEFORE_HUMAN:
                turn.say("two_misses")
                misses = 0
        return [SlotSet("misses", misses), *resume(turn)]


class ActionNotUnderstood(ServiceAction):
    """Unsure: offers the two likeliest readings, then what the bot can do, then a person."""

    action_name = "action_not_understood"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Count misses in a row; the second brings a person."""
        if turn.form is None and _asked_for_complaint(turn):
            return [FollowupAction("action_file_complaint")]
        misses = int(turn.slot("misses") or 0) + 1
        if misses >= MISSES_BEFORE_HUMAN:
            turn.say("two_misses")
            return [SlotSet("misses", 0), *resume(turn)]
        if turn.form:
            turn.say("not_understood_in_form")
            return [SlotSet("misses", misses), FollowupAction(turn.form)]
        likely = self._likely(turn)
        if len(likely) == 2:
            titles = [texts.word("intent", name) for name in likely]
            turn.say(
                "which_of_two",
                first=titles[0],
                second=titles[1],
                buttons=[
                    {"title": title, "payload": f"/{name}"}
                    for title, name in zip(titles, likely, strict=True)
                ],
            )
        else:
            turn.say("not_understood")
        return [SlotSet("misses", misses)]

    @staticmethod
    def _likely(turn: Turn) -> list[str]:
        ranking = turn.tracker.latest_message.get("intent_ranking") or []
        return [
            str(entry["name"])
            for entry in ranking
            if entry["confidence"] >= SECOND_CHOICE and texts.has_line(f"intent_{entry['name']}")
        ][:2]


class ActionInform(ServiceAction):
    """A bare piece of information outside a form: a hospital's name gets its details."""

    action_name = "action_inform"
    keeps_misses = True

    def handle(self, turn: Turn) -> list[Event]:
        """Tell about the hospital named; else say that it was not understood."""
        if turn.form:
            return [FollowupAction("action_not_understood")]
        if _asked_for_complaint(turn):
            return [FollowupAction("action_file_complaint")]
        if len(turn.choices) > 1 and turn.child_named() is not None:
            return [FollowupAction("action_switch_policy")]
        if CLAIM_WORD.search(turn.text) and (turn.entity("amount") or turn.entity("claim_kind")):
            return [FollowupAction("action_start_claim")]
        if turn.entity("phone") is not None:
            return [FollowupAction("action_bind_card")]
        about = REFERENCES.get(str(turn.entity("reference") or "")[:1])
        if about is not None:
            return [FollowupAction(about)]
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        if place is None:
            return [FollowupAction("action_not_understood")]
        say_hospitals(turn, [h for h in known if h.name == place.value])
        return [SlotSet("misses", 0)]


class ActionFindHospital(ServiceAction):
    """Finds hospitals by name, department, city or kind (E2, M8)."""

    action_name = "action_find_hospital"

    def handle(self, turn: Turn) -> list[Event]:
        """List what fits; the one named with all its details."""
        known = directory.hospitals(turn.store)
        place = directory.match_hospital(turn.text, known)
        meant = next((h for h in known if place and h.name == place.value), None)
        if place and meant and turn.text[place.start : place.end] != meant.brand:
            say_hospitals(turn, [meant])
            return resume(turn)
        kinds = [k for k in ("network_clinic", "public_special") if _says_kind(turn.text, k)]
        found = directory.search(turn.text, known, kinds)
        unlisted = None if meant else unlisted_hospital(turn)
        if unlisted is not None and unlisted.name is not None:
            turn.say("hospital_unlisted", hospital=unlisted.name)
        elif not found.places:
            turn.say("no_hospital")
        elif found.missing is not None:
            lines = _hospital_lines(found.places[:MOST_HOSPITALS])
            turn.say("hospitals_elsewhere", place=found.missing, lines=lines)
        else:
            say_hospitals(turn, found.places[:MOST_HOSPITALS])
        return resume(turn)


def _says_kind(text: str, kind: str) -> bool:
    return any(word in text for word in texts.line(f"says_{kind}").split("|"))


def say_hospitals(turn: Turn, places: list[HospitalView]) -> None:
    """Tell one hospital in full, several in a line each."""
    if len(places) == 1:
        h = places[0]
        bookable = h.kind == "public_special"
        payload = f'/book_appointment{{"book_hospital": "{h.name}"}}'
        title = texts.word("intent", "book_appointment")
        turn.say(
            "hospital",
            buttons=[{"title": title, "payload": payload}] if bookable else [],
            hospital=h.name,
            kind=texts.word("hospital", h.kind),
            introduction=h.introduction,
            hours=h.hours,
            address=h.address,
            phone=h.phone,
            departments=texts.line("and").join(h.departments),
        )
        return
    turn.say("hospitals", lines=_hospital_lines(places))


def _hospital_lines(places: list[HospitalView]) -> str:
    return "\n".join(
        texts.line("hospital", name=h.name, kind=texts.word("hospital", h.kind), phone=h.phone)
        for h in places
    )


class ActionAskAuthorizationRules(ServiceAction):
    """Tells which treatments need prior authorization, and until when to submit (P1, P2)."""

    action_name = "action_ask_prior_authorization_rules"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell whether what was named needs it, the deadline for the day named, else the rules."""
        treatments = [str(e["value"]) for e in turn.entities("treatment")]
        needed = next((t for t in treatments if authorizations.needed(t)), None)
        amount = turn.amount()
        dear = amount is not None and bool(authorizations.item_needs(amount))
        if needed:
            turn.say("authorization_needed", treatment=needed)
        elif dear:
            turn.say("authorization_item")
        day = turn.day()
        if day is not None and day >= turn.now.date():
            late = is_late(day, turn.now)
            turn.say(
                "authorization_late" if late else "authorization_deadline",
                day=texts.day(day, turn.now.date()),
                deadline=texts.moment(authorization_deadline(day), turn.now),
            )
        if not needed and not dear:
            if treatments:
                turn.say("authorization_unlisted", treatment=treatments[0])
            turn.say("authorization_rules")
        return resume(turn)


class ActionCheckAuthorization(ServiceAction):
    """Tells how prior authorizations stand."""

    action_name = "action_check_prior_authorization"

    def handle(self, turn: Turn) -> list[Event]:
        """List those of the child, treatment or number named, else of all bound children."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        known = authorizations.authorizations(turn.store, identity_id=turn.identity.id)
        child, reference = turn.child_named(), turn.entity("reference")
        if child is not None:
            known = [a for a in known if a.number == child.number]
        known = _about(turn, known)
        if reference:
            named = [a for a in known if a.reference == str(reference).upper()]
            if not named:
                turn.say("authorization_unknown", reference=str(reference).upper())
            known = named or known
        if not known and not reference:
            turn.say("no_authorizations")
        elif known:
            lines = [
                texts.line(
                    "authorization",
                    reference=a.reference,
                    child=a.child,
                    treatment=a.treatment,
                    hospital=a.hospital or "",
                    day=texts.day(a.treatment_on, turn.now.date()),
                    status=texts.word("authorization_status", a.status),
                )
                for a in known
            ]
            turn.say("authorizations", lines="\n".join(lines))
        return [SlotSet("pending_task", None), *resume(turn)]


def _about(turn: Turn, known: list[AuthorizationView]) -> list[AuthorizationView]:
    """Return those for a treatment that the message names, or all if it names none of them."""
    said = {str(e["value"]) for e in turn.entities("treatment")}
    named = [a for a in known if any(word in a.treatment for word in said)]
    return named or known
