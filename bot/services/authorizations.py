"""How prior authorizations stand, as their parents may see it (手册·事先授权, E2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.rules.authorizations import authorization_deadline
from bot.rules.calendar import TZ
from bot.rules.states import AuthorizationState
from bot.services import audit
from bot.services.identity import policy_ids
from bot.store import queries
from bot.store.models import Authorization, AuthorizationEvent
from bot.store.session import Store

ENDED = frozenset({AuthorizationState.DECLINED, AuthorizationState.WITHDRAWN})


@dataclass(frozen=True)
class EventView:
    """What happened with an authorization, when (Asia/Shanghai), why, and whether staff did it.

    The ``reason`` of ``changed`` is the day of treatment (ISO) that it had before.
    """

    at: datetime
    kind: str
    reason: str | None
    actor: str

    @property
    def by_staff(self) -> bool:
        """Whether it was done for the parent, not by one."""
        return not self.actor.startswith(audit.IDENTITY)


@dataclass(frozen=True)
class AuthorizationView:
    """A prior authorization as its parent may see it.

    Amounts in CNY, moments in Asia/Shanghai, ``treatment_on`` a local day. ``missing`` are the
    papers asked for and not there yet, ``deadline`` the last moment to have applied in time.
    """

    reference: str
    number: str
    child: str
    treatment: str
    hospital: str | None
    treatment_on: date
    estimated_amount: Decimal | None
    status: str
    urgent: bool
    submitted_at: datetime
    deadline: datetime
    guarantee_letter_at: datetime | None
    missing: tuple[str, ...]
    events: tuple[EventView, ...]
    version: int

    @property
    def ended(self) -> bool:
        """Whether it was declined or withdrawn."""
        return AuthorizationState(self.status) in ENDED

    @property
    def reason(self) -> str | None:
        """Why it has the state that it has, as staff wrote it."""
        told = [e.reason for e in self.events if e.kind == self.status]
        return told[-1] if told else None


def authorizations(
    store: Store, *, identity_id: int, number: str | None = None
) -> list[AuthorizationView]:
    """Return the authorizations of all bound policies (or one), by day of treatment."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        return [view(row) for row in queries.authorizations_of(session, ids)]


def view(row: Authorization) -> AuthorizationView:
    """Read an authorization inside a transaction."""
    letter = row.guarantee_letter_at
    # The relationship is typed loosely in SQLAlchemy 1.4.
    child: str = row.policy.child.name
    return AuthorizationView(
        reference=row.reference,
        number=row.policy.number,
        child=child,
        treatment=row.treatment,
        hospital=row.hospital.name if row.hospital else None,
        treatment_on=row.treatment_on,
        estimated_amount=Decimal(row.estimated_amount) if row.estimated_amount else None,
        status=row.status,
        urgent=row.urgent,
        submitted_at=row.submitted_at.astimezone(TZ),
        deadline=authorization_deadline(row.treatment_on),
        guarantee_letter_at=letter.astimezone(TZ) if letter else None,
        missing=tuple(p.paper for p in row.papers if p.received_at is None),
        events=tuple(EventView(e.at.astimezone(TZ), e.kind, e.reason, e.actor) for e in row.events),
        version=row.version,
    )


def note(
    session: Any,
    row: Authorization,
    *,
    kind: str,
    actor: str,
    now: datetime,
    reason: str | None = None,
    **detail: Any,
) -> AuthorizationEvent:
    """Write down what was done with an authorization: in its history and in the audit.

    Args:
        session: The transaction of the change.
        row: The authorization.
        kind: One of :data:`bot.store.models.AUTHORIZATION_EVENTS`.
        actor: Who, for example ``identity:7`` or ``staff:mei``.
        now: Aware.
        reason: What the parent may read of the reason.
        **detail: For the audit alone: JSON, free of personal data.
    """
    event = AuthorizationEvent(
        authorization_id=row.id, at=now, actor=actor, kind=kind, reason=reason
    )
    session.add(event)
    session.flush()
    session.expire(row, ["events", "papers"])
    audit.record(
        session,
        at=now,
        actor=actor,
        action=f"authorization.{kind}",
        subject=f"authorization:{row.id}",
        **detail,
    )
    return event
