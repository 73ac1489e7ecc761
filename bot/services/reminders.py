"""Reminders that nobody's action triggers: the store is looked through for what is due.

Each has a key, so that looking twice tells once; what has changed before it is sent is dropped by
:mod:`bot.services.relevance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import TZ, local_day
from bot.rules.claims import DocumentKind
from bot.rules.notifications import (
    NotificationKind,
    deadline_reminder_at,
    papers_reminder_at,
    self_pay_reminder,
)
from bot.rules.visits import cancellation_deadline
from bot.services import audit, wording
from bot.services.notifications import notify
from bot.services.relevance import OPEN_CALL_BACKS, WAITING_CLAIMS, deadline_key
from bot.services.visit_words import visit_words
from bot.store.models import (
    Appointment,
    AuditEntry,
    Binding,
    Claim,
    ConsultationRequest,
    OutboxMessage,
    Policy,
    SelfPayBill,
)
from bot.store.queries import OPEN_APPOINTMENTS
from bot.store.session import Store

ACTOR = "worker"
# No holiday puts the last working day further before a visit than this.
FARTHEST = timedelta(days=21)
# A call-back that nobody made by then is no longer waited for.
CALL_BACK_FOR = timedelta(days=1)
NAMED_PAPERS = 3


@dataclass(frozen=True)
class Reminder:
    """One thing to remind the parents of a policy of."""

    policy_id: int
    kind: NotificationKind
    text: str
    values: dict[str, str]
    key: str


def scan(store: Store, *, now: datetime) -> int:
    """Put all reminders that are due into the outbox, each once for each bound account.

    Phone consultations that nobody called back in time become overdue (手册·医疗服务 M1).

    Args:
        store: The store.
        now: Business time, aware.

    Returns:
        How many messages were put in.
    """
    with store.read() as session:
        late = [row.id for row in _late_call_backs(session, now) if row.status == "requested"]
        new = _untold(session, list(due(session, now)))
    for request in late:
        _mark_overdue(store, request, now)
    if not new:
        return 0
    with store.begin() as session:
        return sum(
            _put(session, reminder, now) for reminder in due(session, now) if reminder.key in new
        )


def due(session: Session, now: datetime) -> Iterator[Reminder]:
    """Give the reminders that are due at ``now`` (aware), told already or not."""
    for found in (_deadlines, _call_backs, _claims, _self_pay):
        yield from found(session, now)


def _put(session: Session, reminder: Reminder, now: datetime) -> int:
    return notify(
        session,
        policy_id=reminder.policy_id,
        kind=reminder.kind,
        text=reminder.text,
        values=reminder.values,
        key=reminder.key,
        due_at=now,
    )


def _untold(session: Session, reminders: list[Reminder]) -> set[str]:
    """Return the keys of reminders that some bound account has not been told."""
    new = set()
    for reminder in reminders:
        bound = session.scalars(
            sa.select(Binding.identity_id)
            .join(Policy, Policy.household_id == Binding.household_id)
            .where(Policy.id == reminder.policy_id)
        ).all()
        keys = [f"{reminder.key}:{identity}" for identity in bound]
        told = session.scalar(
            sa.select(sa.func.count())
            .select_from(OutboxMessage)
            .where(OutboxMessage.idempotency_key.in_(keys))  # type: ignore[union-attr]
        )
        if told < len(keys):
            new.add(reminder.key)
    return new


def _with_reader(query: Any, table: Any) -> Any:
    """Leave out policies that no chat account is bound to."""
    reader = (
        sa.select(sa.literal(1))
        .select_from(Binding)
        .join(Policy, Policy.household_id == Binding.household_id)
        .where(Policy.id == table.policy_id)
    )
    return query.where(reader.exists())


def _deadlines(session: Session, now: datetime) -> Iterator[Reminder]:
    """Visits whose cancellation deadline is near (手册·就医流程 V3)."""
    query = sa.select(Appointment).where(
        Appointment.status.in_(OPEN_APPOINTMENTS),  # type: ignore[attr-defined]
        Appointment.visit_at > now,
        Appointment.visit_at < now + FARTHEST,
    )
    for row in session.scalars(_with_reader(query, Appointment)):
        deadline = cancellation_deadline(local_day(row.visit_at))
        moment = deadline_reminder_at(deadline, row.requested_at)
        if moment is None or not moment <= now <= deadline:
            continue
        open_yet = row.status == "requested"
        yield Reminder(
            row.policy_id,
            NotificationKind.CANCELLATION_DEADLINE,
            "notify_deadline_requested" if open_yet else "notify_deadline",
            {**visit_words(row, now), "deadline": wording.moment(deadline, now)},
            deadline_key(row),
        )


def _late_call_backs(session: Session, now: datetime) -> list[ConsultationRequest]:
    query = sa.select(ConsultationRequest).where(
        ConsultationRequest.kind == "phone",
        ConsultationRequest.status.in_(OPEN_CALL_BACKS),  # type: ignore[attr-defined]
        ConsultationRequest.due_at < now,
        ConsultationRequest.due_at > now - CALL_BACK_FOR,
    )
    return list(session.scalars(query))


def _call_backs(session: Session, now: datetime) -> Iterator[Reminder]:
    """Doctors who have not called by the promised time (手册·医疗服务 M1)."""
    for row in _late_call_backs(session, now):
        yield Reminder(
            row.policy_id,
            NotificationKind.CALL_BACK_OVERDUE,
            "notify_call_back_overdue",
            {
                "child": row.policy.child.name,
                "reference": row.reference,
                "due": wording.moment(row.due_at, now),
            },
            f"remind:call_back:{row.id}",
        )


def _mark_overdue(store: Store, request: int, now: datetime) -> None:
    with store.begin() as session:
        row = session.get(ConsultationRequest, request, with_for_update=True)
        if row is None or row.status != "requested":
            return
        row.status = "overdue"
        audit.record(
            session, at=now, actor=ACTOR, action="consultation.overdue", subject=row.reference
        )


def _claims(session: Session, now: datetime) -> Iterator[Reminder]:
    """Claims that have waited for their parent for days (手册·理赔流程 C6)."""
    query = sa.select(Claim).where(Claim.status.in_(WAITING_CLAIMS))  # type: ignore[attr-defined]
    for row in session.scalars(_with_reader(query, Claim)):
        since = _waiting_since(session, row)
        if papers_reminder_at(since) > now:
            continue
        missing = [r.document for r in row.requirements if not r.received]
        values = {"child": row.policy.child.name, "reference": row.reference}
        if missing:
            named = [wording.word("document", DocumentKind(m)) for m in missing[:NAMED_PAPERS]]
            values |= {"count": str(len(missing)), "documents": wording.listed(named)}
        yield Reminder(
            row.policy_id,
            NotificationKind.CLAIM_NEEDS_PAPERS,
            "notify_claim_waits" if missing else "notify_claim_unsent",
            values,
            f"remind:claim:{row.id}:{row.status}:{local_day(since).isoformat()}",
        )


def _waiting_since(session: Session, row: Claim) -> datetime:
    asked: datetime | None = session.scalar(
        sa.select(sa.func.max(AuditEntry.at)).where(
            AuditEntry.subject == f"claim:{row.id}", AuditEntry.action == f"claim.{row.status}"
        )
    )
    return asked or row.submitted_at or row.opened_at


def _self_pay(session: Session, now: datetime) -> Iterator[Reminder]:
    """Amounts that the parent still owes (手册·电子保险卡 E3)."""
    query = sa.select(SelfPayBill).where(SelfPayBill.status == "unpaid")
    for row in session.scalars(_with_reader(query, SelfPayBill)):
        issued = row.issued_at.astimezone(TZ).date() if row.issued_at else row.visited_on
        number = self_pay_reminder(issued, now)
        if number is None:
            continue
        yield Reminder(
            row.policy_id,
            NotificationKind.SELF_PAY_DUE,
            "notify_self_pay_reminder",
            {
                "child": row.policy.child.name,
                "reference": row.reference,
                "hospital": row.hospital.name,
                "day": wording.day(row.visited_on, local_day(now)),
                "amount": wording.yuan(row.amount),
            },
            f"remind:self_pay:{row.id}:{number}",
        )
