"""The parents' own shares at the desk: recorded, paid, waived (E3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bot.services.identity import identify
from bot.store.models import Binding, OutboxMessage, Policy, SelfPayBill
from bot.store.session import Store
from tests.desk.console.conftest import NOW, Staff

PAGE = "/desk/bills/S5001"
PAID = {"amount": "￥128", "paid_at": "2026-11-22T18:30", "provider_reference": "B-77<b>"}
VISIT = {
    "hospital": "上海新华医院镜朗高级专家诊疗部",
    "visited_on": "2026-11-20",
    "amount": "1,200.50",
}


@pytest.fixture(autouse=True)
def families(demo_store: Store) -> None:
    """Somebody is told: each family has an account."""
    with demo_store.begin() as session:
        households = sorted(set(session.scalars(sa.select(Policy.household_id))))
    for household in households:
        who = identify(demo_store, "web", f"of {household}").id
        with demo_store.begin() as session:
            session.add(Binding(identity_id=who, household_id=household, verified_at=NOW))


def told(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)).all()
        return [(row.kind, str(row.payload.get("values"))) for row in rows]


def status(store: Store, reference: str = "S5001") -> str:
    with store.read() as session:
        found: str = session.scalar(
            sa.select(SelfPayBill.status).where(SelfPayBill.reference == reference)
        )
        return found


def version(staff: Staff, page: str = PAGE) -> str:
    return staff.get(page).text.split('name="version" value="')[1].split('"')[0]


def test_a_share_is_recorded_once(agent: Staff, demo_store: Store) -> None:
    assert f'<option value="{VISIT["hospital"]}">' in agent.get("/desk/bills").text
    to = agent.does("/desk/bills/create", number="yx2026-000101", **VISIT)
    page, _, said = to.partition("?")
    assert said == "said=bill_recorded"
    assert agent.does("/desk/bills/create", number="YX2026-000101", **VISIT) == to
    text = agent.read(page)
    assert "¥1,200.50" in text
    assert "小林：登记" in text
    assert [kind for kind, _ in told(demo_store)] == ["self_pay_due"]
    assert page.rsplit("/", 1)[1] in agent.read("/desk/bills")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"number": "YX1"}, "没有这个保单号"),
        ({"hospital": "新华"}, "医院要写全名"),
        ({"amount": "一百"}, "金额没有填对"),
        ({"amount": "0"}, "金额没有填对"),
        ({"visited_on": "2026-11-24"}, "不能晚于今天"),
        ({"visited_on": "昨天"}, "不能晚于今天"),
    ],
)
def test_shares_that_cannot_be(
    agent: Staff, demo_store: Store, wrong: dict[str, str], sentence: str
) -> None:
    filled = {"number": "YX2026-000101", **VISIT, **wrong}
    assert sentence in agent.refused("/desk/bills/create", **filled)
    assert told(demo_store) == []


def test_money_that_came_by_another_way(agent: Staff, demo_store: Store) -> None:
    seen = version(agent)
    for wrong, sentence in (
        ({"amount": "127.99"}, "和账单金额不一样"),
        ({"amount": "x"}, "金额没有填对"),
        ({"paid_at": "2026-11-23T10:06"}, "不能晚于现在"),
        ({"paid_at": ""}, "时间没有填对"),
        ({"provider_reference": " "}, "流水号"),
    ):
        assert sentence in agent.refused(f"{PAGE}/paid", version=seen, **PAID | wrong)
    assert status(demo_store) == "unpaid"
    agent.does(f"{PAGE}/paid", version=seen, **PAID)
    assert status(demo_store) == "paid"
    assert told(demo_store)[0][0] == "self_pay_paid"
    assert "11-22 18:30" in agent.read(PAGE)
    assert "刚被别人改过" in agent.refused(f"{PAGE}/paid", version=seen, **PAID)
    assert "S5001" not in agent.read("/desk/bills")
    assert "S5001" in agent.read("/desk/bills?state=paid")


def test_only_a_supervisor_waives(agent: Staff, supervisor: Staff, demo_store: Store) -> None:
    seen = version(agent)
    assert "免付" not in agent.read(PAGE)
    assert agent.post(f"{PAGE}/waive", version=seen).status_code == 403
    assert "刚被别人改过" in supervisor.refused(f"{PAGE}/waive", version="99")
    assert status(demo_store) == "unpaid"
    supervisor.does(f"{PAGE}/waive", version=seen)
    assert status(demo_store) == "waived"
    assert "已经付清了" in supervisor.refused(f"{PAGE}/waive", version=str(int(seen) + 1))


def test_finding_a_bill(agent: Staff, enter: Callable[[str], Staff]) -> None:
    assert "S5001" in agent.read("/desk/bills?q=s5001")
    assert "没有这样的账单" in agent.read("/desk/bills?state=waived")
    assert agent.get("/desk/bills/S1").status_code == 404


def test_names_are_shown_as_text(agent: Staff, demo_store: Store) -> None:
    with demo_store.begin() as session:
        bill = session.scalar(sa.select(SelfPayBill).where(SelfPayBill.reference == "S5001"))
        assert bill is not None
        bill.policy.child.name = "<b>小\u202e满</b>"
    for page in ("/desk/bills", PAGE):
        assert "&lt;b&gt;小⟨202E⟩满" in agent.get(page).text
