"""Binding the e-card, and choosing which child is meant (手册·绑卡流程 E1)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import texts
from actions.children import left_out, meant, policy_of
from actions.forms import ANSWERS, Form, Found, Submit, end_early, entity_spans
from actions.turn import Event, ServiceAction, Turn, open_form, policy_buttons, resume
from bot.rules.benefits import normalise_phone
from bot.rules.codes import CODE_DIGITS
from bot.services import binding as service
from bot.services import identity as identities
from bot.services.binding import CodeAnswer
from bot.services.identity import PolicyChoice
from bot.services.sms import sms_sender
from bot.settings import get_settings

NAME = re.compile(
    r"(叫做?|名字|姓名|大名|真名|全名|我是|宝宝|宝贝|孩子|小孩|娃)\s*(?:是|叫|[::])?\s*"
    r"([一-鿿·]{2,15}?)(?=$|[,，。、;；!！\s\d(（]|手机|电话|号码|的)"
)
# After these a name follows; after "孩子" anything may.
NAMING = re.compile(r"叫|名|姓名")
BEFORE_NAME = re.compile(
    r"^(?:的|名字|姓名|大名|不对|错了|应该|就是|是|叫做?|我要|我想|帮我|请|麻烦|绑定|绑卡|绑|电子卡|保单|手机号?|电话"
    r"|我家|我|她|他|孩子|小孩|宝宝|宝贝|娃|女儿|儿子)+"
)
AFTER_NAME = re.compile(r"[呀啊哦吧呢哟哈]$")
PLAIN_NAME = re.compile(r"^[一-鿿]{2,6}$|^[一-鿿]+(?:·[一-鿿]+)+$|^[A-Za-z][A-Za-z .'-]{1,40}$")
SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
    "施陶洪严翁柳岳兰齐季欧褚卫华章柏葛纪舒项祝阮闵蓝路娄童颜梅盛霍凌裴翟焦鲍樊"
)
TWO_SIGN_SURNAMES = ("欧阳", "司马", "诸葛", "上官", "司徒", "夏侯", "皇甫", "慕容", "令狐", "东方")
AGAIN = re.compile(r"重发|重新发|再发|没收到|没有收到|收不到|没来|过期|失效|resend", re.IGNORECASE)
SHORT = 12
QUESTION = re.compile(r"吗|怎么|什么|啥|哪|多少|多久|几[个岁点天]|能不能|可不可以|[?？]")
# Binding does not work out, and the form's question alone is no answer to that.
TROUBLE = re.compile(r"忘|记不|不记得|停用|注销|换了|绑不上|绑不了|失败|提示|不一致|查无|点不动")
WRONG_PHONE = re.compile(
    r"(?:手机|号码|电话).{0,4}(?:错|不对|换|改)|(?:错|换|改).{0,3}(?:手机|号码|电话)"
)
WRONG_NAME = re.compile(
    r"(?:名字|姓名|孩子名).{0,4}(?:错|不对|换|改)|(?:错|换|改).{0,3}(?:名字|姓名)"
)
DIGITS = re.compile(r"[\d\s+()（）-]+")
NOT_A_NAME = re.compile(
    r"^(不|没|什么|为什么|怎么|好的|可以|谢谢|你好|绑|马上|方便|万一|常用|何时|等|金额|文件|安全|重发|再发|手机|号码|写|错|填|打|输)"
)
# No part of a name that begins with no surname known here.
NO_NAME_SIGN = re.compile(r"[我你他她的了不是在有没吗要呃哦啊嗯哈呀那这个]")
SPACED = re.compile(
    r"(?:(?<=叫)|(?<=是)|(?<![一-鿿]))([一-鿿])\s+([一-鿿](?:\s*[一-鿿])?)(?![一-鿿])"
)
# The parent says that an answer given before is wrong, not yet what is right.
FORGET = ""

# "刚才那个是沐宸的还是沐瑶的" asks; it changes nothing.
WHICH = re.compile(r"还是[^,，。]{1,6}[的?？啊呢]|是谁|哪个孩子的|哪份|谁的")
SWITCH = re.compile(r"换|切|改|转|调|要看|看看|说说|我要")
OTHER_ONE = re.compile(r"另一?[份张个]|另外|旧的|新的|别的")


class ActionBindCard(ServiceAction):
    """Begins binding."""

    action_name = "action_bind_card"

    def handle(self, turn: Turn) -> list[Event]:
        """Keep the name and phone said, open the form; or ask again if it is open."""
        if TROUBLE.search(turn.text):
            turn.say("bind_trouble")
        if turn.form == BindForm.form:
            return resume(turn)
        if turn.choices:
            children = list(dict.fromkeys(c.child for c in turn.choices))
            turn.say("bind_another", children=texts.line("and").join(children))
        form = BindForm()
        said: list[Event] = [SlotSet(slot, None) for slot in (*form.slots, *form.scratch)]
        for slot, value in form.find(turn, None).values.items():
            said.append(SlotSet(slot, form.accept(turn, slot, value, {}) or None))
        return [*said, *open_form(turn, BindForm.form)]


class BindForm(Form):
    """The child's name as insured, the phone given at purchase, the code."""

    form = "bind_form"
    slots = ("bind_child_name", "bind_phone", "bind_code")
    scratch = ("bind_request",)
    own = frozenset({"bind_card", "switch_policy"})

    def handle(self, turn: Turn) -> list[Event]:
        """Do as every form; on opening say if locked, and send the code if all is known."""
        if turn.fresh:
            return super().handle(turn)
        values = {slot: turn.slot(slot) for slot in (*self.slots, *self.scratch)}
        if values["bind_child_name"] is None:
            until = service.locked_until(turn.store, identity_id=turn.identity.id, now=turn.now)
            if until is not None:
                turn.say("bind_locked", until=texts.moment(until, turn.now))
                return end_early()
        return self.ending(turn, values) or [self._next(turn, values)]

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take "重发" for what was asked to be said."""
        return asked == "bind_code" and len(turn.text) <= SHORT and bool(AGAIN.search(turn.text))

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a name, a phone and a code, a wish for a new code, or what is wrong."""
        found = Found()
        text = turn.text
        whole = (0, len(text))
        question = bool(QUESTION.search(text))
        phone, code = turn.entity("phone"), turn.entity("code")
        if phone is not None:
            found.add("bind_phone", str(phone), *entity_spans(turn, "phone"))
        elif asked == "bind_phone" and DIGITS.fullmatch(text):
            found.add("bind_phone", text, whole)
        elif WRONG_PHONE.search(text) and not question and turn.slot("bind_phone"):
            found.add("bind_phone", FORGET, whole)
        if asked == "bind_code" and phone is None:
            if AGAIN.search(text) and not question:
                found.add("bind_request", "again", whole)
            elif code is not None:
                found.add("bind_code", str(code), *entity_spans(turn, "code"))
            elif DIGITS.fullmatch(text):
                found.add("bind_code", text, whole)
        named = _name_in(text, turn, asked)
        if named is not None:
            found.add("bind_child_name", named, whole)
        elif WRONG_NAME.search(text) and not question and turn.slot("bind_child_name"):
            found.add("bind_child_name", FORGET, whole)
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check a phone's form, and a code against the one sent."""
        if value == FORGET:
            return None
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
        if sent.next_at is not None:
            # Told to the minute, and never too early.
            until = texts.moment(sent.next_at + timedelta(seconds=59), turn.now)
            turn.say("code_too_soon", until=until)
            same = all(values[s] == turn.slot(s) for s in ("bind_child_name", "bind_phone"))
            # The code sent before may still be good.
            before = turn.slot("bind_request") if same else None
            return [SlotSet("bind_request", before), SlotSet("requested_slot", "bind_code")]
        if sent.shown_code is not None:
            turn.say("demo_code", code=sent.shown_code)
        values["bind_request"] = sent.request_id
        return [SlotSet("bind_request", sent.request_id), SlotSet("requested_slot", "bind_code")]

    def _verify(self, turn: Turn, code: str, values: dict[str, Any]) -> str | None:
        if values.get("bind_request") is None:
            return None
        code = re.sub(r"\s", "", code)
        if len(code) != CODE_DIGITS:
            turn.say("code_not_six")
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
    phones = entity_spans(turn, "phone")
    for start, end in sorted(phones, reverse=True):
        rest = rest[:start] + " " + rest[end:]
    rest = re.sub(r"[（(][^）)]*[)）]", " ", rest)
    rest = re.sub(r"[•・‧∙⋅●.．](?=[一-鿿])", "·", rest)
    if DIGITS.fullmatch(rest) or QUESTION.search(rest):
        return None
    # "王 小 满" is one name; "王小满 语文的语" is not.
    rest = SPACED.sub(lambda m: m.group(1) + re.sub(r"\s", "", m.group(2)), rest)
    for said in NAME.finditer(rest):
        name = _trimmed(said.group(2))
        explicit = bool(NAMING.search(rest, said.start(), said.start(2)))
        if _like_a_name(name) and (has_surname(name) or (explicit and turn.intent in ANSWERS)):
            return name
    if asked is None and not phones:
        return None
    parts = [rest.strip()] if rest.isascii() else re.split(r"[,，。、;；!！~\s]+", rest)
    names = [name for name in map(_trimmed, parts) if _like_a_name(name)]
    if not names:
        return None
    if asked == "bind_child_name" and (turn.intent == "inform" or names[0].isascii()):
        return names[0]
    # A request in a few words looks like a name; a name seldom looks like a request.
    sure = [name for name in names if has_surname(name)]
    if asked == "bind_child_name" or phones or turn.intent in ANSWERS:
        return sure[0] if sure else None
    return None


