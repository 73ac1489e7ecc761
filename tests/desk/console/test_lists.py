"""Work lists: what is done there, who is told of it, and what happens to stale pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.desk.console import authorizations, claims, documents, requests
from bot.rules.claims import ClaimKind
from bot.services import (
    appointments as visits,
)
from bot.services import (
    claim_progress,
    complaints,
    consultations,
    data_requests,
    service_requests,
)
from bot.services import claims as claim_service
from bot.services import documents as files_of_parents
from bot.services.identity import identify
from bot.store.files import FileStore
from bot.store.models import (
    AuditEntry,
    Authorization,
    Binding,
    Claim,
    OutboxMessage,
    Policy,
)
from bot.store.session import Store
from tests import pictures
from tests.desk.console.conftest import NOW, Clock, Staff

NUMBER = "YX2026-000101"


@pytest.fixture(autouse=True)
def same_files(monkeypatch: pytest.MonkeyPatch, files: FileStore) -> None:
    for module in (authorizations, claims, documents, requests):
        monkeypatch.setattr(module, "get_files", lambda: files)


@pytest.fixture
def bound(demo_store: Store) -> Callable[[str], int]:
    """Bind an account to the household of a policy."""

    def bind(number: str) -> int:
        who = identify(demo_store, "web", f"parent of {number}").id
        with demo_store.begin() as session:
            policy = session.scalar(sa.select(Policy).where(Policy.number == number))
            assert policy is not None
            session.add(Binding(identity_id=who, household_id=policy.household_id, verified_at=NOW))
        return who

    return bind


def told(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [f"{row.kind} {json.dumps(row.payload, ensure_ascii=False)}" for row in rows]


def photo(seed: int = 0) -> bytes:
    return bytes(pictures.jpeg(pictures.page(seed=seed)))


def version(staff: Staff, page: str) -> str:
    text = staff.get(page).text
    return text.split('name="version" value="')[1].split('"')[0]


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


# Claims.


@pytest.fixture
def handed_in(demo_store: Store, bound: Callable[[str], int], files: FileStore) -> tuple[str, int]:
    """An outpatient claim of 350.5 with all its papers; its reference and a PDF's number."""
    who = bound(NUMBER)
    wish = claim_service.ClaimWish(
        ClaimKind.PUBLIC_OUTPATIENT, "新华医院", date(2026, 11, 20), Decimal("350.50")
    )
    view, _ = claim_service.open_claim(
        demo_store, identity_id=who, number=NUMBER, wish=wish, now=NOW
    )
    pdf = 0
    for count, kind in enumerate(view.missing):
        content = pictures.pdf(3) if kind == "invoice" else photo(count)
        got = files_of_parents.receive(
            demo_store, files, identity_id=who, content=content, filename=None, now=NOW
        )
        files_of_parents.label(demo_store, identity_id=who, ids=[got.id], kinds=[kind], now=NOW)
        files_of_parents.attach(
            demo_store, files, identity_id=who, ids=[got.id], reference=view.reference, now=NOW
        )
        pdf = got.id if kind == "invoice" else pdf
    claim_progress.submit(demo_store, identity_id=who, reference=view.reference, now=NOW)
    return view.reference, pdf


def test_a_claim_from_its_papers_to_the_money(
    agent: Staff, demo_store: Store, handed_in: tuple[str, int]
) -> None:
    reference, pdf = handed_in
    assert reference in agent.read("/desk/claims")
    page = f"/desk/claims/{reference}"
    shown = agent.get(page).text
    assert f'<img src="/desk/documents/{pdf}" ' in shown
    assert f'<img src="/desk/documents/{pdf}/pages/3" ' in shown
    assert "/pages/4" not in shown
    agent.does(f"{page}/settle", version=version(agent, page))
    seen = version(agent, page)
    for amount in ("", "很多", "1.234", "-5", "1,23"):
        given = {"version": seen, "outcome": "partly_approved", "amount": amount, "reason": "x"}
        assert "金额没有填对" in agent.refused(f"{page}/decide", **given)
    over = {"version": seen, "outcome": "partly_approved", "amount": "350.51", "reason": "x"}
    assert "金额不对" in agent.refused(f"{page}/decide", **over)
    part = {"version": seen, "outcome": "partly_approved", "amount": "￥３００．２元"}
    assert "要写明原因" in agent.refused(f"{page}/decide", **part)
    agent.does(f"{page}/decide", reason="自费药不赔", **part)
    assert "300.20" in told(demo_store)[-1]
    agent.does(f"{page}/pay", version=version(agent, page))
    with demo_store.read() as session:
        row = session.scalar(sa.select(Claim).where(Claim.reference == reference))
        assert row is not None
        assert (row.status, row.approved_amount) == ("paid", Decimal("300.20"))
    after = agent.read(page)
    assert "小林：付款" in after
    assert "claim_paid" in told(demo_store)[-1]


def test_a_paper_that_cannot_be_read(
    agent: Staff, demo_store: Store, handed_in: tuple[str, int]
) -> None:
    page = f"/desk/claims/{handed_in[0]}"
    seen = version(agent, page)
    refused = agent.refused(f"{page}/unreadable", version=seen, document="invoice", reason="")
    assert "写明为什么要" in refused
    agent.does(f"{page}/unreadable", version=seen, document="invoice", reason="金额看不清")
    assert "看不清，已请重拍" in agent.read(page)
    assert "金额看不清" in told(demo_store)[-1]
    assert "刚被别人改过" in agent.refused(f"{page}/settle", version=seen)


