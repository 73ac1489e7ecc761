"""Hours of the medical services and the doctor's call-back (M1–M4)."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk.events import SlotSet

from actions import texts
from actions.forms import Form, Found, Submit, entity_spans
from actions.turn import FILLER, Event, ServiceAction, Turn, chosen_policy, open_form, resume
from bot.rules.benefits import normalise_phone
from bot.rules.consultations import Service, phone_consultation, service_open
from bot.services import consultations as service

SYMPTOM_INTENTS = frozenset(
    {"inform", "ask_medical_advice", "request_triage", "request_phone_consultation",
     "nlu_fallback", "out_of_scope", "faq", "check_coverage", "request_counselling"}
)  # fmt: skip
LONGEST_SYMPTOM = 500
SHORTEST_SYMPTOM = 3
ASK_AGAIN = ""
# Parts of a request that say nothing of the child's state.
REQUEST = re.compile(
    r"医生|大夫|电话|回电|来电|问诊|咨询|号码|手机|您好|你好|谢谢|人在吗|doctor|call|phone|hello",
    re.I,
)
# "谢啦 刚那个 让医生打给我吧": parts of small talk alone.
SMALL_TALK = re.compile(
    r"(?:谢+谢*你?|多谢|谢了|好的?|行|可以|嗯+|哦+|噢|哈+|对|在吗|那么?|就|刚刚?|刚才|上面|前面|说的|讲的|"
    r"[这那]个|[这那]件?事|还是|先|麻烦|请|你们?|给我|帮我|让他|一下|吧|啦|呀|啊|呢|的|了)+"
)
NUMBER = re.compile(r"(?:请|就|打|拨|打到|我的?|号|是|：|:)*[\d\s-]*(?:这个|的|吧)*")
PART = re.compile(r"[,，。.!！?？;；\s]+")
# "不对,是咳嗽": another symptom than the one in the summary.
INSTEAD = re.compile(
    r"(?:不对|不是|错了|说错了?|写错了?|症状(?:不对|错了|是|改成|改为))[,，。\s]*"
    r"(?:应该|其实)?(?:是|改成|改为)?(?P<symptom>.{2,})",
    re.DOTALL,
)
AFTER_SYMPTOM = ("consult_phone", "consult_confirm")
QUESTION = re.compile(r"[?？]|吗|呢|怎么|什么|多少|哪|要不要|能不能|可不可以|是不是|几")
SIGN = re.compile(r"烧|咳|吐|拉|泻|疼|痛|痒|疹|喘|鼻|嗓|哭闹|蔫|肿|大便|尿|精神|不吃|睡不")
ABOUT_SYMPTOM = re.compile(r"症状|病情|描述")
ABOUT_PHONE = re.compile(r"号码|电话|手机")
WRONG = re.compile(r"不对|不是|错|有误|改|换")
SAME_PHONE = re.compile(
    r"(?:投保|绑定|登记|预留|保单|原来|这个|本机|同一个|刚才|刚刚|我)(?:时|手机|上|的|那个|用|填|留)*"
    r"(?:手机|电话|号码?)|就这个|就打这个|老号码|same number",
    re.I,
)


class ActionAskConsultationHours(ServiceAction):
    """Tells the hours, computed for now."""

    action_name = "action_ask_consultation_hours"

    def handle(self, turn: Turn) -> list[Event]:
        """Say whether the phone consultation is open now and when a call would come."""
        _say_hours(turn)
        return resume(turn)


def _say_hours(turn: Turn) -> None:
    offer = phone_consultation(turn.now)
    due = texts.moment(offer.due_at, turn.now)
    if not offer.open and offer.queued_for is not None:
        opens = texts.moment(offer.queued_for, turn.now)
        turn.say("hours_closed", opens=opens, due=due)
    else:
        turn.say("hours_open", due=due)


class ActionRequestOnlineConsultation(ServiceAction):
    """Tells where the free online consultation begins, and whether it is open now (M2)."""

    action_name = "action_request_online_consultation"

    def handle(self, turn: Turn) -> list[Event]:
        """Say that it is open, or when it opens."""
        hours = service_open(turn.now, Service.ONLINE_CONSULTATION)
        if hours.opens_at is not None:
            turn.say("online_closed", opens=texts.moment(hours.opens_at, turn.now))
        else:
            turn.say("online_open")
        return resume(turn)


class ActionAskMedicalAdvice(ServiceAction):
    """Gives no diagnosis and no dose; offers the doctor's call with its hours."""

    action_name = "action_ask_medical_advice"

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the phone consultation."""
        turn.say("no_medical_advice")
        _say_hours(turn)
        if turn.form or not turn.text:
            return resume(turn)
        # Whoever then wants the doctor's call need not say it again.
        return [SlotSet("consult_symptom", turn.text.strip()[:LONGEST_SYMPTOM])]


class ActionRequestPhoneConsultation(ServiceAction):
    """Begins asking for a doctor's call."""

    action_name = "action_request_phone_consultation"

    def handle(self, turn: Turn) -> list[Event]:
        """Find the child, open the form."""
        if turn.form == ConsultForm.form:
            return resume(turn)
        said: list[Event] = []
        if turn.intent == "request_phone_consultation" and turn.text:
            form = ConsultForm()
            for slot, value in form.find(turn, None).values.items():
                said.append(SlotSet(slot, form.accept(turn, slot, value, {})))
            symptom = symptom_in(turn.text)
            if symptom:
                said.append(SlotSet("consult_symptom", symptom))
        number, events = chosen_policy(turn, self.action_name)
        events = [*said, *events]
        if number is None:
            return events
        return [*events, SlotSet("pending_task", None), *open_form(turn, ConsultForm.form)]