def _trimmed(part: str) -> str:
    name = BEFORE_NAME.sub("", part.strip())
    return AFTER_NAME.sub("", name) if len(name) > len("王小满") else name


def _like_a_name(name: str) -> bool:
    if not PLAIN_NAME.match(name) or NOT_A_NAME.match(name):
        return False
    return has_surname(name) or not NO_NAME_SIGN.search(name)


def has_surname(name: str) -> bool:
    """Tell whether a Chinese name of usual length begins with a common surname."""
    if name.startswith(TWO_SIGN_SURNAMES):
        return len(name) <= len("欧阳若溪")
    return 1 < len(name) <= len("王小满") + 1 and name[0] in SURNAMES


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


def _remaining(turn: Turn, denied: list[str]) -> PolicyChoice | None:
    """Return the one policy of a child who was not left out; ``None`` if there are several."""
    rest = [c for c in turn.choices if c.child not in denied]
    return rest[0] if len(rest) == 1 else None


class PolicyForm(Form):
    """Which child."""

    form = "policy_form"
    slots = ("policy",)
    own = frozenset({"switch_policy"})

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a bound child's name or a position in the list."""
        found = Found()
        denied = left_out(turn.text, turn.choices)
        named = _remaining(turn, denied) if denied else turn.child_named()
        if named is not None:
            found.add("policy", named.number, (0, len(turn.text)))
            return found
        plan = turn.entity("plan")
        of_plan = [c for c in turn.choices if c.plan == plan]
        if len(of_plan) == 1:
            found.add("policy", of_plan[0].number, (0, len(turn.text)))
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


