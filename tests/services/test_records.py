"""Past visits of a child: filters, sums, bills, several policies, privacy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.periods import Period
from bot.services.errors import NotBound, NotFound
from bot.services.records import BillView, Records, visit_records
from bot.store.models import Policy, Visit
from bot.store.session import Store

ONE, TWO, FIVE = "13800000101", "13800000201", "13800000501"
NUMBER = "YX2026-000101"
XINHUA = "上海新华医院镜朗高级专家诊疗部"
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))
Bound = Callable[..., int]


def records(store: Store, identity_id: int, number: str = NUMBER, **more: Any) -> Records:
    return visit_records(store, identity_id=identity_id, number=number, **more)


def test_e2_visits_are_told_newest_first_with_their_sums(store: Store, bound: Bound) -> None:
    found = records(store, bound(ONE))
    told = [(v.visited_on, v.department, v.total, v.insurer_paid) for v in found.visits]
    assert told == [
        (date(2026, 11, 14), "耳鼻喉科", Decimal("1200.50"), Decimal("1200.50")),
        (date(2026, 10, 14), "小儿内科", Decimal(860), Decimal(860)),
    ]
    assert (found.total, found.insurer_paid) == (Decimal("2060.50"), Decimal("2060.50"))
    assert (found.self_pay, found.child, found.bills) == (Decimal(0), "王小满", ())


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ({"period": OCTOBER}, [14]),
        ({"period": Period(date(2026, 9, 1), date(2026, 9, 30))}, []),
        ({"hospital": XINHUA}, [14]),
        ({"hospital": XINHUA, "period": OCTOBER}, []),
        ({"department": "小儿内科"}, [14]),
        ({"department": "眼科"}, []),
    ],
)
def test_only_what_fits_is_told(
    store: Store, bound: Bound, more: dict[str, Any], days: list[int]
) -> None:
    found = records(store, bound(ONE), **more)
    assert [v.visited_on.day for v in found.visits] == days
    assert found.latest is not None
    assert found.latest.visited_on == date(2026, 11, 14)


def test_e3_self_pay_bills_are_told_with_their_state(store: Store, bound: Bound) -> None:
    found = records(store, bound(FIVE), "YX2026-000501")
    bill = BillView("S5001", "示范市第一人民医院", date(2026, 11, 8), Decimal(128), "unpaid")
    assert (found.visits, found.bills, found.latest) == ((), (bill,), None)
    parent = bound(account="parent")
    assert records(store, parent, "YX2026-000501", period=OCTOBER).bills == ()
    assert records(store, parent, "YX2026-000501", department="急诊").bills == ()


def test_all_policies_of_a_child_are_looked_at_and_no_other_childs(
    store: Store, bound: Bound
) -> None:
    parent = bound(TWO)
    with store.begin() as session:
        first, other = session.scalars(
            sa.select(Policy).where(Policy.number.like("YX2026-00020%")).order_by(Policy.number)
        )
        old = Policy(
            number="YX2025-000201",
            household_id=first.household_id,
            child_id=first.child_id,
            plan_id=first.plan_id,
            valid_from=date(2025, 1, 1),
            valid_to=date(2025, 12, 31),
        )
        session.add(old)
        session.flush()
        for policy, day in ((old, 1), (first, 2), (other, 3)):
            session.add(
                Visit(
                    policy_id=policy.id,
                    hospital_id=1,
                    department="小儿内科",
                    visited_on=date(2025, 6, day),
                    total=Decimal(10),
                    insurer_paid=Decimal("7.50"),
                    self_pay=Decimal("2.50"),
                )
            )
    found = records(store, parent, "YX2026-000201")
    assert [v.visited_on.day for v in found.visits] == [2, 1]
    assert (found.total, found.self_pay) == (Decimal(20), Decimal(5))


def test_there_may_be_no_visits(store: Store, bound: Bound) -> None:
    found = records(store, bound(TWO), "YX2026-000201")
    assert (found.visits, found.latest, found.total) == ((), None, Decimal(0))


def test_nobody_sees_what_is_not_theirs(store: Store, bound: Bound) -> None:
    with pytest.raises(NotBound):
        records(store, bound(account="stranger"))
    with pytest.raises(NotFound):
        records(store, bound(TWO, account="other"))
