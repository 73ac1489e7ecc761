"""The doctor's calls from asked for to over: by the doctor, by staff, by the parent, by time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.services import consultation_desk as desk
from bot.services import consultations, reminders
from bot.services.consultations import ConsultationView
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AuditEntry
from bot.store.session import Store

NUMBER, PHONE, THEIRS = "YX2026-000101", "13800000101", "13800000301"
STAFF = "staff:lin"


@pytest.fixture
def asked(store: Store, bound: Callable[..., int], now: datetime) -> tuple[int, ConsultationView]:
    who = bound(PHONE)
    return who, ask(store, who, now)


def ask(store: Store, who: int, now: datetime) -> ConsultationView:
    seen, _ = consultations.request_phone_consultation(
        store, identity_id=who, number=NUMBER, symptom="咳嗽", phone="13912345678", now=now
    )
    return seen


def test_called_back_and_over(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    who, seen = asked
    assert [row.reference for row in desk.worklist(store, now=now)] == [seen.reference]
    called = desk.called_back(
        store, reference=seen.reference, actor=STAFF, now=now, version=seen.version
    )
    assert (called.status, called.open) == ("called_back", False)
    assert desk.worklist(store, now=now) == []
    closed = desk.close(store, reference=seen.reference, actor=STAFF, reason="已看诊", now=now)
    assert closed.status == "closed"
    with store.read() as session:
        done = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.subject == seen.reference)
        ).all()
    assert done == ["consultation.request", "consultation.called_back", "consultation.close"]
    # A call that is over does not stand in the way of another.
    assert ask(store, who, now).reference != seen.reference


def test_a_late_call_becomes_overdue_and_can_still_be_made(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    who, seen = asked
    later = now + timedelta(hours=2, minutes=1)
    reminders.scan(store, now=later)
    (waits,) = consultations.call_backs(store, identity_id=who, now=later)
    assert (waits.status, waits.late, waits.open) == ("overdue", True, True)
    called = desk.called_back(store, reference=seen.reference, actor=STAFF, now=later)
    assert called.status == "called_back"


def test_taken_back_by_the_parent_once(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    who, seen = asked
    for _ in range(2):
        told = consultations.cancel_phone_consultation(
            store, identity_id=who, reference=seen.reference, now=now
        )
        assert told.status == "closed"
    with pytest.raises(Refused, match="state"):
        desk.called_back(store, reference=seen.reference, actor=STAFF, now=now)


def test_what_the_doctor_has_done_is_not_taken_back(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    who, seen = asked
    desk.called_back(store, reference=seen.reference, actor=STAFF, now=now)
    with pytest.raises(Refused, match="called_back"):
        consultations.cancel_phone_consultation(
            store, identity_id=who, reference=seen.reference, now=now
        )


def test_nobody_else_sees_or_takes_back_a_call(
    store: Store, asked: tuple[int, ConsultationView], bound: Callable[..., int], now: datetime
) -> None:
    stranger = bound(THEIRS, account="stranger")
    assert consultations.call_backs(store, identity_id=stranger, now=now) == []
    with pytest.raises(NotFound):
        consultations.cancel_phone_consultation(
            store, identity_id=stranger, reference=asked[1].reference, now=now
        )


def test_an_older_version_decides_nothing(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    _, seen = asked
    old = {"reference": seen.reference, "actor": STAFF, "now": now, "version": seen.version}
    desk.called_back(store, **old)
    with pytest.raises(Conflict):
        desk.close(store, reason="重复", **old)
    with pytest.raises(ValueError, match="reason"):
        desk.close(store, reference=seen.reference, actor=STAFF, reason=" ", now=now)
    with pytest.raises(NotFound):
        desk.called_back(store, reference="T99999", actor=STAFF, now=now)


def test_old_calls_are_no_longer_told(
    store: Store, asked: tuple[int, ConsultationView], now: datetime
) -> None:
    who, seen = asked
    desk.close(store, reference=seen.reference, actor=STAFF, reason="已看诊", now=now)
    assert len(consultations.call_backs(store, identity_id=who, now=now)) == 1
    assert consultations.call_backs(store, identity_id=who, now=now + timedelta(days=8)) == []
