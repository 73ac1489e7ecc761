"""The queries of the desk's work lists, on both databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from bot.clock import TZ
from bot.services import (
    appointment_desk,
    appointment_list,
    appointments,
    complaint_desk,
    complaints,
    data_desk,
    data_requests,
    handoffs,
)
from bot.services.appointments import Wish
from bot.services.identity import identify
from bot.store.demo.loader import load_demo
from bot.store.models import Binding, Policy
from bot.store.session import Store

NUMBER = "YX2026-000101"
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


def bound(store: Store) -> int:
    who = identify(store, "rest", "mother").id
    with store.begin() as session:
        load_demo(session, NOW.date())
        policy = session.scalars(sa.select(Policy).where(Policy.number == NUMBER)).one()
        session.add(Binding(identity_id=who, household_id=policy.household_id, verified_at=NOW))
    return who


def test_visits_on_either_database(any_store: Store) -> None:
    who = bound(any_store)
    late, urgent, declined = (
        appointments.book(
            any_store,
            identity_id=who,
            number=NUMBER,
            hospital="上海新华医院镜朗高级专家诊疗部",
            department="耳鼻喉科",
            wish=Wish(day, None, None),
            now=at,
        )[0].reference
        for day, at in (
            (date(2026, 12, 8), NOW - timedelta(days=5)),
            (date(2026, 11, 24), NOW),
            (date(2026, 12, 9), NOW),
        )
    )
    appointment_desk.decline(
        any_store, reference=declined, actor="staff:lin", reason="满了", now=NOW
    )
    found = [one.reference for one in appointment_list.waiting(any_store)]
    assert found == [urgent, late, "A1001"]
    by_name = [one.reference for one in appointment_list.listed(any_store, query="小满")]
    assert by_name == [declined, late, "A1001", urgent]


def test_complaints_and_wishes_on_either_database(any_store: Store) -> None:
    who = bound(any_store)
    one, two = (
        complaints.file_complaint(
            any_store, identity_id=who, kind="complaint", text=text, number=number, now=NOW
        )[0].reference
        for text, number in (("慢", NUMBER), ("贵", None))
    )
    given = {"reference": one, "actor": "staff:lin", "now": NOW}
    complaints.take_up(any_store, **given)
    complaints.resolve(any_store, answer="好", **given)
    assert [row.complaint.reference for row in complaint_desk.listed(any_store, query="f")] == [
        two,
        one,
    ]
    (open_one,) = complaint_desk.listed(any_store)
    assert (open_one.complaint.reference, open_one.insured) == (two, None)
    handoffs.request_handoff(any_store, identity_id=who, reason="asked", now=NOW)
    data_requests.request_erasure(any_store, identity_id=who, now=NOW)
    (wish,) = data_desk.worklist(any_store)
    assert [talk.reason for talk in wish.talks] == ["asked", "complaint"]
