"""Doctors' calls, other requests and wishes for erasure: due times, refusals, who may what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bot.desk.console import requests
from bot.services import consultations, data_requests, handoffs, service_requests
from bot.store.files import FileStore
from bot.store.models import AuditEntry, ChatIdentity, OutboxMessage
from bot.store.session import Store
from tests.desk.console.conftest import NOW, NUMBER, Clock, Staff

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(autouse=True)
def own_files(monkeypatch: pytest.MonkeyPatch, files: FileStore) -> None:
    monkeypatch.setattr(requests, "get_files", lambda: files)


@pytest.fixture
def ask_call(demo_store: Store, mother: int) -> Callable[..., str]:
    """Ask for a call; return its number."""

    def ask(phone: str = "13800000101", symptom: str = "咳嗽", hours: float = 0) -> str:
        seen, _ = consultations.request_phone_consultation(
            demo_store,
            identity_id=mother,
            number=NUMBER,
            symptom=symptom,
            phone=phone,
            now=NOW - timedelta(hours=hours),
        )
        return seen.reference

    return ask


@pytest.fixture
def ask_service(demo_store: Store, mother: int) -> Callable[..., str]:
    """Ask for on-site assistance; return its number."""

    def ask(detail: str = "住院陪同", day: date = date(2026, 12, 2)) -> str:
        wanted = service_requests.Wanted(
            "onsite", hospital="上海新华医院镜朗高级专家诊疗部", wished_on=day, detail=detail
        )
        made, _ = service_requests.request(
            demo_store, identity_id=mother, number=NUMBER, wanted=wanted, now=NOW
        )
        return made.reference

    return ask


@pytest.fixture
def wish(demo_store: Store, mother: int) -> str:
    """A wish for erasure; its number."""
    made, _ = data_requests.request_erasure(demo_store, identity_id=mother, now=NOW)
    return made.reference


def seen(staff: Staff, page: str, reference: str) -> str:
    """Return the version that a list shows of one."""
    text = staff.get(page).text.split(f"{page}/{reference}/")[1]
    return text.split('name="version" value="')[1].split('"')[0]


def told(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.payload["text"], row.payload["values"].get("note", "")) for row in rows]


def trail(store: Store, reference: str) -> list[tuple[str, str]]:
    with store.read() as session:
        query = sa.select(AuditEntry).where(AuditEntry.subject == reference)
        return [(row.actor, row.action) for row in session.scalars(query.order_by(AuditEntry.id))]


# Doctors' calls.


def test_calls_by_due_time_with_phone_child_and_policy(
    agent: Staff, ask_call: Callable[..., str]
) -> None:
    ask_call("13700000000")
    ask_call("13900000000", hours=3)
    page = agent.get("/desk/consultations").text
    assert page.index("tel:13900000000") < page.index("tel:13700000000")
    first = " ".join(agent.read("/desk/consultations").split())
    assert "T10002 已超时 11-23 10:00 前打， 已过 5 分" in first
    assert "T10001 来得及 11-23 12:05 前打" in first
    assert "王小满 · YX2026-000101" in first


def test_a_call_ends_with_a_reason_in_the_record(
    agent: Staff, demo_store: Store, ask_call: Callable[..., str]
) -> None:
    reference = ask_call()
    path = f"/desk/consultations/{reference}"
    version = seen(agent, "/desk/consultations", reference)
    assert "太长" in agent.refused(f"{path}/close", version=version, reason="长" * 201)
    agent.does(f"{path}/close", version=version, reason="打不通")
    assert "没有要打的电话" in agent.read("/desk/consultations")
    assert [action for _, action in trail(demo_store, reference)][-1] == "consultation.close"
    assert "刚被别人改过" in agent.refused(f"{path}/called-back", version=version)


def test_a_call_that_is_over_is_not_ended_again(
    agent: Staff, demo_store: Store, ask_call: Callable[..., str], mother: int
) -> None:
    reference = ask_call()
    taken_back = consultations.cancel_phone_consultation(
        demo_store, identity_id=mother, reference=reference, now=NOW
    )
    path = f"/desk/consultations/{reference}/called-back"
    assert "状态已经变了" in agent.refused(path, version=str(taken_back.version))


def test_what_parents_write_is_text(
    agent: Staff, ask_call: Callable[..., str], ask_service: Callable[..., str]
) -> None:
    ask_call(symptom=HOSTILE)
    ask_service(HOSTILE)
    for path in ("/desk/consultations", "/desk/services"):
        assert "<script>alert" not in agent.get(path).text
        assert "<script>alert(1)</script>⟨202E⟩" in agent.read(path)


# What else is asked for.


@pytest.mark.parametrize(
    ("arranged", "text"), [("1", "notify_service_arranged"), ("0", "notify_service_declined")]
)
def test_a_request_is_arranged_or_declined_and_the_parent_told(
    agent: Staff, demo_store: Store, ask_service: Callable[..., str], arranged: str, text: str
) -> None:
    reference = ask_service()
    path = f"/desk/services/{reference}/decide"
    version = seen(agent, "/desk/services", reference)
    agent.does(path, version=version, arranged=arranged, note="大厅见")
    assert told(demo_store) == [(text, "大厅见")]
    assert "没有要安排的" in agent.read("/desk/services")
    again = agent.post(path, version=version, arranged=arranged, note="大厅见")
    assert again.status_code == 409
    assert len(told(demo_store)) == 1


def test_neither_button_decides_nothing(
    agent: Staff, demo_store: Store, ask_service: Callable[..., str]
) -> None:
    reference = ask_service()
    version = seen(agent, "/desk/services", reference)
    path = f"/desk/services/{reference}/decide"
    assert "请选一个结论" in agent.refused(path, version=version, note="大厅见")
    assert told(demo_store) == []
    assert reference in agent.read("/desk/services")


def test_a_request_taken_back_is_not_decided(
    agent: Staff, demo_store: Store, ask_service: Callable[..., str], mother: int
) -> None:
    reference = ask_service()
    gone = service_requests.cancel(demo_store, identity_id=mother, reference=reference, now=NOW)
    assert reference not in agent.read("/desk/services")
    refused = agent.refused(
        f"/desk/services/{reference}/decide",
        version=str(gone.version),
        arranged="1",
        note="大厅见",
    )
    assert "已经办过或取消了" in refused
    assert told(demo_store) == []


def test_a_day_wished_for_that_is_over_is_marked(
    agent: Staff, ask_service: Callable[..., str], moment: Clock
) -> None:
    ask_service()
    assert "那天已过" not in agent.read("/desk/services")
    moment.go(days=10)
    agent.sign_in("lin")
    assert "那天已过" in agent.read("/desk/services")


# Wishes for erasure.


def test_whose_data_it_is_and_who_checks_it(
    agent: Staff, demo_store: Store, mother: int, wish: str
) -> None:
    handoffs.request_handoff(demo_store, identity_id=mother, reason="asked", now=NOW)
    agent.does(f"/desk/data/{wish}/take-up", version=seen(agent, "/desk/data", wish))
    shown = " ".join(agent.read("/desk/data").split())
    assert "核对中（小林）" in shown
    assert "网页，11-23 10:05 提出" in shown
    assert "王小满 · YX2026-000101" in shown
    assert "家长要人工 · 排队" in shown


def test_only_supervisors_erase_and_only_with_the_number_typed(
    agent: Staff, supervisor: Staff, demo_store: Store, mother: int, wish: str
) -> None:
    path = f"/desk/data/{wish}"
    agent.does(f"{path}/take-up", version=seen(agent, "/desk/data", wish))
    version = seen(supervisor, "/desk/data", wish)
    for what in ("erase", "refuse"):
        answer = agent.post(f"{path}/{what}", version=version, again=wish, reason="有欠款")
        assert answer.status_code == 403
        assert f"{path}/{what}" not in agent.get("/desk/data").text
    for typed in ("", "D1", wish[:-1], "erase"):
        assert "没有删除" in supervisor.refused(f"{path}/erase", version=version, again=typed)
    stale = str(int(version) - 1)
    assert "刚被别人改过" in supervisor.refused(f"{path}/erase", version=stale, again=wish)
    assert account(demo_store, mother) == f"parent of {NUMBER}"
    supervisor.does(f"{path}/erase", version=version, again=f" {wish.lower()} ")
    assert account(demo_store, mother) == f"erased:{mother}"
    assert "没有要办的" in supervisor.read("/desk/data")
    assert trail(demo_store, wish)[-1][1] == "data.erase"


def test_nothing_is_erased_before_it_was_checked(
    supervisor: Staff, demo_store: Store, mother: int, wish: str
) -> None:
    version = seen(supervisor, "/desk/data", wish)
    refused = supervisor.refused(f"/desk/data/{wish}/erase", version=version, again=wish)
    assert "状态已经变了" in refused
    assert account(demo_store, mother) == f"parent of {NUMBER}"


def test_a_refusal_is_read_by_the_parent(
    supervisor: Staff, demo_store: Store, mother: int, wish: str
) -> None:
    path = f"/desk/data/{wish}"
    supervisor.does(f"{path}/take-up", version=seen(supervisor, "/desk/data", wish))
    version = seen(supervisor, "/desk/data", wish)
    assert "还没有写内容" in supervisor.refused(f"{path}/refuse", version=version, reason=" ")
    supervisor.does(f"{path}/refuse", version=version, reason="理赔还没办完")
    (own,) = data_requests.own_requests(demo_store, identity_id=mother)
    assert (own.status, own.answer) == ("refused", "理赔还没办完")
    assert account(demo_store, mother) == f"parent of {NUMBER}"


def account(store: Store, identity_id: int) -> str:
    with store.read() as session:
        row = session.get(ChatIdentity, identity_id)
        assert row is not None
        return str(row.account)


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("appointments", "没有预约"),
        ("consultations", "没有要打的电话"),
        ("complaints", "没有要答复的"),
        ("services", "没有要安排的"),
        ("data", "没有要办的"),
    ],
)
def test_an_empty_list_says_so_and_stays_fresh(agent: Staff, name: str, empty: str) -> None:
    query = "?state=noshow" if name == "appointments" else ""
    page = agent.get(f"/desk/{name}{query}").text
    assert empty in page
    alone = agent.get(f"/desk/{name}-list{query}").text
    assert alone in page
    assert f'data-refresh="/desk/{name}-list' in page
