"""Lectures: seats, signing up, withdrawing (M5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.clock import TZ
from bot.services import lectures as service
from bot.services.errors import NotFound, Refused
from bot.store.models import AuditEntry, LectureRegistration
from bot.store.session import Store

ONE_SEAT = "L103"


def test_what_is_on_is_told_soonest_first(store: Store, bound: Callable[..., int]) -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=TZ)
    seen = service.upcoming(store, identity_id=bound("13800000101"), now=now)
    assert [x.reference for x in seen] == ["L101", "L102", "L103"]
    assert seen[0].starts_at == datetime(2026, 11, 26, 19, 30, tzinfo=TZ)
    assert not any(x.mine for x in seen)
    late = seen[0].starts_at
    assert len(service.upcoming(store, identity_id=1, now=late)) == 2


def test_a_seat_is_taken_once(
    store: Store, bound: Callable[..., int], now: datetime, count: Callable[..., int]
) -> None:
    parent = bound("13800000101")
    seen, new = service.sign_up(store, identity_id=parent, reference="L101", now=now)
    assert (seen.mine, seen.seats_left, new) == (True, 199, True)
    _, again = service.sign_up(store, identity_id=parent, reference="L101", now=now)
    assert not again
    assert count(LectureRegistration) == 1
    assert count(AuditEntry, action="lecture.sign_up") == 1


def test_a_full_lecture_takes_nobody_until_a_seat_is_given_back(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    first, second = bound("13800000101"), bound("13800000301", account="second")
    service.sign_up(store, identity_id=first, reference=ONE_SEAT, now=now)
    with pytest.raises(Refused, match="lecture_full"):
        service.sign_up(store, identity_id=second, reference=ONE_SEAT, now=now)
    seen, had = service.withdraw(store, identity_id=first, reference=ONE_SEAT, now=now)
    assert (had, seen.mine, seen.seats_left) == (True, False, 1)
    assert service.sign_up(store, identity_id=second, reference=ONE_SEAT, now=now)[1]
    with pytest.raises(Refused, match="lecture_full"):
        service.sign_up(store, identity_id=first, reference=ONE_SEAT, now=now)


def test_withdrawing_without_a_seat_changes_nothing(
    store: Store, bound: Callable[..., int], now: datetime, count: Callable[..., int]
) -> None:
    parent = bound("13800000101")
    assert not service.withdraw(store, identity_id=parent, reference="L101", now=now)[1]
    assert count(AuditEntry) == 0
    service.sign_up(store, identity_id=parent, reference="L101", now=now)
    service.withdraw(store, identity_id=parent, reference="L101", now=now)
    assert service.sign_up(store, identity_id=parent, reference="L101", now=now)[1]


def test_a_lecture_that_has_begun_or_is_not_there(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    parent = bound("13800000101")
    with pytest.raises(Refused, match="lecture_over"):
        service.sign_up(
            store, identity_id=parent, reference="L101", now=now + timedelta(days=3, hours=10)
        )
    with pytest.raises(NotFound):
        service.sign_up(store, identity_id=parent, reference="L999", now=now)
    with pytest.raises(NotFound):
        service.lecture(store, identity_id=parent, reference="L999")
