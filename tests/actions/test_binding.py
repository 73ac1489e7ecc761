"""Binding and choosing a child in conversation (手册·绑卡流程 E1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from actions.binding import (
    ActionAskPolicy,
    ActionBindCard,
    ActionSubmitBind,
    ActionSubmitPolicy,
    ActionSwitchPolicy,
    BindForm,
    PolicyForm,
)
from bot.clock import TZ
from bot.services.sms import SmsError
from bot.store.models import Binding, OneTimeCode
from bot.texts import texts

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
ONE, TWO, UNKNOWN = "13800000101", "13800000201", "13999999999"
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
KNOWN = {"bind_child_name": "王小满", "bind_phone": ONE}


@pytest.fixture
def send(run: Run, entity: Entity) -> Callable[..., Any]:
    """Say one message to the form, with the phone or code that it holds."""

    def say(text: str, slots: dict[str, Any], intent: str = "inform") -> Any:
        entities = [entity("phone", d, text, d) for d in re.findall(r"\d{11}", text)]
        entities += [entity("code", d, text, d) for d in re.findall(r"(?<!\d)\d{6}(?!\d)", text)]
        return run(BindForm(), text, intent, slots=slots, form="bind_form", entities=entities)

    return say


def shown(reply: Any) -> str:
    """Return the code that the demonstration shows."""
    found = re.search(r"【演示】验证码：(\d{6})", reply.text)
    assert found, reply.text
    return found[1]


def requested(send: Callable[..., Any], **change: str) -> tuple[dict[str, Any], str]:
    """Give name and phone; return the form's slots then, and the code shown."""
    wanted = KNOWN | change
    slots = {"bind_child_name": wanted["bind_child_name"], "requested_slot": "bind_phone"}
    reply = send(wanted["bind_phone"], slots)
    return slots | reply.slots, shown(reply)


# ---- name, phone, code


def test_binding_begins_and_begins_again(run: Run) -> None:
    assert run(ActionBindCard(), "绑卡", "bind_card").followup == "bind_form"
    again = run(ActionBindCard(), "绑卡", "bind_card", form="bind_form")
    assert (again.followup, again.slots) == ("bind_form", {})


def test_the_name_is_taken_when_it_is_asked(send: Callable[..., Any]) -> None:
    reply = send("王小满", {"requested_slot": "bind_child_name"})
    assert reply.slots["bind_child_name"] == "王小满"
    assert reply.slots["requested_slot"] == "bind_phone"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("我家孩子叫王小满", "王小满"),
        ("名字是王小满，手机13800000101", "王小满"),
        ("王小满 13800000101", "王小满"),
        ("Tom Lee", "Tom Lee"),
    ],
)
def test_names_are_read_in_a_sentence(send: Callable[..., Any], text: str, name: str) -> None:
    assert send(text, {"requested_slot": "bind_child_name"}).slots["bind_child_name"] == name


@pytest.mark.parametrize("text", ["不知道", "为什么要绑定", "怎么绑", "13800000101"])
def test_what_is_no_name_is_not_taken_for_one(send: Callable[..., Any], text: str) -> None:
    reply = send(text, {"requested_slot": "bind_child_name"})
    assert "bind_child_name" not in reply.slots


def test_a_code_is_sent_once_name_and_phone_are_there(
    send: Callable[..., Any], count: Callable[..., int]
) -> None:
    slots, code = requested(send)
    assert slots["requested_slot"] == "bind_code"
    assert slots["bind_request"] is not None
    assert len(code) == 6
    assert count(OneTimeCode) == 1


def test_the_code_is_in_no_slot(send: Callable[..., Any]) -> None:
    slots, code = requested(send)
    assert code not in {str(value) for value in slots.values()}


def test_the_right_code_binds(send: Callable[..., Any], count: Callable[..., int]) -> None:
    slots, code = requested(send)
    reply = send(code, slots)
    assert reply.slots["bind_code"] == "bound"
    assert reply.slots["requested_slot"] is None
    assert count(Binding) == 1


def test_a_wrong_code_is_asked_for_again_with_the_tries_left(
    send: Callable[..., Any], count: Callable[..., int]
) -> None:
    slots, code = requested(send)
    reply = send(f"{(int(code) + 1) % 10**6:06d}", slots)
    assert "还可以试 4 次" in reply.text
    assert reply.slots["bind_code"] is None
    assert reply.slots["requested_slot"] == "bind_code"
    assert count(Binding) == 0


@pytest.mark.parametrize(
    "change", [{"bind_phone": UNKNOWN}, {"bind_child_name": "王大满"}, {"bind_phone": TWO}]
)
def test_an_unknown_pair_gets_the_same_words(
    send: Callable[..., Any], count: Callable[..., int], change: dict[str, str]
) -> None:
    slots, code = requested(send, **change)
    reply = send(code, slots)
    assert reply.text == texts()["code_wrong"].text.format(left=4)
    assert count(Binding) == 0