def symptom_in(text: str) -> str | None:
    """Return what a request for a call says about the child's state, if anything."""
    parts = [p for p in PART.split(text) if p and not REQUEST.search(p)]
    said = [p for p in parts if not (NUMBER.fullmatch(p) or SMALL_TALK.fullmatch(p))]
    symptom = "，".join(said)
    enough = len(FILLER.sub("", symptom)) >= SHORTEST_SYMPTOM
    return symptom[:LONGEST_SYMPTOM] if enough else None


def _tells_more(turn: Turn) -> bool:
    """Tell whether the message says more of the child's state and asks nothing."""
    if QUESTION.search(turn.text) or REQUEST.search(turn.text):
        return False
    told = turn.intent == "inform" and SIGN.search(turn.text) is not None
    return told or turn.intent in ("ask_medical_advice", "request_triage")


class ConsultForm(Form):
    """The symptom in the parent's words, the number to call, confirmation."""

    form = "consult_form"
    slots = ("consult_symptom", "consult_phone", "consult_confirm")
    own = frozenset({"request_phone_consultation"})
    confirm = "consult_confirm"

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a phone, and for the symptom where it is asked or corrected."""
        found = Found()
        text = turn.text.strip()
        phone = turn.entity("phone")
        spans = entity_spans(turn, "phone")
        if phone is not None:
            found.add("consult_phone", str(phone), *spans)
        elif asked == "consult_phone" and re.fullmatch(r"[\d\s-]{5,}", text):
            found.add("consult_phone", text, (0, len(turn.text)))
        elif asked == "consult_phone" and SAME_PHONE.search(text):
            found.add("consult_phone", self._on_record(turn), (0, len(turn.text)))
        child = turn.child_named()
        if child is not None and turn.form == self.form and child.number != turn.slot("policy"):
            found.add("policy", child.number)
        if asked == "consult_symptom" and text and turn.intent in SYMPTOM_INTENTS:
            # A request said twice, or a number given too early, is no symptom.
            mixed = phone is not None or turn.intent == "request_phone_consultation"
            said = symptom_in(text) if mixed else text[:LONGEST_SYMPTOM]
            found.add("consult_symptom", said, (0, len(turn.text)))
        elif asked == self.confirm and not found.values and WRONG.search(text):
            self._find_instead(found, turn)
        if asked in AFTER_SYMPTOM and not found.values and _tells_more(turn):
            more = f"{turn.slot('consult_symptom')}；{text}"[:LONGEST_SYMPTOM]
            found.add("consult_symptom", more, (0, len(turn.text)))
        return found

    def _find_instead(self, found: Found, turn: Turn) -> None:
        instead = INSTEAD.search(turn.text)
        if ABOUT_PHONE.search(turn.text):
            found.add("consult_phone", ASK_AGAIN, (0, len(turn.text)))
        elif instead is not None:
            said = instead["symptom"].strip()[:LONGEST_SYMPTOM]
            found.add("consult_symptom", said, (0, len(turn.text)))
        elif ABOUT_SYMPTOM.search(turn.text):
            found.add("consult_symptom", ASK_AGAIN, (0, len(turn.text)))

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        # A symptom that is corrected or added reads like a question to the doctor, and is none.
        told = asked in AFTER_SYMPTOM and "consult_symptom" in found.values
        return not told and super()._aside(turn, asked, found)

    @staticmethod
    def _on_record(turn: Turn) -> str:
        return service.phone_on_record(
            turn.store, identity_id=turn.identity.id, number=turn.slot("policy")
        )

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check the phone's form."""
        if value == ASK_AGAIN:
            return None
        if slot != "consult_phone":
            return value
        try:
            return normalise_phone(str(value))
        except ValueError:
            turn.say("phone_invalid")
            return None


def phone_button(phone: str) -> dict[str, str]:
    """Return a quick reply that says the phone on record, of which only a part is shown."""
    shown = f"{phone[:3]}****{phone[-4:]}"
    return texts.inform_button(texts.line("phone_on_record", phone=shown), phone=phone)


class ActionAskConsultPhone(ServiceAction):
    """Asks which number to call, with the one that the policy was bought with as a button."""

    action_name = "action_ask_consult_phone"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the number on record."""
        phone = service.phone_on_record(
            turn.store, identity_id=turn.identity.id, number=turn.slot("policy")
        )
        turn.say("ask_consult_phone", buttons=[phone_button(phone)])
        return []


class ActionAskConsultConfirm(ServiceAction):
    """Sums up the request with its due time."""

    action_name = "action_ask_consult_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Tell child, number, symptom and by when the doctor calls, and ask."""
        offer = phone_consultation(turn.now)
        child = next((c.child for c in turn.choices if c.number == turn.slot("policy")), "")
        turn.say(
            "confirm_consult" if offer.open else "confirm_consult_queued",
            child=child,
            symptom=turn.slot("consult_symptom"),
            phone=turn.slot("consult_phone"),
            due=texts.moment(offer.due_at, turn.now),
            opens=texts.moment(offer.queued_for or turn.now, turn.now),
        )
        return []


class ActionSubmitConsult(Submit):
    """Records the request."""

    form_class = ConsultForm

    def submit(self, turn: Turn) -> str | None:
        """Record, tell the number and the due time."""
        seen, new = service.request_phone_consultation(
            turn.store,
            identity_id=turn.identity.id,
            number=turn.slot("policy"),
            symptom=turn.slot("consult_symptom"),
            phone=turn.slot("consult_phone"),
            now=turn.now,
        )
        turn.say(
            "consult_requested" if new else "consult_already",
            reference=seen.reference,
            due=texts.moment(seen.due_at, turn.now),
            symptom=seen.symptom,
        )
        return None
