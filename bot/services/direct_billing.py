"""Whether a hospital bills the insurer for the children of a chat account (E3, V1, X4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.rules.benefits import DirectBilling, brand_allowed, direct_billing_allowed
from bot.rules.calendar import local_day
from bot.rules.hospitals import HospitalKind
from bot.services import policies
from bot.services.hospitals import HospitalView
from bot.services.identity import bound_policies
from bot.services.policies import PolicyView
from bot.store.session import Store


class Brand(StrEnum):
    """Why a clinic does not bill although the plan has clinics (手册·疫苗责任 X4)."""

    OTHER = "other_brand"


@dataclass(frozen=True)
class Standing:
    """How a hospital stands to one child's policy; ``brand`` is the one the child is bound to."""

    child: str
    number: str
    plan: str
    result: DirectBilling | Brand
    brand: str | None = None


def policies_of(
    store: Store, *, identity_id: int, now: datetime, number: str | None = None
) -> list[PolicyView]:
    """Return the account's policies, each child's running one; or only the one with a number.

    Args:
        store: The store.
        identity_id: The chat account.
        now: Aware.
        number: A policy of the account; one that is not is no policy.
    """
    with store.read() as session:
        seen = [policies.view(session, row, now) for row in bound_policies(session, identity_id)]
    if number is not None:
        return [view for view in seen if view.number == number]
    today = local_day(now)
    running = [view for view in seen if view.valid_from <= today <= view.valid_to]
    covered = {view.child for view in running}
    return running + [view for view in seen if view.child not in covered]


def standing(place: HospitalView, seen: PolicyView) -> Standing:
    """Say whether a hospital bills the insurer for a policy, and if not, why."""
    result: DirectBilling | Brand = direct_billing_allowed(
        seen.status, seen.direct_billing, HospitalKind(place.kind)
    )
    useful = result in (DirectBilling.ALLOWED, DirectBilling.CARD_GREY)
    if useful and place.brand and not brand_allowed(seen.clinic_brand, place.brand):
        result = Brand.OTHER
    return Standing(seen.child, seen.number, seen.plan, result, seen.clinic_brand)


def usable(places: list[HospitalView], seen: list[PolicyView]) -> list[HospitalView]:
    """Return the hospitals that bill for any of the policies, now or once the card is paid up.

    First the clinics of a brand that a child is bound to.
    """
    useful = (DirectBilling.ALLOWED, DirectBilling.CARD_GREY)
    found = [
        place
        for place in places
        if any(standing(place, policy).result in useful for policy in seen)
    ]
    brands = {policy.clinic_brand for policy in seen if policy.clinic_brand}
    return sorted(found, key=lambda place: place.brand not in brands)
