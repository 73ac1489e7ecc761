"""Asking for a person, leaving a message or a number, and going on when the person is gone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar

from rasa_sdk.events import FollowupAction, SlotSet

from actions import texts
from actions.consultations import phone_button
from actions.forms import Form, Found, Submit, entity_spans, says_no
from actions.turn import REDIRECTS, Event, ServiceAction, Turn, open_form, resume
from bot.rules.benefits import normalise_phone
from bot.rules.handoffs import SHOWN_WAIT, HandOffState, Wish
from bot.services import consultations, handoffs, office_hours
from bot.services.errors import Refused
from bot.services.handoffs import Place, Requested

LONGEST = 500
SHORTEST = 2
SHOWN = 60
# Said alone, these are no message to leave.
OTHER_WISHES = frozenset("stop talk_to_human greet thank goodbye help bot_challenge".split())
SHORT = 8
CALL = (
    r"回(?:个|一个|一下|我个|我一个|我)?(?:电话?|拨|访)|(?:打|来)(?:个|一个|我)*电话(?:给|过来)?|"
    r"(?:给|跟|帮)(?:我|俺)(?:回|打|来)(?:个|一个)?(?:电话?|电|过来)|打给我|call (?:me )?back"
)
PERSON = r"客服|人工|同事|工作人员|你们的?人|真人|专员"
# A doctor's call is another service (M1).
DOCTOR = re.compile(r"医生|大夫|问诊|看病|doctor")
CALLS_ME = re.compile(
    rf"(?:(?:{PERSON})[^,，。!?！？]{{0,8}}(?:{CALL})|(?:{CALL})[^,，。]{{0,4}}(?:{PERSON}))", re.I
)
# Said alone in the form, it is no message yet.
LEAVES = re.compile(
    rf"(?:给|跟|向)?(?:{PERSON})?[^,，。!?！？]{{0,3}}(?:留(?:个|一个|条|一条|下)?(?:言|话|口信|消息))"
)
BARE_CALL = re.compile(
    rf"(?:那就?|好|行|我要|想要|麻烦|请|上班后|明天|再|就|还是)*(?:{CALL})(?:吧|了|呗|谢谢|[。.!！~])*",
    re.I,
)
QUESTION = re.compile(r"[?？]|吗|多久|什么时候|没(?:有)?(?:人)?(?:回|打|来)|怎么")
CALL_COMMAND = "action_staff_call_back"


def contact_wanted(turn: Turn) -> str | None:
    """Return the action that takes a number for staff to call, if the text asks for it."""
    text = turn.text.strip()
    if not text or turn.form == ContactForm.form or DOCTOR.search(text) or QUESTION.search(text):
        return None
    if CALLS_ME.search(text):
        return CALL_COMMAND
    waits = turn.form is None and BARE_CALL.fullmatch(text) and _waits_for_morning(turn)
    return CALL_COMMAND if waits else None


def _waits_for_morning(turn: Turn) -> bool:
    place = handoffs.place(turn.store, identity_id=turn.identity.id, now=turn.now)
    return place is not None and place.status is HandOffState.REQUESTED


REDIRECTS.append(contact_wanted)


class ActionTalkToHuman(ServiceAction):
    """Asks for a person."""

    action_name = "action_talk_to_human"

    def handle(self, turn: Turn) -> list[Event]:
        """Queue the conversation; tell the place in the queue, or when people are back."""
        wanted = contact_wanted(turn)
        if wanted is not None:
            return [FollowupAction(wanted)]
        reason = "two_misses" if _offered_after_misses(turn) else "asked"
        asked = handoffs.request_handoff(
            turn.store, identity_id=turn.identity.id, reason=reason, now=turn.now
        )
        say_place(turn, asked)
        return []


class ActionStaffHours(ServiceAction):
    """Tells when people are there."""

    action_name = "action_staff_hours"

    def handle(self, turn: Turn) -> list[Event]:
        """Tell until when, or from when on; a task that is open goes on."""
        status = office_hours.status(turn.store, now=turn.now)
        if status.closes_at is not None:
            turn.say("staff_hours_open", closes=f"{status.closes_at:%H:%M}")
        elif status.opens_at is not None:
            turn.say("staff_hours_closed", opens=texts.moment(status.opens_at, turn.now))
        else:
            turn.say("handoff_closed_long")
        return resume(turn)


def _offered_after_misses(turn: Turn) -> bool:
    missed = texts.whole("two_misses")
    for event in reversed(turn.tracker.events[:-1]):
        if event["event"] == "user" and event.get("text") != turn.tracker.latest_message.get(
            "text"
        ):
            return False
        if event["event"] == "bot" and event.get("text") == missed:
            return True
    return False


def say_place(turn: Turn, asked: Requested) -> None:
    """Tell how a hand-off stands: the place in the queue, or when people are back."""
    place = asked.place
    if place.wish is not Wish.CHAT and place.due_at is not None:
        turn.say("handoff_left_already", due=texts.moment(place.due_at, turn.now))
    elif place.status is HandOffState.REQUESTED and place.opens_at is not None:
        turn.say("handoff_closed", opens=texts.moment(place.opens_at, turn.now))
    elif place.status is HandOffState.REQUESTED:
        turn.say("handoff_closed_long")
    elif place.status is not HandOffState.QUEUED:
        turn.say("handoff_assigned")
    else:
        turn.say(
            "handoff" if asked.new else "handoff_already",
            position=place.position,
            wait=wait_said(place),
        )


def wait_said(place: Place) -> str:
    """Return how long the wait is, as it stands after the place in the queue."""
    if place.wait is None:
        return texts.line("handoff_wait_unknown")
    if place.wait > SHOWN_WAIT:
        return texts.line("handoff_wait_long")
    return texts.line("handoff_wait", minutes=place.wait // timedelta(minutes=1))


def give_up_waiting(turn: Turn) -> bool:
    """Stop waiting for a person, if that is what a bare no can mean; say so."""
    if turn.form is not None or turn.more:
        return False
    if not handoffs.give_up(turn.store, identity_id=turn.identity.id, now=turn.now):
        return False
    turn.say("handoff_given_up")
    return True


class _Contact(ServiceAction):
    """Begins leaving something for staff."""

    wish: ClassVar[Wish]

    def handle(self, turn: Turn) -> list[Event]:
        """Keep what was said with it, open the form; ask again if it is open."""
        kind = SlotSet("contact_kind", self.wish.value)
        if turn.form == ContactForm.form:
            return [kind, SlotSet("contact_confirm", None), *resume(turn)]
        forgotten = [SlotSet(name, None) for name in ContactForm.slots]
        told = [SlotSet("contact_text", said)] if (said := _said_with_it(turn.text)) else []
        return [*forgotten, kind, *told, *open_form(turn, ContactForm.form)]


def _said_with_it(text: str) -> str | None:
    """Return what follows "留言：" or "让客服回电，问…"."""
    found = re.search(r"(?:留言|回电|电话)[^：:,，]{0,4}[：:,，](?P<said>.{4,})", text, re.DOTALL)
    return found["said"].strip()[:LONGEST] if found else None


class ActionLeaveMessage(_Contact):
    """Takes a message for staff."""

    action_name = "action_leave_message"
    wish = Wish.MESSAGE


class ActionStaffCallBack(_Contact):
    """Takes a number for staff to call."""

    action_name = CALL_COMMAND
    wish = Wish.CALL_BACK


class ContactForm(Form):
    """What it is about, the number to call if a call is wanted, confirmation."""

    form = "contact_form"
    slots = ("contact_text", "contact_phone", "contact_confirm")
    scratch = ("contact_kind",)
    confirm = "contact_confirm"

    def required(self, turn: Turn, values: dict[str, Any]) -> tuple[str, ...]:
        """Ask for a number only if a call is wanted."""
        if values.get("contact_kind") == Wish.CALL_BACK:
            return self.slots
        return ("contact_text", "contact_confirm")

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take any words for the message where it is asked for."""
        return asked == "contact_text" and _tells(turn)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Take the whole message, the number wherever it is said."""
        found, text = Found(), turn.text.strip()
        whole = (0, len(turn.text))
        phone = turn.entity("phone")
        if phone is not None:
            found.add("contact_phone", str(phone), *entity_spans(turn, "phone"))
            if asked == self.confirm or turn.slot("contact_kind") != Wish.CALL_BACK:
                found.add("contact_kind", Wish.CALL_BACK.value)
        elif asked == "contact_phone" and re.fullmatch(r"[\d\s-]{5,}", text):
            found.add("contact_phone", text, whole)
        elif asked == "contact_phone" and consult_same(text):
            found.add("contact_phone", _on_record(turn), whole)
        if asked == "contact_text" and _tells(turn):
            found.add("contact_text", text[:LONGEST], whole)
        elif asked == self.confirm and phone is None and _corrects(turn):
            said = CORRECTION.sub("", text).strip()
            found.add("contact_text", said[:LONGEST] or ASK_AGAIN, whole)
        return found

    def accept(self, turn: Turn, slot: str, value: Any, values: dict[str, Any]) -> Any:
        """Check the phone's form; ask again for what is to be written anew."""
        if value == ASK_AGAIN:
            return None
        if slot != "contact_phone":
            return value
        try:
            return normalise_phone(str(value))
        except ValueError:
            turn.say("phone_invalid")
            return None

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        told = asked in ("contact_text", self.confirm) and "contact_text" in found.values
        return not told and super()._aside(turn, asked, found)


