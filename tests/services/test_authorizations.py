"""Who sees how authorizations stand, and what is in the view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from bot.services import authorizations
from bot.store.session import Store


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


def test_one_without_a_history_is_told_too(store: Store, bound: Callable[..., int]) -> None:
    first, second = authorizations.authorizations(store, identity_id=bound("13800000301"))
    assert (first.events, first.missing, first.reason, first.ended) == ((), (), None, False)
    assert first.treatment_on == date(2026, 11, 30)
    assert first.deadline.date() == date(2026, 11, 26)
    assert second.estimated_amount is None
