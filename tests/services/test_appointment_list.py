"""Visits as staff see them: what comes first, what is found, what was answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from bot.clock import TZ
from bot.services import appointment_desk, appointment_list, appointments
from bot.services.appointments import Wish
from bot.services.errors import NotFound
from bot.store.session import Store

PHONE, NUMBER = "13800000101", "YX2026-000101"
Book = Callable[..., str]


@pytest.fixture
def mother(bound: Any) -> int:
    identity: int = bound(PHONE, account="mother")
    return identity


@pytest.fixture
def book(store: Store, mother: int, now: datetime) -> Book:
    """Book as the mother; return the reference."""

    def ask(day: date, clock: time | None = time(10), part: str | None = None) -> str:
        seen, _ = appointments.book(
            store,
            identity_id=mother,
            number=NUMBER,
            hospital="上海新华医院镜朗高级专家诊疗部",
            department="耳鼻喉科",
            wish=Wish(day, clock, part),
            now=now,
        )
        return seen.reference

    return ask


@pytest.fixture
def staff(store: Store, now: datetime) -> Callable[..., Any]:
    """Do something as staff."""

    def do(what: Callable[..., Any], reference: str, **given: Any) -> Any:
        return what(store, reference=reference, **({"actor": "staff:陈", "now": now} | given))

    return do


def waiting(store: Store, **given: Any) -> list[str]:
    return [seen.reference for seen in appointment_list.waiting(store, **given)]


def test_what_is_to_be_arranged_comes_first(store: Store, book: Book, staff: Any) -> None:
    done, urgent = book(date(2026, 12, 9)), book(date(2026, 11, 25))
    normal = book(date(2026, 12, 10))
    staff(appointment_desk.confirm, done)
    assert waiting(store) == [urgent, normal, "A1001", done]
    assert waiting(store, status="requested") == [urgent, normal]
    with pytest.raises(ValueError, match="nonsense"):
        waiting(store, status="nonsense")


def test_confirmed_ones_by_the_day_of_the_visit_urgent_once_or_not(
    store: Store, book: Book, staff: Any
) -> None:
    later, sooner, urgent = (
        book(date(2026, 12, 14)), book(date(2026, 12, 8)), book(date(2026, 11, 25))
    )  # fmt: skip
    for reference in (later, sooner, urgent):
        staff(appointment_desk.confirm, reference)
    assert waiting(store, status="confirmed") == [urgent, "A1001", sooner, later]


def test_those_that_are_over_the_latest_first(store: Store, book: Book, staff: Any) -> None:
    one, two = book(date(2026, 12, 8)), book(date(2026, 12, 14))
    for reference in (two, one):
        staff(appointment_desk.decline, reference, reason="满了")
    assert waiting(store, status="declined") == [two, one]


def test_no_clock_time_is_shown_where_none_was_given(store: Store, book: Book, staff: Any) -> None:
    any_time, morning = (
        book(date(2026, 12, 8), None), book(date(2026, 12, 9), None, "morning")
    )  # fmt: skip
    parts = {
        one.reference: one.day_part for one in appointment_list.waiting(store, status="requested")
    }
    assert parts == {any_time: "any", morning: "morning"}
    assert staff(appointment_desk.confirm, any_time).day_part == "any"
    at = datetime(2026, 12, 8, 14, tzinfo=TZ)
    assert staff(appointment_desk.change, any_time, visit_at=at).day_part is None


def test_what_is_found_is_of_any_state_or_of_the_one_asked_for(
    store: Store, book: Book, staff: Any
) -> None:
    gone, here = book(date(2026, 12, 14)), book(date(2026, 12, 8))
    staff(appointment_desk.decline, gone, reason="满了")

    def found(**given: Any) -> list[str]:
        return [one.reference for one in appointment_list.listed(store, **given)]

    assert found(query="王小满") == [gone, here, "A1001"]
    assert found(query="王小满", state="declined") == [gone]
    assert found(query=NUMBER.lower()) == [gone, here, "A1001"]
    assert found(query=here.lower()) == [here]
    assert found(query="_") == []
    assert found() == waiting(store)


def test_one_with_what_was_answered(
    store: Store, book: Book, staff: Any, mother: int, now: datetime
) -> None:
    declined, cancelled = book(date(2026, 12, 8)), book(date(2026, 11, 25))
    at = now + timedelta(days=20)
    staff(appointment_desk.decline, declined, reason="满了", proposal=at)
    seen = appointment_list.look_up(store, reference=declined)
    assert (seen.decline_reason, seen.proposed_at, seen.cancelled_at) == ("满了", at, None)
    late = datetime(2026, 11, 24, 18, tzinfo=TZ)
    appointments.cancel(
        store, identity_id=mother, reference=cancelled, now=late, late_accepted=True
    )
    seen = appointment_list.look_up(store, reference=cancelled)
    assert (seen.cancelled_at, seen.cancelled_late) == (late, True)
    with pytest.raises(NotFound):
        appointment_list.look_up(store, reference="A99999")
