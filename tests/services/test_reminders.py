"""Reminders from the store: when, once, to whom, and not when their reason is gone."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels.reply import Text, render
from bot.clock import TZ
from bot.rules.notifications import NotificationKind
from bot.services import appointments, outbox, payments
from bot.services.appointments import Wish
from bot.services.consultations import request_phone_consultation
from bot.services.reminders import scan
from bot.store.models import (
    Appointment,
    Claim,
    ClaimRequirement,
    ConsultationRequest,
    OutboxMessage,
    SelfPayBill,
)
from bot.store.session import Store

DEADLINE = NotificationKind.CANCELLATION_DEADLINE
WANG, CHEN, ZHOU = "13800000101", "13800000301", "13800000501"


def on(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=TZ)


def put_in(store: Store, kind: str) -> list[OutboxMessage]:
    with store.read() as session:
        query = sa.select(OutboxMessage).where(OutboxMessage.kind == kind)
        return list(session.scalars(query.order_by(OutboxMessage.id)))


def told(store: Store, kind: str) -> list[str]:
    replies = [render(row.payload) for row in put_in(store, kind)]
    return [reply.text for reply in replies if isinstance(reply, Text)]


def send(store: Store, now: datetime) -> list[str]:
    """Send all that is due; return what became of each."""
    ends = []
    while taken := outbox.claim(store, owner="w", channels=["rest"], now=now, wall=now):
        for claimed in taken:
            outbox.deliver(store, claimed, {"text": "x"}, now=now, wall=now)
            with store.read() as session:
                row = session.get(OutboxMessage, claimed.id)
                assert row is not None
                ends.append(row.reason or row.status)
    return ends


def book(store: Store, identity: int, day: date, now: datetime) -> str:
    seen, new = appointments.book(
        store,
        identity_id=identity,
        number="YX2026-000101",
        hospital="上海新华医院镜朗高级专家诊疗部",
        department="耳鼻喉科",
        wish=Wish(day, time(10), None),
        now=now,
    )
    assert new
    return seen.reference


# ---- the cancellation deadline: Wednesday's visit, Tuesday 16:00, told on Monday 10:00


def test_the_deadline_is_told_the_day_before_once_to_each_account(
    store: Store, bound: Any, now: datetime
) -> None:
    mother = bound(WANG, account="mother")
    reference = book(store, mother, date(2026, 12, 9), now)
    assert scan(store, now=on(7, 9, 59, month=12)) == 0
    assert scan(store, now=on(7, 10, month=12)) == 1
    assert scan(store, now=on(7, 12, month=12)) == 0
    (said,) = told(store, DEADLINE)
    assert "12月8日（周二） 16:00" in said
    assert reference in said
    assert "还在安排" in said
    father = bound(WANG, account="father")
    assert scan(store, now=on(7, 13, month=12)) == 1
    assert [row.identity_id for row in put_in(store, DEADLINE)] == [mother, father]


def test_nothing_is_told_after_the_deadline(store: Store, bound: Any, now: datetime) -> None:
    book(store, bound(WANG), date(2026, 12, 9), now)
    assert scan(store, now=on(8, 16, 1, month=12)) == 0


def test_a_short_notice_is_told_on_the_morning_of_the_deadline(
    store: Store, bound: Any, now: datetime
) -> None:
    book(store, bound(WANG), date(2026, 11, 25), now)
    assert scan(store, now=now + timedelta(minutes=1)) == 0
    assert scan(store, now=on(24, 10)) == 1
    assert "11月24日（周二） 16:00" in told(store, DEADLINE)[0]


def test_a_visit_cancelled_before_sending_is_not_told(
    store: Store, bound: Any, now: datetime
) -> None:
    mother, due = bound(WANG), on(7, 10, month=12)
    reference = book(store, mother, date(2026, 12, 9), now)
    assert scan(store, now=due) == 1
    appointments.cancel(
        store, identity_id=mother, reference=reference, now=due, late_accepted=False
    )
    assert send(store, due) == ["obsolete"]


def test_a_visit_moved_before_sending_is_told_at_its_own_time(
    store: Store, bound: Any, now: datetime
) -> None:
    mother, due = bound(WANG), on(7, 10, month=12)
    reference = book(store, mother, date(2026, 12, 9), now)
    scan(store, now=due)
    appointments.reschedule(
        store,
        identity_id=mother,
        reference=reference,
        wish=Wish(date(2026, 12, 16), time(10), None),
        now=due,
        late_accepted=False,
    )
    assert send(store, due) == ["obsolete"]
    later = on(14, 10, month=12)
    assert scan(store, now=later) == 1
    assert send(store, later) == ["sent"]


def test_a_reminder_that_waited_beyond_the_deadline_is_not_told(
    store: Store, bound: Any, now: datetime
) -> None:
    book(store, bound(WANG), date(2026, 12, 9), now)
    scan(store, now=on(8, 15, month=12))
    assert send(store, on(8, 16, 1, month=12)) == ["obsolete"]


def test_the_demonstrations_confirmed_visit_is_reminded_of(store: Store, bound: Any) -> None:
    bound(WANG)
    # W+6 is Tuesday, 12-01; its deadline Monday 16:00.
    assert scan(store, now=on(29, 10)) == 1
    said = told(store, DEADLINE)[0]
    assert "A1001" in said
    assert "11月30日（周一） 16:00" in said
    assert "还在安排" not in said


# ---- call-backs


def call_back(store: Store, identity: int, now: datetime) -> str:
    seen, _ = request_phone_consultation(
        store,
        identity_id=identity,
        number="YX2026-000101",
        symptom="发烧",
        phone="13800000101",
        now=now,
    )
    return seen.reference


def test_a_call_back_that_did_not_come_is_owned_up_to(
    store: Store, bound: Any, now: datetime
) -> None:
    reference = call_back(store, bound(WANG), now)
    assert scan(store, now=on(23, 12)) == 0
    assert scan(store, now=on(23, 12, 1)) == 1
    assert scan(store, now=on(23, 13)) == 0
    (said,) = told(store, NotificationKind.CALL_BACK_OVERDUE)
    assert reference in said
    assert "021-80209058" in said
    assert "120" in said
    with store.read() as session:
        (status,) = session.scalars(sa.select(ConsultationRequest.status))
    assert status == "overdue"
    assert send(store, on(23, 12, 1)) == ["sent"]


def test_at_night_too(store: Store, bound: Any) -> None:
    call_back(store, bound(WANG), on(23, 19, 59))
    late = on(23, 22, 0)
    assert scan(store, now=late) == 1
    assert send(store, late) == ["sent"]


def test_a_call_made_meanwhile_is_not_owned_up_to(store: Store, bound: Any, now: datetime) -> None:
    call_back(store, bound(WANG), now)
    scan(store, now=on(23, 12, 1))
    with store.begin() as session:
        row = session.scalars(sa.select(ConsultationRequest)).one()
        row.status = "called_back"
    assert send(store, on(23, 12, 2)) == ["obsolete"]


def test_an_old_one_is_left_alone(store: Store, bound: Any, now: datetime) -> None:
    call_back(store, bound(WANG), now)
    assert scan(store, now=on(25, 12)) == 0


# ---- claims


def test_a_claim_that_lacks_papers_is_told_once(store: Store, bound: Any, now: datetime) -> None:
    bound(CHEN)
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == "C3001")).one()
        row.opened_at, row.submitted_at = on(20, 15), on(20, 15)
    assert scan(store, now=on(23, 9, 59)) == 0
    assert scan(store, now=now) == 1
    assert scan(store, now=on(30, 10)) == 0
    (said,) = told(store, NotificationKind.CLAIM_NEEDS_PAPERS)
    assert "C3001" in said
    assert "2 份" in said
    assert send(store, now) == ["sent"]


def test_a_claim_completed_meanwhile_is_not_told(store: Store, bound: Any, now: datetime) -> None:
    bound(CHEN)
    scan(store, now=on(30, 10))
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == "C3001")).one()
        row.status = "settling"
    assert send(store, on(30, 10)) == ["obsolete"]


def test_a_complete_draft_is_to_be_submitted(store: Store, bound: Any, now: datetime) -> None:
    bound(CHEN)
    with store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == "C3001")).one()
        row.status, row.submitted_at, row.opened_at = "draft", None, on(20, 15)
        for requirement in session.scalars(
            sa.select(ClaimRequirement).where(ClaimRequirement.claim_id == row.id)
        ):
            requirement.received = True
    assert scan(store, now=now) == 1
    assert "没有提交" in told(store, NotificationKind.CLAIM_NEEDS_PAPERS)[0]


# ---- self-pay


def test_an_unpaid_amount_is_told_weekly_and_three_times(
    store: Store, bound: Any, now: datetime
) -> None:
    bound(ZHOU)
    with store.begin() as session:
        session.scalars(sa.select(SelfPayBill)).one().issued_at = now
    days = [day for day in range(30) if scan(store, now=now + timedelta(days=day))]
    assert days == [3, 10, 17]
    said = told(store, NotificationKind.SELF_PAY_DUE)[0]
    assert "128 元" in said
    assert "S5001" in said


def test_an_amount_without_a_day_of_issue_counts_from_the_visit(
    store: Store, bound: Any, now: datetime
) -> None:
    bound(ZHOU)
    # D-15 is in the second week after the first reminder.
    assert scan(store, now=now) == 1
    assert put_in(store, NotificationKind.SELF_PAY_DUE)[0].idempotency_key == (
        "remind:self_pay:1:2:1"
    )


def test_a_new_bill_for_an_old_visit_is_not_reminded_of_at_once(
    store: Store, bound: Any, now: datetime
) -> None:
    bound(WANG)
    payments.create_bill(
        store,
        number="YX2026-000101",
        hospital="示范市第一人民医院",
        visited_on=date(2026, 11, 3),
        amount=Decimal("66.60"),
        actor="staff:陈",
        now=now,
    )
    assert scan(store, now=now) == 0
    assert scan(store, now=now + timedelta(days=3)) == 1


def test_a_paid_amount_is_not_told(store: Store, bound: Any, now: datetime) -> None:
    bound(ZHOU)
    scan(store, now=now)
    with store.begin() as session:
        session.scalars(sa.select(SelfPayBill)).one().status = "paid"
    assert send(store, now) == ["obsolete"]
    assert scan(store, now=now + timedelta(days=7)) == 0


# ---- who


def test_nobody_bound_nobody_told(store: Store, count: Callable[..., int]) -> None:
    assert scan(store, now=on(30, 12)) == 0
    assert count(OutboxMessage) == 0


def test_strangers_are_told_nothing(store: Store, bound: Any, now: datetime) -> None:
    bound("13800000201")
    assert scan(store, now=now) == 0


@pytest.mark.parametrize("days", range(0, 200, 9))
def test_a_scan_at_any_time_is_sound(store: Store, bound: Any, now: datetime, days: int) -> None:
    bound(WANG, CHEN, ZHOU, "13800000201", "13800000401")
    moment = now + timedelta(days=days, hours=days % 24)
    put = scan(store, now=moment)
    assert scan(store, now=moment) == 0
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage)).all()
        assert len(rows) == put
        for row in rows:
            assert isinstance(render(row.payload), Text)
        open_visits = session.scalars(sa.select(Appointment.status)).all()
    assert "declined" not in open_visits
