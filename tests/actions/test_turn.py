"""What every action shares: failures, the identity, the children, opening and closing forms."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from actions.binding import BindForm
from actions.booking import ActionBookAppointment, ActionSubmitBook, BookForm
from actions.conversation import (
    ActionAffirm,
    ActionReportEmergency,
)
from actions.hospitals import ActionFindHospital
from actions.people import ActionTalkToHuman
from actions.policies import ActionCheckBalance
from actions.turn import ServiceAction
from bot.services.errors import Conflict, NotFound
from bot.store.models import ChatIdentity, HandOff
from bot.texts import texts

Run = Callable[..., Any]
ONE, TWO = "13800000101", "13800000201"
NUMBER = "YX2026-000101"
FUDAN = "复旦大学附属儿科医院国际部特需门诊"
PERSONAL = ("王小满", ONE, NUMBER, "secret-sender", "孩子发烧三天")


class Broken(Exception):
    """A failure of the store that quotes what it was given."""


@pytest.fixture
def broken_store(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    def fail() -> None:
        raise OperationalError("SELECT", {}, Broken("database is locked"))

    monkeypatch.setattr("actions.turn.get_store", fail)
    return run


# ---- failures


def all_actions(base: type = ServiceAction) -> list[type[ServiceAction]]:
    found: list[type[ServiceAction]] = []
    for kind in base.__subclasses__():
        found += all_actions(kind)
        if not getattr(kind, "__abstractmethods__", ()):
            found.append(kind)
    return sorted(set(found), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", all_actions(), ids=lambda kind: kind.__name__)
def test_when_the_store_fails_every_action_still_answers(
    broken_store: Run, kind: type[ServiceAction]
) -> None:
    reply = broken_store(kind(), "孩子发烧三天", sender="secret-sender")
    expected = "emergency" if kind is ActionReportEmergency else "failure"
    assert reply.texts == [texts()[expected].text]


def test_a_failure_tells_the_hotline() -> None:
    assert "021-80209058" in texts()["failure"].text


def test_a_failure_is_logged_with_the_conversations_hash_and_nothing_personal(
    broken_store: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        broken_store(
            ActionCheckBalance(),
            "孩子发烧三天，我是王小满家长 13800000101",
            "check_balance",
            slots={"policy": NUMBER, "bind_child_name": "王小满"},
            sender="secret-sender",
        )
    (record,) = [r for r in caplog.records if r.name == "actions.turn"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    expected = hashlib.sha256(b"secret-sender").hexdigest()[:16]
    assert vars(record)["conversation"] == expected
    assert vars(record)["action"] == "action_check_balance"
    written = caplog.text + "".join(str(vars(r)) for r in caplog.records)
    assert not [word for word in PERSONAL if word in written]


@pytest.mark.parametrize("error", [Conflict("x"), NotFound("x"), RuntimeError("x"), KeyError("x")])
def test_a_failing_service_takes_back_what_was_half_said(
    run: Run, bind: Callable[..., int], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    bind(ONE)

    def half(self: ServiceAction, turn: Any) -> list[Any]:
        turn.say("affirm")
        raise error

    monkeypatch.setattr(ActionAffirm, "handle", half)
    reply = run(ActionAffirm(), "好", "affirm")
    assert reply.texts == [texts()["failure"].text, texts()["handoff_failure"].text]
    assert reply.events == []


def test_a_failing_action_touches_no_slot(
    run: Run, bind: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(ONE)
    monkeypatch.setattr("bot.services.policies.view", lambda *_: 1 / 0)
    slots = {"policy": NUMBER, "book_hospital": FUDAN}
    reply = run(ActionCheckBalance(), "还剩多少", "check_balance", slots=slots, form="book_form")
    assert reply.texts == [texts()["failure"].text, texts()["handoff_failure"].text]
    assert reply.slots == {}


@pytest.mark.parametrize("kind", [BookForm, BindForm])
def test_a_failing_form_asks_the_same_question_again(
    broken_store: Run, kind: type[ServiceAction]
) -> None:
    asked = "book_date" if kind is BookForm else "bind_phone"
    slots = {"requested_slot": asked, "book_hospital": FUDAN, "bind_child_name": "王小满"}
    reply = broken_store(kind(), "明天", slots=slots, form=kind.form)
    assert reply.slots == {"misses": 0, "requested_slot": asked}
    assert reply.loops == []


def test_a_failed_submission_answers_and_keeps_the_child(broken_store: Run) -> None:
    slots = dict.fromkeys(BookForm.slots, "x") | {"policy": NUMBER}
    reply = broken_store(ActionSubmitBook(), "好", "affirm", slots=slots)
    assert reply.texts == [texts()["failure"].text]
    assert "policy" not in reply.slots
    # Nothing said is lost: the summary is asked again, and a yes tries again.
    assert reply.slots == {"book_confirm": None, "requested_slot": "book_confirm"}
    assert reply.loops == ["book_form"]
    assert reply.followup == "action_listen"


def test_120_is_told_even_if_the_hand_off_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.services.handoffs.request_handoff", lambda *_, **__: 1 / 0)
    reply = run(ActionReportEmergency(), "抽搐了", "report_emergency", form="book_form")
    assert reply.texts == [texts()["emergency"].text]
    assert "120" in reply.text
    assert [r.message for r in caplog.records if r.name == "actions.turn"] == ["action failed"]


# ---- who writes


def test_each_sender_has_an_identity_of_its_own(
    run: Run, bind: Callable[..., int], count: Callable[..., int]
) -> None:
    bind(ONE)
    assert "王小满" in run(ActionCheckBalance(), "余额", "check_balance").text
    stranger = run(ActionCheckBalance(), "余额", "check_balance", sender="stranger")
    assert stranger.texts == []
    assert stranger.followup == "bind_form"
    assert count(ChatIdentity) == 2


def test_the_button_of_another_familys_policy_opens_nothing(
    run: Run, bind: Callable[..., int], entity: Callable[..., dict[str, Any]]
) -> None:
    bind(TWO)
    reply = run(
        ActionCheckBalance(),
        intent="check_balance",
        entities=[entity("policy", NUMBER)],
        slots={"policy": NUMBER},
    )
    assert "王小满" not in reply.text
    assert reply.followup == "policy_form"


# ---- which child


def test_an_unbound_parent_is_led_to_binding_and_the_request_is_kept(run: Run) -> None:
    reply = run(ActionCheckBalance(), "还剩多少额度", "check_balance")
    assert reply.followup == "bind_form"
    assert reply.slots["pending_task"] == "action_check_balance"


def test_with_two_children_it_is_asked_which(run: Run, bind: Callable[..., int]) -> None:
    bind(TWO)
    reply = run(ActionCheckBalance(), "还剩多少额度", "check_balance")
    assert reply.followup == "policy_form"
    assert reply.slots["pending_task"] == "action_check_balance"


@pytest.mark.parametrize(
    ("text", "child"),
    [
        ("李沐瑶还剩多少额度", "李沐瑶"),
        ("沐宸还剩多少", "李沐宸"),
        ("不是沐宸，是沐瑶的", "李沐瑶"),
    ],
)
def test_a_child_named_is_not_asked_for(
    run: Run, bind: Callable[..., int], text: str, child: str
) -> None:
    bind(TWO)
    assert child in run(ActionCheckBalance(), text, "check_balance").text


def test_a_child_chosen_before_is_not_asked_for_again(run: Run, bind: Callable[..., int]) -> None:
    bind(TWO)
    slots = {"policy": "YX2026-000202"}
    reply = run(ActionCheckBalance(), "还剩多少", "check_balance", slots=slots)
    assert "李沐瑶" in reply.text
    assert reply.followup == "action_listen"


# ---- the end of a turn


def test_a_turn_ends_explicitly(run: Run) -> None:
    assert run(ActionAffirm(), "好", "affirm").followup == "action_listen"


def test_an_open_form_is_asked_again_after_an_aside(run: Run) -> None:
    assert run(ActionFindHospital(), "有哪些医院", form="book_form").followup == "book_form"


def test_a_form_stays_open_beside_what_ends_the_turn(run: Run) -> None:
    reply = run(ActionTalkToHuman(), "转人工", "talk_to_human", form="book_form")
    assert reply.loops == ["book_form"]
    assert reply.followup == "action_listen"


def test_a_form_opened_within_another_puts_that_aside(run: Run) -> None:
    slots = {"paused_forms": ["claim_form"]}
    reply = run(
        ActionBookAppointment(), "先预约", "book_appointment", form="consult_form", slots=slots
    )
    assert reply.slots["paused_forms"] == ["claim_form", "consult_form"]
    assert reply.followup == "bind_form"
    assert reply.loops == [None]


def test_understanding_ends_a_row_of_misses(run: Run) -> None:
    assert run(ActionAffirm(), "好", "affirm", slots={"misses": 1}).slots == {"misses": 0}
    missed = run(
        ActionAffirm(), "嗯", "affirm", slots={"misses": 1}, after=["action_not_understood"]
    )
    assert "misses" not in missed.slots


def test_a_person_is_asked_for_once(run: Run, count: Callable[..., int]) -> None:
    assert "排在第 1 位" in run(ActionTalkToHuman(), "转人工").text
    assert "已经在人工队列里，排在第 1 位" in run(ActionTalkToHuman(), "转人工").text
    assert count(HandOff) == 1
