"""What is left of a policy, and what state its card is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.benefits import CardStatus
from bot.services.errors import NotBound, NotFound
from bot.services.policies import Bill, overview
from bot.store.models import BenefitUse, Policy, SelfPayBill
from bot.store.session import Store

ONE, ONE_NUMBER = "13800000101", "YX2026-000101"


def test_what_is_left_is_the_limit_less_what_is_used(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    seen = overview(store, identity_id=bound(ONE), number=ONE_NUMBER, now=now)
    told = {b.name: (b.unit, b.limit, b.used, b.left) for b in seen.benefits.values()}
    assert told == {
        "outpatient": ("CNY", Decimal(30000), Decimal("3560.50"), Decimal("26439.50")),
        "full_reimbursement_visits": ("count", Decimal(5), Decimal(2), Decimal(3)),
        "inpatient": ("CNY", Decimal(300000), Decimal(0), Decimal(300000)),
        "vaccine": ("CNY", Decimal(2000), Decimal(480), Decimal(1520)),
        "health_checks": ("count", Decimal(8), Decimal(3), Decimal(5)),
    }
    assert (seen.child, seen.plan, seen.born) == ("王小满", "优享PLUS计划", date(2019, 5, 20))
    assert seen.status is CardStatus.ACTIVE
    assert seen.as_of == date(2026, 11, 23)
    assert seen.direct_billing == {"network_clinic", "public_special"}
    assert seen.vaccination_routes == {"network_clinic", "public"}
    assert seen.clinic_brand == "和晴"
    assert seen.unpaid == ()


def test_more_used_than_there_was_leaves_nothing(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    with store.begin() as session:
        policy_id = session.scalar(sa.select(Policy.id).where(Policy.number == ONE_NUMBER))
        session.execute(
            sa.update(BenefitUse)
            .where(BenefitUse.policy_id == policy_id, BenefitUse.benefit == "vaccine")
            .values(used=Decimal("2000.01"))
        )
    seen = overview(store, identity_id=bound(ONE), number=ONE_NUMBER, now=now)
    assert seen.benefits["vaccine"].left == 0


def test_one_unpaid_bill_turns_the_card_grey_until_it_is_paid(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    parent, number = bound("13800000501"), "YX2026-000501"
    grey = overview(store, identity_id=parent, number=number, now=now)
    assert grey.status is CardStatus.GREY
    assert grey.unpaid == (
        Bill("S5001", "示范市第一人民医院", date(2026, 11, 8), Decimal("128.00")),
    )
    with store.begin() as session:
        session.execute(sa.update(SelfPayBill).values(status="paid"))
    paid = overview(store, identity_id=parent, number=number, now=now)
    assert (paid.status, paid.unpaid) == (CardStatus.ACTIVE, ())


def test_an_expired_policy_shows_its_past(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    seen = overview(store, identity_id=bound("13800000401"), number="YX2026-000401", now=now)
    assert (seen.status, seen.valid_to) == (CardStatus.EXPIRED, date(2026, 7, 11))
    assert seen.benefits["outpatient"].limit == 20000


@pytest.mark.parametrize(
    ("hours", "status"),
    [(-1, CardStatus.ACTIVE), (0, CardStatus.EXPIRED)],
)
def test_the_last_day_ends_at_midnight_in_shanghai(
    store: Store, bound: Callable[..., int], hours: int, status: CardStatus
) -> None:
    parent = bound(ONE)
    # Valid until D+164, which is 2027-05-06.
    midnight = datetime(2027, 5, 7, tzinfo=TZ) + timedelta(hours=hours)
    seen = overview(store, identity_id=parent, number=ONE_NUMBER, now=midnight)
    assert seen.status is status


def test_nobody_sees_what_is_not_theirs(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    stranger, other = bound(account="stranger"), bound("13800000201", account="other")
    for identity_id, error in ((stranger, NotBound), (other, NotFound)):
        with pytest.raises(error):
            overview(store, identity_id=identity_id, number=ONE_NUMBER, now=now)


def test_reading_never_writes(
    store: Store, now: datetime, bound: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = bound(ONE)

    def refuse() -> None:
        pytest.fail("a read began a transaction for writing")

    monkeypatch.setattr(store, "begin", refuse)
    assert overview(store, identity_id=parent, number=ONE_NUMBER, now=now)