class ActionTellPolicy(ServiceAction):
    """Tells which child and policy the conversation is about; changes nothing."""

    action_name = "action_tell_policy"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell it, offer the others."""
        if not turn.choices:
            turn.say("no_policies")
            return resume(turn)
        known = turn.slot("policy") if len(turn.choices) > 1 else turn.choices[0].number
        current = next((c for c in turn.choices if c.number == known), None)
        others = [b for b in policy_buttons(turn) if known is None or known not in b["payload"]]
        if current is None:
            turn.say("policy_not_chosen", buttons=others)
        else:
            turn.say("policy_now", child=current.child, plan=current.plan, buttons=others)
        return resume(turn)


class ActionSwitchPolicy(ServiceAction):
    """Changes the child that the conversation is about."""

    action_name = "action_switch_policy"

    def handle(self, turn: Turn) -> list[Event]:
        """Take the child named last, else the policy of the plan named, else the other of two."""
        if not turn.choices:
            return [SlotSet("pending_task", self.action_name), *open_form(turn, "bind_form")]
        if len(turn.choices) == 1:
            only = turn.choices[0]
            turn.say("only_one_policy", child=only.child, plan=only.plan)
            return [SlotSet("pending_task", None), *resume(turn)]
        if WHICH.search(turn.text) and not SWITCH.search(turn.text):
            return [FollowupAction(ActionTellPolicy.action_name)]
        named = self._named(turn)
        if named is None:
            events: list[Event] = [SlotSet("policy", None), SlotSet("pending_task", None)]
            return [*events, *open_form(turn, PolicyForm.form)]
        identities.choose(turn.store, turn.identity.id, named.number)
        turn.say("policy_chosen", child=named.child, plan=named.plan)
        return [SlotSet("policy", named.number), SlotSet("pending_task", None), *resume(turn)]

    @staticmethod
    def _named(turn: Turn) -> PolicyChoice | None:
        plan = turn.entity("plan")
        of_plan = [c for c in turn.choices if c.plan == plan]
        if len(of_plan) == 1:
            return of_plan[0]
        denied = left_out(turn.text, turn.choices)
        if denied:
            return _remaining(turn, denied)
        named = turn.child_named()
        if named is None:
            # "老大的问完了，下面说老二的": the one named last.
            last = meant(turn.text, turn.choices)[-1:]
            today = turn.now.date()
            named = policy_of(last[0], turn.choices, None, today) if last else None
        others = [c for c in turn.choices if c.number != turn.slot("policy")]
        of_child = [c for c in others if named is not None and c.child == named.child]
        if named is not None and named.number == turn.slot("policy") and len(of_child) == 1:
            # "换沐宸的另一份": the same child's other policy.
            return of_child[0] if OTHER_ONE.search(turn.text) else named
        return others[0] if named is None and len(others) == 1 else named