def test_an_old_code_has_expired(
    send: Callable[..., Any], clock: Callable[[datetime], None]
) -> None:
    slots, code = requested(send)
    clock(NOW + timedelta(minutes=5, seconds=1))
    reply = send(code, slots)
    assert reply.texts == [texts()["code_expired"].text]
    assert reply.slots["requested_slot"] == "bind_code"


@pytest.mark.parametrize("text", ["重发", "没收到", "验证码过期了"])
def test_a_new_code_comes_on_request(
    send: Callable[..., Any], count: Callable[..., int], text: str
) -> None:
    slots, _ = requested(send)
    reply = send(text, slots)
    assert shown(reply)
    assert reply.slots["bind_request"] != slots["bind_request"]
    assert count(OneTimeCode) == 2


def test_five_wrong_codes_end_the_form_and_say_until_when(
    send: Callable[..., Any], run: Run, count: Callable[..., int]
) -> None:
    slots, code = requested(send)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(4):
        send(wrong, slots)
    reply = send(wrong, slots)
    assert "11月23日（周一） 10:30" in reply.text
    assert "021-80209058" in reply.text
    assert (reply.loops, reply.slots["requested_slot"]) == ([None], None)
    # What follows the form binds nothing and says nothing of success.
    after = run(ActionSubmitBind(), slots={"bind_code": "locked"})
    assert after.texts == []
    assert count(Binding) == 0


def test_while_locked_no_code_is_sent(send: Callable[..., Any], count: Callable[..., int]) -> None:
    slots, code = requested(send)
    for _ in range(5):
        send(f"{(int(code) + 1) % 10**6:06d}", slots)
    sent = count(OneTimeCode)
    begun = {"bind_child_name": "李沐瑶", "requested_slot": "bind_phone"}
    reply = send(TWO, begun)
    assert "10:30" in reply.text
    assert "【演示】" not in reply.text
    assert reply.loops == [None]
    assert count(OneTimeCode) == sent


# ---- corrections and refused values


@pytest.mark.parametrize("text", ["12800000101", "138000001011", "1380000"])
def test_a_phone_of_the_wrong_form_is_refused(run: Run, entity: Entity, text: str) -> None:
    slots = {"bind_child_name": "王小满", "requested_slot": "bind_phone"}
    phone = entity("phone", text, text)
    reply = run(BindForm(), text, slots=slots, form="bind_form", entities=[phone])
    assert reply.texts == [texts()["phone_invalid"].text]
    assert reply.slots["bind_phone"] is None
    assert reply.slots["requested_slot"] == "bind_phone"


def test_a_corrected_phone_makes_the_old_code_worthless(
    send: Callable[..., Any], count: Callable[..., int]
) -> None:
    slots, old = requested(send, bind_phone=UNKNOWN)
    reply = send(f"号码写错了，是{ONE}", slots)
    assert reply.slots["bind_phone"] == ONE
    assert reply.slots["bind_request"] != slots["bind_request"]
    slots |= reply.slots
    if shown(reply) != old:
        assert send(old, slots).slots["bind_code"] is None
    assert send(shown(reply), slots).slots["bind_code"] == "bound"
    assert count(Binding) == 1


def test_a_corrected_name_makes_the_old_code_worthless(send: Callable[..., Any]) -> None:
    slots, _ = requested(send, bind_child_name="王晓满")
    reply = send("写错了，名字叫王小满", slots)
    assert reply.slots["bind_child_name"] == "王小满"
    slots |= reply.slots
    assert send(shown(reply), slots).slots["bind_code"] == "bound"


def test_a_question_amid_binding_is_an_aside(send: Callable[..., Any]) -> None:
    slots, _ = requested(send)
    for text, intent in (("电子卡有什么用", "faq"), ("算了", "stop"), ("转人工", "talk_to_human")):
        assert send(text, slots, intent).events == []


def test_a_gateway_that_fails_is_a_code_to_ask_for_again(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, count: Callable[..., int]
) -> None:
    def refuse(*_: object) -> None:
        raise SmsError("ReadTimeout")

    monkeypatch.setattr("bot.services.sms.DemoSmsSender.send_code", refuse)
    slots = {"bind_child_name": "王小满", "requested_slot": "bind_phone"}
    reply = send(ONE, slots)
    assert reply.slots["requested_slot"] == "bind_code"
    assert reply.slots["bind_request"]
    assert count(OneTimeCode) == 1


