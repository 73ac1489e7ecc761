"""What supervisors set, and the figures they see."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest

from bot.desk.console import guides
from bot.rules.handoffs import AgentStatus
from bot.rules.office_hours import Span
from bot.rules.partners import MOST_DELIVERIES, PartnerEvent
from bot.services import (
    api_keys,
    audit,
    handoff_desk,
    handoffs,
    live_chat,
    office_hours,
    presence,
    webhooks,
)
from bot.services.errors import Refused
from bot.store.session import Store
from tests.desk.console.conftest import NOW, Clock, Staff

WEEK = {f"kind_{kind}": "09:00-12:00，13:00-18:00" for kind in range(5)}
SEEN = re.compile(r'name="seen" value="([^"]+)"')


def seen(supervisor: Staff) -> str:
    found = SEEN.search(supervisor.get("/desk/hours").text)
    assert found
    return found[1]


def test_the_weekly_plan(supervisor: Staff, demo_store: Store) -> None:
    old = seen(supervisor)
    supervisor.does("/desk/hours/week", **WEEK, kind_8="9:00至17:30", seen=old)
    page = supervisor.get("/desk/hours").text
    assert page.count('value="09:00-12:00，13:00-18:00"') == 5
    assert 'value="09:00-17:30"' in page
    plan = office_hours.plan(demo_store)
    assert plan.week[0] == (Span(540, 720), Span(780, 1080))
    assert 6 not in plan.week
    assert "刚被别人改过" in supervisor.refused("/desk/hours/week", **WEEK, seen=old)
    new = seen(supervisor)
    assert "至少要有一段" in supervisor.refused("/desk/hours/week", seen=new)
    wrong = {"kind_0": "9:00-12:00", "kind_7": "9:00-12:00 11:00-13:00", "seen": new}
    assert "法定节假日的时间" in supervisor.refused("/desk/hours/week", **wrong)
    assert office_hours.plan(demo_store) == plan


def test_single_days(supervisor: Staff) -> None:
    day = "2026-11-25"
    supervisor.does("/desk/hours/day", day=day, spans="", label="年会<b>")
    page = supervisor.read("/desk/hours")
    assert "年会<b>" in page
    assert "2026-11-25 周三 不服务 另外安排 年会<b>" in " ".join(page.split())
    supervisor.does("/desk/hours/clear", day=day)
    assert "年会" not in supervisor.read("/desk/hours")
    assert "日期没有填对" in supervisor.refused("/desk/hours/day", day="明天", spans="")
    assert "已经过去" in supervisor.refused("/desk/hours/day", day="2026-11-22", spans="")


def test_holidays_are_named(supervisor: Staff, moment: Clock) -> None:
    moment.now += timedelta(days=32)
    page = " ".join(supervisor.read("/desk/hours").split())
    assert "现在是服务时间，到 12-25 21:00" in page
    assert "2027-01-01 周五 08:00-21:00 法定节假日" in page


@pytest.mark.parametrize(
    ("typed", "spans"),
    [
        ("", ()),
        ("8:00-12:00", ((480, 720),)),
        ("13：00～24:00; 08:00—12:00", ((480, 720), (780, 1440))),
        ("09:00 - 12:00、13:00 到 18:00", ((540, 720), (780, 1080))),
    ],
)
def test_spans_as_they_are_typed(typed: str, spans: tuple[tuple[int, int], ...]) -> None:
    assert guides.typed(typed) == tuple(Span(*one) for one in spans)
    assert guides.typed(guides.written(guides.typed(typed))) == guides.typed(typed)


@pytest.mark.parametrize(
    "typed", ["九点", "12:00-9:00", "9:00-9:00", "9:60-10:00", "9:00-25:00", "9:00-10:00 x", "9-10"]
)
def test_spans_that_are_none(typed: str) -> None:
    with pytest.raises(Refused, match="spans"):
        guides.typed(typed)


def test_ready_replies(supervisor: Staff) -> None:
    supervisor.does("/desk/replies/save", code="hi", text="您好，我是{agent}，{child}<b>")
    page = supervisor.read("/desk/replies")
    assert "您好，我是{agent}" in page
    assert "您好，我是陈主管，小明<b>" in page
    assert "花括号" in supervisor.refused("/desk/replies/save", code="x", text="{secret}")
    assert "刚被别人改过" in supervisor.refused("/desk/replies/save", code="hi", text="又一条")
    supervisor.does("/desk/replies/save", code="hi", text="您好", version="1")
    gone = supervisor.refused("/desk/replies/save", code="hi", text="旧页面", version="1")
    assert "刚被别人改过" in gone
    assert "刚被别人改过" in supervisor.refused("/desk/replies/remove", code="hi", version="1")
    supervisor.does("/desk/replies/remove", code="hi", version="2")
    assert "还没有常用回复" in supervisor.read("/desk/replies")


def test_dead_letters(supervisor: Staff, demo_store: Store) -> None:
    assert "都送到了" in supervisor.read("/desk/dead-letters")
    assert supervisor.post("/desk/dead-letters/7/replay").status_code == 404
    key = api_keys.create(demo_store, name="core", scopes=["webhooks:manage"], actor="t", now=NOW)
    partner = api_keys.authenticate(demo_store, key, now=NOW)
    assert partner is not None
    endpoint, _ = webhooks.register(
        demo_store,
        partner=partner.id,
        actor="t",
        url="https://partner.example.com/hook?<b>",
        events=[PartnerEvent.PAYMENT_PAID],
        now=NOW,
    )
    with demo_store.begin() as session:
        audit.record(session, at=NOW, actor="t", action="payment.paid", subject="S5001")

    def give_up(wall: datetime) -> int:
        for _ in range(MOST_DELIVERIES):
            (taken,) = webhooks.claim(demo_store, owner="a", wall=wall)
            webhooks.failed(demo_store, taken, status=500, problem="no", wall=wall)
            wall += timedelta(hours=6)
        return taken.id

    path = f"/desk/dead-letters/{give_up(NOW)}/replay"
    page = supervisor.read("/desk/dead-letters")
    assert "https://partner.example.com/hook?<b>" in page
    assert "payment.paid" in page
    supervisor.does(path)
    assert "都送到了" in supervisor.read("/desk/dead-letters")
    assert supervisor.post(path).status_code == 404
    give_up(NOW)
    webhooks.remove(
        demo_store, partner=partner.id, reference=endpoint.reference, actor="t", now=NOW
    )
    assert "接收地址已经停用" in supervisor.refused(path)


def test_a_days_figures(supervisor: Staff, demo_store: Store, parent: int, moment: Clock) -> None:
    presence.set_presence(demo_store, agent_id=1, name="=小林", status=AgentStatus.ONLINE, now=NOW)
    number = handoffs.request_handoff(
        demo_store, identity_id=parent, reason="asked", now=NOW
    ).place.id
    moment.go(minutes=2)
    handoff_desk.accept(demo_store, handoff_id=number, agent_id=1, now=moment.now)
    moment.go(minutes=3)
    live_chat.agent_message(demo_store, handoff_id=number, agent_id=1, text="您好", now=moment.now)
    page = " ".join(supervisor.read("/desk/figures").split())
    assert "等到接入 1 2 分 2 分 2 分 2 分" in page
    assert "等到首次回复 1 5 分 5 分 5 分 5 分" in page
    assert "首次回复 0 0 1" in page
    answer = supervisor.get("/desk/figures.csv?day=2026-11-23")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "figures-2026-11-23.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["接入等待中位数（秒）", "120"] in rows
    assert ["'=小林", "1", "0", "300", "0", "", ""] in rows
    days = supervisor.get("/desk/figures-days.csv?first=2026-11-01&last=2026-11-23").text
    assert len(days.strip().splitlines()) == 24


@pytest.mark.parametrize(
    "query",
    [
        "figures?day=x",
        "figures?day=2026-11-24",
        "figures.csv?day=1999-01-01",
        "figures-days.csv?first=2026-11-23&last=2026-11-22",
        "figures-days.csv?first=2026-10-01&last=2026-11-23",
    ],
)
def test_days_that_there_are_not(supervisor: Staff, query: str) -> None:
    answer = supervisor.get(f"/desk/{query}")
    assert answer.status_code == 422
    assert "没有办成" in answer.text
