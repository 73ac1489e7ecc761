"""What is left, what is covered, past visits and self-pay (E2, E3)."""

from __future__ import annotations

import re
from abc import abstractmethod
from datetime import date
from decimal import Decimal

from rasa_sdk.events import SlotSet

from actions import texts
from actions.binding import has_surname
from actions.turn import Event, ServiceAction, Turn, chosen_policy, resume
from bot.rules.benefits import CardStatus
from bot.services import policies as service
from bot.services.policies import PolicyView

# Whether one thing is paid for: the plan's data do not say it.
ITEM = re.compile(r"保不保|赔不赔|报不报|包不包|[能可]以?[赔报保]|[赔报保]吗|在不在.*范围|算不算")
ASKED = {
    "outpatient": "门诊|急诊",
    "full_reimbursement_visits": "全额|全赔",
    "inpatient": "住院|手术",
    "vaccine": "疫苗|接种|打针",
    "health_checks": "体检|健康检查|儿保",
}
STATE = re.compile(r"卡.*(?:能用|有效|正常)|过期|到期|生效|失效")
POLICY_NUMBER = re.compile(r"YX\d{4}-?\d{6}", re.IGNORECASE)
WHOSE = re.compile(
    r"([一-鿿]+?)(?:小朋友)?的"
    r"(?=额度|余额|保单|保障|保险|就诊|看病|记录|疫苗|门诊|住院|自付|电子卡)"
)
BEFORE_WHOSE = frozenset("查看问是下")


class _OnPolicy(ServiceAction):
    """Answers about one bound policy; leads to binding or choosing a child first."""

    def handle(self, turn: Turn) -> list[Event]:
        """Find the policy, answer, go on."""
        stranger = _stranger(turn)
        if stranger is not None:
            children = list(dict.fromkeys(c.child for c in turn.choices))
            turn.say("not_bound_child", value=stranger, children=texts.line("and").join(children))
            return [SlotSet("pending_task", None), *resume(turn)]
        plan = turn.entity("plan")
        if plan is not None and str(plan) not in [c.plan for c in turn.choices]:
            turn.say("other_plan", plan=str(plan))
            return resume(turn)
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return events
        self.answer(turn, number)
        return [*events, SlotSet("pending_task", None), *resume(turn)]

    @abstractmethod
    def answer(self, turn: Turn, number: str) -> None:
        """Answer for this policy."""


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


def say_card_state(turn: Turn, seen: PolicyView) -> None:
    """Say first what makes the rest less than it looks: grey, expired, not begun."""
    if seen.status is CardStatus.ACTIVE:
        return
    owed = sum((bill.amount for bill in seen.unpaid), start=Decimal(0))
    turn.say(
        f"card_{seen.status.value}",
        child=seen.child,
        plan=seen.plan,
        owed=texts.yuan(owed),
        valid_from=texts.day(seen.valid_from, seen.as_of),
        valid_to=texts.day(seen.valid_to, seen.as_of),
    )


class ActionCheckBalance(_OnPolicy):
    """Tells what is left of each benefit."""

    action_name = "action_check_balance"

    def answer(self, turn: Turn, number: str) -> None:
        """Tell remaining, used and limit of each benefit, dated."""
        seen = _overview(turn, number)
        say_card_state(turn, seen)
        turn.say(
            "balance",
            child=seen.child,
            plan=seen.plan,
            today=texts.day(seen.as_of, seen.as_of),
            lines="\n".join(_benefit_lines(turn, seen, "left")),
        )


class ActionCheckCoverage(_OnPolicy):
    """Tells what the plan covers, by its data."""

    action_name = "action_check_coverage"

    def answer(self, turn: Turn, number: str) -> None:
        """Tell limits, direct-billing and vaccination routes, and what is not stated."""
        seen = _overview(turn, number)
        if seen.status is CardStatus.ACTIVE and STATE.search(turn.text):
            turn.say("card_active", child=seen.child)
        say_card_state(turn, seen)
        asked = _asked(turn, seen)
        if ITEM.search(turn.text) and not asked:
            turn.say("coverage_item")
        years = {seen.valid_from.year, seen.valid_to.year}
        # "2025年7月11日 至 7月11日" leaves a reader guessing.
        written = seen.as_of if years == {seen.as_of.year} else date.min
        routes = [texts.word("route", route) for route in sorted(seen.direct_billing)]
        turn.say(
            "coverage",
            child=seen.child,
            plan=seen.plan,
            lines="\n".join(_benefit_lines(turn, seen, "limit")),
            routes=texts.line("and").join(routes) or texts.line("no_routes"),
            valid_from=texts.day(seen.valid_from, written),
            valid_to=texts.day(seen.valid_to, written),
        )


def _asked(turn: Turn, seen: PolicyView) -> list[str]:
    """Return the benefits that the message names."""
    return [name for name in seen.benefits if name in ASKED and re.search(ASKED[name], turn.text)]


def _benefit_lines(turn: Turn, seen: PolicyView, which: str) -> list[str]:
    lines = []
    asked = _asked(turn, seen)
    # What was asked about comes first.
    for benefit in sorted(seen.benefits.values(), key=lambda b: b.name not in asked):
        if benefit.name == "vaccine" and benefit.limit == 0:
            lines.append(texts.line("no_vaccine_benefit"))
            continue
        unit = "yuan" if benefit.unit == "CNY" else benefit.name
        lines.append(
            texts.line(
                f"benefit_{which}",
                name=texts.word("benefit", benefit.name),
                unit=texts.word("unit", unit),
                left=texts.yuan(benefit.left),
                used=texts.yuan(benefit.used),
                limit=texts.yuan(benefit.limit),
            )
        )
    return lines


class ActionCheckVisitRecords(_OnPolicy):
    """Tells past visits."""

    action_name = "action_check_visit_records"

    def answer(self, turn: Turn, number: str) -> None:
        """List visits, newest first."""
        today = turn.now.date()
        records = service.visit_records(turn.store, identity_id=turn.identity.id, number=number)
        child = next(c.child for c in turn.choices if c.number == number)
        if not records:
            turn.say("no_visits", child=child)
            return
        lines = [
            texts.line(
                "visit",
                day=texts.day(v.visited_on, today),
                hospital=v.hospital,
                department=v.department,
                total=texts.yuan(v.total),
                paid=texts.yuan(v.insurer_paid),
                self_pay=texts.yuan(v.self_pay),
            )
            for v in records
        ]
        turn.say("visits", child=child, lines="\n".join(lines))
