"""Moving an application for a prior authorization to another day, and withdrawing one (P1)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from rasa_sdk.events import FollowupAction, SlotSet

from actions import authorization_answers as answers
from actions import texts, wishes
from actions.authorization_forms import say_day_refused
from actions.authorizations import line_of, say_provisional
from actions.forms import Form, Found, Submit, entity_spans
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.rules.authorizations import authorization_deadline, is_late, provisional_years
from bot.rules.calendar import local_day
from bot.services import authorization_requests as service
from bot.services import authorizations
from bot.services.authorizations import AuthorizationView
from bot.services.errors import NotFound, Refused

REQUEST = "action_request_prior_authorization"
STILL_WITHDRAW = re.compile(
    r"(?:就|还是|仍然|确定|是的?|对|嗯|要)*(?:撤回|撤销|撤了?|取消)(?:吧|了|申请|授权)*"
)
NOT_WITHDRAW = re.compile(r"(?:不|别|先不|不要|不用)(?:撤|取消)")
OTHER_DAY = re.compile(
    r"[换改](?:个|一个|一下|一)?(?:日子|日期|时间|天)|(?:日期|时间|日子)(?:不对|错|不行)"
)


def changeable(turn: Turn) -> list[AuthorizationView]:
    """Return the applications of this account that are not over.

    One that is approved is among them: that only staff can move it is told when it is meant.
    """
    known = authorizations.authorizations(turn.store, identity_id=turn.identity.id)
    today = local_day(turn.now)
    return [a for a in known if not a.ended and (a.status != "approved" or a.treatment_on >= today)]


class ActionChangeAuthorization(ServiceAction):
    """Begins moving or withdrawing an application."""

    action_name = answers.CHANGE_ACTION

    def handle(self, turn: Turn) -> list[Event]:
        """Find the one that is meant, open the form about it."""
        change = answers.change_wanted(turn) or turn.slot("auth_change")
        if change not in ("move", "withdraw"):
            return [FollowupAction(REQUEST)]
        form: type[_OnAuthorization] = MoveAuthForm if change == "move" else DropAuthForm
        if turn.form == form.form:
            return resume(turn)
        if not turn.choices:
            return [
                SlotSet("auth_change", change),
                SlotSet("pending_task", self.action_name),
                *open_form(turn, "bind_form"),
            ]
        done: list[Event] = [SlotSet("auth_change", None), SlotSet("pending_task", None)]
        known = changeable(turn)
        reference = str(turn.entity("reference") or "").upper()
        if reference and reference not in [a.reference for a in known]:
            turn.say("authorization_unchangeable", reference=reference)
            return [*done, *resume(turn)]
        if not known:
            turn.say("no_open_authorizations")
            return [*done, *resume(turn)]
        meant = answers.mentioned(turn, known)
        events: list[Event] = [SlotSet(slot, None) for slot in form.slots]
        if len(meant) == 1:
            if change == "move" and meant[0].status == "approved":
                turn.say("authorization_move_approved", lines=line_of(turn, meant[0]))
                return [*done, *events, *resume(turn)]
            events.append(SlotSet(form.reference_slot, meant[0].reference))
            events += form().opening(turn, meant[0])
        return [*done, *events, *open_form(turn, form.form)]


class _OnAuthorization(Form):
    """A form about one application that is there already."""

    reference_slot: ClassVar[str]
    change: ClassVar[str]

    def target(self, turn: Turn, reference: str | None) -> AuthorizationView | None:
        """Return the application that the form is about."""
        known = changeable(turn)
        return next((a for a in known if a.reference == reference), None)

    def find_reference(self, turn: Turn, found: Found, asked: str | None) -> None:
        """Search for the application meant."""
        said = turn.entity("reference")
        if said:
            found.add(self.reference_slot, str(said).upper(), *entity_spans(turn, "reference"))
        elif asked == self.reference_slot and turn.text:
            known = changeable(turn)
            ordinal = texts.ordinal(turn.text)
            meant = answers.mentioned(turn, known)
            if ordinal is not None and ordinal <= len(known):
                found.add(self.reference_slot, known[ordinal - 1].reference)
            elif len(meant) == 1 < len(known):
                found.add(self.reference_slot, meant[0].reference, (0, len(turn.text)))

    def opening(self, turn: Turn, seen: AuthorizationView) -> list[Event]:
        """Keep what else the opening message said."""
        return []

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Take only an application of this account that can be changed."""
        if slot != self.reference_slot:
            return value
        seen = self.target(turn, value)
        if seen is None:
            turn.say("authorization_unchangeable", reference=str(value))
            return None
        if self.change == "move" and seen.status == "approved":
            turn.say("authorization_move_approved", lines=line_of(turn, seen))
            return None
        return value