ASK_AGAIN = ""
CORRECTION = re.compile(
    r"^(?:不对|不是|错了|写错了?|说错了?|改一下|改成|改为|换成|重写|重新写)[,，。:：\s]*"
    r"(?:应该|改成|改为|写成?|就?写|是)*[:：,，\s]*"
)
SAME = re.compile(r"投保|绑定|登记|预留|保单|原来|这个号|本机|同一个|我手机|我的手机|老号码")


def consult_same(text: str) -> bool:
    """Tell whether the number that the policy was bought with is meant."""
    return SAME.search(text) is not None


def _corrects(turn: Turn) -> bool:
    return CORRECTION.match(turn.text.strip()) is not None


def _tells(turn: Turn) -> bool:
    text = turn.text.strip()
    if len(text) < SHORTEST or says_no(text) or LEAVES.fullmatch(text):
        return False
    return not (turn.intent in OTHER_WISHES and len(text) <= SHORT)


def _on_record(turn: Turn) -> str | None:
    """Return the number that the policy was bought with, if one is bound."""
    bound = [choice.number for choice in turn.choices]
    if not bound:
        return None
    number = turn.slot("policy") if turn.slot("policy") in bound else bound[0]
    return consultations.phone_on_record(
        turn.store, identity_id=turn.identity.id, number=str(number)
    )


