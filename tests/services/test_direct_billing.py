"""Where the cards of a family work: by plan, card, brand and child."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.services import direct_billing, hospitals
from bot.services.direct_billing import standing, usable
from bot.store.models import Policy
from bot.store.session import Store

XINHUA, CLINIC, OTHER = "上海新华医院镜朗高级专家诊疗部", "和晴", "青禾"


@pytest.fixture
def results(
    store: Store, bound: Callable[..., int], now: datetime
) -> Callable[[str], dict[str, str]]:
    def of(phone: str) -> dict[str, str]:
        who = bound(phone, account=phone)
        seen = direct_billing.policies_of(store, identity_id=who, now=now)
        return {
            f"{policy.child} {place.brand or place.kind}": standing(place, policy).result.value
            for policy in seen
            for place in hospitals.hospitals(store)
        }

    return of


def test_the_plans_differ(results: Callable[[str], dict[str, str]]) -> None:
    found = results("13800000201")
    assert set(found) >= {"李沐宸 public_special", "李沐瑶 public_special", "李沐宸 public"}
    assert found["李沐宸 public"] == found["李沐瑶 public"] == "hospital_does_not_bill"


def test_an_expired_policy_bills_nowhere(results: Callable[[str], dict[str, str]]) -> None:
    assert set(results("13800000401").values()) == {"expired"}


def test_a_brand_once_chosen_stays(store: Store, bound: Callable[..., int], now: datetime) -> None:
    who = bound("13800000101")
    (seen,) = direct_billing.policies_of(store, identity_id=who, now=now)
    with store.begin() as session:
        session.execute(
            sa.update(Policy).where(Policy.number == seen.number).values(clinic_brand=CLINIC)
        )
    (seen,) = direct_billing.policies_of(store, identity_id=who, now=now)
    places = hospitals.hospitals(store)
    clinics = {p.brand: standing(p, seen) for p in places if p.kind == "network_clinic"}
    assert clinics[CLINIC].result.value == "allowed"
    assert (clinics[OTHER].result.value, clinics[OTHER].brand) == ("other_brand", CLINIC)
    able = usable(places, [seen])
    assert OTHER not in {place.brand for place in able}
    assert able[0].brand == CLINIC


def test_a_number_that_is_not_the_accounts_is_no_policy(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound("13800000101")
    theirs = "YX2026-000301"
    assert direct_billing.policies_of(store, identity_id=who, now=now, number=theirs) == []


def test_the_running_policy_of_a_child_counts(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    who = bound("13800000101", "13800000401")
    seen = direct_billing.policies_of(store, identity_id=who, now=now)
    assert {policy.child for policy in seen} == {"王小满", "赵可心"}
