"""Moving and withdrawing in conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.appointment_changes import ActionCancelAppointment, ActionRescheduleAppointment
from actions.authorization_changes import (
    ActionAskAuthDropConfirm,
    ActionAskAuthMoveConfirm,
    ActionAskAuthMoveReference,
    ActionChangeAuthorization,
    ActionSubmitAuthDrop,
    ActionSubmitAuthMove,
    DropAuthForm,
    MoveAuthForm,
)
from actions.conversation import ActionNotUnderstood, ActionStop
from bot.store.models import Authorization

Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]
Day = Callable[..., dict[str, Any]]
Count = Callable[..., int]
REQUEST = "request_prior_authorization"


@pytest.fixture(autouse=True)
def parent(bind: Bind) -> int:
    return bind("13800000301")


@pytest.mark.parametrize(
    "action",
    [ActionCancelAppointment, ActionRescheduleAppointment, ActionStop, ActionNotUnderstood],
)
def test_whatever_it_looks_like_it_is_handed_on(run: Run, action: type[Any]) -> None:
    assert run(action(), "授权不做了，撤回吧", "stop").followup == "action_change_authorization"


@pytest.mark.parametrize("action", [ActionCancelAppointment, ActionStop])
def test_appointments_are_left_to_appointments(run: Run, action: type[Any]) -> None:
    followup = run(action(), "取消预约", "cancel_appointment").followup
    assert followup != "action_change_authorization"


@pytest.mark.parametrize(
    ("text", "form", "slot", "reference"),
    [
        ("核磁的授权撤回", "auth_drop_form", "auth_drop_reference", "P3002"),
        ("腺样体那个授权撤回", "auth_drop_form", "auth_drop_reference", "P3001"),
        ("授权撤回", "auth_drop_form", "auth_drop_reference", None),
        ("核磁授权改期", "auth_move_form", "auth_move_reference", "P3002"),
    ],
)
def test_the_one_that_is_meant(
    run: Run, text: str, form: str, slot: str, reference: str | None
) -> None:
    reply = run(ActionChangeAuthorization(), text, REQUEST)
    assert reply.followup == form
    assert reply.slots[slot] == reference


def test_the_new_day_is_kept(run: Run, said_day: Day) -> None:
    text = "12月4号的核磁授权改到12月9号"
    entities = [said_day(text, "12月4号", "2026-12-04"), said_day(text, "12月9号", "2026-12-09")]
    reply = run(ActionChangeAuthorization(), text, REQUEST, entities=entities)
    assert reply.slots["auth_move_reference"] == "P3002"
    assert reply.slots["auth_move_date"] == "2026-12-09"


def test_one_that_is_approved_is_for_staff(run: Run, entity: Entity) -> None:
    reply = run(ActionChangeAuthorization(), "腺样体手术的授权改到12月7号", REQUEST)
    assert "已经批准" in reply.text
    assert reply.followup != "auth_move_form"
    chosen = run(
        MoveAuthForm(),
        "",
        slots={"requested_slot": "auth_move_reference"},
        form="auth_move_form",
        entities=[entity("reference", "P3001")],
    )
    assert "已经批准" in chosen.text
    assert chosen.slots["auth_move_reference"] is None


def test_nothing_to_change(run: Run, bind: Bind) -> None:
    bind("13800000101", sender="wang")
    reply = run(ActionChangeAuthorization(), "授权撤回", REQUEST, sender="wang")
    assert "没有可以改期或撤回" in reply.text


def test_not_bound_binds_first_and_remembers(run: Run) -> None:
    reply = run(ActionChangeAuthorization(), "授权改到下周五", REQUEST, sender="new")
    assert (reply.followup, reply.slots["auth_change"]) == ("bind_form", "move")
    assert reply.slots["pending_task"] == "action_change_authorization"


def test_without_a_word_of_what_to_change_it_is_a_request(run: Run) -> None:
    assert run(ActionChangeAuthorization(), "授权", REQUEST).followup == (
        "action_request_prior_authorization"
    )


def test_another_family_s_is_not_there(run: Run, bind: Bind, entity: Entity) -> None:
    bind("13800000101", sender="wang")
    reply = run(
        ActionChangeAuthorization(),
        "P3002撤回",
        REQUEST,
        entities=[entity("reference", "P3002")],
        sender="wang",
    )
    assert "没有可以改的申请 P3002" in reply.text
    assert "核磁" not in reply.text


@pytest.mark.parametrize("text", ["第二个", "核磁那个", "P3002"])
def test_one_of_the_list_is_chosen(run: Run, entity: Entity, text: str) -> None:
    offered = run(ActionAskAuthMoveReference())
    assert '/inform{"reference": "P3002"}' in offered.buttons
    entities = [entity("reference", "P3002")] if text.startswith("P") else []
    reply = run(
        MoveAuthForm(),
        text,
        slots={"requested_slot": "auth_move_reference"},
        form="auth_move_form",
        entities=entities,
    )
    assert reply.slots["auth_move_reference"] == "P3002"
    assert reply.slots["requested_slot"] == "auth_move_date"


@pytest.mark.parametrize(
    ("day", "kept", "told"),
    [
        ("2026-12-04", None, "原来就是12月4日"),
        ("2026-11-20", None, "已经过了"),
        ("2026-12-09", "2026-12-09", ""),
    ],
)
def test_new_days(run: Run, said_day: Day, day: str, kept: str | None, told: str) -> None:
    slots = {"auth_move_reference": "P3002", "requested_slot": "auth_move_date"}
    entities = [said_day("那天", "那天", day)]
    reply = run(MoveAuthForm(), "那天", slots=slots, form="auth_move_form", entities=entities)
    assert reply.slots["auth_move_date"] == kept
    assert told in reply.text


@pytest.mark.parametrize(
    ("day", "told"),
    [("2026-12-09", "最晚 12月7日（周一） 23:59 前"), ("2026-11-24", "已过，会标记加急")],
)
def test_a_move_is_summed_up_and_done_once(run: Run, count: Count, day: str, told: str) -> None:
    slots = {"auth_move_reference": "P3002", "auth_move_date": day, "auth_move_confirm": True}
    assert told in run(ActionAskAuthMoveConfirm(), slots=slots).text
    for _ in range(2):
        assert "已改期" in run(ActionSubmitAuthMove(), "好", "affirm", slots=slots).text
    assert count(Authorization) == 2


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("撤回", "stop", True),
        ("确定撤回吧", "cancel_appointment", True),
        ("好", "affirm", True),
        ("不撤了", "deny", False),
        ("先别撤", "inform", False),
        ("不要了", "deny", False),
    ],
)
def test_yes_and_no_to_withdrawing(run: Run, text: str, intent: str, answer: bool) -> None:
    slots = {"auth_drop_reference": "P3002", "requested_slot": "auth_drop_confirm"}
    reply = run(DropAuthForm(), text, intent, slots=slots, form="auth_drop_form")
    assert reply.slots["auth_drop_confirm"] is answer


def test_withdrawing_what_is_approved_says_what_is_lost(run: Run, count: Count) -> None:
    slots = {"auth_drop_reference": "P3001", "auth_drop_confirm": True}
    assert "已经批准，撤回就作废" in run(ActionAskAuthDropConfirm(), slots=slots).text
    assert "已撤回：P3001" in run(ActionSubmitAuthDrop(), "好", "affirm", slots=slots).text
    assert count(Authorization, status="withdrawn") == 1


def test_what_was_changed_meanwhile_is_said(run: Run) -> None:
    slots = {
        "auth_move_reference": "P3001",
        "auth_move_date": "2026-12-09",
        "auth_move_confirm": True,
    }
    reply = run(ActionSubmitAuthMove(), "好", "affirm", slots=slots)
    assert "已经批准的要由同事改期" in reply.text
