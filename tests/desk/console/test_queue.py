"""The queue: what waits, in which order and colour, and taking it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bot.rules.handoffs import AgentStatus, Wish
from bot.services import handoff_items, handoff_timers, handoffs, live_chat, presence
from bot.services.identity import identify
from bot.store.session import Store
from tests.desk.console.conftest import Clock, Staff


def ask(store: Store, account: str, moment: Clock, reason: str = "asked") -> int:
    who = identify(store, "web", account).id
    return handoffs.request_handoff(store, identity_id=who, reason=reason, now=moment.now).place.id


def order(page: str) -> list[int]:
    """Return the conversations that a page names, in its order."""
    return [int(number) for number in re.findall(r'<a href="/desk/conversations/(\d+)">', page)]


def test_the_queue_in_order_with_colours(agent: Staff, demo_store: Store, moment: Clock) -> None:
    assert "没有人在等" in agent.read("/desk/queue")
    first = ask(demo_store, "a", moment)
    moment.go(minutes=2)
    second = ask(demo_store, "b", moment)
    urgent = ask(demo_store, "c", moment, "emergency")
    page = agent.get("/desk/queue/lists").text
    assert order(page) == [urgent, first, second]
    levels = re.findall(r'<span class="level (\w+)">', page)
    assert levels == ["good", "soon", "good"]
    moment.go(minutes=1.1)
    levels = re.findall(r'<span class="level (\w+)">', agent.get("/desk/queue/lists").text)
    assert levels == ["late", "late", "good"]
    assert "紧急" in page
    assert "急情 · 在线聊" in page


def test_taking_and_giving_back(agent: Staff, demo_store: Store, moment: Clock) -> None:
    number = ask(demo_store, "a", moment)
    assert agent.does("/desk/presence", status="online", capacity="2") == (
        "/desk/queue?said=presence"
    )
    handoff_timers.tick(demo_store, moment.now)
    page = agent.read("/desk/queue")
    assert "派给我的" in page
    assert "1 / 2" in page
    agent.does(f"/desk/conversations/{number}/release")
    assert "派给我的" not in agent.read("/desk/queue")
    to = agent.does(f"/desk/conversations/{number}/accept")
    assert to == f"/desk/conversations/{number}"
    item = handoff_items.item(demo_store, handoff_id=number, now=moment.now)
    assert (item.status, item.agent_id) == ("human", 1)


def test_whoever_takes_one_is_there(agent: Staff, demo_store: Store, moment: Clock) -> None:
    number = ask(demo_store, "a", moment)
    agent.does(f"/desk/conversations/{number}/accept")
    (seen,) = presence.agents(demo_store, now=moment.now)
    assert (seen.name, seen.status) == ("小林", AgentStatus.ONLINE)


def test_one_conversation_has_one_agent(
    enter: Callable[[str], Staff], demo_store: Store, moment: Clock
) -> None:
    lin, zhou = enter("lin"), enter("zhou")
    number = ask(demo_store, "a", moment)
    lin.does(f"/desk/conversations/{number}/accept")
    assert "刚被别人改过" in zhou.refused(f"/desk/conversations/{number}/accept")
    assert "不在您手上" in zhou.refused(f"/desk/conversations/{number}/say", text="你好")
    assert "我的对话 0" in " ".join(zhou.read("/desk/queue").split())


def test_who_waits_for_an_answer_stands_out(agent: Staff, demo_store: Store, moment: Clock) -> None:
    number = ask(demo_store, "a", moment)
    agent.does(f"/desk/conversations/{number}/accept")
    agent.post(f"/desk/conversations/{number}/say", text="您好")
    assert "已回复" in agent.read("/desk/queue")
    who = identify(demo_store, "web", "a").id
    live_chat.route(demo_store, identity_id=who, text="在吗", key="k", now=moment.now)
    moment.go(minutes=2, seconds=1)
    page = agent.get("/desk/queue").text
    assert '<tr class="unread">' in page
    assert re.findall(r'<span class="level (\w+)">', page) == ["late"]


def test_what_was_left_overnight(agent: Staff, demo_store: Store, moment: Clock) -> None:
    moment.go(hours=13)
    agent.sign_in("lin")
    who = identify(demo_store, "web", "a").id
    handoffs.leave_contact(
        demo_store,
        identity_id=who,
        wish=Wish.CALL_BACK,
        message="请回电",
        phone="13800000101",
        now=moment.now,
    )
    page = agent.read("/desk/queue")
    assert "现在不在服务时间" in page
    assert "要回电" in page
    moment.go(hours=11)
    agent.sign_in("lin")
    handoff_timers.tick(demo_store, moment.now)
    ask(demo_store, "b", moment)
    rows = order(agent.get("/desk/queue/lists").text)
    assert rows == sorted(rows)


@pytest.mark.parametrize(("login", "sees"), [("lin", False), ("chen", True)])
def test_supervisors_see_what_is_over(
    enter: Callable[[str], Staff], demo_store: Store, moment: Clock, login: str, *, sees: bool
) -> None:
    staff = enter(login)
    number = ask(demo_store, "a", moment)
    staff.does(f"/desk/conversations/{number}/accept")
    assert staff.does(f"/desk/conversations/{number}/resolve", note="好了") == (
        "/desk/queue?said=resolved"
    )
    page = staff.read("/desk/queue?said=resolved")
    assert "已办结，家长已收到说明和评分" in page
    assert ("坐席办结" in page) is sees
