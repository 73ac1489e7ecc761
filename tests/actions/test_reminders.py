"""Muting reminders, wanting them again, listing them."""

from collections.abc import Callable
from typing import Any

import pytest

from actions.reminders import (
    ActionAskReminderTopic,
    ActionListReminders,
    ActionMuteReminders,
    ActionSubmitReminder,
    ActionUnmuteReminders,
    ReminderForm,
    topics_named,
)
from bot.nlu.commands import find_command
from bot.rules.notifications import MUTED_BY_ALL, TOPICS, URGENT, NotificationKind, Topic
from bot.services.reminder_settings import muted
from bot.store.session import Store

Run = Callable[..., Any]
CALL_BACK = NotificationKind.CALL_BACK_OVERDUE


@pytest.fixture
def off(store: Store, bind: Callable[..., int]) -> Callable[[], frozenset[NotificationKind]]:
    """What the parent has muted."""
    identity = bind("13800000101")
    return lambda: muted(store, identity_id=identity)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("别再提醒我", []),
        ("不要再发取消提醒了", [Topic.DEADLINE]),
        ("别再发取消预约的提醒了", [Topic.DEADLINE]),
        ("截止的提醒不要了", [Topic.DEADLINE]),
        ("取消理赔提醒", [Topic.CLAIM]),
        ("取消预约提醒", [Topic.APPOINTMENT]),
        ("取消提醒", []),
        ("把理赔和自付款的提醒都关了", [Topic.CLAIM, Topic.SELF_PAY]),
        ("恢复授权提醒", [Topic.AUTHORIZATION]),
        ("医生回电的通知别发了", [Topic.CALL_BACK]),
        ("预约和取消截止的提醒都别发", [Topic.APPOINTMENT, Topic.DEADLINE]),
        ("关闭取消截止提醒", [Topic.DEADLINE]),
    ],
)
def test_topics_in_messages(text: str, topics: list[Topic]) -> None:
    assert topics_named(text) == topics


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("别再提醒我", "mute_reminders"),
        ("不要再发取消提醒了", "mute_reminders"),
        ("哪些提醒开着", "list_reminders"),
        ("恢复提醒", "unmute_reminders"),
    ],
)
def test_the_requests_are_recognised(text: str, command: str) -> None:
    found = find_command(text)
    assert found is not None
    assert found.command == command


def test_a_topic_named_is_muted_in_a_line(run: Run, off: Any) -> None:
    reply = run(ActionMuteReminders(), "不要再发取消提醒了")
    assert off() == {NotificationKind.CANCELLATION_DEADLINE}
    assert reply.text.startswith("好的，不再提醒：取消截止。")
    assert len(reply.texts) == 1


@pytest.mark.parametrize("text", ["恢复取消截止的提醒", "把取消提醒打开"])
def test_a_wish_to_be_reminded_again_never_mutes(run: Run, off: Any, text: str) -> None:
    assert run(ActionMuteReminders(), text).followup == "action_unmute_reminders"
    assert off() == frozenset()


def test_nothing_named_is_asked_about(run: Run, off: Any) -> None:
    reply = run(ActionMuteReminders(), "别再提醒我")
    assert reply.followup == "reminder_form"
    assert off() == frozenset()
    asked = run(ActionAskReminderTopic(), form="reminder_form", after=["reminder_form"])
    assert asked.buttons[0] == '/inform{"reminder_topic": "all"}'
    assert len(asked.buttons) == 1 + len(Topic)


def test_all_at_once_leaves_what_a_family_must_not_miss(run: Run, off: Any) -> None:
    reply = run(ActionMuteReminders(), "所有提醒都关了")
    assert off() == MUTED_BY_ALL
    assert "仍会告诉您" in reply.text
    again = run(ActionMuteReminders(), "所有提醒都关了")
    assert off() == MUTED_BY_ALL
    assert "仍会告诉您" in again.text


