"""People, as the parent meets them in the chat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from actions.conversation import ActionDeny, ActionStop
from actions.people import (
    ActionAskContactConfirm,
    ActionAskContactPhone,
    ActionAskContactText,
    ActionLeaveMessage,
    ActionResumeTask,
    ActionStaffCallBack,
    ActionStaffHours,
    ActionSubmitContact,
    ActionTalkToHuman,
    ContactForm,
    contact_wanted,
)
from bot.clock import TZ
from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoffs, presence
from bot.services.identity import identify
from bot.store.models import HandOff
from bot.store.session import Store
from bot.texts import texts

Run = Callable[..., Any]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
NIGHT = NOW.replace(hour=23, minute=30)
FORM = "contact_form"
ONE = "13800000101"


def text(name: str) -> str:
    return texts()[name].text


def online(store: Store, now: datetime = NOW) -> None:
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)


def row(store: Store) -> HandOff:
    with store.read() as session:
        found = session.scalar(sa.select(HandOff).order_by(sa.desc(HandOff.id)))
        assert found is not None
        session.expunge(found)
        return found


# ---- asking for a person


def test_the_place_and_the_wait_are_told(run: Run, store: Store) -> None:
    online(store)
    for name in ("a", "b"):
        assert "排在第" in run(ActionTalkToHuman(), "转人工", "talk_to_human", sender=name).text
    reply = run(ActionTalkToHuman(), "转人工", "talk_to_human")
    assert "排在第 3 位，大约等 18 分钟" in reply.text
    again = run(ActionTalkToHuman(), "人呢", "talk_to_human")
    assert "已经在人工队列里，排在第 3 位，大约等 18 分钟" in again.text


def test_a_long_wait_is_not_counted_in_minutes(run: Run, store: Store) -> None:
    online(store)
    for n in range(12):
        run(ActionTalkToHuman(), "转人工", "talk_to_human", sender=f"p{n}")
    assert "可能要等 1 小时以上" in run(ActionTalkToHuman(), "转人工", "talk_to_human").text


def test_without_an_agent_no_wait_is_promised(run: Run) -> None:
    assert "现在说不准要等多久" in run(ActionTalkToHuman(), "转人工", "talk_to_human").text


def test_at_night_it_is_told_when_people_are_back(
    run: Run, store: Store, clock: Callable[[datetime], None]
) -> None:
    clock(NIGHT)
    reply = run(ActionTalkToHuman(), "转人工", "talk_to_human")
    assert "11月24日（周二） 08:00 上班" in reply.text
    assert [b[:20] for b in reply.buttons] == ['/inform{"command": "', '/inform{"command": "']
    assert (row(store).status, row(store).priority) == ("requested", 1)


def test_after_two_misses_the_agent_knows_why(run: Run, store: Store) -> None:
    before = [
        {"event": "user", "text": "啊吧啊吧"},
        {"event": "bot", "text": text("two_misses")},
    ]
    run(ActionTalkToHuman(), "", "talk_to_human", before=before)
    assert row(store).reason == "two_misses"


def test_asked_for_later_it_is_not_for_the_misses(run: Run, store: Store) -> None:
    before = [
        {"event": "user", "text": "啊吧啊吧"},
        {"event": "bot", "text": text("two_misses")},
        {"event": "user", "text": "还剩多少额度"},
        {"event": "bot", "text": "还剩很多"},
    ]
    run(ActionTalkToHuman(), "转人工", "talk_to_human", before=before)
    assert row(store).reason == "asked"


def test_offered_to_an_agent_it_is_being_connected(run: Run, store: Store) -> None:
    online(store)
    run(ActionTalkToHuman(), "转人工", "talk_to_human")
    with store.begin() as session:
        session.execute(sa.update(HandOff).values(status="assigned", agent_id=1))
    assert run(ActionTalkToHuman(), "人呢", "talk_to_human").texts == [text("handoff_assigned")]


@pytest.mark.parametrize("action", [ActionDeny(), ActionStop()])
def test_a_bare_no_gives_up_waiting_unless_a_form_is_open(
    run: Run, count: Callable[..., int], action: Any
) -> None:
    run(ActionTalkToHuman(), "转人工", "talk_to_human")
    run(action, "不用了", "deny", form="book_form")
    assert count(HandOff, status="queued") == 1
    assert run(action, "不用了", "deny").texts == [text("handoff_given_up")]
    assert count(HandOff, status="resolved", end_reason="ended_by_parent") == 1


def test_a_bare_no_takes_no_emergency_back(run: Run, store: Store) -> None:
    who = identify(store, "rest", "parent").id
    handoffs.request_handoff(store, identity_id=who, reason="emergency", now=NOW)
    assert run(ActionDeny(), "不用了", "deny").texts == [text("deny")]
    assert row(store).status == "queued"


# ---- a message or a call-back


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("让客服给我回个电话", "action_staff_call_back"),
        ("麻烦你们的人明天打给我", "action_staff_call_back"),
        ("让医生给我回个电话", None),
        ("客服怎么没给我回电话", None),
        ("客服几点上班", None),
        ("给我回电吧", None),
        ("", None),
    ],
)
def test_what_asks_to_be_contacted(run: Run, said: str, wanted: str | None) -> None:
    reply = run(ActionTalkToHuman(), said, "talk_to_human")
    assert (reply.followup if wanted else None) == wanted


def test_a_bare_call_me_back_counts_while_people_are_away(
    run: Run, clock: Callable[[datetime], None]
) -> None:
    clock(NIGHT)
    run(ActionTalkToHuman(), "转人工", "talk_to_human")
    reply = run(ActionTalkToHuman(), "给我回电吧", "talk_to_human")
    assert reply.followup == "action_staff_call_back"


def test_when_people_are_there(run: Run, clock: Callable[[datetime], None]) -> None:
    reply = run(ActionStaffHours(), "你们几点有人", "inform")
    assert reply.texts == [text("staff_hours_open").format(closes="21:00")]
    clock(NIGHT)
    reply = run(ActionStaffHours(), "你们几点有人", "inform", form="book_form")
    assert "08:00 上班" in reply.texts[0]
    assert reply.followup == "book_form"


def test_what_is_said_with_it_is_kept(run: Run) -> None:
    reply = run(ActionLeaveMessage(), "给客服留言：发票什么时候寄回来", "talk_to_human")
    assert (reply.slots["contact_kind"], reply.followup) == ("message", FORM)
    assert reply.slots["contact_text"] == "发票什么时候寄回来"
    reply = run(ActionStaffCallBack(), "", "inform")
    assert (reply.slots["contact_kind"], reply.slots["contact_text"]) == ("call_back", None)
    # Said again in the form, the other kind is meant.
    reply = run(ActionLeaveMessage(), "", "inform", form=FORM)
    assert (reply.slots["contact_kind"], reply.followup) == ("message", FORM)


def in_form(asked: str, kind: str = "message", **slots: Any) -> dict[str, Any]:
    return {"form": FORM, "slots": {"requested_slot": asked, "contact_kind": kind, **slots}}


@pytest.mark.parametrize("intent", ["inform", "faq", "check_claim_status", "nlu_fallback"])
def test_any_words_are_the_message(run: Run, intent: str) -> None:
    reply = run(ContactForm(), "理赔拖了两个月了", intent, **in_form("contact_text"))
    assert reply.slots["contact_text"] == "理赔拖了两个月了"
    assert reply.slots["requested_slot"] == "contact_confirm"


@pytest.mark.parametrize(("said", "intent"), [("算了", "stop"), ("孩子抽搐", "report_emergency")])
def test_what_is_no_message(run: Run, said: str, intent: str) -> None:
    assert run(ContactForm(), said, intent, **in_form("contact_text")).events == []


def test_a_call_back_needs_a_number(run: Run, bind: Callable[..., int]) -> None:
    bind(ONE)
    reply = run(ContactForm(), "换号了", "inform", **in_form("contact_text", "call_back"))
    assert reply.slots["requested_slot"] == "contact_phone"
    asked = run(ActionAskContactPhone(), form=FORM)
    assert asked.buttons == ['/inform{"phone": "13800000101"}']
    same = run(
        ContactForm(),
        "就投保的那个",
        "inform",
        **in_form("contact_phone", "call_back", contact_text="换号了"),
    )
    assert same.slots["contact_phone"] == ONE


def test_a_wrong_number_is_asked_again(run: Run) -> None:
    reply = run(
        ContactForm(),
        "1380000",
        "inform",
        **in_form("contact_phone", "call_back", contact_text="换号了"),
    )
    assert reply.texts == [text("phone_invalid")]
    assert reply.slots["requested_slot"] == "contact_phone"


def test_unbound_there_is_no_number_to_offer(run: Run) -> None:
    assert run(ActionAskContactPhone(), form=FORM).buttons == []
    assert run(ActionAskContactText(), form=FORM).texts == [text("ask_contact_text")]


def test_corrected_at_the_summary(run: Run) -> None:
    form = in_form("contact_confirm", contact_text="发票")
    reply = run(ContactForm(), "写错了，是担保函", "inform", **form)
    assert reply.slots["contact_text"] == "担保函"
    reply = run(ContactForm(), "改一下", "inform", **form)
    assert (reply.slots["contact_text"], reply.slots["requested_slot"]) == (None, "contact_text")
    phone = [{"entity": "phone", "value": "13800009999", "start": 0, "end": 11}]
    reply = run(ContactForm(), "13800009999", "inform", entities=phone, **form)
    assert reply.slots["contact_kind"] == "call_back"
    assert run(ContactForm(), "不要了", "deny", **form).slots["contact_confirm"] is False


def test_summed_up_with_its_due_time(run: Run, clock: Callable[[datetime], None]) -> None:
    clock(NIGHT)
    slots = {"contact_text": "长" * 100, "contact_kind": "message"}
    reply = run(ActionAskContactConfirm(), slots=slots, form=FORM)
    assert "11月24日（周二） 10:00" in reply.text
    assert len(reply.text) <= 180
    slots |= {"contact_kind": "call_back", "contact_phone": "13800009999"}
    assert "打 13800009999" in run(ActionAskContactConfirm(), slots=slots, form=FORM).text


@pytest.mark.parametrize("kind", ["message", "call_back"])
def test_left_once(
    run: Run, store: Store, count: Callable[..., int], kind: str,
    clock: Callable[[datetime], None],
) -> None:  # fmt: skip
    clock(NIGHT)
    slots = {
        "contact_kind": kind,
        "contact_text": "发票",
        "contact_phone": "13800009999",
        "contact_confirm": True,
    }
    for _ in range(2):
        reply = run(ActionSubmitContact(), "好", "affirm", slots=slots)
        assert "11月24日（周二） 10:00" in reply.text
        assert reply.slots["contact_text"] is None
    assert count(HandOff) == 1
    left = row(store)
    assert (left.wish, left.message, left.status) == (kind, "发票", "requested")
    assert left.phone == ("13800009999" if kind == "call_back" else None)
    told = run(ActionTalkToHuman(), "转人工", "talk_to_human").text
    assert "已经登记，同事最晚 11月24日（周二） 10:00" in told


def test_not_left_after_all(run: Run, count: Callable[..., int]) -> None:
    slots = {"contact_kind": "message", "contact_text": "发票", "contact_confirm": False}
    assert run(ActionSubmitContact(), "不要", "deny", slots=slots).texts == [text("not_submitted")]
    assert count(HandOff) == 0


def test_a_person_who_is_there_already_is_told_directly(run: Run, store: Store) -> None:
    online(store)
    who = identify(store, "rest", "parent").id
    item = handoffs.request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id
    handoff_desk.accept(store, handoff_id=item, agent_id=1, now=NOW)
    slots = {"contact_kind": "message", "contact_text": "发票", "contact_confirm": True}
    reply = run(ActionSubmitContact(), "好", "affirm", slots=slots)
    assert reply.texts == [text("contact_with_agent")]
    assert row(store).message is None


def test_asked_for_in_the_morning_a_message_becomes_a_chat(
    run: Run, store: Store, clock: Callable[[datetime], None]
) -> None:
    clock(NIGHT)
    slots = {"contact_kind": "message", "contact_text": "发票", "contact_confirm": True}
    run(ActionSubmitContact(), "好", "affirm", slots=slots)
    clock(NOW + timedelta(days=1))
    run(ActionTalkToHuman(), "转人工", "talk_to_human")
    assert (row(store).wish, row(store).message) == ("chat", "发票")


# ---- afterwards


def test_the_open_task_goes_on(run: Run) -> None:
    reply = run(ActionResumeTask(), form="book_form")
    assert (reply.texts, reply.followup) == ([text("back_to_task")], "book_form")
    reply = run(ActionResumeTask(), slots={"paused_forms": ["claim_form", "book_form"]})
    assert (reply.slots["paused_forms"], reply.followup) == (["claim_form"], "book_form")
    assert run(ActionResumeTask()).texts == [text("done_already")]


def test_a_message_that_is_already_a_form_answer_is_not_taken_away(run: Run) -> None:
    class Turn:
        text = "让客服给我回个电话"
        form = FORM

    assert contact_wanted(Turn()) is None  # type: ignore[arg-type]
