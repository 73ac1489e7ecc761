"""The chat account itself: what it is bound to, and taking a binding back (手册·绑卡流程 E1)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import ActiveLoop, SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, close_form, open_form, resume
from bot.services import identity as identities
from bot.services import policies
from bot.services import unbinding as service
from bot.services.unbinding import BoundHousehold
from bot.store.files import get_files

ALL = "all"
EVERYTHING = re.compile(r"全部|所有|都|统统|一起|全解|两个|两份|几份")
# Whose phone it is, if not the writer's own.
OTHERS = re.compile(
    r"前夫|前妻|老公|老婆|丈夫|妻子|爱人|对象|孩子他?她?[爸妈]|[他她]爸|[他她]妈|我妈|我爸|婆婆|公公|岳|婆家|外公|外婆|"
    r"爷爷|奶奶|姥|阿姨|保姆|月嫂|育儿嫂|对方|别人|其他人|家人|亲戚|姑|舅|叔|[他她]的?(?:那边|手机|微信|账号)|那个人|(?<![A-Za-z])ex(?![A-Za-z])"
)
# "老公帮我" and "我和老公" speak of the own account.
OWN = re.compile(r"我自己|本人|我这(?:个|边|里|台)|我的(?:微信|手机|账号|卡)")

STAYS = re.compile(r"(?:不|别|先不|不要|不想|不用)(?:解绑?|解除|取消)|(?:留着|保留)(?:吧|着)?$")
YES = re.compile(
    r"(?:确认|确定|是的?|对|好的?|嗯+)?[,，]?(?:解绑?|解除|解掉)(?:绑定)?(?:吧|了|掉)?[。!！]?"
)


class ActionListPolicies(ServiceAction):
    """Tells what the account is bound to, and which policy is being talked about."""

    action_name = "action_list_policies"

    def handle(self, turn: Turn) -> list[Event]:
        """List the policies with their validity."""
        if not turn.choices:
            turn.say("no_policies")
            return resume(turn)
        today = turn.now.date()
        lines = []
        for choice in turn.choices:
            seen = policies.overview(
                turn.store, identity_id=turn.identity.id, number=choice.number, now=turn.now
            )
            line = texts.line(
                "policy",
                child=seen.child,
                plan=seen.plan,
                number=seen.number,
                valid_to=texts.day(seen.valid_to, today),
                status=texts.word("card", seen.status.value),
            )
            current = choice.number == turn.slot("policy") and len(turn.choices) > 1
            lines.append(line + texts.line("policy_current") if current else line)
        several = len(turn.choices) > 1
        turn.say("policies" if several else "one_policy", lines="\n".join(lines))
        return resume(turn)


class ActionUnbind(ServiceAction):
    """Begins unbinding."""

    action_name = "action_unbind"

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form; say if there is nothing to unbind, or nothing of the account's own."""
        if turn.form == UnbindForm.form:
            return resume(turn)
        if OTHERS.search(turn.text) and not OWN.search(turn.text):
            turn.say("unbind_others")
            return resume(turn)
        bound = _households(turn)
        if not bound:
            turn.say("unbind_nothing")
            return resume(turn)
        which = bound[0].numbers[0] if len(bound) == 1 else _which(turn, bound)
        events: list[Event] = [SlotSet("unbind_which", which), SlotSet("unbind_confirm", None)]
        return [*events, *open_form(turn, UnbindForm.form)]


def _households(turn: Turn) -> tuple[BoundHousehold, ...]:
    return service.households(turn.store, identity_id=turn.identity.id)


def _which(turn: Turn, bound: tuple[BoundHousehold, ...]) -> str | None:
    if turn.entity("policy") == ALL:
        return ALL
    named = turn.child_named()
    if named is not None:
        return named.number
    if EVERYTHING.search(turn.text):
        return ALL
    position = texts.ordinal(turn.text)
    return bound[position - 1].numbers[0] if position and position <= len(bound) else None


class UnbindForm(Form):
    """Which binding, and confirmation."""

    form = "unbind_form"
    slots = ("unbind_which", "unbind_confirm")
    again = YES
    keeps = STAYS
    confirm = "unbind_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a bound child, a position in the list, or all."""
        found = Found()
        bound = _households(turn)
        if len(bound) > 1:
            found.add("unbind_which", _which(turn, bound), (0, len(turn.text)))
        return found


class ActionAskUnbindWhich(ServiceAction):
    """Asks which binding to take back."""

    action_name = "action_ask_unbind_which"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer each household, and all."""
        buttons = [
            texts.inform_button(texts.line("and").join(one.children), policy=one.numbers[0])
            for one in _households(turn)
        ]
        everything = texts.inform_button(texts.line("everything"), policy=ALL)
        turn.say("ask_unbind_which", buttons=[*buttons, everything])
        return []


class ActionAskUnbindConfirm(ServiceAction):
    """Sums up what unbinding means."""

    action_name = "action_ask_unbind_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Name the children who are no longer seen; ask."""
        chosen = _chosen(turn)
        children = list(dict.fromkeys(child for one in chosen for child in one.children))
        turn.say(
            "confirm_unbind_together" if len(children) > 1 else "confirm_unbind",
            children=texts.line("and").join(children),
        )
        return []


def _chosen(turn: Turn) -> list[BoundHousehold]:
    which = turn.slot("unbind_which")
    return [one for one in _households(turn) if which in (ALL, *one.numbers)]


class ActionSubmitUnbind(Submit):
    """Takes the binding back and forgets all that the conversation knew of it."""

    form_class = UnbindForm

    def handle(self, turn: Turn) -> list[Event]:
        """Unbind if confirmed; other tasks go on only where they are not about it."""
        if not self.complete(turn) or turn.slot("unbind_confirm") is False:
            return super().handle(turn)
        which = turn.slot("unbind_which")
        done = service.unbind(
            turn.store,
            get_files(),
            identity_id=turn.identity.id,
            numbers=None if which == ALL else [which],
            now=turn.now,
        )
        turn.say(
            "unbound_some" if done.left else "unbound",
            children=texts.line("and").join(done.children),
            left=texts.line("and").join(done.left),
        )
        bound = identities.choices(turn.store, turn.identity.id)
        if bound and turn.slot("policy") in [c.number for c in bound]:
            return close_form(turn, UnbindForm.slots)
        return forgotten(turn)

    def submit(self, turn: Turn) -> str | None:
        """Do nothing more: a no is answered by the base class."""
        return None


def forgotten(turn: Turn) -> list[Event]:
    """Return events that empty the conversation of every answer, open forms included."""
    slots: dict[str, Any] = turn.tracker.slots
    filled = [name for name, value in slots.items() if value is not None]
    kept = {"requested_slot", "session_started_metadata"}
    events: list[Event] = [SlotSet(name, None) for name in filled if name not in kept]
    return [*events, ActiveLoop(None), SlotSet("requested_slot", None)]
