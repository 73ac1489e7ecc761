"""Applying for a prior authorization in conversation (手册·事先授权 P1 to P3)."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import authorization_answers as answers
from actions import texts, wishes
from actions.forms import UNSURE, Form, Found, end_early, entity_spans, says_no
from actions.turn import (
    FILLER,
    Event,
    ServiceAction,
    Turn,
    chosen_policy,
    open_form,
    resume,
)
from bot.rules.authorizations import passes_period_total, passes_single_item
from bot.rules.treatments import LONGEST_TREATMENT
from bot.services import authorization_requests as service
from bot.services.errors import NotFound

ASK_AGAIN = ""
SHORT_TREATMENT = 20
UNKNOWN = "unknown"
# Messages that may be a treatment although they look like something else.
TREATMENT_INTENTS = frozenset(
    {"inform", "request_prior_authorization", "ask_prior_authorization_rules", "nlu_fallback",
     "ask_medical_advice", "request_triage", "check_prior_authorization", "faq", "out_of_scope",
     "check_coverage", "book_appointment", "start_claim", "request_counselling", "book_vaccination",
     "find_hospital", "request_phone_consultation"}
)  # fmt: skip
# Of these, any words are taken; of the others only what names a treatment.
OWN_WORDS = frozenset({"inform", "nlu_fallback", "request_prior_authorization"})
MEDICAL = re.compile(r"[剪切割缝治疗术检查镜针药牙骨眼耳鼻喉器仪片刀疝瘤囊肿炎病矫]|系带")
NO_COST_YET = re.compile(
    r"(?:还|都|也|现在|暂时|目前|医生|医院|真)*(?:没|不)(?:有)?(?:定|说|出|算|告诉|报价|预估|问|估|确定|好说)[^?？]{0,8}"
    r"|(?:先)?(?:跳过|空着|不填|略过|没有|不写|待定|未知|看情况|再说)|skip|unknown|not sure",
    re.I,
)
ABOUT = {
    "auth_amount": re.compile(r"金额|费用|价|多少钱|钱数|数额"),
    "auth_hospital": re.compile(r"医院|诊所"),
    "auth_date": re.compile(r"日期|时间|日子|哪天"),
    "auth_treatment": re.compile(r"治疗|项目|手术名|名称|内容"),
}
INSTEAD = re.compile(
    r"(?:改成|改为|换成|应该是|应该写|其实是|而是|[,，。]是|^是|不对是?)[:：,，\s]*(?P<said>.{2,})$",
    re.DOTALL,
)
WRONG_WORDS = re.compile(r"不对|不是|错|有误|改|换")


class ActionRequestAuthorization(ServiceAction):
    """Begins an application once policy and plan allow it."""

    action_name = "action_request_prior_authorization"

    def handle(self, turn: Turn) -> list[Event]:
        """Keep what was said, find the child, say what stands in the way, open the form."""
        if answers.change_wanted(turn):
            return [FollowupAction(answers.CHANGE_ACTION)]
        if turn.intent == "request_prior_authorization" and answers.asks_rule(turn):
            return [FollowupAction(answers.RULES_ACTION)]
        if turn.form == AuthForm.form:
            return resume(turn)
        form = AuthForm()
        values = _opening(form, turn)
        number, events = chosen_policy(turn, self.action_name)
        if number is None:
            return [*_slots(values), *events]
        hindered = service.obstacle(
            turn.store, identity_id=turn.identity.id, number=number, now=turn.now
        )
        if hindered is not None:
            _say_obstacle(turn, number, hindered)
            forget: list[Event] = [SlotSet(slot, None) for slot in AuthForm.slots]
            return [*events, *forget, SlotSet("pending_task", None), *resume(turn)]
        form.number = number
        checked: dict[str, Any] = {}
        for slot, value in values.items():
            checked[slot] = None if value is None else form.accept(turn, slot, value, checked)
        return [
            *_slots(checked),
            *events,
            SlotSet("pending_task", None),
            *open_form(turn, AuthForm.form),
        ]


def _opening(form: AuthForm, turn: Turn) -> dict[str, Any]:
    """Return what is known already: said now, or before a child had to be chosen."""
    known = {slot: turn.slot(slot) for slot in AuthForm.slots[:-1]}
    known["auth_anyway"] = None
    if turn.intent != "request_prior_authorization" or not turn.text:
        return known
    said = form.find(turn, None).values
    words = answers.treatment_words(turn)
    if words is not None and words != known["auth_treatment"]:
        # Another treatment than the one talked about before: nothing of that holds.
        known = dict.fromkeys(known)
        known["auth_treatment"] = words
    return known | {slot: value for slot, value in said.items() if slot in known}


def _slots(values: dict[str, Any]) -> list[Event]:
    kept = {s: v for s, v in values.items() if isinstance(v, str | bool) or v is None}
    return [SlotSet(slot, value) for slot, value in kept.items()]


def _say_obstacle(turn: Turn, number: str, word: str) -> None:
    seen = answers.overview_of(turn, number)
    if word == "expired":
        until = texts.day(seen.valid_to, seen.as_of)
        turn.say("authorization_expired", child=seen.child, valid_to=until)
    else:
        turn.say("authorization_no_direct_billing", child=seen.child, plan=seen.plan)


class AuthForm(Form):
    """Treatment, hospital, day, expected cost, confirmation; a second thought if not needed."""

    form = "auth_form"
    slots = (
        "auth_treatment",
        "auth_anyway",
        "auth_hospital",
        "auth_date",
        "auth_amount",
        "auth_confirm",
    )
    own = frozenset({"request_prior_authorization"})
    confirm = "auth_confirm"
    refusals = frozenset({"cancel_appointment"})
    number: str | None = None

    def handle(self, turn: Turn) -> list[Event]:
        """Take "不知道" as an answer to the cost, which need not be known."""
        if turn.fresh and turn.slot("requested_slot") == "auth_amount" and _no_cost(turn.text):
            values = {slot: turn.slot(slot) for slot in self.slots} | {"auth_amount": UNKNOWN}
            return [
                SlotSet("misses", 0), SlotSet("auth_amount", UNKNOWN), self._next(turn, values)
            ]  # fmt: skip
        return super().handle(turn)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a child, a treatment, a hospital, a day and a cost; or for what is wrong."""
        found = Found()
        if turn.entity("auth_amount") == UNKNOWN:
            found.add("auth_amount", UNKNOWN)
        if not turn.text:
            return found
        child = turn.child_named()
        if child is not None and turn.form == self.form and child.number != turn.slot("policy"):
            found.add("policy", child.number)
        place = answers.hospital_in(turn, asked=asked == "auth_hospital")
        if place is not None:
            found.add("auth_hospital", place[0], place[1])
        day = answers.day_in(turn, asked=asked == "auth_date")
        found.add("auth_date", day, *entity_spans(turn, "date"))
        amount = answers.amount_in(turn, asked=asked == "auth_amount")
        if amount is not None:
            found.add("auth_amount", str(amount), *entity_spans(turn, "amount"))
            if asked == "auth_amount":
                found.spans.append((0, len(turn.text)))
        self._find_treatment(found, turn, asked)
        self._find_wrong(found, turn)
        # "12月8号住院" answers the day; the word says nothing new.
        found.spans += answers.word_spans(turn) if found.values else []
        return found

    def _find_treatment(self, found: Found, turn: Turn, asked: str | None) -> None:
        text = turn.text.strip()
        words = answers.treatment_words(turn)
        if asked in ("auth_treatment", "auth_anyway"):
            whole = asked == "auth_treatment" and not answers.QUESTION.search(text)
            if asked == "auth_anyway" and answers.treatment_in(turn).ordinary:
                return
            if found.values and words is not None:
                found.add("auth_treatment", words, (0, len(turn.text)))
            elif found.values and whole:
                found.add("auth_treatment", _rest(turn, found), (0, len(turn.text)))
            elif words is not None and turn.intent in TREATMENT_INTENTS:
                told = text if whole else words
                spans = [(0, len(turn.text))] if whole else answers.word_spans(turn)
                found.add("auth_treatment", told[:LONGEST_TREATMENT], *spans)
            elif whole and not found.values and _own_words(turn, text):
                found.add("auth_treatment", text[:LONGEST_TREATMENT], (0, len(turn.text)))
        elif turn.slot("auth_treatment") is None or turn.form != self.form:
            found.add("auth_treatment", words, *answers.word_spans(turn))
        elif words is not None and WRONG_WORDS.search(text):
            instead = INSTEAD.search(text)
            new = answers.treatment_named(instead["said"]).words if instead else ()
            plain = set(new) <= answers.GENERIC
            if new and not (plain and found.values):
                found.add("auth_treatment", texts.line("and").join(new), (0, len(turn.text)))

    @staticmethod
    def _find_wrong(found: Found, turn: Turn) -> None:
        if turn.form != AuthForm.form or found.values or not WRONG_WORDS.search(turn.text):
            return
        for slot, words in ABOUT.items():
            if turn.slot(slot) is not None and words.search(turn.text):
                found.add(slot, ASK_AGAIN, (0, len(turn.text)))
                return

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Refuse hospitals without direct billing, days that cannot be, impossible costs."""
        if value == ASK_AGAIN:
            return None
        if slot == "policy":
            return _accepted_child(turn, str(value))
        if slot == "auth_hospital":
            return _accepted_place(turn, self._policy(turn, values), str(value))
        if slot == "auth_date":
            return _accepted_day(turn, self._policy(turn, values), value)
        if slot == "auth_amount" and value != UNKNOWN:
            if 0 < Decimal(value) <= service.LARGEST_AMOUNT:
                return value
            turn.say("authorization_amount_invalid")
            return None
        return value

    def _policy(self, turn: Turn, values: dict[str, Any]) -> str:
        return str(values.get("policy") or self.number or turn.slot("policy"))

    def changed(self, turn: Turn, slot: str, values: dict[str, Any]) -> dict[str, Any]:
        """For another child, check place and day anew; for another treatment, ask anew."""
        if slot == "auth_treatment":
            return {"auth_anyway": None}
        if slot != "policy":
            return {}
        number = str(values["policy"])
        return {
            name: check(turn, number, turn.slot(name))
            for name, check in (("auth_hospital", _accepted_place), ("auth_date", _accepted_day))
            if turn.slot(name) is not None
        }

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Ask for a second thought only where the rules need no authorization."""
        if values.get("auth_anyway") is not None or self._not_needed(turn, values):
            return self.slots
        return tuple(slot for slot in self.slots if slot != "auth_anyway")

    def _not_needed(self, turn: Turn, values: dict[str, Any]) -> bool:
        said = values.get("auth_treatment")
        if not said or not answers.treatment_named(said).ordinary:
            return False
        amount = values.get("auth_amount")
        costs = Decimal(amount) if amount and amount != UNKNOWN else Decimal(0)
        seen = answers.policy_known(turn)
        used = answers.used_so_far(seen) if seen is not None else Decimal(0)
        return not (passes_single_item(costs) or passes_period_total(used, costs))

    def _confirmation(self, turn: Turn, asked: str | None, found: Found) -> bool | None:
        if asked == "auth_anyway" and not found.values:
            again = turn.intent == "request_prior_authorization" and not says_no(turn.text)
            found.add("auth_anyway", True if again else self.yes_or_no(turn))
            return None
        return super()._confirmation(turn, asked, found)

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        if found.values.get("auth_anyway") is not None or ASK_AGAIN in found.values.values():
            return False
        return super()._aside(turn, asked, found)

    def ending(self, turn: Turn, values: dict[str, Any]) -> list[Event] | None:
        """Leave when the parent agrees that none is needed."""
        if values.get("auth_anyway") is not False:
            return None
        turn.say("authorization_left")
        return [SlotSet("auth_confirm", None), *end_early()]


