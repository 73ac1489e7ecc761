"""Complaints and suggestions, in the parent's words (手册·电子保险卡 E2)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit, says_no
from actions.requests import actions_of_intents
from actions.turn import Event, ServiceAction, Turn, close_form, open_form, resume
from bot.rules.complaints import complaint_due
from bot.services import complaints as service
from bot.services.complaints import ComplaintView
from bot.services.errors import Refused

# "我要投诉" says that, not what about.
BARE = re.compile(
    r"(?:你好|您好|喂|那|我|就|真的?|再|还|现在|必须|一定)*(?:要|想|有)?(?:怎么|去哪|如何)?"
    r"(?:投诉|提(?:一?[个点条])?(?:意见|建议)|反映(?:一?个)?(?:问题|情况)|举报|意见|建议)"
    r"(?:建议)?(?:你们|一下|一个|你|啊|吧|呢|要提|想提)*"
)
SUGGESTS = re.compile(r"建议|希望|能不能|可不可以|最好|要是能|如果能|增加|加上|改进|优化")
COMPLAINS = re.compile(
    r"投诉|举报|太?差|慢|生气|气死|气人|骗|态度|没人|不满|垃圾|坑|失望|推诿|踢皮球|凭什么|白跑|过分|恶心|敷衍|拖|"
    r"不接|不理|忽悠|糊弄|离谱|无语|破"
)
PUNCTUATION = " ,，。.!！~～?？\n"
SHORTEST = 4
LONGEST = 2000
SHOWN = 70
SHORT = 8
# Said in a few words, these are no complaint but what they look like.
OTHER_WISHES = frozenset(
    "stop talk_to_human greet thank goodbye help bot_challenge affirm deny".split()
)
MORE_INTENTS = frozenset({"file_complaint", "inform", "nlu_fallback", "out_of_scope"})
# What a message that takes a complaint back cannot mean by itself.
NOT_MEANT = (OTHER_WISHES - {"talk_to_human"}) | MORE_INTENTS
MORE = re.compile(r"^(?:还有|另外|而且|再加|补充|再补充|对了|加上|再说)")
INSTEAD = re.compile(
    r"^(?:不对|不是|错了|写错了?|说错了?|改一下|改成|改为|换成|重写|重新写)[,，。:：\s]*"
    r"(?:应该|改成|改为|写成?|就?写|是)*[:：,，\s]*(?P<text>.{4,})",
    re.DOTALL,
)
REWRITE = re.compile(
    r"(?:我|要|想|这|内容|先|得|需要|重新写|重写|写错了?|说错了?|不对|改一下|改改|改一改|重新说|换个说法|"
    r"一下|一遍|吧|了|啊|[,，、\s])+"
)
QUESTION = re.compile(r"[?？]|多久|什么时候|吗$|怎么")
ADDING = re.compile(
    r"^.*?(?:补充|追加|再加|再说)(?:一下|一点|点|一句|几句|说明|几点)*[^:：,，。]{0,10}[:：,，。]\s*",
    re.DOTALL,
)
# "不对 不是投诉 是想问发票丢了": no complaint at all.
DISOWNED = re.compile(
    r"(?:不对|不是|错了|弄错了|搞错了|哎呀?|诶|唉|啊|等等|等一下|[,，。!！~～\s])*(?:我|这)?(?:并)?"
    r"(?:不是|不|没有?)(?:要|想|来|打算|在)*(?:投诉|举报|提意见|提建议)(?:你们|谁|啦|了|呀|啊)*"
    r"(?P<rest>(?!.*(?:投诉|举报|不行)).*)",
    re.DOTALL,
)
REFERENCE = re.compile(r"(?<![A-Za-z0-9])[Ff][- ]?(\d{5})(?!\d)")
ASK_AGAIN = ""
FORGOTTEN = ("complaint_text", "complaint_confirm", "complaint_kind", "complaint_reference")


def kind_of(text: str) -> str:
    """Tell a suggestion from a complaint by its words; in doubt it is a complaint."""
    suggests = SUGGESTS.search(text) and not COMPLAINS.search(text)
    return "suggestion" if suggests else "complaint"


def number_in(text: str) -> str | None:
    """Return the complaint's number in a message."""
    said = REFERENCE.search(text)
    return f"F{said.group(1)}" if said else None


