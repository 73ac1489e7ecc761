"""Claims and prior authorizations at the desk: decided beside their documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.rules.claims import ClaimKind
from bot.services import claim_progress
from bot.services import claims as claim_service
from bot.services import documents as files_of_parents
from bot.services.identity import identify
from bot.store.files import FileStore
from bot.store.models import AuditEntry, Authorization, BenefitUse, Claim, DocumentReference
from bot.store.session import Store
from tests import pictures
from tests.desk.console.conftest import NOW, NUMBER, Clock, Staff, photo, told, version

pytestmark = pytest.mark.usefixtures("same_files")


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
    contradictory = {"version": seen, "outcome": "rejected", "amount": "300", "reason": "x"}
    assert "金额不对" in agent.refused(f"{page}/decide", **contradictory)
    assert "请选一个结论" in agent.refused(f"{page}/decide", version=seen, outcome="")
    long = {"version": seen, "outcome": "rejected", "reason": "长" * 201}
    assert "200 字" in agent.refused(f"{page}/decide", **long)
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
    assert "家长 1：提交" in after
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


def test_a_photo_that_cannot_be_read_is_refused_beside_it(
    agent: Staff, handed_in: tuple[str, int]
) -> None:
    page = f"/desk/claims/{handed_in[0]}"
    before = agent.get(page).text
    assert before.count(f'action="{page}/unreadable"') == before.count("<figure")
    agent.does(f"{page}/unreadable", version=version(agent, page), document="invoice", reason="糊")
    assert agent.get(page).text.count(f'action="{page}/unreadable"') == before.count("<figure") - 1


def test_a_damaged_file_hides_no_other(
    agent: Staff, demo_store: Store, files: FileStore, handed_in: tuple[str, int], tmp_path: Path
) -> None:
    reference, pdf = handed_in
    with demo_store.read() as session:
        row = session.get(DocumentReference, pdf)
        assert row is not None
        key = row.storage_key
    stored = tmp_path / "files" / key[:2] / key
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    assert "打不开，请家长重发" in agent.read(f"/desk/claims/{reference}")
    assert agent.get(f"/desk/documents/{pdf}").status_code == 503
    stored.unlink()
    assert agent.get(f"/desk/claims/{reference}").text.count("<figure") > 5


def test_who_sent_a_paper_and_what_it_was_replaced_by(
    agent: Staff, demo_store: Store, files: FileStore, handed_in: tuple[str, int]
) -> None:
    reference, pdf = handed_in
    page = f"/desk/claims/{reference}"
    agent.does(f"{page}/unreadable", version=version(agent, page), document="invoice", reason="糊")
    who = identify(demo_store, "web", f"parent of {NUMBER}").id
    new = files_of_parents.receive(
        demo_store, files, identity_id=who, content=photo(99), filename=None, now=NOW
    )
    files_of_parents.replace(demo_store, identity_id=who, old=[pdf], new=new.id, now=NOW)
    text = agent.read(page)
    assert f"网页家长 {who}" in text
    assert "家长换掉的 1 份" in text
    assert agent.get(page).text.index(f"/documents/{new.id}") < agent.get(page).text.index(
        f"/documents/{pdf}"
    )


def test_what_is_left_of_the_benefit_stands_beside_the_amount(
    agent: Staff, demo_store: Store, handed_in: tuple[str, int]
) -> None:
    page = f"/desk/claims/{handed_in[0]}"
    agent.does(f"{page}/settle", version=version(agent, page))
    assert "额度内最多可赔 ¥350.50" in " ".join(agent.read(page).split())
    with demo_store.begin() as session:
        row = session.scalar(sa.select(Claim).where(Claim.reference == handed_in[0]))
        assert row is not None
        limit = sa.select(BenefitUse).where(
            BenefitUse.policy_id == row.policy_id, BenefitUse.benefit == "outpatient"
        )
        use = session.scalar(limit)
        assert use is not None
        use.used, row.counted_amount = Decimal(1_000_000), Decimal(100)
    assert "额度内最多可赔 ¥100 ，不够全额批准" in " ".join(agent.read(page).split())


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
    assert answer.headers["content-type"] == "image/png"
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
    assert "小林：批准" in agent.read(page)
    with demo_store.read() as session:
        row = session.scalar(sa.select(Authorization).where(Authorization.reference == "P3002"))
        assert row is not None
        assert row.status == "approved"
        assert row.guarantee_letter_at is not None


def test_only_what_can_be_done_with_an_authorization_is_offered(agent: Staff) -> None:
    """A review that waits for papers that never come can go on without them."""
    page = "/desk/authorizations/P3002"
    agent.does(f"{page}/papers", version=version(agent, page), paper="medical_record")
    text = agent.get(page).text
    assert f"{page}/decline" not in text
    assert f"{page}/approve" not in text
    received = text.split(f'{page}/received"')[1].split("</form>")[0]
    assert received.count("checkbox") == 1
    agent.does(f"{page}/take-up", version=version(agent, page))
    agent.does(f"{page}/decline", version=version(agent, page), reason="材料没有交")


def test_an_authorization_is_declined(
    agent: Staff, demo_store: Store, bound: Callable[[str], int]
) -> None:
    bound("YX2026-000301")
    page = "/desk/authorizations/P3002"
    assert "500 字" in agent.refused(f"{page}/decline", version="1", reason="长" * 501)
    agent.does(f"{page}/decline", version=version(agent, page), reason="<b>不在保障内</b>")
    assert "authorization_decided" in told(demo_store)[-1] or "不在保障内" in told(demo_store)[-1]
    shown = agent.get(page).text
    assert "<b>不在" not in shown
    assert "P3002" in agent.read("/desk/authorizations?state=declined")


def test_claims_past_their_due_time_are_late(agent: Staff, moment: Clock) -> None:
    assert "已超时" not in agent.read("/desk/claims")
    moment.go(days=20)
    agent.sign_in("lin")
    assert "已超时" in agent.read("/desk/claims")
