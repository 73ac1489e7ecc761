"""Looking up prior authorizations (手册·事先授权, E2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bot.rules.calendar import TZ
from bot.services.identity import policy_ids
from bot.store import queries
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
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
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
            for row in queries.authorizations_of(session, ids)
        ]
