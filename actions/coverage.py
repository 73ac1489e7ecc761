"""What is covered: the plan's own list, and item by item what the manual states (E2)."""

from __future__ import annotations

import re
from datetime import date

from rasa_sdk.events import SlotSet

from actions import texts
from actions.policies import (
    ASKED,
    _asked,
    _benefit_lines,
    _OnPolicy,
    _overview,
    benefit_line,
    say_card_state,
)
from actions.turn import Event, Turn, chosen_policy, resume
from bot.rules.benefits import CardStatus
from bot.rules.coverage import CoverItem, find_item
from bot.services.policies import PolicyView

# Whether one thing is paid for.
ITEM = re.compile(
    r"保不保|赔不赔|报不报|包不包|给不给(?:报|赔)|[能可]不[能可](?:报|赔)|[能可]以?(?:报|赔|保|直付|走保险)|"
    r"(?:报销?|赔付?|保|出|包|算)(?:吗|么|嘛|不|伐|没)|在不在.*范围|在.*(?:范围|保障|责任)(?:内|里)|算不算|"
    r"(?:报|赔)多少|保险(?:能|会|给|可以)?(?:不能|不会|不给)?(?:出|管|付|报|赔)|不(?:报|赔)的|怎么报|报得了|自费吗|"
    r"哪些不[赔保报]|免责|除外|cover|reimburse",
    re.IGNORECASE,
)
STATE = re.compile(r"卡.*(?:能用|有效|正常)|过期|到期|生效|失效")
BENEFITS = frozenset(ASKED)


class ActionCheckCoverage(_OnPolicy):
    """Tells what the plan covers; for an item, what the manual states of it or that it does not."""

    action_name = "action_check_coverage"

    def handle(self, turn: Turn) -> list[Event]:
        """Answer an item that needs no plan at once, else as for any policy."""
        item = _item(turn)
        if item is None or item.benefit is not None:
            if item is not None and not turn.choices:
                # What is stated for everybody needs no binding; the amounts do.
                _say_item(turn, item)
                turn.say("coverage_bind")
                return [SlotSet("pending_task", None), *resume(turn)]
            return super().handle(turn)
        _say_item(turn, item)
        events: list[Event] = []
        if turn.child_named() is not None:
            _, events = chosen_policy(turn, self.action_name)
        return [*events, SlotSet("pending_task", None), *resume(turn)]

    def answer(self, turn: Turn, number: str) -> None:
        """Tell an item with the plan's limit for it, or limits and routes of the plan."""
        seen = _overview(turn, number)
        item = _item(turn)
        if seen.status is CardStatus.ACTIVE and STATE.search(turn.text):
            turn.say("card_active", child=seen.child)
        say_card_state(turn, seen)
        if item is not None:
            _say_limit(turn, seen, item)
            return
        if ITEM.search(turn.text) and not _asked(turn, seen):
            turn.say("coverage_item")
        _say_plan(turn, seen)


def _item(turn: Turn) -> CoverItem | None:
    """Return the item asked about; a benefit by its bare name is no item but its limit."""
    item = find_item(turn.text)
    if item is None or ITEM.search(turn.text) or item.benefit not in BENEFITS:
        return item
    return None


def _say_item(turn: Turn, item: CoverItem) -> None:
    if item.stated:
        turn.say(f"item_{item.name}", section=item.section)
    else:
        turn.say("item_silent", item=texts.word("item", item.name))


def _say_limit(turn: Turn, seen: PolicyView, item: CoverItem) -> None:
    benefit = seen.benefits.get(item.benefit or "")
    if item.name == "vaccine" and (benefit is None or benefit.limit == 0):
        turn.say("item_no_vaccine", child=seen.child, plan=seen.plan)
        return
    _say_item(turn, item)
    if benefit is None:
        return
    if item.name == "vaccine":
        ways = [texts.word("vaccination", route) for route in sorted(seen.vaccination_routes)]
    else:
        ways = [texts.word("route", route) for route in sorted(seen.direct_billing)]
    turn.say(
        "item_limit",
        child=seen.child,
        plan=seen.plan,
        lines=benefit_line(benefit, "left"),
        routes=texts.line("and").join(ways) or texts.line("no_routes"),
    )


def _say_plan(turn: Turn, seen: PolicyView) -> None:
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
