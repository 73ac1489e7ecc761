"""Looking up prior authorizations (手册·事先授权, E2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.services.identity import bound_policies
from bot.store.models import Authorization
from bot.store.session import Store


@dataclass(frozen=True)
class AuthorizationView:
    """A prior authorization as its parent may see it."""

    reference: str
    child: str
    treatment: str
    hospital: str | None
    treatment_on: date
    status: str
    guarantee_letter_at: datetime | None


def authorizations(
    store: Store, *, identity_id: int, number: str | None = None
) -> list[AuthorizationView]:
    """Return the authorizations of all bound policies (or one), by day of treatment."""
    with store.begin() as session:
        ids = [
            p.id
            for p in bound_policies(session, identity_id)
            if number is None or p.number == number
        ]
        query = (
            sa.select(Authorization)
            .where(sa.column("policy_id").in_(ids))
            .order_by(Authorization.treatment_on)
        )
        return [
            AuthorizationView(
                row.reference,
                row.policy.child.name,
                row.treatment,
                row.hospital.name if row.hospital else None,
                row.treatment_on,
                row.status,
                row.guarantee_letter_at.astimezone(TZ) if row.guarantee_letter_at else None,
            )
            for row in session.scalars(query)
        ]
