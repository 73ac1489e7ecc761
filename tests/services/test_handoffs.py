"""People: hand-offs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.services.handoffs import request_handoff
from bot.store.models import HANDOFF_REASONS, AuditEntry, HandOff
from bot.store.session import Store


def rows(store: Store, table: type) -> list[object]:
    with store.read() as session:
        return list(session.scalars(sa.select(table)))


@pytest.mark.parametrize("reason", HANDOFF_REASONS)
def test_only_an_emergency_is_urgent(
    store: Store, now: datetime, new_identity: Callable[[str], int], reason: str
) -> None:
    parent = new_identity("parent")
    assert request_handoff(store, identity_id=parent, reason=reason, now=now, note="two misses")
    (row,) = rows(store, HandOff)
    assert (row.identity_id, row.reason, row.status) == (parent, reason, "queued")
    assert row.urgent is (reason == "emergency")
    assert (row.requested_at, row.note) == (now, "two misses")


def test_asking_again_keeps_the_open_request(
    store: Store, now: datetime, new_identity: Callable[[str], int], count: Callable[..., int]
) -> None:
    parent = new_identity("parent")
    assert request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert not request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert request_handoff(store, identity_id=new_identity("other"), reason="asked", now=now)
    assert count(HandOff) == 2
    assert count(AuditEntry, action="handoff.request") == 2


def test_an_emergency_makes_the_open_request_urgent_and_it_stays_so(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    parent = new_identity("parent")
    for reason in ("asked", "emergency", "asked"):
        request_handoff(store, identity_id=parent, reason=reason, now=now)
    (row,) = rows(store, HandOff)
    assert (row.reason, row.urgent) == ("emergency", True)


def test_after_a_resolved_request_there_is_a_new_one(
    store: Store, now: datetime, new_identity: Callable[[str], int], count: Callable[..., int]
) -> None:
    parent = new_identity("parent")
    request_handoff(store, identity_id=parent, reason="asked", now=now)
    with store.begin() as session:
        session.execute(sa.update(HandOff).values(status="resolved", open_key=None))
    assert request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert count(HandOff) == 2


def test_a_complaint_does_not_stand_in_the_way_of_a_person(
    store: Store, now: datetime, new_identity: Callable[[str], int], count: Callable[..., int]
) -> None:
    parent = new_identity("parent")
    request_handoff(store, identity_id=parent, reason="complaint", now=now)
    assert request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert not request_handoff(store, identity_id=parent, reason="emergency", now=now)
    assert count(HandOff, reason="emergency", urgent=True) == 1
    assert count(HandOff, reason="complaint", urgent=False) == 1
