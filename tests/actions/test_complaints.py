"""Complaints in the chat: any words are the complaint, summed up, filed, added to, looked up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from actions.complaints import (
    ActionAddComplaint,
    ActionAskComplaintConfirm,
    ActionCheckComplaint,
    ActionFileComplaint,
    ActionSubmitComplaint,
    ComplaintForm,
    kind_of,
)
from bot.clock import TZ
from bot.services import complaints as service
from bot.services.identity import identify
from bot.store.models import Complaint, ComplaintNote
from bot.store.session import Store
from bot.texts import texts

Run = Callable[..., Any]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
WORDS = "上次预约到了医院说没我名字，白跑一趟"
FORM = "complaint_form"


def in_form(asked: str, **slots: Any) -> dict[str, Any]:
    return {"form": FORM, "slots": {"requested_slot": asked, **slots}}


def file(store: Store, text: str = WORDS, sender: str = "parent") -> str:
    who = identify(store, "rest", sender).id
    seen, _ = service.file_complaint(store, identity_id=who, kind="complaint", text=text, now=NOW)
    return seen.reference


def answer(store: Store, reference: str) -> None:
    service.take_up(store, reference=reference, actor="staff:lin", now=NOW)
    service.resolve(store, reference=reference, actor="staff:lin", answer="已改进", now=NOW)


# ---- beginning


@pytest.mark.parametrize(
    "said", ["我要投诉", "投诉", "怎么投诉", "我要提个建议", "我想提点意见。", "投诉你们", ""]
)
def test_a_bare_wish_is_asked_what_about(run: Run, said: str, count: Callable[..., int]) -> None:
    reply = run(ActionFileComplaint(), said, "file_complaint")
    assert reply.followup == FORM
    assert reply.slots["complaint_text"] is None
    assert reply.slots["complaint_kind"] == ("suggestion" if "建议" in said else None)
    assert count(Complaint) == 0


def test_what_is_said_at_once_is_kept(run: Run, count: Callable[..., int]) -> None:
    said = "你们客服态度太差了，等了半小时没人接，我要投诉"
    reply = run(ActionFileComplaint(), said, "file_complaint")
    assert (reply.slots["complaint_text"], reply.followup) == (said, FORM)
    assert count(Complaint) == 0


def test_an_open_task_is_put_aside(run: Run) -> None:
    reply = run(ActionFileComplaint(), WORDS, "file_complaint", form="book_form")
    assert reply.slots["paused_forms"] == ["book_form"]
    assert reply.followup == FORM


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("希望周末也能预约", "suggestion"),
        ("建议把字弄大一点", "suggestion"),
        ("你们态度太差", "complaint"),
        ("建议你们别再拖了，太慢", "complaint"),
        ("上回的事到现在", "complaint"),
    ],
)
def test_in_doubt_it_is_a_complaint(text: str, kind: str) -> None:
    assert kind_of(text) == kind


# ---- the words


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("希望能周末也可以预约", "book_appointment"),
        ("取消预约太麻烦了，要打三次电话", "cancel_appointment"),
        ("理赔两个月了还没到账", "check_claim_status"),
        ("人工客服从来打不通，转来转去", "talk_to_human"),
        ("算了这种话以后别让客服说了行不行", "stop"),
        ("态度恶劣", "nlu_fallback"),
        (WORDS, "file_complaint"),
    ],
)
def test_any_words_are_the_complaint_where_it_is_asked_for(
    run: Run, said: str, intent: str
) -> None:
    reply = run(ComplaintForm(), said, intent, **in_form("complaint_text"))
    assert reply.slots["complaint_text"] == said
    assert reply.slots["requested_slot"] == "complaint_confirm"


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("孩子抽搐了叫不醒", "report_emergency"),
        ("算了", "stop"),
        ("转人工", "talk_to_human"),
        ("好的", "affirm"),
        ("我要投诉", "file_complaint"),
        ("", "check_balance"),
    ],
)
def test_an_emergency_a_stop_or_a_button_is_not(run: Run, said: str, intent: str) -> None:
    reply = run(ComplaintForm(), said, intent, **in_form("complaint_text"))
    assert "complaint_text" not in reply.slots


def test_the_summary_quotes_the_words_and_tells_the_due_time(run: Run) -> None:
    reply = run(ActionAskComplaintConfirm(), slots={"complaint_text": WORDS})
    assert f"登记为投诉：\n“{WORDS}”" in reply.text
    assert "11月25日（周三） 23:59" in reply.text
    assert reply.buttons == ["/affirm", "/deny"]


def test_a_long_complaint_is_quoted_in_part_and_kept_whole(run: Run) -> None:
    long = "等了很久" * 50
    reply = run(ActionAskComplaintConfirm(), slots={"complaint_text": long})
    assert "后面的也会登记" in reply.text
    assert len(reply.text) <= 180
    taken = run(ComplaintForm(), long, "inform", **in_form("complaint_text"))
    assert taken.slots["complaint_text"] == long


def test_a_wish_to_suggest_stays_one_unless_the_words_complain(run: Run) -> None:
    slots = {"complaint_text": "周末也开放预约", "complaint_kind": "suggestion"}
    assert "登记为建议" in run(ActionAskComplaintConfirm(), slots=slots).text
    slots["complaint_text"] = "你们态度太差了"
    assert "登记为投诉" in run(ActionAskComplaintConfirm(), slots=slots).text


# ---- the summary


@pytest.mark.parametrize(
    ("said", "intent", "text"),
    [
        ("不对，是电话打了三次没人接", "deny", "电话打了三次没人接"),
        ("改成：电话打了三次没人接", "inform", "电话打了三次没人接"),
        ("还有客服说话很难听", "file_complaint", f"{WORDS}\n还有客服说话很难听"),
        ("另外停车也不方便", "inform", f"{WORDS}\n另外停车也不方便"),
        ("而且这是第二回了", "nlu_fallback", f"{WORDS}\n而且这是第二回了"),
    ],
)
def test_at_the_summary_the_words_are_changed_or_added_to(
    run: Run, said: str, intent: str, text: str
) -> None:
    slots = in_form("complaint_confirm", complaint_text=WORDS)
    reply = run(ComplaintForm(), said, intent, **slots)
    assert reply.slots["complaint_text"] == text
    assert reply.slots["requested_slot"] == "complaint_confirm"


@pytest.mark.parametrize("said", ["重写", "写错了，改一下", "我要重新写"])
def test_what_is_to_be_rewritten_is_asked_for_again(run: Run, said: str) -> None:
    slots = in_form("complaint_confirm", complaint_text=WORDS)
    reply = run(ComplaintForm(), said, "deny", **slots)
    assert reply.slots["complaint_text"] is None
    assert reply.slots["requested_slot"] == "complaint_text"


@pytest.mark.parametrize(
    ("said", "intent", "confirmed"),
    [("提交吧", "affirm", True), ("不要", "deny", False), ("不要了", "stop_or_so", False)],
)
def test_a_yes_or_no_at_the_summary(run: Run, said: str, intent: str, confirmed: bool) -> None:
    slots = in_form("complaint_confirm", complaint_text=WORDS)
    reply = run(ComplaintForm(), said, intent, **slots)
    assert reply.slots["complaint_confirm"] is confirmed


def test_a_question_at_the_summary_is_answered_first(run: Run) -> None:
    slots = in_form("complaint_confirm", complaint_text=WORDS)
    assert run(ComplaintForm(), "多久有答复？", "faq", **slots).slots == {}


# ---- filing


def submit(run: Run, confirm: bool = True, **slots: Any) -> Any:
    known = {"complaint_text": WORDS, "complaint_confirm": confirm, **slots}
    return run(ActionSubmitComplaint(), intent="affirm", slots=known)


def test_it_is_filed_with_number_and_due_time_and_once(run: Run, count: Callable[..., int]) -> None:
    reply = submit(run)
    for part in ("F10001", "11月25日（周三） 23:59", "我们自己定的", "对不起"):
        assert part in reply.text
    assert "没有重复：编号 F10001" in submit(run).text
    assert count(Complaint, text=WORDS, kind="complaint") == 1


def test_a_suggestion_is_thanked_for(run: Run, count: Callable[..., int]) -> None:
    reply = submit(run, complaint_text="希望周末也能预约")
    assert reply.text.startswith("谢谢您的建议")
    assert count(Complaint, kind="suggestion") == 1


def test_a_no_files_nothing(run: Run, count: Callable[..., int]) -> None:
    assert submit(run, confirm=False).texts == [texts()["not_submitted"].text]
    assert count(Complaint) == 0


def test_the_task_put_aside_is_offered_again(run: Run) -> None:
    assert submit(run, paused_forms=["claim_form"]).followup == "claim_form"


# ---- adding


def test_words_are_added_to_the_newest_open_complaint(run: Run, store: Store) -> None:
    file(store), file(store, "第二件事")
    reply = run(ActionAddComplaint(), "我要补充一下我的投诉：还有一次也这样")
    assert reply.slots["complaint_reference"] == "F10002"
    assert reply.slots["complaint_text"] == "还有一次也这样"
    summary = run(ActionAskComplaintConfirm(), slots=reply.slots)
    assert summary.text.startswith("将补充到 F10002")


def test_words_are_added_to_the_complaint_named(
    run: Run, store: Store, count: Callable[..., int]
) -> None:
    file(store), file(store, "第二件事")
    reply = run(ActionAddComplaint(), "F10001 补充")
    assert (reply.slots["complaint_reference"], reply.slots["complaint_text"]) == ("F10001", None)
    told = submit(run, complaint_reference="F10001", complaint_text="又等了一天")
    assert told.text.startswith("已补充到 F10001")
    assert count(ComplaintNote, text="又等了一天") == 1
    assert count(Complaint) == 2


def test_nobody_adds_to_a_strangers_complaint(run: Run, store: Store) -> None:
    file(store, sender="stranger")
    reply = run(ActionAddComplaint(), "F10001 补充")
    assert reply.text.startswith("这个聊天账号没有登记过 F10001")
    assert reply.followup == "action_listen"


def test_with_nothing_open_a_new_one_is_begun(run: Run, store: Store) -> None:
    answer(store, file(store))
    reply = run(ActionAddComplaint(), "补充我的投诉")
    assert reply.text.startswith("没有还在处理的")
    assert (reply.slots["complaint_reference"], reply.followup) == (None, FORM)


def test_what_was_answered_in_the_meantime_becomes_a_complaint_of_its_own(
    run: Run, store: Store, count: Callable[..., int]
) -> None:
    answer(store, file(store))
    reply = submit(run, complaint_reference="F10001", complaint_text="还是没改")
    assert reply.texts[0].startswith("F10001 已经答复过")
    assert "F10002" in reply.texts[1]
    assert count(ComplaintNote) == 0


# ---- looking up


def test_the_state_of_each_is_told(run: Run, store: Store) -> None:
    first, second = file(store), file(store, "第二件事")
    service.take_up(store, reference=second, actor="staff:lin", now=NOW)
    text = run(ActionCheckComplaint(), "投诉进度").text
    assert f"· {second}（投诉，11月23日（周一）登记）：同事正在处理，最晚 11月25日" in text
    assert f"· {first}（投诉，11月23日（周一）登记）：已登记，等同事处理" in text
    assert text.index(second) < text.index(first)


def test_the_answer_is_told(run: Run, store: Store) -> None:
    reference = file(store)
    answer(store, reference)
    reply = run(ActionCheckComplaint(), "f10001怎么样了")
    assert "已答复。答复：已改进" in reply.text
    assert "/file_complaint" in reply.buttons


def test_a_late_answer_is_owned_up_to(
    run: Run, store: Store, clock: Callable[[datetime], None]
) -> None:
    file(store)
    clock(datetime(2026, 11, 26, 9, tzinfo=TZ))
    assert "已过这个期限，对不起" in run(ActionCheckComplaint(), "投诉进度").text


@pytest.mark.parametrize("said", ["F10001", "投诉进度"])
def test_nobody_sees_a_strangers_complaint(run: Run, store: Store, said: str) -> None:
    file(store, sender="stranger")
    reply = run(ActionCheckComplaint(), said)
    assert "没有登记过" in reply.text
    assert WORDS not in reply.text


def test_an_open_form_asks_its_question_again(run: Run) -> None:
    assert run(ActionCheckComplaint(), "投诉进度", form="book_form").followup == "book_form"


# ---- no complaint at all


@pytest.mark.parametrize(
    ("said", "intent", "then"),
    [
        ("不对 不是投诉 是想问发票丢了还能报不", "faq", "utter_faq"),
        ("我不是要投诉，帮我查下额度", "check_balance", "action_check_balance"),
        ("不是投诉", "deny", None),
        ("没有要投诉你们啊", "file_complaint", None),
    ],
)
@pytest.mark.parametrize("asked", ["complaint_text", "complaint_confirm"])
def test_taking_back_that_it_is_a_complaint_ends_the_form(
    run: Run, count: Callable[..., int], said: str, intent: str, then: str | None, asked: str
) -> None:
    reply = run(ComplaintForm(), said, intent, **in_form(asked, complaint_text=WORDS))
    assert reply.slots["complaint_text"] is None
    assert reply.slots["requested_slot"] is None
    assert reply.followup == then
    assert reply.texts == ([] if then else [texts()["complaint_dropped"].text])
    assert count(Complaint) == 0


@pytest.mark.parametrize(
    "said",
    [
        "不是投诉客服，是投诉那家医院乱收费",
        "不投诉不行了，等了两个小时没人管",
        "本来不想投诉的，可是护士态度实在太差",
    ],
)
def test_a_complaint_that_says_no_at_first_stays_one(run: Run, said: str) -> None:
    reply = run(ComplaintForm(), said, "file_complaint", **in_form("complaint_text"))
    assert reply.slots["complaint_text"] == said
