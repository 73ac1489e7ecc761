"""An application for a prior authorization: its questions, its summary, its end (P1 to P3)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from rasa_sdk.events import SlotSet

from actions import authorization_answers as answers
from actions import texts
from actions.authorization_forms import UNKNOWN, AuthForm
from actions.authorizations import line_of, say_provisional
from actions.forms import Submit, end_early
from actions.turn import Event, ServiceAction, Turn
from bot.rules.treatments import Said
from bot.services import authorization_requests as service
from bot.services import hospitals as directory
from bot.services.authorization_requests import AuthorizationWish
from bot.services.errors import Refused

# What ends an application, and what only asks for another hospital; the rest is about the day.
ENDS = frozenset({"expired", "no_direct_billing"})
OF_PLACE = frozenset({"pay_first", "not_in_plan"})
MOST_BUTTONS = 6


class ActionAskAuthTreatment(ServiceAction):
    """Asks what is to be done."""

    action_name = "action_ask_auth_treatment"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask, and say that it goes into the application."""
        turn.say("ask_auth_treatment")
        return []


class ActionAskAuthAnyway(ServiceAction):
    """Says that the rules need no authorization and asks whether to apply all the same."""

    action_name = "action_ask_auth_anyway"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell and ask."""
        turn.say("ask_auth_anyway", treatment=turn.slot("auth_treatment"))
        return []


class ActionAskAuthHospital(ServiceAction):
    """Asks for the hospital, with those that bill this plan directly as buttons."""

    action_name = "action_ask_auth_hospital"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer them."""
        routes = answers.overview_of(turn, turn.slot("policy")).direct_billing
        offered = [h.name for h in directory.hospitals(turn.store) if h.kind in routes]
        buttons = [{"title": name, "payload": name} for name in offered[:MOST_BUTTONS]]
        kinds = answers.treatment_named(turn.slot("auth_treatment") or "").kinds
        equipment = Said.EQUIPMENT in kinds
        turn.say("ask_auth_prescriber" if equipment else "ask_auth_hospital", buttons=buttons)
        return []


class ActionAskAuthDate(ServiceAction):
    """Asks for the day."""

    action_name = "action_ask_auth_date"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask, and say why."""
        turn.say("ask_auth_date")
        return []


class ActionAskAuthAmount(ServiceAction):
    """Asks for the expected cost, which need not be known."""

    action_name = "action_ask_auth_amount"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_auth_amount")
        return []


class ActionAskAuthConfirm(ServiceAction):
    """Sums up the application with its deadline and, where due, a plain warning (P1, E3)."""

    action_name = "action_ask_auth_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell what will be applied for, and ask; or ask again for what no longer holds."""
        wish = _wish(turn)
        try:
            judged = service.assess(
                turn.store,
                identity_id=turn.identity.id,
                number=turn.slot("policy"),
                wish=wish,
                now=turn.now,
            )
        except Refused as refused:
            return _ask_again(turn, wish, refused.reason)
        for other in judged.similar:
            turn.say("authorization_similar", lines=line_of(turn, other))
        if judged.owed:
            turn.say("authorization_card_grey", owed=texts.yuan(judged.owed))
        say_provisional(turn, judged.provisional)
        turn.say(
            "confirm_authorization_late" if judged.late else "confirm_authorization",
            deadline=texts.moment(judged.deadline, turn.now),
            **_told(turn),
        )
        return []


def _ask_again(turn: Turn, wish: AuthorizationWish, reason: str) -> list[Event]:
    turn.say("authorization_refused", reason=texts.word("refused", reason))
    if reason in ENDS:
        return [*(SlotSet(slot, None) for slot in AuthForm.slots), *end_early()]
    slot = "auth_hospital" if reason in OF_PLACE else "auth_date"
    turn.say("ask_auth_hospital" if reason in OF_PLACE else "ask_auth_date")
    return [SlotSet(slot, None), SlotSet("requested_slot", slot)]


class ActionSubmitAuth(Submit):
    """Stores the application."""

    form_class = AuthForm

    def submit(self, turn: Turn) -> str | None:
        """Submit; tell the number, what comes next, and plainly if it is late."""
        try:
            seen, new = service.submit(
                turn.store,
                identity_id=turn.identity.id,
                number=turn.slot("policy"),
                wish=_wish(turn),
                now=turn.now,
            )
        except Refused as refused:
            turn.say("authorization_refused", reason=texts.word("refused", refused.reason))
            return None
        if not new:
            turn.say("authorization_already", lines=line_of(turn, seen))
            return None
        turn.say(
            "authorization_submitted_late" if seen.urgent else "authorization_submitted",
            reference=seen.reference,
            deadline=texts.moment(seen.deadline, turn.now),
            **_told(turn),
        )
        if Said.INPATIENT in answers.treatment_named(seen.treatment).kinds:
            turn.say("authorization_inpatient")
        return None


def _wish(turn: Turn) -> AuthorizationWish:
    amount = turn.slot("auth_amount")
    return AuthorizationWish(
        turn.slot("auth_treatment"),
        turn.slot("auth_hospital"),
        date.fromisoformat(turn.slot("auth_date")),
        Decimal(amount) if amount and amount != UNKNOWN else None,
    )


def _told(turn: Turn) -> dict[str, Any]:
    wish = _wish(turn)
    cost = (
        texts.line("authorization_estimate", amount=texts.yuan(wish.amount))
        if wish.amount is not None
        else texts.line("authorization_no_estimate")
    )
    return {
        "child": next((c.child for c in turn.choices if c.number == turn.slot("policy")), ""),
        "treatment": wish.treatment,
        "hospital": wish.hospital,
        "day": texts.day(wish.day, turn.now.date()),
        "cost": cost,
    }