class ActionAskContactText(ServiceAction):
    """Asks what it is about."""

    action_name = "action_ask_contact_text"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Ask."""
        turn.say("ask_contact_text")
        return []


class ActionAskContactPhone(ServiceAction):
    """Asks which number to call, with the one on record as a button."""

    action_name = "action_ask_contact_phone"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer the number on record, if a policy is bound."""
        phone = _on_record(turn)
        if phone is None:
            turn.say("ask_contact_phone")
            return []
        turn.say("ask_contact_phone", buttons=[phone_button(phone)])
        return []


class ActionAskContactConfirm(ServiceAction):
    """Sums up what is left for staff, and by when they deal with it."""

    action_name = "action_ask_contact_confirm"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Quote it, tell the due time, ask."""
        due = handoffs.due_of_contact(turn.store, now=turn.now)
        when = texts.line("handoff_soon") if due is None else texts.moment(due, turn.now)
        said = str(turn.slot("contact_text"))
        quoted = said if len(said) <= SHOWN else texts.line("shortened", text=said[:SHOWN])
        if turn.slot("contact_kind") == Wish.CALL_BACK:
            turn.say(
                "confirm_contact_call_back",
                text=quoted,
                due=when,
                phone=turn.slot("contact_phone"),
            )
        else:
            turn.say("confirm_contact_message", text=quoted, due=when)
        return []


class ActionSubmitContact(Submit):
    """Leaves it."""

    form_class = ContactForm

    def submit(self, turn: Turn) -> str | None:
        """Leave it, tell the due time."""
        call = turn.slot("contact_kind") == Wish.CALL_BACK
        try:
            left = handoffs.leave_contact(
                turn.store,
                identity_id=turn.identity.id,
                wish=Wish.CALL_BACK if call else Wish.MESSAGE,
                message=str(turn.slot("contact_text")),
                phone=turn.slot("contact_phone") if call else None,
                now=turn.now,
            )
        except Refused:
            turn.say("contact_with_agent")
            return None
        due = left.place.due_at
        when = texts.line("handoff_soon") if due is None else texts.moment(due, turn.now)
        if call:
            turn.say("contact_left_call_back", due=when, phone=turn.slot("contact_phone"))
        else:
            turn.say("contact_left_message", due=when)
        return None


class ActionResumeTask(ServiceAction):
    """Goes on with the task that was open before a person took over."""

    action_name = "action_resume_task"

    def handle(self, turn: Turn) -> list[Event]:
        """Ask the open form's question again; take up one that was put aside."""
        aside = list(turn.slot("paused_forms") or [])
        if turn.form is not None:
            turn.say("back_to_task")
            return resume(turn)
        if aside:
            turn.say("back_to_task")
            return [SlotSet("paused_forms", aside[:-1]), FollowupAction(aside[-1])]
        turn.say("done_already")
        return []