def test_urgent_ones_go_when_their_topic_is_muted_twice(run: Run, off: Any) -> None:
    assert "仍会告诉您" in run(ActionMuteReminders(), "医生回电的提醒关了").text
    assert CALL_BACK not in off()
    assert "仍会告诉您" not in run(ActionMuteReminders(), "医生回电的提醒关了").text
    assert off() == set(TOPICS[Topic.CALL_BACK])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entities": [{"entity": "reminder_topic", "value": "claim"}]}, "claim"),
        ({"entities": [{"entity": "reminder_topic", "value": "DROP"}]}, None),
        ({"text": "理赔的"}, "claim"),
        ({"text": "理赔和授权"}, "authorization+claim"),
        ({"text": "全部"}, "all"),
        ({"text": "都关了吧", "intent": "affirm"}, "all"),
        ({"text": "1"}, "all"),
        ({"text": "投诉的", "intent": "file_complaint"}, "complaint"),
        ({"text": "我要投诉", "intent": "file_complaint"}, None),
        ({"text": "投诉回复的", "intent": "inform"}, "complaint"),
        ({"text": "还剩多少额度", "intent": "check_balance"}, None),
    ],
)
def test_the_form_takes_buttons_and_words(
    run: Run, off: Any, given: dict[str, Any], expected: str | None
) -> None:
    slots = {"requested_slot": "reminder_topic"}
    reply = run(ReminderForm(), form="reminder_form", slots=slots, **given)
    assert reply.slots.get("reminder_topic") == expected


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [
        ("claim", set(TOPICS[Topic.CLAIM])),
        ("claim+self_pay", {*TOPICS[Topic.CLAIM], *TOPICS[Topic.SELF_PAY]}),
        ("all", set(MUTED_BY_ALL)),
    ],
)
def test_what_was_chosen_is_muted(
    run: Run, off: Any, chosen: str, kinds: set[NotificationKind]
) -> None:
    reply = run(ActionSubmitReminder(), form="reminder_form", slots={"reminder_topic": chosen})
    assert off() == kinds
    assert reply.slots["reminder_topic"] is None
    assert reply.loops == [None]


def test_one_topic_or_all_come_back(run: Run, off: Any) -> None:
    assert "本来就开着" in run(ActionUnmuteReminders(), "恢复提醒").text
    run(ActionMuteReminders(), "所有提醒都关了")
    assert "已恢复：理赔" in run(ActionUnmuteReminders(), "恢复理赔提醒").text
    assert off() == MUTED_BY_ALL - set(TOPICS[Topic.CLAIM])
    run(ActionUnmuteReminders(), "恢复提醒")
    assert off() == frozenset()


def test_the_list_tells_what_is_on_and_off(run: Run, off: Any) -> None:
    assert "提醒都开着" in run(ActionListReminders(), "哪些提醒开着").text
    run(ActionMuteReminders(), "理赔提醒关了")
    reply = run(ActionListReminders(), "哪些提醒开着")
    on, rest = reply.text.split("\n")
    assert "理赔" not in on
    assert "理赔" in rest
    run(ActionMuteReminders(), "所有提醒都关了")
    assert "提醒都关了" in run(ActionListReminders(), "哪些提醒开着").text


def test_an_open_form_goes_on_afterwards(run: Run, off: Any) -> None:
    reply = run(ActionListReminders(), "哪些提醒开着", form="book_form")
    assert reply.followup == "book_form"
    asked = run(ActionMuteReminders(), "别再提醒我", form="book_form")
    assert asked.slots["paused_forms"] == ["book_form"]


def test_an_account_that_is_not_bound_may_mute_too(run: Run, store: Store) -> None:
    run(ActionMuteReminders(), "理赔提醒关了", sender="stranger")
    assert "理赔" in run(ActionListReminders(), "哪些提醒开着", sender="stranger").text


def test_urgent_kinds_are_named_where_all_is_muted() -> None:
    assert {topic for topic in Topic if set(TOPICS[topic]) & URGENT} == {
        Topic.APPOINTMENT,
        Topic.CALL_BACK,
    }
