"""Phone consultation requests: asking, how they stand, taking one back (M1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import TZ
from bot.rules.consultations import phone_consultation
from bot.rules.states import ConsultationState, can_move
from bot.services import audit
from bot.services.errors import NotFound, Refused
from bot.services.identity import own_policy, policy_ids
from bot.store.models import ConsultationRequest
from bot.store.references import add_numbered
from bot.store.session import Store

# Waited for, on time or not.
WAITED_FOR = (ConsultationState.REQUESTED, ConsultationState.OVERDUE)
# Calls that are over are told of for so long.
TOLD_FOR = timedelta(days=7)


@dataclass(frozen=True)
class ConsultationView:
    """A call-back; times in Asia/Shanghai, ``symptom`` as the doctor will read it.

    ``late`` says that the doctor should have called by now and has not.
    """

    reference: str
    number: str
    child: str
    status: str
    due_at: datetime
    symptom: str
    phone: str
    requested_at: datetime
    version: int
    late: bool = False

    @property
    def open(self) -> bool:
        """Whether the call is still waited for."""
        return self.status in WAITED_FOR


def request_phone_consultation(
    store: Store, *, identity_id: int, number: str, symptom: str, phone: str, now: datetime
) -> tuple[ConsultationView, bool]:
    """Ask for a paediatrician's call; due by M1, queued for 08:00 outside the hours.

    An open request for the same child and phone is returned instead of a second one, with what
    is newly said about the symptom added to it. One whose due time has passed is no longer
    waited for: a new request is made.

    Returns:
        The request, and whether it is new.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        key = f"phone:{policy.id}:{phone}"
        found = session.scalar(
            sa.select(ConsultationRequest).where(ConsultationRequest.idempotency_key == key)
        )
        if found is not None and found.status == "requested" and found.due_at >= now:
            if symptom not in (found.symptom or ""):
                found.symptom = f"{found.symptom}；{symptom}" if found.symptom else symptom
                audit.record(
                    session,
                    at=now,
                    actor=audit.identity_actor(identity_id),
                    action="consultation.add",
                    subject=found.reference,
                )
            return view(found, now), False
        if found is not None:
            found.idempotency_key = None
            session.flush()
        row = ConsultationRequest(
            policy_id=policy.id,
            identity_id=identity_id,
            kind="phone",
            symptom=symptom,
            phone=phone,
            requested_at=now,
            due_at=phone_consultation(now).due_at,
            idempotency_key=key,
        )
        add_numbered(session, row, "T")
        actor = audit.identity_actor(identity_id)
        audit.record(
            session, at=now, actor=actor, action="consultation.request", subject=row.reference
        )
        return view(row, now), True


def phone_on_record(store: Store, *, identity_id: int, number: str) -> str:
    """Return the mobile number that the policy was bought with: eleven digits (手册·绑卡流程 E1).

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.read() as session:
        phone: str = own_policy(session, identity_id, number).household.phone
        return phone


def call_backs(store: Store, *, identity_id: int, now: datetime) -> list[ConsultationView]:
    """Return the calls of the account's policies, open ones first, then the latest.

    Calls that are over are left out :data:`TOLD_FOR` after they were due.
    """
    with store.read() as session:
        query = sa.select(ConsultationRequest).where(
            ConsultationRequest.kind == "phone",
            ConsultationRequest.policy_id.in_(  # type: ignore[attr-defined]
                policy_ids(session, identity_id)
            ),
        )
        found = [view(row, now) for row in session.scalars(query)]
    told = [seen for seen in found if seen.open or seen.due_at > now - TOLD_FOR]
    return sorted(told, key=lambda seen: (not seen.open, -seen.requested_at.timestamp()))


def cancel_phone_consultation(
    store: Store, *, identity_id: int, reference: str, now: datetime
) -> ConsultationView:
    """Take back a call that the doctor has not made; one taken back already stays so.

    Raises:
        NotFound: No such call of this account's policies.
        Refused: ``called_back`` when the doctor has called.
    """
    with store.begin() as session:
        row = by_reference(session, reference)
        if row.policy_id not in policy_ids(session, identity_id):
            raise NotFound(reference)
        if row.status == ConsultationState.CLOSED:
            return view(row, now)
        if row.status == ConsultationState.CALLED_BACK:
            raise Refused("called_back")
        move(row, ConsultationState.CLOSED)
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="consultation.cancel", subject=reference)
        session.flush()
        return view(row, now)


def by_reference(session: Session, reference: str) -> ConsultationRequest:
    """Return a call's row by its number.

    Raises:
        NotFound: There is none.
    """
    row: ConsultationRequest | None = session.scalar(
        sa.select(ConsultationRequest).where(
            ConsultationRequest.reference == reference, ConsultationRequest.kind == "phone"
        )
    )
    if row is None:
        raise NotFound(reference)
    return row


def move(row: ConsultationRequest, state: ConsultationState) -> None:
    """Bring a call into another state; one that is over makes room for a new request.

    Raises:
        Refused: ``state`` when it cannot follow.
    """
    if not can_move(ConsultationState(row.status), state):
        raise Refused("state")
    row.status = state.value
    row.idempotency_key = None


def view(row: ConsultationRequest, now: datetime) -> ConsultationView:
    """Return what is told of a call at ``now`` (aware)."""
    # The relationship is typed loosely in SQLAlchemy 1.4.
    child: str = row.policy.child.name
    return ConsultationView(
        reference=row.reference,
        number=row.policy.number,
        child=child,
        status=row.status,
        due_at=row.due_at.astimezone(TZ),
        symptom=row.symptom or "",
        phone=row.phone or "",
        requested_at=row.requested_at.astimezone(TZ),
        version=row.version,
        late=row.status in WAITED_FOR and row.due_at < now,
    )