def _own_words(turn: Turn, text: str) -> bool:
    """Tell whether a message may describe a treatment that no list knows ("舌系带剪一下")."""
    medical = len(text) <= SHORT_TREATMENT and MEDICAL.search(text) is not None
    return turn.intent in OWN_WORDS or (turn.intent in TREATMENT_INTENTS and medical)


def _rest(turn: Turn, found: Found) -> str | None:
    """Return what a message says beside the values found, if that can be a treatment."""
    rest = list(turn.text)
    for start, end in found.spans:
        rest[start:end] = ["，"] * (end - start)
    said = re.sub(r"^[做要去在到的，,。]+|[，,。的吧啊]+$", "", FILLER.sub("", "".join(rest)))
    return said if 1 < len(said) <= SHORT_TREATMENT and turn.intent == "inform" else None


def _no_cost(text: str) -> bool:
    said = text.strip(" 。.!！~…，,")
    return bool(said) and bool(UNSURE.fullmatch(said) or NO_COST_YET.fullmatch(said))


def _accepted_child(turn: Turn, number: str) -> str:
    """Return the policy to go on with: the one before where nothing can be applied for."""
    hindered = service.obstacle(
        turn.store, identity_id=turn.identity.id, number=number, now=turn.now
    )
    if hindered is None:
        return number
    _say_obstacle(turn, number, hindered)
    return str(turn.slot("policy"))


