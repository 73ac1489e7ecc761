"""Emergencies, people, stopping, misses, hospitals and authorizations in conversation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import actions
from actions.conversation import (
    ActionAffirm,
    ActionDeny,
    ActionInform,
    ActionNotUnderstood,
    ActionReportEmergency,
    ActionResume,
    ActionStop,
)
from actions.forms import Form, every_form
from actions.hospitals import ActionFindHospital
from bot.store.models import HandOff
from bot.texts import texts

for module in pkgutil.iter_modules(actions.__path__, "actions."):
    importlib.import_module(module.name)
FORMS = tuple(every_form().values())
Run = Callable[..., Any]
Bind = Callable[..., int]
Entity = Callable[..., dict[str, Any]]


def text(name: str) -> str:
    return texts()[name].text


# ---- safety


@pytest.mark.parametrize("form", [None, *(f.form for f in FORMS)])
def test_an_emergency_is_answered_in_any_state(
    run: Run, count: Callable[..., int], form: str | None
) -> None:
    reply = run(ActionReportEmergency(), "孩子抽搐了", "report_emergency", form=form)
    assert reply.texts == [text("emergency")]
    assert reply.texts[0].index("120") < 20, "120 stands in the first line"
    assert count(HandOff, reason="emergency", urgent=True) == 1
    # The form does not ask anything now; it waits.
    assert reply.followup == "action_listen"
    assert reply.loops == ([form] if form else [])


# ---- stopping, yes and no


def test_stopping_needs_something_to_stop(run: Run) -> None:
    reply = run(ActionStop(), "算了", "stop")
    assert reply.texts == [text("nothing_to_stop")]
    assert reply.slots == {"pending_task": None}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.form)
def test_stopping_forgets_the_task_and_its_answers(run: Run, form: type[Form]) -> None:
    reply = run(ActionStop(), "算了", "stop", form=form.form)
    assert reply.texts == [text("stopped")]
    answers = {slot for slot in (*form.slots, *form.scratch) if slot != "policy"}
    assert answers <= {name for name, value in reply.slots.items() if value is None}
    assert reply.slots["pending_task"] is None
    assert reply.slots["requested_slot"] is None
    assert "policy" not in reply.slots
    assert reply.loops == [None]


def test_stopping_takes_up_what_was_put_aside(run: Run) -> None:
    slots = {"paused_forms": ["book_form"]}
    reply = run(ActionStop(), "算了", "stop", form="bind_form", slots=slots)
    assert reply.texts == [text("stopped"), text("back_to_task")]
    assert (reply.followup, reply.slots["paused_forms"]) == ("book_form", [])


def bot(text: str, *payloads: str) -> dict[str, Any]:
    buttons = [{"title": "t", "payload": payload} for payload in payloads]
    return {"event": "bot", "text": text, "data": {"buttons": buttons}}


USER: dict[str, Any] = {"event": "user", "text": "查预约"}


def test_a_yes_takes_up_the_one_thing_that_was_offered(run: Run) -> None:
    before = [USER, bot("目前没有预约。要约一个吗？", "/book_appointment")]
    reply = run(ActionAffirm(), "好", "affirm", before=before)
    assert (reply.texts, reply.followup) == ([], "action_book_appointment")


@pytest.mark.parametrize(
    "said",
    [
        bot("预约已提交。", "/check_appointment"),
        bot("要约一个吗？", "/book_appointment", "/find_hospital"),
        bot("要约一个吗？"),
        bot("是这个吗？", '/inform{"policy": "1"}'),
    ],
)
def test_a_yes_to_anything_else_begins_nothing(run: Run, said: dict[str, Any]) -> None:
    reply = run(ActionAffirm(), "好", "affirm", before=[USER, said])
    assert reply.texts == [text("affirm")]
    assert reply.followup == "action_listen"


def test_what_was_offered_long_ago_is_no_longer_offered(run: Run) -> None:
    before = [USER, bot("要约一个吗？", "/book_appointment"), USER, bot("再见。")]
    assert run(ActionAffirm(), "好", "affirm", before=before).texts == [text("affirm")]


def test_a_second_yes_after_a_submission_does_nothing(run: Run) -> None:
    before = [USER, {"event": "action", "name": "action_submit_book"}, bot("预约已提交。")]
    reply = run(ActionAffirm(), "确认", "affirm", before=before)
    assert reply.texts == [text("done_already")]


def test_yes_and_no_to_nothing(run: Run) -> None:
    assert run(ActionAffirm(), "好", "affirm").texts == [text("affirm")]
    assert run(ActionDeny(), "不", "deny").texts == [text("deny")]


def test_yes_and_no_that_a_form_did_not_ask_for(run: Run) -> None:
    yes = run(ActionAffirm(), "好", "affirm", form="book_form")
    no = run(ActionDeny(), "不", "deny", form="book_form")
    assert (yes.texts, yes.followup) == ([], "book_form")
    assert (no.texts, no.followup) == ([text("deny_in_form")], "book_form")


def test_resuming_asks_the_open_forms_question(run: Run) -> None:
    assert run(ActionResume(), "你好", "greet", form="claim_form").followup == "claim_form"
    assert run(ActionResume(), "你好", "greet").followup == "action_listen"


# ---- misses


def test_the_first_miss_offers_the_two_likeliest_readings(run: Run) -> None:
    ranking = [("nlu_fallback", 0.4), ("check_balance", 0.35), ("check_coverage", 0.2)]
    reply = run(ActionNotUnderstood(), "那个呢", "nlu_fallback", ranking=ranking)
    assert reply.texts == ["您是想查剩余额度，还是看保障范围？"]
    assert reply.buttons == ["/check_balance", "/check_coverage"]
    assert reply.slots["misses"] == 1
    assert reply.slots["unclear"]["text"] == "那个呢"
    assert reply.slots["unclear"]["choices"] == ["check_balance", "check_coverage"]


@pytest.mark.parametrize(
    "ranking",
    [
        [],
        [("check_balance", 0.9)],
        [("check_balance", 0.5), ("check_coverage", 0.14)],
        [("greet", 0.5), ("check_balance", 0.4), ("goodbye", 0.3)],
    ],
)
def test_without_two_readings_it_says_what_it_can_do(
    run: Run, ranking: list[tuple[str, float]]
) -> None:
    reply = run(ActionNotUnderstood(), "嗯嗯嗯", "nlu_fallback", ranking=ranking)
    assert reply.texts == [text("not_understood")]
    assert len(reply.buttons) == 4


@pytest.mark.parametrize(
    ("form", "ranking", "followup"),
    [
        (None, [("bind_card", 0.49), ("inform", 0.48)], "action_bind_card"),
        (None, [("inform", 0.48), ("bind_card", 0.4)], "action_bind_card"),
        (None, [("book_appointment", 0.49), ("inform", 0.3)], "action_listen"),
        ("book_form", [("bind_card", 0.49), ("inform", 0.48)], "book_form"),
    ],
)
def test_a_name_and_a_phone_number_that_may_be_for_binding_are(
    run: Run, form: str | None, ranking: list[tuple[str, float]], followup: str | None
) -> None:
    phone = {"entity": "phone", "value": "13800000101"}
    reply = run(
        ActionNotUnderstood(),
        "绑 王小满 13800000101",
        "nlu_fallback",
        entities=[phone],
        ranking=ranking,
        form=form,
    )
    assert reply.followup == followup


def test_in_a_form_a_miss_asks_the_question_again(run: Run) -> None:
    reply = run(ActionNotUnderstood(), "嗯嗯嗯", "nlu_fallback", form="book_form")
    assert reply.texts == [text("not_understood_in_form")]
    assert (reply.followup, reply.slots) == ("book_form", {"misses": 1})


@pytest.mark.parametrize("form", [None, "book_form"])
def test_the_second_miss_offers_a_person(run: Run, form: str | None) -> None:
    slots = {"misses": 1}
    reply = run(ActionNotUnderstood(), "嗯嗯嗯", "nlu_fallback", form=form, slots=slots)
    assert reply.texts == [text("two_misses")]
    assert reply.buttons == ["/talk_to_human"]
    assert reply.slots == {"misses": 0}


# ---- hospitals


def test_one_hospital_is_told_in_full(run: Run) -> None:
    reply = run(ActionFindHospital(), "新华医院在哪", "find_hospital")
    for part in ("可直付公立医院", "021-00000002", "示例路2号", "工作日 08:00", "耳鼻喉科"):
        assert part in reply.text


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("北京有哪些", ["示范和晴儿科诊所（北京朝阳）"]),
        ("上海哪里看口腔科", ["上海新华医院镜朗高级专家诊疗部"]),
        ("有哪些私立诊所", ["徐汇", "浦东", "北京朝阳"]),
        ("特需的有哪些", ["复旦大学", "新华医院", "儿童医学中心"]),
    ],
)
def test_hospitals_are_found_by_city_department_and_kind(
    run: Run, said: str, names: list[str]
) -> None:
    reply = run(ActionFindHospital(), said, "find_hospital")
    assert all(name in reply.text for name in names), reply.text
    assert reply.text.count("☎") == (len(names) if len(names) > 1 else 0)


def test_where_nothing_fits_that_is_said(run: Run) -> None:
    reply = run(ActionFindHospital(), "北京的特需门诊", "find_hospital")
    assert reply.texts == [text("no_hospital")]


def test_a_hospitals_bare_name_tells_about_it(run: Run) -> None:
    assert "021-00000001" in run(ActionInform(), "复旦儿科").text


@pytest.mark.parametrize(
    ("reference", "action"),
    [
        ("A1001", "action_check_appointment"),
        ("C3001", "action_check_claim_status"),
        ("P3001", "action_check_prior_authorization"),
        ("S5001", "action_pay_self_pay"),
    ],
)
def test_a_bare_number_leads_to_what_it_is_about(
    run: Run, entity: Entity, reference: str, action: str
) -> None:
    found = entity("reference", reference, reference)
    assert run(ActionInform(), reference, entities=[found]).followup == action


@pytest.mark.parametrize("form", [None, "book_form"])
def test_bare_information_without_a_use_is_not_understood(run: Run, form: str | None) -> None:
    reply = run(ActionInform(), "蓝色的", form=form)
    assert (reply.texts, reply.followup) == ([], "action_not_understood")