class ActionFileComplaint(ServiceAction):
    """Begins writing down a complaint or suggestion."""

    action_name = "action_file_complaint"

    def handle(self, turn: Turn) -> list[Event]:
        """Keep what was said, open the form; ask again if it is open."""
        if turn.form == ComplaintForm.form:
            return resume(turn)
        text = turn.text.strip()
        bare = not text or BARE.fullmatch(text.strip(PUNCTUATION)) is not None
        events: list[Event] = [SlotSet(name, None) for name in FORGOTTEN]
        if bare and kind_of(text) == "suggestion":
            events.append(SlotSet("complaint_kind", "suggestion"))
        elif not bare and turn.intent == "file_complaint":
            events.append(SlotSet("complaint_text", text[:LONGEST]))
        return [*events, *open_form(turn, ComplaintForm.form)]


class ComplaintForm(Form):
    """The parent's words, confirmation."""

    form = "complaint_form"
    slots = ("complaint_text", "complaint_confirm")
    scratch = ("complaint_kind", "complaint_reference")
    own = frozenset({"file_complaint"})
    confirm = "complaint_confirm"

    def handle(self, turn: Turn) -> list[Event]:
        """Leave when it was no complaint, and serve what was meant; else as every form."""
        instead = DISOWNED.fullmatch(turn.text.strip()) if turn.fresh else None
        urgent = turn.intent == "report_emergency"
        if instead is None or urgent or COMPLAINS.search(instead["rest"]):
            return super().handle(turn)
        then = None if turn.intent in NOT_MEANT else actions_of_intents().get(turn.intent)
        if then is None:
            turn.say("complaint_dropped")
        return close_form(turn, (*self.slots, *self.scratch), then=then)

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take any words for the complaint where it is asked for, and more of it afterwards."""
        if asked == "complaint_text":
            return _tells(turn)
        return asked == self.confirm and turn.intent == "file_complaint" and bool(turn.text)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Take the whole message; at the summary, what is changed or added."""
        found = Found()
        text = turn.text.strip()
        whole = (0, len(turn.text))
        if asked == "complaint_text" and _tells(turn):
            found.add("complaint_text", text[:LONGEST], whole)
        elif asked == self.confirm and text and not says_no(text):
            instead = INSTEAD.match(text)
            if REWRITE.fullmatch(text.strip(PUNCTUATION)):
                found.add("complaint_text", ASK_AGAIN, whole)
            elif instead is not None:
                found.add("complaint_text", instead["text"].strip()[:LONGEST], whole)
            elif MORE.match(text) or _goes_on(turn):
                more = f"{turn.slot('complaint_text')}\n{text}"[:LONGEST]
                found.add("complaint_text", more, whole)
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Ask again for what is to be written anew."""
        return None if value == ASK_AGAIN else value

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        return "complaint_text" not in found.values and super()._aside(turn, asked, found)


def _tells(turn: Turn) -> bool:
    text = turn.text.strip(PUNCTUATION)
    if len(text) < SHORTEST or BARE.fullmatch(text):
        return False
    return not (turn.intent in OTHER_WISHES and len(text) <= SHORT)


def _goes_on(turn: Turn) -> bool:
    text = turn.text.strip(PUNCTUATION)
    told = turn.intent in MORE_INTENTS and len(text) >= SHORTEST and not BARE.fullmatch(text)
    return told and (turn.intent == "file_complaint" or not QUESTION.search(turn.text))


class ActionAskComplaintConfirm(ServiceAction):
    """Sums up what will be written down, and by when it is answered."""

    action_name = "action_ask_complaint_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Quote the beginning, tell the due time, ask."""
        text = str(turn.slot("complaint_text"))
        quoted = text if len(text) <= SHOWN else texts.line("shortened", text=text[:SHOWN])
        reference = turn.slot("complaint_reference")
        if reference is not None:
            turn.say("confirm_complaint_note", reference=reference, text=quoted)
            return []
        kind = texts.word("complaint_kind", _kind(turn))
        due = texts.moment(complaint_due(turn.now), turn.now)
        turn.say("confirm_complaint", kind=kind, text=quoted, due=due)
        return []