def _accepted_place(turn: Turn, number: str, name: str) -> str | None:
    try:
        refused = service.place_refused(
            turn.store, identity_id=turn.identity.id, number=number, hospital=name
        )
    except NotFound:
        turn.say("authorization_unlisted_hospital", hospital=name)
        return None
    if refused == "pay_first":
        turn.say("authorization_pay_first", hospital=name)
    elif refused is not None:
        plan = answers.overview_of(turn, number).plan
        turn.say("authorization_not_in_plan", hospital=name, plan=plan)
    return None if refused else name


def _accepted_day(turn: Turn, number: str, value: wishes.Day) -> str | None:
    day = answers.plain_day(turn, value)
    if day is None:
        return None
    refused = service.day_refused(
        turn.store, identity_id=turn.identity.id, number=number, day=day, now=turn.now
    )
    if refused is not None:
        say_day_refused(turn, number, day, refused)
        return None
    return day.isoformat()


def say_day_refused(turn: Turn, number: str, day: date, refused: str) -> None:
    """Say why there can be no application for a local day."""
    seen = answers.overview_of(turn, number)
    told = texts.day(day, seen.as_of)
    if refused == "past":
        turn.say("authorization_day_over", day=told)
        return
    turn.say(
        "authorization_outside_policy",
        day=told,
        child=seen.child,
        valid_from=texts.day(seen.valid_from, date.min),
        valid_to=texts.day(seen.valid_to, date.min),
    )
