"""Which departments of which hospitals a complaint leads to, for one policy (M3, V1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.rules.benefits import CardStatus, brand_allowed
from bot.rules.triage import GENERAL, Direction, departments_for
from bot.services import hospitals as directory
from bot.services import policies
from bot.services.hospitals import HospitalView
from bot.store.session import Store


@dataclass(frozen=True)
class Door:
    """A department of a hospital where the plan is billed directly."""

    hospital: HospitalView
    department: str


@dataclass(frozen=True)
class Advice:
    """Where a complaint leads.

    Attributes:
        directions: The departments with the sign that leads there; empty if nothing is known.
        doors: Such departments in the hospitals that the plan can use, ``()`` without a policy.
        status: The card's status, ``None`` without a policy.
    """

    directions: tuple[Direction, ...]
    doors: tuple[Door, ...]
    status: CardStatus | None


def advise(
    store: Store, *, complaint: str, identity_id: int, number: str | None, now: datetime
) -> Advice:
    """Match a complaint with departments and the hospitals that a plan can use (手册·医疗服务 M3).

    Args:
        store: The store.
        complaint: In the parent's words; nothing of it is kept.
        identity_id: The chat account.
        number: A policy of that account; ``None`` gives departments alone.
        now: Aware.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    directions = tuple(departments_for(complaint))
    if number is None or not directions:
        return Advice(directions, (), None)
    seen = policies.overview(store, identity_id=identity_id, number=number, now=now)
    usable = [
        place
        for place in directory.hospitals(store)
        if place.kind in seen.direct_billing
        and (place.brand is None or brand_allowed(seen.clinic_brand, place.brand))
    ]
    doors: list[Door] = []
    for direction in directions:
        doors += _doors(usable, direction.department)
    if not doors:
        doors = _doors(usable, GENERAL)
    return Advice(directions, tuple(doors), seen.status)


def _doors(places: list[HospitalView], department: str) -> list[Door]:
    short = department.removeprefix("小儿").removesuffix("科")
    return [
        Door(place, name)
        for place in places
        for name in place.departments
        if name == department or (short and short in name)
    ]
