"""Calls that a parent waits for: how they stand, and taking one back (手册·医疗服务 M1)."""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import REDIRECTS, Event, ServiceAction, Turn, open_form, resume
from bot.services import consultations as service
from bot.services.consultations import ConsultationView
from bot.services.errors import NotFound, Refused

STATUS = "action_call_backs"
CANCEL = "action_cancel_call_back"
MOST = 5
_DOCTOR = r"(?:医生|大夫|儿科医生|回电|来电|电话问诊|问诊的?电话|电话)"
ASKS = re.compile(
    rf"{_DOCTOR}[^,，。]{{0,8}}(?:什么时候|啥时候?|几点|多久|还要?等|怎么还|咋还|还没|没(?:有)?(?:打|来|回)|打(?:了|来|过来)[没吗么]|"
    r"来了[没吗么]|到哪|进度|进展|忘了)|"
    rf"(?:什么时候|啥时候?|几点|多久|怎么还|咋还|还没|没人|没有人)[^,，。]{{0,8}}(?:回电|回(?:个)?电话|打(?:给|电话|过来|来)|{_DOCTOR}[^,，。]{{0,4}}(?:打|来|回))"
)
# "医生一般多久回电" asks what the rule is, not for the own call.
IN_GENERAL = re.compile(
    r"一般|通常|登记(?:后|之后|以后)|申请(?:后|之后|以后)|如果|假如|要是|规定|最晚几"
)
TAKES_BACK = re.compile(
    r"(?:不用|不要|别|不需要|甭|取消|撤回|撤掉|撤销|算了)[^,，。]{0,6}(?:回电|回电话|电话问诊|医生|大夫|打(?:电话|过来|来|了)?)|"
    r"(?:回电|电话问诊|医生电话|问诊)[^,，。]{0,8}(?:取消|不用了|不要了|撤了|撤回|撤掉|不需要了)"
)
AGAIN = re.compile(
    r"(?:对|是的?|嗯+|好的?|就|确认)*[,，]?(?:取消(?:吧|掉|了)*|别打了吧?|不用(?:医生)?打了|不用回电了?)"
)
OTHERS = re.compile(r"客服|人工|投诉|挂号|预约|理赔|报销|疫苗|心理")


def asked(turn: Turn) -> str | None:
    """Return the action for a message about an own call, if it is about one."""
    said = str(turn.entity("reference") or "")
    if said and not said.startswith("T"):
        return None
    if turn.form in ("consult_form", CallBackForm.form) or OTHERS.search(turn.text):
        return None
    takes_back = TAKES_BACK.search(turn.text) is not None
    if not said and not takes_back and not _asks(turn):
        return None
    if not turn.choices:
        return None
    known = service.call_backs(turn.store, identity_id=turn.identity.id, now=turn.now)
    if said and known:
        return CANCEL if takes_back or turn.intent == "cancel_appointment" else STATUS
    if takes_back:
        return CANCEL if any(seen.open for seen in known) else None
    return STATUS if known else None


def _asks(turn: Turn) -> bool:
    return ASKS.search(turn.text) is not None and IN_GENERAL.search(turn.text) is None


REDIRECTS.append(asked)


def _line(turn: Turn, seen: ConsultationView) -> str:
    return texts.line(
        "call_back",
        reference=seen.reference,
        child=seen.child,
        symptom=seen.symptom,
        status=texts.word("call_back_status", "late" if seen.late else seen.status),
        due=texts.moment(seen.due_at, turn.now),
    )


class ActionCallBacks(ServiceAction):
    """Tells how the account's calls stand."""

    action_name = STATUS

    def handle(self, turn: Turn) -> list[Event]:
        """List the open ones; if there are none, the latest."""
        known = service.call_backs(turn.store, identity_id=turn.identity.id, now=turn.now)
        told = [seen for seen in known if seen.open] or known[:1]
        if not told:
            turn.say("no_call_back")
            return resume(turn)
        lines = "\n".join(_line(turn, seen) for seen in told[:MOST])
        if any(seen.late for seen in told):
            turn.say("call_backs_late", lines=lines)
        else:
            turn.say("call_backs" if told[0].open else "call_backs_over", lines=lines)
        return resume(turn)


class ActionCancelCallBack(ServiceAction):
    """Begins taking a call back."""

    action_name = CANCEL

    def handle(self, turn: Turn) -> list[Event]:
        """Find the call that is meant, and open the form."""
        known = _open(turn)
        said = str(turn.entity("reference") or "")
        meant = [seen for seen in known if seen.reference == said] or ([] if said else known)
        if not meant:
            return [*ActionCallBacks().handle(turn)]
        chosen = meant[0].reference if len(meant) == 1 else None
        begin = [SlotSet("call_back_reference", chosen), SlotSet("call_back_confirm", None)]
        return [*begin, SlotSet("pending_task", None), *open_form(turn, CallBackForm.form)]


def _open(turn: Turn) -> list[ConsultationView]:
    known = service.call_backs(turn.store, identity_id=turn.identity.id, now=turn.now)
    return [seen for seen in known if seen.open]


class CallBackForm(Form):
    """Which call, and confirmation."""

    form = "call_back_form"
    slots = ("call_back_reference", "call_back_confirm")
    own = repeats = frozenset({"cancel_appointment"})
    again = AGAIN
    confirm = "call_back_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for the call by number, child or place in the list."""
        found = Found()
        known = _open(turn)
        said = str(turn.entity("reference") or "")
        child = turn.child_named()
        meant = [s for s in known if s.reference == said or (child and s.child == child.child)]
        place = texts.ordinal(turn.text) if asked == "call_back_reference" else None
        if place and place <= len(known):
            meant = [known[place - 1]]
        if len(meant) == 1 and meant[0].reference != turn.slot("call_back_reference"):
            found.add("call_back_reference", meant[0].reference, (0, len(turn.text)))
        return found


class ActionAskCallBackReference(ServiceAction):
    """Asks which call."""

    action_name = "action_ask_call_back_reference"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """List the open ones as buttons."""
        known = _open(turn)[:MOST]
        buttons = [
            texts.inform_button(
                texts.line("call_back_short", child=s.child, reference=s.reference),
                reference=s.reference,
            )
            for s in known
        ]
        lines = "\n".join(_line(turn, seen) for seen in known)
        turn.say("ask_call_back_reference", buttons=buttons, lines=lines)
        return []


class ActionAskCallBackConfirm(ServiceAction):
    """Sums up what will be taken back."""

    action_name = "action_ask_call_back_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell the call, and ask."""
        wanted = turn.slot("call_back_reference")
        seen = next((s for s in _open(turn) if s.reference == wanted), None)
        if seen is None:
            raise NotFound(str(wanted))
        turn.say("confirm_call_back_cancel", line=_line(turn, seen))
        return []


class ActionSubmitCallBack(Submit):
    """Takes the call back."""

    form_class = CallBackForm

    def submit(self, turn: Turn) -> str | None:
        """Take it back, and say so; a doctor who has called meanwhile is said too."""
        try:
            seen = service.cancel_phone_consultation(
                turn.store,
                identity_id=turn.identity.id,
                reference=turn.slot("call_back_reference"),
                now=turn.now,
            )
        except Refused:
            turn.say("call_back_made", reference=turn.slot("call_back_reference"))
            return None
        turn.say("call_back_cancelled", reference=seen.reference, child=seen.child)
        return None
