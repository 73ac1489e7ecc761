"""Muting messages that come by themselves, wanting them again, and saying which are on.

These requests have no intent: :mod:`bot.nlu.commands` recognises them, and
:mod:`bot.command_policy` runs these actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rasa_sdk.events import FollowupAction, SlotSet

from actions import texts
from actions.forms import Form, Found, Submit
from actions.turn import Event, ServiceAction, Turn, open_form, resume
from bot.rules.notifications import Topic
from bot.services import reminder_settings as service

ALL = "all"
SHORT_ANSWER = 8
EVERYTHING = re.compile(r"全部|所有|全都|都|全关|一律|任何|统统|一切|通通|每一?[种类]|全")
# "取消理赔提醒" is about claims, "别再发取消提醒" about cancelling.
VERB = re.compile(
    r"^[^,，。!！?？别不发推]{0,4}?(?:取消|关闭|关掉|停止|停掉|恢复|打开|开启)(?!截止|期限|预约的)"
)
WANTED = re.compile(r"^(?!.*(?:别|不要|不用|不想)).*(?:恢复|打开|开启|重新开)")
WORDS = {
    Topic.DEADLINE: re.compile(r"截止|期限|取消(?:预约)?(?=的?(?:提醒|通知|消息|推送))|退号|免责"),
    Topic.APPOINTMENT: re.compile(r"预约|约号|挂号|就诊|改期|确认"),
    Topic.AUTHORIZATION: re.compile(r"授权|担保函|审批"),
    Topic.CLAIM: re.compile(r"理赔|报销|赔款|打款|材料"),
    Topic.SELF_PAY: re.compile(r"自付|欠[款费]|缴费|付款|催款"),
    Topic.CALL_BACK: re.compile(r"回电|问诊|医生"),
    Topic.SERVICE: re.compile(r"服务|接种|疫苗|陪[同诊]|现场|心理|讲座"),
    Topic.COMPLAINT: re.compile(r"^(?:投诉|建议)$|(?:投诉|建议)(?=的|回复|结果|进度|提醒|通知|那)"),
}


def topics_named(text: str) -> list[Topic]:
    """Return the topics that a message names, in the order of :class:`Topic`."""
    rest = VERB.sub("", text)
    named = set()
    for topic, words in WORDS.items():
        if words.search(rest):
            named.add(topic)
            rest = words.sub("　", rest)
    return [topic for topic in Topic if topic in named]


def _shown(topics: Iterable[Topic]) -> str:
    return texts.line("and").join(texts.word("topic", topic.value) for topic in topics)


def mute(turn: Turn, topics: list[Topic]) -> None:
    """Mute topics, and say so in a line."""
    kept = service.mute_topics(
        turn.store, identity_id=turn.identity.id, topics=topics, now=turn.now
    )
    shown = texts.line("topic_all") if set(topics) == set(Topic) else _shown(topics)
    if kept:
        words = [texts.word("kept", topic.value) for topic in kept]
        turn.say("reminders_muted_but", topics=shown, kept=texts.line("and").join(words))
    else:
        turn.say("reminders_muted", topics=shown)


class ActionMuteReminders(ServiceAction):
    """Mutes what is named; asks what is meant if nothing is."""

    action_name = "action_mute_reminders"

    def handle(self, turn: Turn) -> list[Event]:
        """Mute the topics named or all; else open the form that asks."""
        if WANTED.search(turn.text):
            # "恢复取消截止的提醒" holds the words of both.
            return [FollowupAction(ActionUnmuteReminders.action_name)]
        topics = topics_named(turn.text)
        if not topics and EVERYTHING.search(turn.text):
            topics = list(Topic)
        if not topics:
            return [SlotSet("reminder_topic", None), *open_form(turn, ReminderForm.form)]
        mute(turn, topics)
        return resume(turn)


class ReminderForm(Form):
    """Which topic to mute."""

    form = "reminder_form"
    slots = ("reminder_topic",)

    def find(self, turn: Turn, asked: str | None) -> Found:
        """Search for a topic, or for all of them."""
        found = Found()
        button = turn.entity("reminder_topic")
        if button in (ALL, *Topic):
            found.add("reminder_topic", button)
        if found.values or not turn.text:
            return found
        topics = topics_named(turn.text)
        position = texts.ordinal(turn.text)
        whole = (0, len(turn.text))
        if topics:
            found.add("reminder_topic", "+".join(topic.value for topic in topics), whole)
        elif EVERYTHING.search(turn.text):
            found.add("reminder_topic", ALL, whole)
        elif position is not None:
            found.add("reminder_topic", [ALL, *Topic][position - 1], whole)
        return found

    def certain(self, turn: Turn, asked: str | None) -> bool:
        """Take "投诉的" for an answer, not for a complaint."""
        return bool(topics_named(turn.text)) and len(turn.text) <= SHORT_ANSWER

    def _aside(self, turn: Turn, asked: str | None, found: Found) -> bool:
        return not self.certain(turn, asked) and super()._aside(turn, asked, found)


class ActionAskReminderTopic(ServiceAction):
    """Asks which topic, each as a button."""

    action_name = "action_ask_reminder_topic"
    ends_turn = False

    def handle(self, turn: Turn) -> list[Event]:
        """Offer all at once first, then each topic that is still on."""
        off = service.topics_off(turn.store, identity_id=turn.identity.id)
        offered = [(texts.line("topic_all"), ALL)]
        offered += [(texts.word("topic", t.value), t.value) for t in Topic if t not in off]
        turn.say(
            "which_reminders",
            buttons=[texts.inform_button(title, reminder_topic=value) for title, value in offered],
        )
        return []


class ActionSubmitReminder(Submit):
    """Mutes the topic chosen."""

    form_class = ReminderForm

    def submit(self, turn: Turn) -> str | None:
        """Mute it, and say so."""
        chosen = str(turn.slot("reminder_topic")).split("+")
        mute(turn, [topic for topic in Topic if topic.value in chosen or ALL in chosen])
        return None


class ActionUnmuteReminders(ServiceAction):
    """Turns messages on again."""

    action_name = "action_unmute_reminders"

    def handle(self, turn: Turn) -> list[Event]:
        """Turn the topics named on, or all."""
        named = topics_named(turn.text) or list(Topic)
        back = service.want_topics(
            turn.store, identity_id=turn.identity.id, topics=named, now=turn.now
        )
        if back:
            turn.say("reminders_unmuted", topics=_shown(back))
        else:
            turn.say("reminders_on_already", topics=_shown(named))
        return resume(turn)


class ActionListReminders(ServiceAction):
    """Says which messages are on."""

    action_name = "action_list_reminders"

    def handle(self, turn: Turn) -> list[Event]:
        """Name the topics that are on and those that are off."""
        off = service.topics_off(turn.store, identity_id=turn.identity.id)
        on = [topic for topic in Topic if topic not in off]
        if not off:
            turn.say("reminders_all_on", topics=_shown(on))
        elif on:
            turn.say("reminders_some_on", on=_shown(on), off=_shown(off))
        else:
            turn.say("reminders_all_off")
        return resume(turn)
