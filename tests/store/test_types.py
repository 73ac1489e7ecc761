from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.store.models import (
    AuditEntry,
    Child,
    Hospital,
    Household,
    Plan,
    Policy,
    SelfPayBill,
)
from bot.store.session import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")


def audit(at: datetime) -> AuditEntry:
    return AuditEntry(at=at, actor="test", action="test", subject="test")


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 23, 20, 30, 0, 123456, tzinfo=SHANGHAI),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    ],
)
def test_moments_come_back_in_utc(any_store: Store, at: datetime) -> None:
    with any_store.begin() as session:
        session.add(audit(at))
    with any_store.begin() as session:
        stored = session.scalars(sa.select(AuditEntry)).one().at
    assert stored == at
    assert stored.utcoffset() == timedelta(0)


def test_moments_are_compared_as_moments(any_store: Store) -> None:
    evening = datetime(2026, 11, 23, 20, 30, tzinfo=SHANGHAI)
    with any_store.begin() as session:
        session.add(audit(evening))
    with any_store.begin() as session:
        later = sa.select(AuditEntry).where(AuditEntry.at > evening.astimezone(UTC))
        same = sa.select(AuditEntry).where(AuditEntry.at == evening.astimezone(UTC))
        assert session.scalars(later).all() == []
        assert len(session.scalars(same).all()) == 1


def test_sqlite_stores_the_clock_time_of_utc(store: Store) -> None:
    with store.begin() as session:
        session.add(audit(datetime(2026, 11, 23, 20, 30, tzinfo=SHANGHAI)))
    with store.begin() as session:
        text = session.execute(sa.text("SELECT at FROM audit_entry")).scalar_one()
    assert text.startswith("2026-11-23 12:30:00")


def test_naive_moments_are_refused(any_store: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="naive"), any_store.begin() as session:
        session.add(audit(datetime(2026, 11, 23, 20, 30)))  # noqa: DTZ001 - what is refused


def bill(store: Store, amount: object) -> None:
    with store.begin() as session:
        household = Household(phone="13800000101")
        hospital = Hospital(
            name="示例", kind="public", city="上海", address="", hours="", phone="", introduction=""
        )
        session.add_all([household, hospital])
        session.flush()
        policy = Policy(
            number="YX1",
            household=household,
            child=Child(household_id=household.id, name="王小满", born=date(2019, 5, 20)),
            plan=Plan(name="优享计划"),
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
        )
        session.add(
            SelfPayBill(
                reference="S1",
                policy=policy,
                hospital=hospital,
                visited_on=date(2026, 2, 1),
                amount=amount,
            )
        )


@pytest.mark.parametrize(
    "amount", ["0.01", "0.10", "128.00", "3560.50", "1234567.89", "9999999999.99", "9999999999.97"]
)
def test_money_comes_back_to_the_cent(any_store: Store, amount: str) -> None:
    bill(any_store, Decimal(amount))
    with any_store.begin() as session:
        stored = session.scalars(sa.select(SelfPayBill)).one().amount
        found = sa.select(SelfPayBill.id).where(SelfPayBill.amount == Decimal(amount))
        assert len(session.scalars(found).all()) == 1
    assert isinstance(stored, Decimal)
    assert str(stored) == amount


def test_money_is_summed_as_money(any_store: Store) -> None:
    bill(any_store, Decimal("0.10"))
    with any_store.begin() as session:
        first = session.scalars(sa.select(SelfPayBill)).one()
        for number, amount in enumerate(["0.20", "0.30"], start=2):
            session.add(
                SelfPayBill(
                    reference=f"S{number}",
                    policy_id=first.policy_id,
                    hospital_id=first.hospital_id,
                    visited_on=first.visited_on,
                    amount=Decimal(amount),
                )
            )
    with any_store.begin() as session:
        assert session.scalar(sa.select(sa.func.sum(SelfPayBill.amount))) == Decimal("0.60")


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        (Decimal("0.001"), "two decimals"),
        (Decimal("10000000000"), "ten digits"),
        (Decimal("NaN"), "ten digits"),
        (Decimal("Infinity"), "ten digits"),
        (12.5, "a Decimal"),
        ("12.50", "a Decimal"),
    ],
)
def test_money_is_never_rounded_in_silence(any_store: Store, amount: object, why: str) -> None:
    with pytest.raises((sa.exc.StatementError, TypeError), match=why):
        bill(any_store, amount)
