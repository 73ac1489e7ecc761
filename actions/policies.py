"""What is left, and self-pay (E2, E3)."""

from __future__ import annotations

import itertools
import re
from abc import abstractmethod
from datetime import date
from decimal import Decimal
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.binding import has_surname
from actions.manual import NOT_STATED
from actions.turn import Event, ServiceAction, Turn, chosen_policy, resume
from bot.rules.benefits import CardStatus
from bot.rules.identity import mask_policy_number
from bot.services import pictures
from bot.services import policies as service
from bot.services.pictures import PictureView
from bot.services.policies import Benefit, PolicyView

ASKED = {
    "outpatient": "门诊|急诊",
    "full_reimbursement_visits": "全额|全赔",
    "inpatient": "住院|手术",
    "vaccine": "疫苗|接种|打针",
    "health_checks": "体检|健康检查|儿保",
}
POLICY_NUMBER = re.compile(r"YX\d{4}-?\d{6}", re.IGNORECASE)
WHOSE = re.compile(
    r"([一-鿿]+?)(?:小朋友)?的"
    r"(?=额度|余额|保单|保障|保险|就诊|看病|记录|疫苗|门诊|住院|自付|电子卡)"
)
BEFORE_WHOSE = frozenset("查看问是下付交缴")


class _OnPolicy(ServiceAction):
    """Answers about one bound policy; leads to binding or choosing a child first."""

    def handle(self, turn: Turn) -> list[Event]:
        """Find the policy, answer, go on."""
        refused = not_own(turn)
        if refused is not None:
            return refused
        plan = turn.entity("plan")
        if plan is not None and str(plan) not in [c.plan for c in turn.choices]:
            turn.say("other_plan", plan=str(plan))
            return resume(turn)
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            # Once a child is chosen, it is this question that is answered.
            return [SlotSet("pending_question", _question(turn)), *events]
        _recall(turn)
        self.answer(turn, number)
        done = [SlotSet("pending_task", None), SlotSet("pending_question", None)]
        return [*events, *done, *resume(turn)]

    @abstractmethod
    def answer(self, turn: Turn, number: str) -> None:
        """Answer for this policy."""


def not_own(turn: Turn) -> list[Event] | None:
    """Say that the child or policy named is not bound here; ``None`` if none such is named."""
    stranger = _stranger(turn)
    if stranger is None:
        return None
    children = list(dict.fromkeys(c.child for c in turn.choices))
    turn.say("not_bound_child", value=stranger, children=texts.line("and").join(children))
    return [SlotSet("pending_task", None), *resume(turn)]


def _question(turn: Turn) -> dict[str, Any]:
    return {"text": turn.text, "entities": turn.entities("date")}


def _recall(turn: Turn) -> None:
    """Take up the question that led to binding or choosing, if this follows upon it."""
    asked = turn.slot("pending_question")
    events = iter(reversed(turn.tracker.events))
    since = itertools.takewhile(lambda event: event["event"] != "user", events)
    chosen = any(str(event.get("name")).startswith("action_submit_") for event in since)
    if asked and chosen:
        turn.tracker.latest_message = {**turn.tracker.latest_message, **asked}


def _stranger(turn: Turn) -> str | None:
    """Return the name or policy number that the message asks about if it is not bound."""
    if not turn.choices or turn.child_named() is not None:
        return None
    number = POLICY_NUMBER.search(turn.text)
    if number:
        known = {re.sub(r"\W", "", c.number) for c in turn.choices}
        said = number.group().upper()
        return None if re.sub(r"\W", "", said) in known else said
    whose = WHOSE.search(turn.text)
    words = whose.group(1) if whose else ""
    for length in (3, 2, 4):
        name, before = words[-length:], words[:-length][-1:]
        if has_surname(name) and (not before or before in BEFORE_WHOSE):
            return name
    return None


def _overview(turn: Turn, number: str) -> PolicyView:
    return service.overview(turn.store, identity_id=turn.identity.id, number=number, now=turn.now)