def _kind(turn: Turn) -> str:
    text = str(turn.slot("complaint_text"))
    asked_to_suggest = turn.slot("complaint_kind") == "suggestion"
    return "suggestion" if asked_to_suggest and not COMPLAINS.search(text) else kind_of(text)


class ActionSubmitComplaint(Submit):
    """Writes it down, or adds it to what was filed before."""

    form_class = ComplaintForm

    def submit(self, turn: Turn) -> str | None:
        """Tell number and due time."""
        reference = turn.slot("complaint_reference")
        if reference is None or not self._added(turn, str(reference)):
            self._file(turn)
        return None

    @staticmethod
    def _added(turn: Turn, reference: str) -> bool:
        try:
            seen = service.add_to_complaint(
                turn.store,
                identity_id=turn.identity.id,
                reference=reference,
                text=turn.slot("complaint_text"),
                now=turn.now,
            )
        except Refused:
            # Answered in the meantime: a complaint of its own then.
            turn.say("complaint_closed", reference=reference)
            return False
        turn.say("complaint_added", reference=reference, due=texts.moment(seen.due_at, turn.now))
        return True

    @staticmethod
    def _file(turn: Turn) -> None:
        seen, new = service.file_complaint(
            turn.store,
            identity_id=turn.identity.id,
            kind=_kind(turn),
            text=turn.slot("complaint_text"),
            now=turn.now,
            number=turn.slot("policy"),
        )
        turn.say(
            "complaint_already"
            if not new
            else "suggestion_filed"
            if seen.kind == "suggestion"
            else "complaint_filed",
            reference=seen.reference,
            due=texts.moment(seen.due_at, turn.now),
        )


class ActionCheckComplaint(ServiceAction):
    """Tells how the account's own complaints stand."""

    action_name = "action_check_complaint"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the one that is named, else all."""
        seen = _own(turn)
        named = number_in(turn.text)
        told = [c for c in seen if c.reference == named] if named else list(seen)
        if named and not told:
            turn.say("complaint_unknown", reference=named)
        elif not told:
            turn.say("no_complaints")
        else:
            lines = "\n".join(_line(turn, complaint) for complaint in told)
            waiting = any(c.status != "resolved" for c in told)
            turn.say("complaints_open" if waiting else "complaints_answered", lines=lines)
        return resume(turn)


def _own(turn: Turn) -> tuple[ComplaintView, ...]:
    return service.own_complaints(turn.store, identity_id=turn.identity.id)


def _line(turn: Turn, seen: ComplaintView) -> str:
    today = turn.now.date()
    line = texts.line(
        "complaint_answered" if seen.answer else "complaint_waiting",
        reference=seen.reference,
        kind=texts.word("complaint_kind", seen.kind),
        day=texts.day(seen.received_at.date(), today),
        status=texts.word("complaint_status", seen.status),
        due=texts.moment(seen.due_at, turn.now),
        answer=seen.answer or "",
    )
    late = seen.answer is None and seen.due_at < turn.now
    return line + texts.line("complaint_overdue") if late else line


class ActionAddComplaint(ServiceAction):
    """Begins adding to a complaint that is still open."""

    action_name = "action_add_complaint"

    def handle(self, turn: Turn) -> list[Event]:
        """Take the complaint named, else the newest open one; without one begin a new one."""
        if turn.form == ComplaintForm.form:
            return resume(turn)
        named = number_in(turn.text)
        mine = [c for c in _own(turn) if named in (None, c.reference)]
        if named and not mine:
            turn.say("complaint_unknown", reference=named)
            return resume(turn)
        waiting = [c for c in mine if c.status != "resolved"]
        if not waiting:
            turn.say("complaint_nothing_open")
        said = ADDING.sub("", turn.text).strip() if ADDING.match(turn.text) else ""
        events: list[Event] = [SlotSet(name, None) for name in FORGOTTEN]
        events.append(SlotSet("complaint_text", said[:LONGEST] if len(said) >= SHORTEST else None))
        events.append(SlotSet("complaint_reference", waiting[0].reference if waiting else None))
        return [*events, *open_form(turn, ComplaintForm.form)]
