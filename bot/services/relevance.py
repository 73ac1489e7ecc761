"""Whether a message in the outbox is still to be said when its moment has come.

Hours may pass between an event and its message: quiet hours, a worker that stood still. What it
tells may not be so any more, and the account may no longer see the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import TZ, local_day
from bot.rules.outbox import DropReason
from bot.rules.visits import cancellation_deadline
from bot.services.reminder_settings import muted_kinds
from bot.store.models import (
    Appointment,
    Binding,
    ChatIdentity,
    Claim,
    ConsultationRequest,
    OutboxMessage,
    Policy,
    SelfPayBill,
)
from bot.store.queries import OPEN_APPOINTMENTS

OPEN_CALL_BACKS = ("requested", "overdue")
WAITING_CLAIMS = ("draft", "documents_missing")

# Takes the session, the words of the key after its first, and the time.
Check = Callable[[Session, list[str], datetime], bool]


def why_not(session: Session, row: OutboxMessage, now: datetime) -> DropReason | None:
    """Say why a message must not be sent at ``now`` (aware), or ``None`` if it may."""
    identity = session.get(ChatIdentity, row.identity_id)
    if identity is None or identity.blocked_at is not None:
        return DropReason.BLOCKED
    if row.policy_id is not None and not _bound(session, row.identity_id, row.policy_id):
        return DropReason.UNBOUND
    if row.kind in muted_kinds(session, row.identity_id):
        return DropReason.MUTED
    return None if _still_so(session, row.idempotency_key or "", now) else DropReason.OBSOLETE


def _bound(session: Session, identity_id: int, policy_id: int) -> bool:
    query = (
        sa.select(Binding.id)
        .join(Policy, Policy.household_id == Binding.household_id)
        .where(Binding.identity_id == identity_id, Policy.id == policy_id)
    )
    return session.scalar(query) is not None


def _still_so(session: Session, key: str, now: datetime) -> bool:
    for prefix, check in CHECKS.items():
        if key.startswith(prefix):
            return check(session, key.removeprefix(prefix).split(":"), now)
    return True


def _deadline_ahead(session: Session, words: list[str], now: datetime) -> bool:
    """The visit still stands, on the day it was, and can still be cancelled (手册·就医流程 V3)."""
    row = session.get(Appointment, int(words[0]))
    if row is None or row.status not in OPEN_APPOINTMENTS:
        return False
    day = row.visit_at.astimezone(TZ).date()
    deadline = cancellation_deadline(day)
    return day == date.fromisoformat(words[1]) and now <= deadline


def _unchanged_visit(session: Session, words: list[str], _now: datetime) -> bool:
    row = session.get(Appointment, int(words[0]))
    return row is not None and row.version == int(words[1])


def _no_call_yet(session: Session, words: list[str], now: datetime) -> bool:
    row = session.get(ConsultationRequest, int(words[0]))
    return row is not None and row.status in OPEN_CALL_BACKS and row.due_at < now


def _claim_waits(session: Session, words: list[str], _now: datetime) -> bool:
    row = session.get(Claim, int(words[0]))
    return row is not None and row.status == words[1]


def _unpaid(session: Session, words: list[str], _now: datetime) -> bool:
    row = session.get(SelfPayBill, int(words[0]))
    return row is not None and row.status == "unpaid"


# By how a message's key begins; a message with another key stays true.
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "remind:deadline:": _deadline_ahead,
        "remind:call_back:": _no_call_yet,
        "remind:claim:": _claim_waits,
        "remind:self_pay:": _unpaid,
        "appointment:": _unchanged_visit,
    }
)


def deadline_key(row: Appointment) -> str:
    """Return the key of the reminder of a visit's cancellation deadline."""
    return f"remind:deadline:{row.id}:{local_day(row.visit_at).isoformat()}"


def visit_key(row: Appointment) -> str:
    """Return the key of what is told of a visit as it now is; its changes must be flushed."""
    return f"appointment:{row.id}:{row.version}"
