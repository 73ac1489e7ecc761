"""Where a claim is paid to, and by which courier its originals come (C2, C6)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import SlotSet

from actions.claim_targets import TARGET, BeginOnClaim, OnClaim, say_not_for_this, target, told
from actions.forms import Found, Submit
from actions.turn import Event, ServiceAction, Turn
from bot.rules.numbers import CardNumber, find_branch, find_card, find_tracking, names_branch
from bot.services import claim_progress as service
from bot.services.claim_progress import BankAccount
from bot.services.claims import ClaimView
from bot.services.errors import Refused

NOT_A_NUMBER = "?"
WRONG = "wrong:"
# A row of letters and digits that was meant as a number.
ROW = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{5,}")
BRANCH_ALONE = re.compile(r"[一-鿿A-Za-z0-9（）()·]{2,30}(?:支行|分行|营业部|分理处|储蓄所|网点)")


class ClaimTrackingForm(OnClaim):
    """Which claim, the courier's number, confirmation."""

    form = "claim_tracking_form"
    slots = (TARGET, "tracking_number", "tracking_confirm")
    confirm = "tracking_confirm"

    @staticmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""
        service.check_tracking(claim)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the claim meant and a courier's number."""
        found = Found()
        self.find_target(found, turn, asked)
        number = find_tracking(turn.text)
        if number is not None:
            found.add("tracking_number", number, (0, len(turn.text)))
        elif asked == "tracking_number" and not found.values and ROW.search(turn.text):
            found.add("tracking_number", NOT_A_NUMBER, (0, len(turn.text)))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Question what can be no courier's number."""
        if slot == "tracking_number" and value == NOT_A_NUMBER:
            turn.say("tracking_invalid")
            return None
        return super().accept(turn, slot, value, values)


class ActionClaimTracking(BeginOnClaim, ServiceAction):
    """Begins to note a courier's number."""

    action_name = "action_claim_tracking"
    form_class = ClaimTrackingForm

    def prefill(self, turn: Turn) -> list[Event]:
        """Keep the number that came with it."""
        number = find_tracking(turn.text)
        return [SlotSet("tracking_number", number)] if number else []


class ActionAskTrackingConfirm(ServiceAction):
    """Sums up the courier's number."""

    action_name = "action_ask_tracking_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the number and the claim."""
        turn.say(
            "confirm_claim_tracking",
            number=turn.slot("tracking_number"),
            **told(turn, target(turn)),
        )
        return []


class ActionSubmitClaimTracking(Submit):
    """Notes the courier's number."""

    form_class = ClaimTrackingForm

    def submit(self, turn: Turn) -> str | None:
        """Note it, and say so."""
        try:
            claim = service.set_tracking(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot(TARGET),
                number=turn.slot("tracking_number"),
                now=turn.now,
            )
        except Refused as refused:
            say_not_for_this(turn, target(turn), refused.reason)
            return None
        turn.say("tracking_noted", reference=claim.reference, number=claim.tracking)
        return None


class ClaimBankForm(OnClaim):
    """Which claim, card, bank with its branch, confirmation. The card is in the slot sealed."""

    form = "claim_bank_form"
    slots = (TARGET, "bank_card", "bank_branch", "bank_confirm")
    confirm = "bank_confirm"

    @staticmethod
    def check(claim: ClaimView) -> None:
        """Raise Refused for a claim that this cannot be done with."""
        service.check_bank_claim(claim)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the claim meant, a card's number and a bank."""
        found = Found()
        self.find_target(found, turn, asked)
        card = find_card(turn.text)
        if card is not None:
            found.add("bank_card", _kept(card), (card.start, card.end))
        elif asked == "bank_card" and ROW.search(turn.text):
            found.add("bank_card", f"{WRONG}length", (0, len(turn.text)))
        branch = _branch(turn.text, card, alone=asked == "bank_branch")
        if branch is not None:
            found.add("bank_branch", branch, (0, len(turn.text)))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Question a number that is no card's and a bank without its branch."""
        if slot == "bank_card" and str(value).startswith(WRONG):
            turn.say(f"bank_card_{str(value).removeprefix(WRONG)}")
            return None
        if slot == "bank_branch" and not names_branch(str(value)):
            turn.say("bank_branch_missing", bank=value)
            return None
        return super().accept(turn, slot, value, values)


def _kept(card: CardNumber) -> str:
    if card.wrong is not None:
        return f"{WRONG}{card.wrong.value}"
    return service.seal_account(BankAccount(card.digits, ""))


def _branch(text: str, card: CardNumber | None, *, alone: bool) -> str | None:
    rest = text if card is None else f"{text[: card.start]} {text[card.end :]}"
    found = find_branch(rest)
    if found is None and alone:
        match = BRANCH_ALONE.search(rest)
        found = match.group() if match else None
    return found


class ActionClaimBank(BeginOnClaim, ServiceAction):
    """Begins to note where a claim is paid to."""

    action_name = "action_claim_bank"
    form_class = ClaimBankForm

    def prefill(self, turn: Turn) -> list[Event]:
        """Keep the card and the bank that came with it."""
        form, values = ClaimBankForm(), ClaimBankForm().find(turn, None).values
        values.pop(TARGET, None)
        return [SlotSet(s, form.accept(turn, s, v, {})) for s, v in values.items()]


class ActionAskBankConfirm(ServiceAction):
    """Sums up the bank account, with no more of the card than its end."""

    action_name = "action_ask_bank_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the card's end, the bank and the claim."""
        turn.say(
            "confirm_claim_bank",
            tail=service.open_account(turn.slot("bank_card")).card[-4:],
            branch=turn.slot("bank_branch"),
            **told(turn, target(turn)),
        )
        return []


class ActionSubmitClaimBank(Submit):
    """Notes where the claim is paid to."""

    form_class = ClaimBankForm

    def submit(self, turn: Turn) -> str | None:
        """Note it, and say so."""
        card = service.open_account(turn.slot("bank_card")).card
        branch = turn.slot("bank_branch")
        try:
            claim = service.set_bank_account(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot(TARGET),
                account=BankAccount(card, branch),
                now=turn.now,
            )
        except Refused as refused:
            say_not_for_this(turn, target(turn), refused.reason)
            return None
        turn.say("bank_noted", tail=claim.bank_tail, branch=branch, reference=claim.reference)
        return None
