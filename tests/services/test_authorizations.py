"""What needs prior authorization, and who sees how those asked for stand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from bot.services import authorizations
from bot.store.session import Store


@pytest.mark.parametrize("treatment", ["腺样体切除手术", "手术", "住院", "化疗", "透析", "雾化器"])
def test_what_the_manual_names_is_needed(treatment: str) -> None:
    assert authorizations.needed(treatment) is True


@pytest.mark.parametrize("treatment", ["核磁共振", "雾化治疗", "内分泌治疗", "输液"])
def test_what_the_manual_does_not_name_is_not_guessed(treatment: str) -> None:
    assert authorizations.needed(treatment) is None


def test_only_an_item_above_the_threshold_needs_it() -> None:
    assert authorizations.item_needs(Decimal("5000.01")) is True
    assert authorizations.item_needs(Decimal(5000)) is None


def test_authorizations_are_told_to_the_family_alone(
    store: Store, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    ours = authorizations.authorizations(store, identity_id=bound("13800000301"))
    assert [(a.reference, a.status) for a in ours] == [
        ("P3001", "approved"),
        ("P3002", "under_review"),
    ]
    stranger = bound("13800000101", account="stranger")
    assert authorizations.authorizations(store, identity_id=stranger) == []
    assert authorizations.authorizations(store, identity_id=stranger, number="YX2026-000301") == []
    assert authorizations.authorizations(store, identity_id=new_identity("nobody")) == []
