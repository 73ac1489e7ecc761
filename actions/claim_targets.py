"""Forms and tasks about one claim that is open already: which one, and whether it can be done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from rasa_sdk.events import SlotSet

from actions import texts
from actions.claim_requests import meant
from actions.claim_status import place_of, standing
from actions.forms import Form, Found, every_form
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.services import claims as service
from bot.services.claims import ClaimView
from bot.services.errors import NotFound, Refused

TARGET = "claim_target"
# More than these are too many to choose from at a glance.
LISTED = 6


def known_claims(turn: Turn) -> list[ClaimView]:
    """Return all claims of this chat account, newest first."""
    return service.claims(turn.store, identity_id=turn.identity.id)


def refusal(check: Callable[[ClaimView], None], claim: ClaimView) -> str | None:
    """Return why a check refuses a claim."""
    try:
        check(claim)
    except Refused as refused:
        return refused.reason
    return None


def say_not_for_this(turn: Turn, claim: ClaimView, reason: str) -> None:
    """Say why something cannot be done with a claim."""
    turn.say(
        "claim_not_for_this",
        reference=claim.reference,
        status=texts.word("claim_status", claim.status),
        reason=texts.word("refused", reason),
    )


class OnClaim(Form):
    """A form about one claim of this account."""

    @staticmethod
    @abstractmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""

    @classmethod
    def candidates(cls, turn: Turn) -> list[ClaimView]:
        """Return the claims that this can be done with, newest first."""
        return [c for c in known_claims(turn) if refusal(cls.check, c) is None]

    def find_target(self, found: Found, turn: Turn, asked: str | None) -> None:
        """Search for the claim meant, when that is what is asked or a number is written."""
        reference = turn.entity("reference")
        if reference:
            found.add(TARGET, str(reference).upper())
        elif asked == TARGET and turn.text:
            known = self.candidates(turn)[:LISTED]
            ordinal = texts.ordinal(turn.text)
            one = meant(turn, known)
            if ordinal is not None and ordinal <= len(known):
                found.add(TARGET, known[ordinal - 1].reference)
            elif len(one) == 1:
                found.add(TARGET, one[0].reference)

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Take only a claim of this account with which this can be done."""
        if slot != TARGET:
            return value
        claim = next((c for c in known_claims(turn) if c.reference == value), None)
        if claim is None:
            turn.say("claim_unknown", reference=str(value))
            return None
        reason = refusal(type(self).check, claim)
        if reason is not None:
            say_not_for_this(turn, claim, reason)
            return None
        return value


def target(turn: Turn) -> ClaimView:
    """Return the claim that the form is about.

    Raises:
        NotFound: It is no longer this account's.
    """
    wanted = turn.slot(TARGET)
    claim = next((c for c in known_claims(turn) if c.reference == wanted), None)
    if claim is None:
        raise NotFound(wanted)
    return claim


def told(turn: Turn, claim: ClaimView) -> dict[str, Any]:
    """Return how summaries name a claim."""
    return {
        "reference": claim.reference,
        "child": claim.child,
        "kind": texts.word("kind", claim.kind),
        "place": place_of(turn, claim) or texts.word("kind", claim.kind),
        "amount": texts.yuan(claim.amount),
    }


class BeginOnClaim:
    """Finds the claim meant and opens the form about it."""

    action_name: ClassVar[str]
    form_class: ClassVar[type[OnClaim]]

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form, or say why there is nothing to do."""
        form = self.form_class
        if turn.form == form.form:
            return resume(turn)
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        done: list[Event] = [SlotSet("pending_task", None)]
        reference = turn.entity("reference")
        if reference and not self._named(turn, str(reference).upper()):
            return [*done, *resume(turn)]
        known = meant(turn, form.candidates(turn))
        if not known:
            turn.say("no_claim_for_this")
            return [*done, *resume(turn)]
        one = self.choose(turn, known)
        if one is None and len(known) == 1:
            return [*done, *resume(turn)]
        events: list[Event] = [SlotSet(slot, None) for slot in form.slots]
        if one is not None:
            events.append(SlotSet(TARGET, one.reference))
        return [*events, *self.prefill(turn), *done, *open_form(turn, form.form)]

    def _named(self, turn: Turn, reference: str) -> bool:
        claim = next((c for c in known_claims(turn) if c.reference == reference), None)
        if claim is None:
            turn.say("claim_unknown", reference=reference)
            return False
        reason = refusal(self.form_class.check, claim)
        if reason is not None:
            self.refuse(turn, claim, reason)
        return reason is None

    def refuse(self, turn: Turn, claim: ClaimView, reason: str) -> None:
        """Say why this cannot be done with the claim that was named."""
        say_not_for_this(turn, claim, reason)

    def choose(self, turn: Turn, known: list[ClaimView]) -> ClaimView | None:
        """Return the claim meant if there is no doubt; ``None`` of one: it is dealt with."""
        return known[0] if len(known) == 1 else None

    def prefill(self, turn: Turn) -> list[Event]:
        """Keep what else the opening message said."""
        return []


class ActionAskClaimTarget(ServiceAction):
    """Asks which claim is meant."""

    action_name = f"action_ask_{TARGET}"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """List those that the form can be about, each as a button."""
        form = every_form()[str(turn.form)]
        known = form.candidates(turn)[:LISTED] if issubclass(form, OnClaim) else []
        buttons = [
            texts.inform_button(f"{c.reference} {place_of(turn, c)}".strip(), reference=c.reference)
            for c in known
        ]
        lines = "\n".join(standing(turn, c) for c in known)
        turn.say("which_claim", buttons=buttons, lines=lines)
        return []
