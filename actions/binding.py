"""Binding the e-card, and choosing which child is meant (手册·绑卡流程 E1)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import ANSWERS, Form, Found, Submit, end_early, entity_spans
from actions.turn import Event, ServiceAction, Turn, open_form, policy_buttons, resume
from bot.rules.benefits import normalise_phone
from bot.services import binding as service
from bot.services import identity as identities
from bot.services.binding import CodeAnswer
from bot.services.sms import sms_sender
from bot.settings import get_settings

NAME = re.compile(
    r"(?:叫做?|名字(?:是|叫)?|姓名(?:是|[::])?|我是|宝宝|孩子|小孩|娃)\s*(?:是|叫)?\s*"
    r"([一-鿿·]{2,8}?)(?=$|[,，。、\s\d]|手机|电话|的)"
)
PLAIN_NAME = re.compile(r"^[一-鿿·]{2,6}$|^[A-Za-z][A-Za-z .'-]{1,40}$")
SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
AGAIN = re.compile(r"重发|重新发|再发|没收到|没有收到|收不到|过期|resend", re.IGNORECASE)
NOT_A_NAME = re.compile(r"^(不知道|不清楚|什么|为什么|怎么|没有|好的|可以|谢谢|你好|绑定|绑卡)")


class ActionBindCard(ServiceAction):
    """Begins binding."""

    action_name = "action_bind_card"

    def handle(self, turn: Turn) -> list[Event]:
        """Open the form, or ask again if it is open."""
        if turn.form == BindForm.form:
            return resume(turn)
        return open_form(turn, BindForm.form)


class BindForm(Form):
    """The child's name as insured, the phone given at purchase, the code."""

    form = "bind_form"
    slots = ("bind_child_name", "bind_phone", "bind_code")
    scratch = ("bind_request",)
    own = frozenset({"bind_card", "switch_policy"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a name, a phone and a code; ask for a new code on request."""
        found = Found()
        text = turn.text
        phone = turn.entity("phone")
        if phone is not None:
            found.add("bind_phone", str(phone), *entity_spans(turn, "phone"))
        code = turn.entity("code")
        if asked == "bind_code":
            if AGAIN.search(text):
                found.add("bind_request", "again")
            elif code is not None:
                found.add("bind_code", str(code), *entity_spans(turn, "code"))
        named = _name_in(text, turn, asked)
        if named is not None:
            found.add("bind_child_name", named, (0, len(text)))
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check a phone's form, and a code against the one sent."""
        if slot == "bind_phone":
            try:
                return normalise_phone(str(value))
            except ValueError:
                turn.say("phone_invalid")
                return None
        if slot == "bind_code":
            return self._verify(turn, str(value), values)
        if slot == "bind_request":
            return None
        return value

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """A new name or phone makes the code sent before worthless."""
        return {"bind_request": None} if slot in ("bind_child_name", "bind_phone") else {}

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Send a code once name and phone are known; leave when locked."""
        if values.get("bind_code") == "locked":
            return end_early()
        ready = values.get("bind_child_name") and values.get("bind_phone")
        if not ready or values.get("bind_request") is not None:
            return None
        settings = get_settings()
        sent = service.request_code(
            turn.store,
            sms_sender(settings),
            settings.code_secret.get_secret_value(),
            identity_id=turn.identity.id,
            child_name=values["bind_child_name"],
            phone=values["bind_phone"],
            now=turn.now,
        )
        if sent.locked_until is not None:
            turn.say("bind_locked", until=texts.moment(sent.locked_until, turn.now))
            return [SlotSet("bind_code", "locked"), *end_early()]
        if sent.shown_code is not None:
            turn.say("demo_code", code=sent.shown_code)
        values["bind_request"] = sent.request_id
        return [SlotSet("bind_request", sent.request_id), SlotSet("requested_slot", "bind_code")]

    def _verify(self, turn: Turn, code: str, values: dict[str, Any]) -> str | None:
        if values.get("bind_request") is None:
            return None
        result = service.verify_code(
            turn.store,
            get_settings().code_secret.get_secret_value(),
            identity_id=turn.identity.id,
            request_id=int(values["bind_request"]),
            code=code,
            now=turn.now,
        )
        if result.answer is CodeAnswer.BOUND:
            return "bound"
        if result.answer is CodeAnswer.LOCKED:
            until = texts.moment(result.locked_until, turn.now) if result.locked_until else ""
            turn.say("bind_locked", until=until)
            return "locked"
        if result.answer is CodeAnswer.EXPIRED:
            turn.say("code_expired")
        else:
            turn.say("code_wrong", left=result.tries_left)
        return None


def _name_in(text: str, turn: Turn, asked: str | None) -> str | None:
    rest = text
    for start, end in sorted(entity_spans(turn, "phone"), reverse=True):
        rest = rest[:start] + " " + rest[end:]
    said = NAME.search(rest)
    if said:
        return said.group(1)
    if asked != "bind_child_name" and not entity_spans(turn, "phone"):
        return None
    plain = re.sub(r"[,，。、!！~\s]+", " " if rest.isascii() else "", rest).strip()
    plain = re.sub(r"(手机号?码?|电话|号码)[是::]?", "", plain)
    if not PLAIN_NAME.match(plain) or NOT_A_NAME.match(plain):
        return None
    # A request in a few words looks like a name; a name seldom looks like a request.
    looks_like_one = turn.intent in ANSWERS or (len(plain) <= 4 and plain[0] in SURNAMES)
    return plain if looks_like_one else None


class ActionSubmitBind(Submit):
    """Tells who is bound, and goes on with what the parent came for."""

    form_class = BindForm

    def complete(self, turn: Turn) -> bool:
        """Only a verified code completes binding."""
        return bool(turn.slot("bind_code") == "bound")

    def submit(self, turn: Turn) -> str | None:
        """Welcome the parent."""
        children = list(dict.fromkeys(c.child for c in turn.choices))
        turn.say("bound", children=texts.line("and").join(children))
        pending = turn.slot("pending_task")
        if pending is None and not turn.slot("paused_forms"):
            turn.say("bound_next")
        return str(pending) if pending else None


class PolicyForm(Form):
    """Which child."""

    form = "policy_form"
    slots = ("policy",)
    own = frozenset({"switch_policy"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a bound child's name or a position in the list."""
        found = Found()
        named = turn.child_named()
        if named is not None:
            found.add("policy", named.number, (0, len(turn.text)))
            return found
        position = texts.ordinal(turn.text)
        if position is not None and position <= len(turn.choices):
            found.add("policy", turn.choices[position - 1].number, (0, len(turn.text)))
        return found


class ActionAskPolicy(ServiceAction):
    """Asks which child is meant."""

    action_name = "action_ask_policy"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the bound children."""
        turn.say("which_child", buttons=policy_buttons(turn))
        return []


class ActionSubmitPolicy(Submit):
    """Goes on with what the child was needed for."""

    form_class = PolicyForm

    def submit(self, turn: Turn) -> str | None:
        """Remember the choice for this chat account."""
        chosen = identities.choose(turn.store, turn.identity.id, turn.slot("policy"))
        pending = turn.slot("pending_task")
        if pending is None:
            turn.say("policy_chosen", child=chosen.child, plan=chosen.plan)
        return str(pending) if pending else None


class ActionSwitchPolicy(ServiceAction):
    """Changes the child that the conversation is about."""

    action_name = "action_switch_policy"

    def handle(self, turn: Turn) -> list[Event]:
        """Take the child named, else the other of two, else ask."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        if len(turn.choices) == 1:
            only = turn.choices[0]
            turn.say("only_one_policy", child=only.child, plan=only.plan)
            return [SlotSet("pending_task", None), *resume(turn)]
        named = turn.child_named()
        others = [c for c in turn.choices if c.number != turn.slot("policy")]
        if named is None and len(others) == 1:
            named = others[0]
        if named is None:
            events: list[Event] = [SlotSet("policy", None), SlotSet("pending_task", None)]
            return [*events, *open_form(turn, PolicyForm.form)]
        identities.choose(turn.store, turn.identity.id, named.number)
        turn.say("policy_chosen", child=named.child, plan=named.plan)
        return [SlotSet("policy", named.number), SlotSet("pending_task", None), *resume(turn)]
