"""Triage for a plan: departments, hospitals that bill it directly, brand and card (M3, V1, X4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from bot.rules.benefits import CardStatus
from bot.services.errors import NotFound
from bot.services.triage import advise
from bot.store.session import Store


def doors(
    store: Store, now: datetime, identity: int, number: str, complaint: str
) -> list[tuple[str, str]]:
    found = advise(store, complaint=complaint, identity_id=identity, number=number, now=now)
    return [(d.hospital.kind, d.department) for d in found.doors]


def test_only_hospitals_that_the_plan_is_billed_at(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    max_plus = bound("13800000301")
    assert doors(store, now, max_plus, "YX2026-000301", "眼睛红") == [
        ("public_special", "眼科"),
        ("public_special", "眼科"),
    ]
    special = bound("13800000501", account="special")
    kinds = {k for k, _ in doors(store, now, special, "YX2026-000501", "发烧")}
    assert kinds == {"public_special"}
    none = bound("13800000201", account="none")
    assert doors(store, now, none, "YX2026-000201", "发烧") == []


def test_a_brand_that_is_fixed_excludes_the_others(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    parent = bound("13800000101")
    found = advise(store, complaint="发烧", identity_id=parent, number="YX2026-000101", now=now)
    assert {d.hospital.brand for d in found.doors} == {None, "和晴"}


def test_where_no_hospital_has_the_department_the_general_one_is_named(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    parent = bound("13800000201")
    found = doors(store, now, parent, "YX2026-000202", "脚崴了")
    assert found
    assert {department for _, department in found} == {"小儿内科"}


def test_the_cards_state_is_told(store: Store, bound: Callable[..., int], now: datetime) -> None:
    grey, expired = bound("13800000501"), bound("13800000401", account="expired")
    seen = advise(store, complaint="咳嗽", identity_id=grey, number="YX2026-000501", now=now)
    assert seen.status is CardStatus.GREY
    seen = advise(store, complaint="咳嗽", identity_id=expired, number="YX2026-000401", now=now)
    assert seen.status is CardStatus.EXPIRED


def test_without_a_policy_there_are_departments_alone(store: Store, now: datetime) -> None:
    seen = advise(store, complaint="咳嗽", identity_id=1, number=None, now=now)
    assert [d.department for d in seen.directions] == ["小儿呼吸科"]
    assert (seen.doors, seen.status) == ((), None)


def test_anothers_policy_is_not_looked_at(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    with pytest.raises(NotFound):
        advise(
            store,
            complaint="咳嗽",
            identity_id=bound("13800000101"),
            number="YX2026-000301",
            now=now,
        )
