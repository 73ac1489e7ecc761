"""Prior authorization: what needs it, until when, how it stands (手册·事先授权 P1–P3)."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import texts
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.rules.authorizations import authorization_deadline, is_late
from bot.services import authorizations
from bot.services.authorizations import AuthorizationView


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
