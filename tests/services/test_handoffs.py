"""People: hand-offs and complaints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.services.handoffs import file_complaint, request_handoff
from bot.store.models import HANDOFF_REASONS, AuditEntry, Complaint, HandOff
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
        session.execute(sa.update(HandOff).values(status="resolved"))
    assert request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert count(HandOff) == 2


def test_a_complaint_is_kept_in_the_parents_words(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    text = "等了三天没人理！！\n电话 13800000101，名字王小满"
    parent = new_identity("parent")
    references = [file_complaint(store, identity_id=parent, text=text, now=now) for _ in range(2)]
    first, second = rows(store, Complaint)
    assert references == [first.reference, second.reference] == ["F10001", "F10002"]
    assert (first.text, first.status, first.received_at) == (text, "received", now)
    assert first.identity_id == parent


def test_the_audit_names_the_complaint_and_repeats_nothing_of_it(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    parent = new_identity("parent")
    file_complaint(store, identity_id=parent, text="王小满的事没人管", now=now)
    (entry,) = rows(store, AuditEntry)
    assert (entry.actor, entry.action, entry.subject) == (
        f"identity:{parent}",
        "complaint.file",
        "F10001",
    )
    assert entry.detail == {}