def test_more_papers_are_asked_for(
    agent: Staff, demo_store: Store, handed_in: tuple[str, int]
) -> None:
    page = f"/desk/claims/{handed_in[0]}"
    seen = version(agent, page)
    assert "还没有选材料" in agent.refused(f"{page}/papers", version=seen)
    assert "写明为什么要" in agent.refused(f"{page}/papers", version=seen, paper="itemised_bill")
    agent.does(
        f"{page}/papers", version=seen, paper="itemised_bill", reason_itemised_bill="缺第二页"
    )
    assert "缺第二页" in told(demo_store)[-1]


def test_papers_are_opened_by_staff_alone_and_written_down(
    agent: Staff, open_desk: Callable[[], Staff], demo_store: Store, handed_in: tuple[str, int]
) -> None:
    pdf = handed_in[1]
    address = f"/desk/documents/{pdf}/pages/2"
    assert open_desk().get(address).status_code == 303
    answer = agent.get(address)
    assert (answer.headers["content-type"], answer.headers["x-pages"]) == ("image/png", "3")
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert agent.get(f"/desk/documents/{pdf}/pages/4").status_code == 404
    assert agent.get(f"/desk/documents/{pdf}/pages/0").status_code == 404
    with demo_store.read() as session:
        seen = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "document.seen")
        ).all()
    assert {(one.actor, one.subject) for one in seen} == {("agent:1", f"document:{pdf}")}


def test_files_that_belong_nowhere_are_their_parents_alone(
    agent: Staff, demo_store: Store, files: FileStore, bound: Callable[[str], int]
) -> None:
    got = files_of_parents.receive(
        demo_store,
        files,
        identity_id=bound(NUMBER),
        content=photo(),
        filename=None,
        now=NOW,
    )
    assert agent.get(f"/desk/documents/{got.id}").status_code == 404


def test_where_the_money_goes_is_shown_on_demand(
    agent: Staff, demo_store: Store, handed_in: tuple[str, int], bound: Callable[[str], int]
) -> None:
    reference = handed_in[0]
    who = identify(demo_store, "web", f"parent of {NUMBER}").id
    claim_progress.set_bank_account(
        demo_store,
        identity_id=who,
        reference=reference,
        account=claim_progress.BankAccount("6222021234567890128", "工商银行上海枫林路支行"),
        now=NOW,
    )
    page = f"/desk/claims/{reference}"
    assert "6222021234567890128" not in agent.read(page)
    answer = agent.post(f"{page}/account")
    assert "6222021234567890128" in answer.text
    assert "小林：看了收款账户" in agent.read(page)


def test_drafts_are_the_parents_own(
    agent: Staff, demo_store: Store, bound: Callable[[str], int]
) -> None:
    wish = claim_service.ClaimWish(
        ClaimKind.PUBLIC_OUTPATIENT, "新华医院", date(2026, 11, 20), Decimal(1)
    )
    view, _ = claim_service.open_claim(
        demo_store, identity_id=bound(NUMBER), number=NUMBER, wish=wish, now=NOW
    )
    assert view.reference not in agent.read("/desk/claims")
    assert view.reference not in agent.read(f"/desk/claims?q={view.reference}")
    assert agent.get(f"/desk/claims/{view.reference}").status_code == 404


# Prior authorizations.


def test_an_authorization_is_decided(agent: Staff, demo_store: Store) -> None:
    page = "/desk/authorizations/P3002"
    listed = agent.read("/desk/authorizations")
    assert "P3002" in listed
    assert "担保函未发" in listed
    seen = version(agent, page)
    assert "还没有选材料" in agent.refused(f"{page}/papers", version=seen)
    agent.does(f"{page}/papers", version=seen, paper="medical_record", reason="要近三个月的")
    assert "还缺" in agent.read(page)
    assert "状态" in agent.refused(f"{page}/approve", version=version(agent, page))
    agent.does(f"{page}/received", version=version(agent, page), paper="medical_record")
    assert "要写明原因" in agent.refused(f"{page}/decline", version=version(agent, page))
    agent.does(f"{page}/approve", version=version(agent, page))
    agent.does(f"{page}/letter", version=version(agent, page))
    assert "刚被别人改过" in agent.refused(f"{page}/letter", version=seen)
    with demo_store.read() as session:
        row = session.scalar(sa.select(Authorization).where(Authorization.reference == "P3002"))
        assert row is not None
        assert row.status == "approved"
        assert row.guarantee_letter_at is not None


def test_an_authorization_is_declined(
    agent: Staff, demo_store: Store, bound: Callable[[str], int]
) -> None:
    bound("YX2026-000301")
    page = "/desk/authorizations/P3002"
    agent.does(f"{page}/decline", version=version(agent, page), reason="<b>不在保障内</b>")
    assert "authorization_decided" in told(demo_store)[-1] or "不在保障内" in told(demo_store)[-1]
    shown = agent.get(page).text
    assert "<b>不在" not in shown
    assert "P3002" in agent.read("/desk/authorizations?state=declined")


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


def test_claims_past_their_due_time_are_late(agent: Staff, moment: Clock) -> None:
    assert "已超时" not in agent.read("/desk/claims")
    moment.go(days=20)
    agent.sign_in("lin")
    assert "已超时" in agent.read("/desk/claims")
