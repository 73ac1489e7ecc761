"""Complaints: the parent's words, number and due time, additions, the answer, privacy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.services import complaints as service
from bot.services.complaints import ComplaintView, file_complaint
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AuditEntry, Complaint, HandOff, OutboxMessage
from bot.store.session import Store

TEXT = "等了三天没人理！！\n电话 13800000101，名字王小满"
DUE = datetime(2026, 11, 25, 23, 59, 59, tzinfo=TZ)
STAFF = "staff:lin"


@pytest.fixture
def parent(new_identity: Callable[[str], int]) -> int:
    return new_identity("parent")


def filed(store: Store, parent: int, now: datetime, text: str = TEXT, **more: Any) -> ComplaintView:
    kind = more.pop("kind", "complaint")
    seen, _ = file_complaint(store, identity_id=parent, kind=kind, text=text, now=now, **more)
    return seen


def rows(store: Store, table: type) -> list[Any]:
    with store.read() as session:
        return list(session.scalars(sa.select(table).order_by(table.id)))  # type: ignore[attr-defined]


def test_a_complaint_is_kept_in_the_parents_words_with_a_due_time(
    store: Store, now: datetime, parent: int
) -> None:
    seen = filed(store, parent, now)
    assert (seen.reference, seen.status, seen.text) == ("F10001", "received", TEXT)
    assert (seen.received_at, seen.due_at, seen.answer) == (now, DUE, None)
    (row,) = rows(store, Complaint)
    assert (row.text, row.identity_id, row.policy_id) == (TEXT, parent, None)


def test_a_complaint_waits_for_a_person_and_a_suggestion_does_not(
    store: Store, now: datetime, parent: int
) -> None:
    seen = filed(store, parent, now)
    filed(store, parent, now, "希望周末也能预约", kind="suggestion")
    (row,) = rows(store, HandOff)
    assert (row.reason, row.status, row.note) == ("complaint", "queued", seen.reference)
    assert row.requested_at == now


def test_the_same_words_twice_are_one_complaint(
    store: Store, now: datetime, parent: int, new_identity: Callable[[str], int]
) -> None:
    first, new = file_complaint(store, identity_id=parent, kind="complaint", text=TEXT, now=now)
    again, second = file_complaint(
        store, identity_id=parent, kind="complaint", text=TEXT, now=now + timedelta(hours=1)
    )
    assert (new, second) == (True, False)
    assert again.reference == first.reference
    assert again.due_at == DUE
    assert filed(store, new_identity("other"), now).reference != first.reference


def test_the_policy_is_noted_only_if_it_is_the_parents_own(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    mother = bound("13800000101", account="mother")
    filed(store, mother, now, "慢慢慢慢", number="YX2026-000101")
    filed(store, mother, now, "更慢更慢", number="YX2026-000201")
    own, other = rows(store, Complaint)
    assert own.policy_id is not None
    assert other.policy_id is None


def test_an_unknown_kind_is_refused(store: Store, now: datetime, parent: int) -> None:
    with pytest.raises(ValueError, match="praise"):
        filed(store, parent, now, kind="praise")


def test_the_audit_names_the_complaint_and_repeats_nothing_of_it(
    store: Store, now: datetime, parent: int
) -> None:
    filed(store, parent, now)
    (entry,) = (e for e in rows(store, AuditEntry) if e.action.startswith("complaint"))
    told = (entry.actor, entry.action, entry.subject)
    assert told == (f"identity:{parent}", "complaint.file", "F10001")
    assert entry.detail == {}


def test_additions_are_kept_in_order_and_once(store: Store, now: datetime, parent: int) -> None:
    reference = filed(store, parent, now).reference
    for text in ("又过了一天", "还是没人", "又过了一天", TEXT):
        seen = service.add_to_complaint(
            store, identity_id=parent, reference=reference, text=text, now=now
        )
    assert seen.notes == ("又过了一天", "还是没人")
    assert service.own_complaints(store, identity_id=parent) == (seen,)


def test_nobody_else_sees_or_adds_to_a_complaint(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    mother, father = bound("13800000101", account="mother"), bound("13800000101", account="father")
    reference = filed(store, mother, now, number="YX2026-000101").reference
    assert service.own_complaints(store, identity_id=father) == ()
    with pytest.raises(NotFound):
        service.add_to_complaint(
            store, identity_id=father, reference=reference, text="我也是", now=now
        )


def test_received_in_progress_resolved(store: Store, now: datetime, parent: int) -> None:
    reference = filed(store, parent, now).reference
    seen = service.take_up(store, reference=reference, actor=STAFF, now=now)
    assert seen.status == "in_progress"
    assert service.open_complaints(store) == (seen,)
    done = service.resolve(store, reference=reference, actor=STAFF, answer=" 已道歉。 ", now=now)
    assert (done.status, done.answer) == ("resolved", "已道歉。")
    assert service.own_complaints(store, identity_id=parent) == (done,)
    assert service.open_complaints(store) == ()
    trail = [(e.actor, e.action) for e in rows(store, AuditEntry) if "complaint" in e.action]
    assert trail[1:] == [(STAFF, "complaint.take_up"), (STAFF, "complaint.resolve")]


def test_the_answer_is_told_to_who_complained_and_to_nobody_else(
    store: Store, now: datetime, bound: Callable[..., int]
) -> None:
    mother = bound("13800000101", account="mother")
    bound("13800000101", account="father")
    reference = filed(store, mother, now, number="YX2026-000101").reference
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    service.resolve(store, reference=reference, actor=STAFF, answer="已改进", now=now)
    begun, message = rows(store, OutboxMessage)
    assert (begun.identity_id, begun.kind) == (mother, "complaint_progress")
    assert begun.payload["values"] == {"reference": reference, "due": "11月25日（周三） 23:59"}
    assert (message.identity_id, message.kind) == (mother, "complaint_answered")
    assert message.payload["values"] == {"reference": reference, "answer": "已改进"}
    (handoff,) = rows(store, HandOff)
    assert (handoff.status, handoff.end_reason, handoff.ended_at) == ("resolved", "answered", now)


def test_an_answered_complaint_takes_nothing_more_and_the_same_words_begin_anew(
    store: Store, now: datetime, parent: int
) -> None:
    reference = filed(store, parent, now).reference
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    service.resolve(store, reference=reference, actor=STAFF, answer="已改进", now=now)
    with pytest.raises(Refused, match="resolved"):
        service.add_to_complaint(
            store, identity_id=parent, reference=reference, text="没改", now=now
        )
    assert filed(store, parent, now).reference == "F10002"


def test_staff_cannot_skip_or_repeat_a_step(store: Store, now: datetime, parent: int) -> None:
    reference = filed(store, parent, now).reference
    with pytest.raises(Refused, match="state"):
        service.resolve(store, reference=reference, actor=STAFF, answer="好", now=now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    with pytest.raises(Refused, match="state"):
        service.take_up(store, reference=reference, actor="staff:wu", now=now)
    with pytest.raises(Refused, match="answer"):
        service.resolve(store, reference=reference, actor=STAFF, answer=" ", now=now)
    assert [message.kind for message in rows(store, OutboxMessage)] == ["complaint_progress"]


def test_who_read_an_older_version_is_told(store: Store, now: datetime, parent: int) -> None:
    seen = filed(store, parent, now)
    service.take_up(store, reference=seen.reference, actor=STAFF, now=now, version=seen.version)
    with pytest.raises(Conflict):
        service.resolve(
            store, reference=seen.reference, actor=STAFF, answer="好", now=now, version=seen.version
        )


def test_there_is_no_such_complaint(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound):
        service.take_up(store, reference="F99999", actor=STAFF, now=now)


def test_the_one_due_first_stands_at_the_head(store: Store, now: datetime, parent: int) -> None:
    filed(store, parent, now + timedelta(days=3), "后来的一件")
    first = filed(store, parent, now, "先前的一件")
    assert service.open_complaints(store)[0].reference == first.reference
