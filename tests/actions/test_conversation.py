"""Emergencies, people, stopping, misses, hospitals and authorizations in conversation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import actions
from actions.authorizations import ActionAskAuthorizationRules, ActionCheckAuthorization
from actions.complaints import ActionFileComplaint
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
from bot.store.models import Complaint, HandOff
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


# ---- complaints


def test_a_complaint_is_kept_in_the_parents_words(run: Run, count: Callable[..., int]) -> None:
    words = "等了三天没人理，太慢了"
    reply = run(ActionFileComplaint(), words, "file_complaint")
    assert "F10001" in reply.text
    assert count(Complaint, text=words) == 1


def test_the_button_alone_is_no_complaint(run: Run, count: Callable[..., int]) -> None:
    reply = run(ActionFileComplaint(), intent="file_complaint")
    assert reply.texts == [text("complaint_how")]
    assert count(Complaint) == 0


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


# ---- prior authorization


def test_the_rules_are_told(run: Run) -> None:
    reply = run(ActionAskAuthorizationRules(), "哪些要授权", sender="stranger")
    assert reply.texts == [text("authorization_rules")]


@pytest.mark.parametrize(
    ("kind", "value", "first"),
    [
        ("treatment", "化疗", "要，化疗需要事先授权"),
        ("treatment", "腺样体切除手术", "要，腺样体切除手术需要事先授权"),
        ("amount", "5000.01", "要，单项超过 5000 元"),
    ],
)
def test_what_surely_needs_it_is_told_first(
    run: Run, entity: Entity, kind: str, value: str, first: str
) -> None:
    reply = run(ActionAskAuthorizationRules(), "要不要授权", entities=[entity(kind, value)])
    assert len(reply.texts) == 1
    assert reply.text.startswith(first)


@pytest.mark.parametrize(("kind", "value"), [("treatment", "核磁共振检查"), ("amount", "5000")])
def test_what_the_manual_leaves_open_is_not_guessed(
    run: Run, entity: Entity, kind: str, value: str
) -> None:
    reply = run(ActionAskAuthorizationRules(), "要不要授权", entities=[entity(kind, value)])
    assert reply.texts[-1] == text("authorization_rules")
    assert not reply.text.startswith("要")


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-11-27", "11月27日（周五）的治疗，最晚 11月25日（周三） 23:59 前提交。"),
        ("2026-11-24", "已经过了。仍可提交，但会按加急处理"),
    ],
)
def test_the_deadline_is_told_for_the_day_named(
    run: Run, said_day: Entity, day: str, told: str
) -> None:
    words = "周五做手术几时提交"
    entities = [said_day(words, "周五", day)]
    assert told in run(ActionAskAuthorizationRules(), words, entities=entities).text


def test_the_authorizations_of_ones_children_are_listed(run: Run, bind: Bind) -> None:
    action, intent = ActionCheckAuthorization(), "check_prior_authorization"
    assert run(action, "批了吗", intent).followup == "bind_form"
    bind("13800000301")
    reply = run(action, "批了吗", intent)
    assert "P3001 陈一诺 腺样体切除手术" in reply.text
    assert "已批准" in reply.text
    assert "P3002" in reply.text
    assert "审核中" in reply.text
    bind("13800000101", sender="other")
    none = run(action, "批了吗", intent, sender="other")
    assert none.texts == [text("no_authorizations")]


def test_another_familys_number_is_unknown(run: Run, bind: Bind, entity: Entity) -> None:
    bind("13800000101")
    number = entity("reference", "P3001", "P3001")
    reply = run(ActionCheckAuthorization(), "P3001", entities=[number])
    assert "没有授权编号 P3001" in reply.text
    assert "陈一诺" not in reply.text
