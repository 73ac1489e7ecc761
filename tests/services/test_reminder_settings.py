"""What an account has muted."""

from collections.abc import Callable
from datetime import datetime

from bot.rules.notifications import MUTED_BY_ALL, NotificationKind
from bot.services.reminder_settings import muted, set_muted
from bot.store.models import AuditEntry, NotificationSetting
from bot.store.session import Store

PAID, SETTLED = NotificationKind.CLAIM_PAID, NotificationKind.CLAIM_SETTLED


def test_muting_is_the_accounts_own_and_can_be_undone(
    store: Store, new_identity: Callable[[str], int], now: datetime
) -> None:
    mother, father = new_identity("mother"), new_identity("father")
    assert set_muted(store, identity_id=mother, kinds=[PAID, SETTLED], muted=True, now=now) == {
        PAID,
        SETTLED,
    }
    assert muted(store, identity_id=mother) == {PAID, SETTLED}
    assert muted(store, identity_id=father) == frozenset()
    assert set_muted(store, identity_id=mother, kinds=[PAID], muted=False, now=now) == {PAID}
    assert muted(store, identity_id=mother) == {SETTLED}


def test_muting_twice_changes_nothing(
    store: Store, new_identity: Callable[[str], int], now: datetime, count: Callable[..., int]
) -> None:
    mother = new_identity("mother")
    kinds = MUTED_BY_ALL
    assert set_muted(store, identity_id=mother, kinds=kinds, muted=True, now=now) == kinds
    assert set_muted(store, identity_id=mother, kinds=kinds, muted=True, now=now) == frozenset()
    assert count(NotificationSetting) == len(kinds)
    assert count(AuditEntry, action="reminders.mute") == 1


def test_wanting_what_was_never_muted_changes_nothing(
    store: Store, new_identity: Callable[[str], int], now: datetime, count: Callable[..., int]
) -> None:
    mother = new_identity("mother")
    assert not set_muted(store, identity_id=mother, kinds=[PAID], muted=False, now=now)
    assert count(NotificationSetting) == 0