def test_too_many_codes_are_refused_and_the_last_one_stays_good(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, _ = requested(send)
    monkeypatch.setattr("bot.services.sms.DemoSmsSender.shown_in_chat", False)
    reply = send("重发", slots | {"requested_slot": "bind_code"})
    assert "太勤" in reply.text
    assert reply.slots["bind_request"] == slots["bind_request"]
    assert reply.slots["requested_slot"] == "bind_code"


# ---- after binding


def test_the_request_that_led_to_binding_goes_on(run: Run, bind: Bind) -> None:
    bind(TWO)
    slots = {"bind_code": "bound", "pending_task": "action_check_balance", "bind_request": 1}
    reply = run(ActionSubmitBind(), "123456", slots=slots)
    assert reply.texts == [texts()["bound"].text.format(children="李沐宸、李沐瑶")]
    assert reply.followup == "action_check_balance"
    forgotten = ("bind_child_name", "bind_phone", "bind_code", "bind_request")
    assert all(reply.slots[name] is None for name in forgotten)
    assert "pending_task" not in reply.slots, "the task itself ends it"


def test_who_only_wanted_to_bind_is_asked_what_next(run: Run, bind: Bind) -> None:
    bind(ONE)
    reply = run(ActionSubmitBind(), slots={"bind_code": "bound"})
    assert reply.texts[-1] == texts()["bound_next"].text
    assert "/check_balance" in reply.buttons


# ---- which child


def test_the_bound_children_are_offered(run: Run, bind: Bind) -> None:
    bind(TWO)
    assert run(ActionAskPolicy()).buttons == [
        '/inform{"policy": "YX2026-000201"}',
        '/inform{"policy": "YX2026-000202"}',
    ]


@pytest.mark.parametrize(
    ("text", "intent", "number"),
    [
        ("李沐瑶", "inform", "YX2026-000202"),
        ("沐宸的", "inform", "YX2026-000201"),
        ("第一个", "inform", "YX2026-000201"),
        ("2", "inform", "YX2026-000202"),
    ],
)
def test_the_child_is_named_or_counted(
    run: Run, bind: Bind, text: str, intent: str, number: str
) -> None:
    bind(TWO)
    slots = {"requested_slot": "policy"}
    reply = run(PolicyForm(), text, intent, slots=slots, form="policy_form")
    assert reply.slots == {"misses": 0, "policy": number, "requested_slot": None}


@pytest.mark.parametrize("text", ["王小满", "第三个", "随便"])
def test_a_child_that_is_not_bound_is_not_chosen(run: Run, bind: Bind, text: str) -> None:
    bind(TWO)
    slots = {"requested_slot": "policy"}
    reply = run(PolicyForm(), text, slots=slots, form="policy_form")
    assert reply.events == []


def test_the_button_of_another_family_chooses_nothing(run: Run, bind: Bind, entity: Entity) -> None:
    bind(TWO)
    number = entity("policy", "YX2026-000101")
    slots = {"requested_slot": "policy"}
    assert run(PolicyForm(), slots=slots, form="policy_form", entities=[number]).events == []


def test_the_choice_is_kept_and_the_task_goes_on(run: Run, bind: Bind) -> None:
    bind(TWO)
    slots = {"policy": "YX2026-000202", "pending_task": "action_check_balance"}
    reply = run(ActionSubmitPolicy(), "沐瑶", slots=slots)
    assert (reply.followup, reply.texts) == ("action_check_balance", [])
    assert "policy" not in reply.slots, "the choice stays"
    alone = run(ActionSubmitPolicy(), "沐瑶", slots={"policy": "YX2026-000202"})
    assert "李沐瑶（成长PLUS计划）" in alone.text


@pytest.mark.parametrize(
    ("text", "current", "number"),
    [
        ("换成沐瑶", "YX2026-000201", "YX2026-000202"),
        ("换一个孩子", "YX2026-000201", "YX2026-000202"),
        ("换一个孩子", "YX2026-000202", "YX2026-000201"),
    ],
)
def test_switching_takes_the_child_named_or_the_other_of_two(
    run: Run, bind: Bind, text: str, current: str, number: str
) -> None:
    bind(TWO)
    slots = {"policy": current}
    reply = run(ActionSwitchPolicy(), text, "switch_policy", slots=slots)
    assert reply.slots["policy"] == number


def test_switching_without_a_choice_asks_or_says_so(run: Run, bind: Bind) -> None:
    action, intent = ActionSwitchPolicy(), "switch_policy"
    assert run(action, "换一个", intent).followup == "bind_form"
    bind(ONE)
    assert "只绑定了王小满" in run(action, "换一个", intent).text
    bind(TWO)
    reply = run(action, "换一个", intent, slots={"policy": "YX2026-000101"})
    assert (reply.followup, reply.slots["policy"]) == ("policy_form", None)
