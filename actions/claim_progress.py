"""What is missing of a claim, sending it in, withdrawing it, its form to sign (C1–C6)."""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions import texts
from actions.claim_requests import meant
from actions.claim_status import next_buttons, papers, papers_shown, say_claims, standing
from actions.claim_targets import (
    TARGET,
    BeginOnClaim,
    OnClaim,
    known_claims,
    refusal,
    say_not_for_this,
    target,
    told,
)
from actions.claims import ClaimForm
from actions.forms import Found, Submit, end_early
from actions.turn import Event, ServiceAction, Turn, close_form, open_form, resume
from bot.services import claim_progress as service
from bot.services.claim_form import check_form
from bot.services.claims import OPEN, ClaimView
from bot.services.errors import Refused
from bot.services.links import claim_form_link

KEEP = re.compile(r"不撤|别撤|先不|不用撤|留着|继续(?:理赔|审|报)")
AGAIN = re.compile(r"(?:确认|对|是的?|好的?|嗯|就)*[,，]?(?:撤回|撤销|撤了?|撤掉)(?:吧|了|它|掉)*")


def say_missing(turn: Turn, claim: ClaimView) -> None:
    """Tell what one claim still lacks, and what to do next."""
    if claim.to_complete and claim.missing:
        lines = "\n".join(f"□ {paper}" for paper in papers(claim))
        buttons = next_buttons([claim])
        picture = papers_shown(turn, claim)
        turn.say("claim_lacks", buttons=buttons, picture=picture, lines=lines, **told(turn, claim))
    elif claim.to_complete:
        turn.say("claim_lacks_nothing", **told(turn, claim))
    elif claim.needs_originals and claim.tracking is None:
        turn.say("claim_lacks_originals", **told(turn, claim))
    else:
        turn.say("claim_with_us", lines=standing(turn, claim, alone=True))


class ActionClaimMissing(ServiceAction):
    """Takes up a claim that is not complete yet: tells what is missing."""

    action_name = "action_claim_missing"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell of the claim meant, else of all that wait for the parent."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        started = meant(turn, [c for c in known_claims(turn) if c.status in OPEN])
        known = [c for c in started if c.to_complete] or started
        if turn.entity("reference") and not known:
            turn.say("claim_unknown", reference=str(turn.entity("reference")).upper())
        elif not known:
            turn.say("no_claim_for_this")
        elif len(known) == 1:
            say_missing(turn, known[0])
        else:
            say_claims(turn, known)
        return [SlotSet("pending_task", None), *_leave_new_claim(turn)]


def _leave_new_claim(turn: Turn) -> list[Event]:
    """Leave the form for a new claim if nothing was filled in; else go on with it."""
    form = ClaimForm
    if turn.form == form.form and not any(turn.slot(slot) is not None for slot in form.slots):
        return close_form(turn, form.slots)
    return resume(turn)


class ClaimSubmitForm(OnClaim):
    """Which claim, confirmation."""

    form = "claim_submit_form"
    slots = (TARGET, "claim_submit_confirm")
    own = frozenset({"start_claim"})
    confirm = "claim_submit_confirm"

    @staticmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""
        service.check_submittable(claim)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the claim meant; "提交" once more is a yes."""
        found = Found()
        self.find_target(found, turn, asked)
        again = turn.intent == "start_claim" or turn.entity("claim_task") == "submit"
        if asked == self.confirm and again and not found.values:
            found.add(self.confirm, True)
        return found

    def ending(self, turn: Turn, values: dict[str, object]) -> list[Event] | None:
        """Leave with what is missing of the claim chosen."""
        claim = next((c for c in known_claims(turn) if c.reference == values.get(TARGET)), None)
        if claim is None or not claim.missing:
            return None
        say_missing(turn, claim)
        return [SlotSet(TARGET, None), SlotSet(self.confirm, None), *end_early()]


class ActionClaimSubmit(BeginOnClaim, ServiceAction):
    """Begins to send a claim in."""

    action_name = "action_claim_submit"
    form_class = ClaimSubmitForm

    def choose(self, turn: Turn, known: list[ClaimView]) -> ClaimView | None:
        """Take the one that is complete; tell what is missing of a single one."""
        complete = [c for c in known if not c.missing]
        if len(complete) == 1:
            return complete[0]
        if len(known) == 1:
            say_missing(turn, known[0])
        return None

    def refuse(self, turn: Turn, claim: ClaimView, reason: str) -> None:
        """Tell that it was sent in already, and how it stands."""
        if reason == "not_a_draft":
            turn.say("claim_submitted_already", lines=standing(turn, claim, alone=True))
        else:
            super().refuse(turn, claim, reason)


class ActionAskClaimSubmitConfirm(ServiceAction):
    """Sums up what is sent in."""

    action_name = "action_ask_claim_submit_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the claim; past the last moment of C3, with a warning."""
        claim = target(turn)
        if claim.send_by is not None and claim.send_by < turn.now:
            turn.say("claim_submit_late", due=texts.moment(claim.send_by, turn.now))
        turn.say("confirm_claim_submit", **told(turn, claim))
        return []


