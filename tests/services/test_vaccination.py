"""What a policy gives for vaccinations and health checks (X1-X4, E3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.rules.benefits import VaccinationWay
from bot.services.errors import NotFound
from bot.services.vaccination import Offer, offer
from bot.store.models import PlanRoute, Policy
from bot.store.session import Store

PHONES = {"1": "13800000101", "2": "13800000201", "3": "13800000301", "4": "13800000401"}
PHONES["5"] = "13800000501"


@pytest.fixture
def look(store: Store, bound: Callable[..., int], now: datetime) -> Callable[..., Offer]:
    def at(number: str, *, check: bool = False) -> Offer:
        who = bound(PHONES[number[-3]], account=number)
        return offer(store, identity_id=who, number=number, check=check, now=now)

    return at


@pytest.mark.parametrize(
    ("number", "check", "way"),
    [
        ("YX2026-000101", False, "clinic"),
        ("YX2026-000101", True, "clinic"),
        ("YX2026-000201", False, "no_benefit"),
        ("YX2026-000201", True, "public_only"),
        ("YX2026-000202", False, "clinic"),
        ("YX2026-000202", True, "checks_used_up"),
        ("YX2026-000401", False, "expired"),
        ("YX2026-000501", True, "public_only"),
    ],
)
def test_the_way_of_every_demonstration_policy(
    look: Callable[..., Offer], number: str, check: bool, way: str
) -> None:
    assert look(number, check=check).way == VaccinationWay(way)


def test_what_is_left_is_told_and_never_below_nothing(look: Callable[..., Offer]) -> None:
    some, none = look("YX2026-000101"), look("YX2026-000202")
    assert (some.left, some.used_up, some.checks_left) == (Decimal(1520), False, 5)
    assert (none.left, none.used_up, none.checks_left) == (Decimal(0), True, 0)


def test_the_brand_of_the_first_visit_excludes_the_others(look: Callable[..., Offer]) -> None:
    assert {h.brand for h in look("YX2026-000101").clinics} == {"和晴"}
    assert {h.brand for h in look("YX2026-000301").clinics} == {"和晴", "青禾"}


def test_a_grey_card_keeps_a_clinic_from_billing(store: Store, look: Callable[..., Offer]) -> None:
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy).where(Policy.number == "YX2026-000501"))
        session.add(
            PlanRoute(plan_id=policy.plan_id, service="vaccination", route="network_clinic")
        )
    assert look("YX2026-000501", check=True).way is VaccinationWay.GREY


def test_anothers_policy_is_not_looked_at(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    with pytest.raises(NotFound):
        offer(
            store,
            identity_id=bound(PHONES["1"]),
            number="YX2026-000301",
            check=False,
            now=now,
        )
