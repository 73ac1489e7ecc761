"""Psychological counselling: for whom there is, and asking staff for it (手册·医疗服务 M7)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.service_requests import say_requested
from actions.turn import Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.consultations import (
    COUNSELLING_DIAGNOSES,
    CounsellingResult,
    counselling_allowed,
)
from bot.services.service_requests import Wanted

# What parents say for the eight, beside the manual's own words.
SAID = {
    "情感障碍": "情感障碍|情感性",
    "抑郁症": "抑郁",
    "成瘾性格": "成瘾|网瘾|上瘾",
    "自卑": "自卑",
    "失读症": "失读|阅读障碍",
    "自闭症": "自闭|孤独症|孤独谱系|ASD",
    "强迫症": "强迫",
    "选择性缄默症": "缄默",
}
# Diagnoses that are not among the eight, so that they are not asked about again.
OTHERS = re.compile(
    r"多动|ADHD|焦虑|厌学|抽动|发育迟缓|失眠|恐惧|社恐|双相|精神分裂|躁狂|叛逆|厌食|智力|注意力"
)
# A guess is no diagnosis, whatever it names.
GUESSED = re.compile(
    r"倾向|怀疑|疑似|好像|感觉|觉得|可能|是不是|像是|有点|担心|未确诊|不确定|自己测|"
    r"(?:没有?|还没|不是|未)(?:去|被|经)?(?:医生)?(?:确诊|诊断|看过)"
)
NONE_YET = re.compile(r"没有?(?:看|去|医生)|还没|没有")
RECOMMENDED = re.compile(r"医生.{0,6}(?:建议|让|推荐|说要|叫)|有建议|有推荐|建议了|建议做")
NOT_RECOMMENDED = re.compile(r"没(?:有)?(?:建议|推荐|说|让)|医生没|自己想")
NO_DIAGNOSIS = "none"


def diagnosis_in(text: str) -> str | None:
    """Return which of the eight a text names; another diagnosis as it was said; ``None``."""
    for diagnosis in COUNSELLING_DIAGNOSES:
        if re.search(SAID[diagnosis], text, re.IGNORECASE):
            return diagnosis
    other = OTHERS.search(text)
    return other.group() if other else None


class ActionRequestCounselling(ServiceAction):
    """Begins a request, with what was said of the diagnosis."""

    action_name = "action_request_counselling"

    def handle(self, turn: Turn) -> list[Event]:
        """Find the child, keep what was said, open the form."""
        if turn.form == CounsellingForm.form:
            return resume(turn)
        form = CounsellingForm()
        said: list[Event] = []
        if turn.intent == "request_counselling":
            found = form.find(turn, None).values
            given = {slot: found.get(slot) for slot in form.slots}
            if form.ending(turn, dict(given)) is not None:
                return resume(turn)
            said = [SlotSet(slot, value) for slot, value in given.items()]
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return [*said, *events]
        forms = open_form(turn, CounsellingForm.form)
        return [*said, *events, SlotSet("pending_task", None), *forms]


class CounsellingForm(Form):
    """The diagnosis, whether the psychiatrist recommends counselling, confirmation."""

    form = "counselling_form"
    slots = ("counselling_diagnosis", "counselling_recommended", "counselling_confirm")
    own = frozenset({"request_counselling", "ask_medical_advice", "request_triage"})
    confirm = "counselling_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a diagnosis and the recommendation."""
        found = Found()
        text = turn.text
        button = turn.entity("counselling_diagnosis")
        found.add("counselling_diagnosis", button)
        diagnosis = diagnosis_in(text) if text else None
        none = NONE_YET.search(text) or turn.intent == "deny"
        if GUESSED.search(text) or (asked == "counselling_diagnosis" and not diagnosis and none):
            found.add("counselling_diagnosis", NO_DIAGNOSIS, (0, len(text)))
            return found
        if diagnosis is not None:
            found.add("counselling_diagnosis", diagnosis, (0, len(text)))
        if NOT_RECOMMENDED.search(text):
            found.add("counselling_recommended", "no", (0, len(text)))
        elif RECOMMENDED.search(text):
            found.add("counselling_recommended", "yes", (0, len(text)))
        elif asked == "counselling_recommended" and turn.intent in ("affirm", "deny"):
            yes = turn.intent == "affirm"
            found.add("counselling_recommended", "yes" if yes else "no", (0, len(text)))
        return found

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take "医生建议做" for the answer to whether a doctor does."""
        told = RECOMMENDED.search(turn.text) or NOT_RECOMMENDED.search(turn.text)
        return asked == "counselling_recommended" and told is not None

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Leave kindly when the manual offers none; the answers are forgotten by the submission."""
        diagnosis = values.get("counselling_diagnosis")
        if diagnosis is None:
            return None
        judged = counselling_allowed(
            None if diagnosis == NO_DIAGNOSIS else diagnosis,
            # Not asked yet is not refused yet.
            values.get("counselling_recommended") != "no",
            in_network=True,
        )
        if judged is CounsellingResult.ALLOWED:
            return None
        turn.say(f"counselling_{judged.value}", value=diagnosis)
        return [SlotSet(slot, None) for slot in self.slots] + [SlotSet("requested_slot", None)]


class ActionAskCounsellingDiagnosis(ServiceAction):
    """Asks what a psychiatrist has diagnosed."""

    action_name = "action_ask_counselling_diagnosis"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the eight, and that there is none."""
        buttons = [
            texts.inform_button(name, counselling_diagnosis=name) for name in COUNSELLING_DIAGNOSES
        ]
        none = texts.inform_button(texts.line("no_diagnosis"), counselling_diagnosis=NO_DIAGNOSIS)
        turn.say("ask_counselling_diagnosis", buttons=[*buttons, none])
        return []


class ActionAskCounsellingRecommended(ServiceAction):
    """Asks whether the psychiatrist recommends counselling."""

    action_name = "action_ask_counselling_recommended"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask, and say why."""
        turn.say("ask_counselling_recommended")
        return []


class ActionAskCounsellingConfirm(ServiceAction):
    """Sums up the request."""

    action_name = "action_ask_counselling_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell child and diagnosis, and ask."""
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        turn.say("confirm_counselling", child=child, value=turn.slot("counselling_diagnosis"))
        return []


class ActionSubmitCounselling(Submit):
    """Records the request."""

    form_class = CounsellingForm

    def submit(self, turn: Turn) -> str | None:
        """Record, tell the number."""
        wanted = Wanted("counselling", detail=turn.slot("counselling_diagnosis"), recommended=True)
        say_requested(turn, wanted)
        return None