def say_card_state(turn: Turn, seen: PolicyView, picture: PictureView | None = None) -> None:
    """Say first what makes the rest less than it looks: grey, expired, not begun."""
    if seen.status is CardStatus.ACTIVE:
        return
    owed = sum((bill.amount for bill in seen.unpaid), start=Decimal(0))
    turn.say(
        f"card_{seen.status.value}",
        picture=picture,
        child=seen.child,
        plan=seen.plan,
        owed=texts.yuan(owed),
        valid_from=texts.day(seen.valid_from, seen.as_of),
        valid_to=texts.day(seen.valid_to, seen.as_of),
    )


class ActionCardStatus(_OnPolicy):
    """Tells whether the e-card works today; whoever is not bound gets the manual's answer (E3)."""

    action_name = "action_card_status"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer for the own card."""
        if not turn.choices:
            say_manual(turn, "utter_faq/direct_billing_places")
            return resume(turn)
        return super().handle(turn)

    def answer(self, turn: Turn, number: str) -> None:
        """Tell the card's state, and what is owed."""
        seen = _overview(turn, number)
        if seen.status is CardStatus.ACTIVE:
            turn.say("card_active", picture=_card(turn, number), child=seen.child)
        say_card_state(turn, seen, picture=_card(turn, number))


class ActionECard(_OnPolicy):
    """Shows the e-card (E2)."""

    action_name = "action_e_card"

    def answer(self, turn: Turn, number: str) -> None:
        """Show it; what stands on it is said too."""
        seen = _overview(turn, number)
        say_card_state(turn, seen)
        turn.say(
            "e_card",
            picture=_card(turn, number),
            pin=True,
            child=seen.child,
            plan=seen.plan,
            number=mask_policy_number(seen.number),
            valid_from=texts.day(seen.valid_from, date.min),
            valid_to=texts.day(seen.valid_to, date.min),
        )


def _card(turn: Turn, number: str) -> PictureView:
    return pictures.e_card(turn.store, identity_id=turn.identity.id, number=number, now=turn.now)


def say_manual(turn: Turn, otherwise: str) -> None:
    """Say the manual's answer nearest to the message, or ``otherwise`` if none is near."""
    selected = (turn.tracker.latest_message.get("response_selector") or {}).get("faq", {})
    name = str((selected.get("response") or {}).get("utter_action") or otherwise)
    turn.dispatcher.utter_message(response=otherwise if name in (NOT_STATED, "None") else name)


class ActionCheckBalance(_OnPolicy):
    """Tells what is left of each benefit."""

    action_name = "action_check_balance"

    def answer(self, turn: Turn, number: str) -> None:
        """Tell remaining, used and limit of each benefit, dated."""
        seen = _overview(turn, number)
        say_card_state(turn, seen)
        turn.say(
            "balance",
            picture=pictures.limits(
                turn.store, identity_id=turn.identity.id, number=number, now=turn.now
            ),
            child=seen.child,
            plan=seen.plan,
            today=texts.day(seen.as_of, seen.as_of),
            lines="\n".join(_benefit_lines(turn, seen, "left")),
        )


def _asked(turn: Turn, seen: PolicyView) -> list[str]:
    """Return the benefits that the message names."""
    return [name for name in seen.benefits if name in ASKED and re.search(ASKED[name], turn.text)]


def _benefit_lines(turn: Turn, seen: PolicyView, which: str) -> list[str]:
    asked = _asked(turn, seen)
    # What was asked about comes first.
    ordered = sorted(seen.benefits.values(), key=lambda b: b.name not in asked)
    return [benefit_line(benefit, which) for benefit in ordered]


def benefit_line(benefit: Benefit, which: str) -> str:
    """Write a benefit with its ``limit``, or with what is ``left`` of it."""
    if benefit.name == "vaccine" and benefit.limit == 0:
        return texts.line("no_vaccine_benefit")
    unit = "yuan" if benefit.unit == "CNY" else benefit.name
    return texts.line(
        f"benefit_{which}",
        name=texts.word("benefit", benefit.name),
        unit=texts.word("unit", unit),
        left=texts.yuan(benefit.left),
        used=texts.yuan(benefit.used),
        limit=texts.yuan(benefit.limit),
    )
