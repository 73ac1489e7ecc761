"""What an account has muted."""

from collections.abc import Callable
from datetime import date, datetime

import pytest

from bot.rules.notifications import MUTED_BY_ALL, TOPICS, NotificationKind, Topic
from bot.rules.visits import cancellation_deadline
from bot.services.reminder_settings import (
    deadline_promise,
    mute_topics,
    muted,
    set_muted,
    topics_off,
    want_topics,
)
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


@pytest.mark.parametrize(
    ("visit", "word"),
    [
        (date(2026, 12, 9), "reminded"),
        (date(2026, 11, 25), "reminded"),
        (date(2026, 11, 24), "unreminded"),
        (date(2026, 11, 23), "late"),
    ],
)
def test_only_a_reminder_that_will_come_is_promised(
    store: Store, new_identity: Callable[[str], int], now: datetime, visit: date, word: str
) -> None:
    mother, deadline = new_identity("mother"), cancellation_deadline(visit)

    def promise() -> str:
        return deadline_promise(store, identity_id=mother, deadline=deadline, now=now)

    assert promise() == word
    kinds = [NotificationKind.CANCELLATION_DEADLINE]
    set_muted(store, identity_id=mother, kinds=kinds, muted=True, now=now)
    assert promise() == ("late" if word == "late" else "unreminded")


def test_urgent_messages_of_a_topic_go_at_the_second_asking(
    store: Store, new_identity: Callable[[str], int], now: datetime
) -> None:
    mother, topic = new_identity("mother"), Topic.CALL_BACK
    assert mute_topics(store, identity_id=mother, topics=[topic], now=now) == [topic]
    assert topics_off(store, identity_id=mother) == [topic]
    assert mute_topics(store, identity_id=mother, topics=[topic], now=now) == []
    assert muted(store, identity_id=mother) == set(TOPICS[topic])
    assert want_topics(store, identity_id=mother, topics=list(Topic), now=now) == [topic]
    assert muted(store, identity_id=mother) == frozenset()