class MoveAuthForm(_OnAuthorization):
    """Which application, the new day, confirmation."""

    form = "auth_move_form"
    slots = ("auth_move_reference", "auth_move_date", "auth_move_confirm")
    own = frozenset({"reschedule_appointment", "request_prior_authorization"})
    confirm = "auth_move_confirm"
    reference_slot = "auth_move_reference"
    change = "move"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the application meant and the new day."""
        found = Found()
        self.find_reference(turn, found, asked)
        if asked != self.reference_slot and turn.text:
            day = wishes.read_day(turn, asked=asked == "auth_move_date")
            found.add("auth_move_date", day, *entity_spans(turn, "date"))
            if asked == self.confirm and not found.values and OTHER_DAY.search(turn.text):
                found.add("auth_move_date", "", (0, len(turn.text)))
        return found

    def opening(self, turn: Turn, seen: AuthorizationView) -> list[Event]:
        """Keep the new day; the day that it has already only says which one is meant."""
        taken = frozenset({seen.treatment_on.isoformat()})
        said = wishes.read_day(turn, asked=False, taken=taken)
        if said is None:
            return []
        day = self._possible(turn, seen, said)
        return [SlotSet("auth_move_date", day)]

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse days that cannot be, and the day that it has already."""
        if slot != "auth_move_date":
            return super().accept(turn, slot, value, values)
        seen = self.target(turn, values.get(self.reference_slot))
        return self._possible(turn, seen, value) if seen is not None and value else None

    @staticmethod
    def _possible(turn: Turn, seen: AuthorizationView, value: wishes.Day) -> str | None:
        day = answers.plain_day(turn, value)
        if day is None:
            return None
        if day == seen.treatment_on:
            turn.say("authorization_same_day", day=texts.day(day, turn.now.date()))
            return None
        refused = service.day_refused(
            turn.store, identity_id=turn.identity.id, number=seen.number, day=day, now=turn.now
        )
        if refused is not None:
            say_day_refused(turn, seen.number, day, refused)
            return None
        return day.isoformat()


class DropAuthForm(_OnAuthorization):
    """Which application, confirmation."""

    form = "auth_drop_form"
    slots = ("auth_drop_reference", "auth_drop_confirm")
    own = frozenset({"cancel_appointment"})
    again = STILL_WITHDRAW
    keeps = NOT_WITHDRAW
    confirm = "auth_drop_confirm"
    reference_slot = "auth_drop_reference"
    change = "withdraw"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the application meant."""
        found = Found()
        self.find_reference(turn, found, asked)
        return found


class _AskReference:
    """Asks which application is meant."""

    def handle(self, turn: Turn) -> list[Event]:
        """List them, each as a button."""
        known = changeable(turn)
        buttons = [
            texts.inform_button(f"{a.reference} {a.treatment}", reference=a.reference)
            for a in known
        ]
        lines = "\n".join(line_of(turn, a) for a in known)
        turn.say("which_authorization", buttons=buttons, lines=lines)
        return []


class ActionAskAuthMoveReference(_AskReference, ServiceAction):
    """Asks which application to move."""

    action_name = "action_ask_auth_move_reference"
    ends_turn = False


class ActionAskAuthDropReference(_AskReference, ServiceAction):
    """Asks which application to withdraw."""

    action_name = "action_ask_auth_drop_reference"
    ends_turn = False


class ActionAskAuthMoveDate(ServiceAction):
    """Asks for the new day."""

    action_name = "action_ask_auth_move_date"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_auth_move_date")
        return []


class ActionAskAuthMoveConfirm(ServiceAction):
    """Sums up the move with its new deadline (P1)."""

    action_name = "action_ask_auth_move_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the old and the new day and whether that is late, and ask."""
        seen = _target(turn, MoveAuthForm())
        day = date.fromisoformat(turn.slot("auth_move_date"))
        say_provisional(turn, provisional_years(day))
        turn.say(
            "confirm_auth_move_late" if is_late(day, turn.now) else "confirm_auth_move",
            reference=seen.reference,
            child=seen.child,
            treatment=seen.treatment,
            day=texts.day(seen.treatment_on, turn.now.date()),
            new_day=texts.day(day, turn.now.date()),
            deadline=texts.moment(authorization_deadline(day), turn.now),
        )
        return []


class ActionAskAuthDropConfirm(ServiceAction):
    """Sums up the withdrawal."""

    action_name = "action_ask_auth_drop_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell which one and, where it is approved, what is given up, and ask."""
        seen = _target(turn, DropAuthForm())
        approved = seen.status == "approved"
        turn.say(
            "confirm_auth_drop_approved" if approved else "confirm_auth_drop",
            lines=line_of(turn, seen),
        )
        return []


def _target(turn: Turn, form: _OnAuthorization) -> AuthorizationView:
    seen = form.target(turn, turn.slot(form.reference_slot))
    if seen is None:
        raise NotFound(turn.slot(form.reference_slot))
    return seen


class ActionSubmitAuthMove(Submit):
    """Moves the application."""

    form_class = MoveAuthForm

    def submit(self, turn: Turn) -> str | None:
        """Move, and tell the new day and whether it is late."""
        try:
            seen = service.change_day(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("auth_move_reference"),
                day=date.fromisoformat(turn.slot("auth_move_date")),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("authorization_refused", reason=texts.word("refused", refused.reason))
            return None
        turn.say(
            "authorization_moved_late" if seen.urgent else "authorization_moved",
            reference=seen.reference,
            day=texts.day(seen.treatment_on, turn.now.date()),
            deadline=texts.moment(seen.deadline, turn.now),
        )
        return None


class ActionSubmitAuthDrop(Submit):
    """Withdraws the application."""

    form_class = DropAuthForm

    def submit(self, turn: Turn) -> str | None:
        """Withdraw, and say so."""
        try:
            seen = service.withdraw(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("auth_drop_reference"),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("authorization_refused", reason=texts.word("refused", refused.reason))
            return None
        letter = seen.guarantee_letter_at is not None
        turn.say(
            "authorization_withdrawn_letter" if letter else "authorization_withdrawn",
            reference=seen.reference,
            child=seen.child,
            treatment=seen.treatment,
            hospital=seen.hospital or "",
        )
        return None
