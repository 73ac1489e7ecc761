"""Work lists: what is done there, who is told of it, and what happens to stale pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from bot.services import (
    appointments as visits,
)
from bot.services import (
    complaints,
    consultations,
    data_requests,
    service_requests,
)
from bot.store.session import Store
from tests.desk.console.conftest import NOW, NUMBER, Clock, Staff, told, version

pytestmark = pytest.mark.usefixtures("same_files")


# Visits.


@pytest.fixture
def visit(demo_store: Store, bound: Callable[[str], int]) -> str:
    booked, _ = visits.book(
        demo_store,
        identity_id=bound(NUMBER),
        number=NUMBER,
        hospital="复旦大学附属儿科医院国际部特需门诊",
        department="小儿呼吸科",
        wish=visits.Wish(date(2026, 12, 3), None, "morning"),
        now=NOW,
    )
    return booked.reference


def test_a_visit_is_confirmed_at_the_hospitals_time(
    agent: Staff, demo_store: Store, visit: str
) -> None:
    listed = agent.read("/desk/appointments")
    assert visit in listed
    page = f"/desk/appointments/{visit}"
    seen = version(agent, page)
    assert "时间没有填对" in agent.refused(f"{page}/confirm", version=seen, visit_at="明天")
    at = "2026-12-03T09:30"
    assert agent.does(f"{page}/confirm", version=seen, visit_at=at) == (
        f"{page}?said=appointment_confirmed"
    )
    assert "appointment_confirmed" in told(demo_store)[-1]
    after = agent.read(page)
    assert "12-03 09:30" in after
    assert "小林：确认" in after
    # Another tab still shows it as it was.
    assert "刚被别人改过" in agent.refused(f"{page}/decline", version=seen, reason="满了")


def test_a_visit_is_declined_with_another_proposal(
    agent: Staff, demo_store: Store, visit: str
) -> None:
    page = f"/desk/appointments/{visit}"
    seen = version(agent, page)
    for reason in ("", "长" * 61):
        assert "1 到 60 个字" in agent.refused(f"{page}/decline", version=seen, reason=reason)
    past = agent.refused(
        f"{page}/decline", version=seen, reason="满了", proposal="2026-11-01T10:00"
    )
    assert "时间已经过去" in past
    agent.does(f"{page}/decline", version=seen, reason="满了", proposal="2026-12-04T10:00")
    assert "appointment_declined" in told(demo_store)[-1]
    assert "已回绝" in agent.read(page)


def test_v2s_two_working_days(agent: Staff, visit: str, moment: Clock) -> None:
    assert "11-25" in agent.read("/desk/appointments")
    moment.go(days=3)
    agent.sign_in("lin")
    assert "已超时" in agent.read("/desk/appointments")


def test_what_the_hospital_does_to_a_confirmed_visit(agent: Staff, demo_store: Store) -> None:
    page = "/desk/appointments/A1001"
    assert "没有到诊" not in agent.read(page)
    agent.does(f"{page}/change", version=version(agent, page), visit_at="2026-12-02T14:00")
    assert "12-02 14:00" in agent.read(page)
    agent.does(f"{page}/call-off", version=version(agent, page), reason="医生停诊")
    assert "医院取消" in agent.read(page)


@pytest.mark.parametrize(("what", "state"), [("fulfil", "已就诊"), ("no-show", "未到诊")])
def test_after_a_visit(agent: Staff, moment: Clock, what: str, state: str) -> None:
    page = "/desk/appointments/A1001"
    assert "就诊日期还没到" in agent.refused(f"{page}/{what}", version=version(agent, page))
    moment.go(days=10)
    agent.sign_in("lin")
    agent.does(f"{page}/{what}", version=version(agent, page))
    assert state in agent.read(page)


@pytest.mark.parametrize("query", ["a1001", "A1001", "王小满", "YX2026-000101"])
def test_finding(agent: Staff, query: str) -> None:
    assert "A1001" in agent.read(f"/desk/appointments?q={query}")
    assert "没有预约" in agent.read(f"/desk/appointments?q={query}&state=declined")
    assert "没有预约" in agent.read("/desk/appointments?q=%25")


# What is smaller.


def test_a_doctors_call(agent: Staff, demo_store: Store, bound: Callable[[str], int]) -> None:
    who = bound(NUMBER)
    one, two = (
        consultations.request_phone_consultation(
            demo_store,
            identity_id=who,
            number=NUMBER,
            symptom=symptom,
            phone=phone,
            now=NOW,
        )[0].reference
        for symptom, phone in (("咳嗽<script>", "13800000101"), ("发烧", "13900000000"))
    )
    page = agent.read("/desk/consultations")
    assert "13800000101" in page
    assert "咳嗽<script>" in page
    seen = version(agent, "/desk/consultations")
    agent.does(f"/desk/consultations/{one}/called-back", version=seen)
    assert "刚被别人改过" in agent.refused(f"/desk/consultations/{one}/called-back", version=seen)
    seen = version(agent, "/desk/consultations")
    assert "还没有写内容" in agent.refused(f"/desk/consultations/{two}/close", version=seen)
    agent.does(f"/desk/consultations/{two}/close", version=seen, reason="打不通")
    assert "没有要打的电话" in agent.read("/desk/consultations")


def test_a_complaint(agent: Staff, demo_store: Store, parent: int) -> None:
    made, _ = complaints.file_complaint(
        demo_store, identity_id=parent, kind="complaint", text="太慢<b>了</b>", now=NOW
    )
    page = f"/desk/complaints/{made.reference}"
    assert "太慢<b>了</b>" in agent.read("/desk/complaints")
    early = agent.refused(f"{page}/answer", version=str(made.version), answer="抱歉")
    assert "状态已经变了" in early
    agent.does(f"{page}/take-up", version=str(made.version))
    seen = version(agent, page)
    assert "还没有写内容" in agent.refused(f"{page}/answer", version=seen, answer=" ")
    assert "太长" in agent.refused(f"{page}/answer", version=seen, answer="长" * 1_001)
    agent.does(f"{page}/answer", version=seen, answer="抱歉，已加快处理")
    assert "抱歉，已加快处理" in told(demo_store)[-1]
    assert "没有要答复的" in agent.read("/desk/complaints")


def test_another_request(agent: Staff, demo_store: Store, bound: Callable[[str], int]) -> None:
    wanted = service_requests.Wanted(
        "onsite",
        hospital="上海新华医院镜朗高级专家诊疗部",
        wished_on=date(2026, 12, 2),
        detail="住院陪同",
    )
    made, _ = service_requests.request(
        demo_store, identity_id=bound(NUMBER), number=NUMBER, wanted=wanted, now=NOW
    )
    assert "住院陪同" in agent.read("/desk/services")
    path = f"/desk/services/{made.reference}/decide"
    seen = version(agent, "/desk/services")
    assert "还没有写内容" in agent.refused(path, version=seen, arranged="1")
    agent.does(path, version=seen, arranged="1", note="周三上午九点，大厅见")
    assert "大厅见" in told(demo_store)[-1]
    assert "没有要安排的" in agent.read("/desk/services")


def test_a_wish_for_erasure(
    agent: Staff, supervisor: Staff, demo_store: Store, parent: int
) -> None:
    made, _ = data_requests.request_erasure(demo_store, identity_id=parent, now=NOW)
    path = f"/desk/data/{made.reference}"
    agent.does(f"{path}/take-up", version=version(agent, "/desk/data"))
    assert "等主管决定" in agent.read("/desk/data")
    assert agent.post(f"{path}/erase", version="2", again=made.reference).status_code == 403
    seen = version(supervisor, "/desk/data")
    assert "没有删除" in supervisor.refused(f"{path}/erase", version=seen, again="D1")
    assert "D" in supervisor.read("/desk/data")
    supervisor.does(f"{path}/erase", version=seen, again=made.reference.lower())
    assert "没有要办的" in supervisor.read("/desk/data")


@pytest.mark.parametrize(
    "path",
    ["appointments", "authorizations", "claims", "consultations", "complaints", "services", "data"],
)
def test_every_list_counts_what_waits(agent: Staff, path: str) -> None:
    page = agent.get(f"/desk/{path}").text
    assert f'href="/desk/{path}" aria-current="page"' in page
    assert f'data-badge="{path}"' in page
