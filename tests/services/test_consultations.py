"""The doctor's call: when it is due, one request at a time, and privacy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.services import consultations
from bot.services.consultations import ConsultationView
from bot.services.errors import NotBound, NotFound
from bot.store.models import AuditEntry, ConsultationRequest
from bot.store.session import Store

NUMBER, PHONE, THEIR_PHONE = "YX2026-000101", "13800000101", "13800000301"
CALL = "13912345678"


def count(store: Store) -> int:
    with store.read() as session:
        return int(session.scalar(sa.select(sa.func.count(ConsultationRequest.id))))


@pytest.fixture
def ask(store: Store) -> Callable[..., tuple[ConsultationView, bool]]:
    def ask(
        who: int, at: datetime, symptom: str = "咳嗽", phone: str = CALL
    ) -> tuple[ConsultationView, bool]:
        return consultations.request_phone_consultation(
            store, identity_id=who, number=NUMBER, symptom=symptom, phone=phone, now=at
        )

    return ask


Ask = Callable[..., tuple[ConsultationView, bool]]


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ((23, 10, 0), (23, 12, 0)),
        ((23, 19, 30), (23, 21, 30)),
        ((23, 20, 0), (24, 11, 0)),
        ((23, 20, 30), (24, 11, 0)),
        ((23, 23, 30), (24, 10, 0)),
        ((24, 3, 0), (24, 10, 0)),
    ],
)
def test_when_the_call_is_due(
    bound: Callable[..., int], ask: Ask, asked: tuple[int, int, int], due: tuple[int, int, int]
) -> None:
    seen, new = ask(bound(PHONE), datetime(2026, 11, *asked, tzinfo=TZ))
    assert new
    assert seen.due_at == datetime(2026, 11, *due, tzinfo=TZ)
    assert (seen.child, seen.status, seen.symptom) == ("王小满", "requested", "咳嗽")
    assert seen.reference.startswith("T1")


def test_the_same_request_twice_is_one(
    store: Store, bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = ask(who, now)
    again, new = ask(who, now + timedelta(minutes=5))
    assert (again, new) == (first, False)
    assert count(store) == 1


def test_what_is_newly_said_is_added_to_the_open_request(
    store: Store, bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = ask(who, now)
    again, new = ask(who, now + timedelta(minutes=5), symptom="发烧39度")
    assert (again.reference, again.due_at, new) == (first.reference, first.due_at, False)
    assert again.symptom == "咳嗽；发烧39度"
    assert count(store) == 1


def test_another_phone_is_another_request(
    bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = ask(who, now)
    second, new = ask(who, now, phone="13912345679")
    assert new
    assert second.reference != first.reference


def test_a_request_whose_time_has_passed_is_not_waited_for(
    bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = ask(who, now)
    later, new = ask(who, first.due_at + timedelta(minutes=1))
    assert new
    assert later.reference != first.reference
    assert later.due_at > first.due_at
    assert ask(who, first.due_at + timedelta(minutes=2)) == (later, False)


def test_after_the_call_a_new_request_is_new(
    store: Store, bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    first, _ = ask(who, now)
    with store.begin() as session:
        session.scalars(sa.select(ConsultationRequest)).one().status = "called_back"
    second, new = ask(who, now + timedelta(minutes=10))
    assert new
    assert second.reference != first.reference


def test_a_request_is_audited_without_what_was_said(
    store: Store, bound: Callable[..., int], ask: Ask, now: datetime
) -> None:
    who = bound(PHONE)
    seen, _ = ask(who, now)
    with store.read() as session:
        query = sa.select(AuditEntry).where(AuditEntry.action == "consultation.request")
        entry = session.scalars(query).one()
    assert (entry.actor, entry.subject) == (f"identity:{who}", seen.reference)
    assert not {"咳嗽", CALL} & set(str(entry.detail).split())


def test_nobody_asks_for_another_family_s_child(
    store: Store,
    bound: Callable[..., int],
    new_identity: Callable[[str], int],
    ask: Ask,
    now: datetime,
) -> None:
    with pytest.raises(NotFound):
        ask(bound(THEIR_PHONE), now)
    with pytest.raises(NotBound):
        ask(new_identity("nobody"), now)
    assert count(store) == 0


def test_the_phone_on_record_is_told_to_the_family_alone(
    store: Store, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    ours = bound(PHONE)
    assert consultations.phone_on_record(store, identity_id=ours, number=NUMBER) == PHONE
    with pytest.raises(NotFound):
        consultations.phone_on_record(
            store, identity_id=bound(THEIR_PHONE, account="stranger"), number=NUMBER
        )
    with pytest.raises(NotBound):
        consultations.phone_on_record(store, identity_id=new_identity("nobody"), number=NUMBER)
