"""What needs prior authorization, and how those asked for stand (手册·事先授权, E2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.rules.authorizations import Setting, Therapy, TreatmentCase, needs_authorization
from bot.rules.calendar import TZ
from bot.services.identity import policy_ids
from bot.store import queries
from bot.store.session import Store

_SURGERY = TreatmentCase(surgery=True)
_EQUIPMENT = TreatmentCase(durable_equipment=True)


def _therapy(kind: Therapy) -> TreatmentCase:
    return TreatmentCase(therapies=frozenset({kind}))


# What the manual itself names, whatever it is for; on anything else it is silent, and so are we.
CASES: dict[str, TreatmentCase] = {
    "住院": TreatmentCase(setting=Setting.INPATIENT),
    "全麻手术": _SURGERY,
    "化疗": _therapy(Therapy.CHEMOTHERAPY),
    "放疗": _therapy(Therapy.RADIOTHERAPY),
    "质子重离子治疗": _therapy(Therapy.PROTON_HEAVY_ION),
    "透析": _therapy(Therapy.DIALYSIS),
    "雾化器": _EQUIPMENT,
}


@dataclass(frozen=True)
class AuthorizationView:
    """A prior authorization as its parent may see it."""

    reference: str
    number: str
    child: str
    treatment: str
    hospital: str | None
    treatment_on: date
    status: str
    guarantee_letter_at: datetime | None


def needed(treatment: str) -> bool | None:
    """Say whether a treatment needs authorization by its kind alone (手册·事先授权 P2).

    Args:
        treatment: Its name as the extractor gives it, for example ``腺样体切除手术``.

    Returns:
        ``True``, or ``None`` where it depends on what is not known, for example its price.
    """
    case = _SURGERY if treatment.endswith("手术") else CASES.get(treatment, TreatmentCase())
    return needs_authorization(case).required


def item_needs(amount: Decimal) -> bool | None:
    """Say whether a single item at this price in CNY needs authorization (手册·事先授权 P2).

    Returns:
        ``True``, or ``None`` where it depends on what else is planned.
    """
    return needs_authorization(TreatmentCase(single_item_amount=amount)).required


def authorizations(
    store: Store, *, identity_id: int, number: str | None = None
) -> list[AuthorizationView]:
    """Return the authorizations of all bound policies (or one), by day of treatment."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        return [
            AuthorizationView(
                row.reference,
                row.policy.number,
                row.policy.child.name,
                row.treatment,
                row.hospital.name if row.hospital else None,
                row.treatment_on,
                row.status,
                row.guarantee_letter_at.astimezone(TZ) if row.guarantee_letter_at else None,
            )
            for row in queries.authorizations_of(session, ids)
        ]
