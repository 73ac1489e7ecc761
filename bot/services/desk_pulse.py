"""What has changed at the desk, cheaply: how much waits in each list, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.handoffs import HandOffState
from bot.services import presence
from bot.services.consultations import WAITED_FOR
from bot.store.models import (
    Appointment,
    AuditEntry,
    Authorization,
    Claim,
    Complaint,
    ConsultationRequest,
    DataRequest,
    HandOff,
    HandOffEvent,
    HandOffMessage,
    ServiceRequest,
)
from bot.store.session import Store

# In the other open states the parent is to do something.
STAFFS_TURN = ("submitted", "settling", "approved", "partly_approved")
OPEN_AUTHORIZATIONS = ("submitted", "under_review", "documents_missing")


@dataclass(frozen=True)
class Pulse:
    """How the desk stands for one agent.

    ``waiting`` names the conversations that nobody has taken, ``urgent`` those of them that are
    emergencies, ``offered`` those offered to this agent, ``unanswered`` those of this agent in
    which the parent has spoken last, each with its last line. ``lists`` counts the work lists.
    """

    waiting: tuple[int, ...]
    urgent: tuple[int, ...]
    offered: tuple[int, ...]
    unanswered: dict[int, int]
    lists: dict[str, int]


def mark(store: Store, *, now: datetime) -> tuple[object, ...]:
    """Return something that is another one whenever anything at the desk has changed."""
    with store.read() as session:
        newest = [
            session.scalar(sa.select(sa.func.max(table.id)))
            for table in (HandOffEvent, HandOffMessage, AuditEntry)
        ]
        there = [(c.agent_id, c.status.value, c.open) for c in presence.candidates(session, now)]
        return (*newest, *there)


def pulse(store: Store, *, agent_id: int) -> Pulse:
    """Return how the desk stands for an agent."""
    with store.read() as session:
        query = (
            sa.select(HandOff)
            .where(HandOff.status != HandOffState.RESOLVED.value)
            .order_by(HandOff.priority, HandOff.requested_at, HandOff.id)
        )
        rows = list(session.scalars(query))
        waiting = [row for row in rows if row.status == HandOffState.QUEUED]
        mine = [row for row in rows if row.agent_id == agent_id]
        return Pulse(
            waiting=tuple(row.id for row in waiting),
            urgent=tuple(row.id for row in waiting if row.urgent),
            offered=tuple(row.id for row in mine if row.status == HandOffState.ASSIGNED),
            unanswered={
                row.id: row.last_seq
                for row in mine
                if row.status == HandOffState.HUMAN and row.parent_waits_since is not None
            },
            lists=_lists(session),
        )


def _lists(session: Session) -> dict[str, int]:
    letterless = sa.and_(
        Authorization.status == "approved",
        Authorization.guarantee_letter_at.is_(None),  # type: ignore[union-attr]
    )
    conditions: dict[str, object] = {
        "appointments": Appointment.status == "requested",
        "authorizations": sa.or_(
            Authorization.status.in_(OPEN_AUTHORIZATIONS),  # type: ignore[attr-defined]
            letterless,
        ),
        "claims": Claim.status.in_(STAFFS_TURN),  # type: ignore[attr-defined]
        "consultations": sa.and_(
            ConsultationRequest.kind == "phone",
            ConsultationRequest.status.in_(WAITED_FOR),  # type: ignore[attr-defined]
        ),
        "complaints": Complaint.status != "resolved",
        "services": ServiceRequest.status == "requested",
        "data": DataRequest.status.in_(("received", "checking")),  # type: ignore[attr-defined]
    }
    tables = (
        Appointment,
        Authorization,
        Claim,
        ConsultationRequest,
        Complaint,
        ServiceRequest,
        DataRequest,
    )
    counts = {}
    for (name, condition), table in zip(conditions.items(), tables, strict=True):
        query = sa.select(sa.func.count()).select_from(table).where(condition)
        counts[name] = int(session.scalar(query) or 0)
    return counts