class ActionSubmitClaimSubmit(Submit):
    """Sends the claim in."""

    form_class = ClaimSubmitForm

    def submit(self, turn: Turn) -> str | None:
        """Send in; tell until when it is settled, or what is missing."""
        try:
            claim, new = service.submit(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot(TARGET),
                now=turn.now,
            )
        except Refused as refused:
            if refused.reason == "papers_missing":
                say_missing(turn, target(turn))
            else:
                say_not_for_this(turn, target(turn), refused.reason)
            return None
        if not new:
            turn.say("claim_submitted_already", lines=standing(turn, claim, alone=True))
        elif claim.due_at is not None:
            due = texts.moment(claim.due_at, turn.now)
            inpatient = claim.kind == "public_inpatient"
            turn.say(
                "claim_submitted_inpatient" if inpatient else "claim_submitted",
                reference=claim.reference,
                due=due,
            )
        elif claim.tracking:
            turn.say("claim_submitted_sent", reference=claim.reference, number=claim.tracking)
        else:
            turn.say("claim_submitted_originals", reference=claim.reference)
        return None


class ClaimWithdrawForm(OnClaim):
    """Which claim, confirmation."""

    form = "claim_withdraw_form"
    slots = (TARGET, "claim_withdraw_confirm")
    again = AGAIN
    keeps = KEEP
    confirm = "claim_withdraw_confirm"

    @staticmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""
        service.check_withdrawable(claim)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the claim meant."""
        found = Found()
        self.find_target(found, turn, asked)
        return found


class ActionClaimWithdraw(BeginOnClaim, ServiceAction):
    """Begins to withdraw a claim."""

    action_name = "action_claim_withdraw"
    form_class = ClaimWithdrawForm


class ActionAskClaimWithdrawConfirm(ServiceAction):
    """Sums up what is withdrawn."""

    action_name = "action_ask_claim_withdraw_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell which claim, and what follows."""
        turn.say("confirm_claim_withdraw", **told(turn, target(turn)))
        return []


class ActionSubmitClaimWithdraw(Submit):
    """Withdraws the claim."""

    form_class = ClaimWithdrawForm

    def submit(self, turn: Turn) -> str | None:
        """Withdraw, and say so."""
        try:
            claim, _ = service.withdraw(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot(TARGET),
                now=turn.now,
            )
        except Refused as refused:
            say_not_for_this(turn, target(turn), refused.reason)
            return None
        turn.say("claim_withdrawn", **told(turn, claim))
        return None


class ClaimSheetForm(OnClaim):
    """Whose form is wanted."""

    form = "claim_sheet_form"
    slots = (TARGET,)
    own = frozenset({"ask_claim_documents"})

    @staticmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""
        check_form(claim)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the claim meant."""
        found = Found()
        self.find_target(found, turn, asked)
        return found


class ActionClaimSheet(BeginOnClaim, ServiceAction):
    """Gives the form to sign, filled in."""

    action_name = "action_claim_sheet"
    form_class = ClaimSheetForm

    def choose(self, turn: Turn, known: list[ClaimView]) -> ClaimView | None:
        """Give the link at once if there is no doubt."""
        wanted = [c for c in known if "claim_form" in c.missing] or known
        if len(wanted) == 1 and len(known) == 1:
            say_link(turn, wanted[0])
        return None


def say_link(turn: Turn, claim: ClaimView) -> None:
    """Give the link to a claim's form."""
    link = claim_form_link(claim.reference, turn.identity.id, turn.now)
    until = texts.moment(link.until, turn.now)
    turn.say("claim_form_link", reference=claim.reference, url=link.url, until=until)


class ActionSubmitClaimSheet(Submit):
    """Gives the link for the claim that was chosen."""

    form_class = ClaimSheetForm

    def submit(self, turn: Turn) -> str | None:
        """Give the link, if its form can still be filled in."""
        claim = target(turn)
        reason = refusal(check_form, claim)
        if reason is None:
            say_link(turn, claim)
        else:
            say_not_for_this(turn, claim, reason)
        return None
