"""Phone consultation requests and the hours of the medical services (M1–M4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.consultations import phone_consultation
from bot.services import audit
from bot.services.identity import own_policy
from bot.store.models import ConsultationRequest
from bot.store.references import add_numbered
from bot.store.session import Store


@dataclass(frozen=True)
class ConsultationView:
    """A call-back; ``due_at`` in Asia/Shanghai, ``symptom`` as the doctor will read it."""

    reference: str
    child: str
    status: str
    due_at: datetime
    symptom: str


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
            return _view(found), False
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
        return _view(row), True


def phone_on_record(store: Store, *, identity_id: int, number: str) -> str:
    """Return the mobile number that the policy was bought with: eleven digits (手册·绑卡流程 E1).

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.read() as session:
        phone: str = own_policy(session, identity_id, number).household.phone
        return phone


def _view(row: ConsultationRequest) -> ConsultationView:
    # The relationship is typed loosely in SQLAlchemy 1.4.
    child: str = row.policy.child.name
    return ConsultationView(
        row.reference, child, row.status, row.due_at.astimezone(TZ), row.symptom or ""
    )
