"""Which messages a chat account does not want."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.notifications import (
    TOPICS,
    URGENT,
    NotificationKind,
    Topic,
    deadline_reminder_at,
)
from bot.services import audit
from bot.store.models import NotificationSetting
from bot.store.session import Store

_CALM = {topic: [kind for kind in TOPICS[topic] if kind not in URGENT] for topic in Topic}


def muted_kinds(session: Session, identity_id: int) -> frozenset[str]:
    """Return the kinds that an account has muted."""
    query = sa.select(NotificationSetting.kind).where(
        NotificationSetting.identity_id == identity_id,
        NotificationSetting.muted.is_(True),  # type: ignore[attr-defined]
    )
    return frozenset(session.scalars(query))


def muted(store: Store, *, identity_id: int) -> frozenset[NotificationKind]:
    """Return the kinds that an account has muted; kinds that are no longer sent are left out."""
    known = set(NotificationKind)
    with store.read() as session:
        return frozenset(k for k in known if k.value in muted_kinds(session, identity_id))


def topics_off(store: Store, *, identity_id: int) -> list[Topic]:
    """Return the topics that an account has muted, but for what is urgent in them."""
    off = muted(store, identity_id=identity_id)
    return [topic for topic in Topic if calm_kinds(topic) <= off]


def calm_kinds(topic: Topic) -> frozenset[NotificationKind]:
    """Return the kinds of a topic that are not urgent."""
    return frozenset(TOPICS[topic]) - URGENT


def mute_topics(
    store: Store, *, identity_id: int, topics: Sequence[Topic], now: datetime
) -> list[Topic]:
    """Mute topics, but leave on what is urgent in them.

    Urgent kinds go only when their topic is muted alone and a second time: then the parent knows
    what is left on and does not want that either.

    Returns:
        The topics of which urgent messages are still sent.
    """
    off = muted(store, identity_id=identity_id)
    insisted = len(topics) == 1 and calm_kinds(topics[0]) <= off
    kinds = {kind for topic in topics for kind in (TOPICS if insisted else _CALM)[topic]}
    set_muted(store, identity_id=identity_id, kinds=kinds, muted=True, now=now)
    return [topic for topic in topics if (set(TOPICS[topic]) & URGENT) - kinds - off]


def want_topics(
    store: Store, *, identity_id: int, topics: Sequence[Topic], now: datetime
) -> list[Topic]:
    """Want all messages of topics again; return the topics of which some were muted."""
    kinds = {kind for topic in topics for kind in TOPICS[topic]}
    changed = set_muted(store, identity_id=identity_id, kinds=kinds, muted=False, now=now)
    return [topic for topic in topics if changed & set(TOPICS[topic])]


def deadline_promise(store: Store, *, identity_id: int, deadline: datetime, now: datetime) -> str:
    """Say whether an account that has just booked a visit will be reminded of its deadline (V3).

    Args:
        store: The store.
        identity_id: Whose reminder.
        deadline: Until when the visit can be cancelled, aware.
        now: When it was booked, aware.

    Returns:
        ``reminded``, ``unreminded`` (it is too near, or the account has muted such messages), or
        ``late`` when the deadline is past.
    """
    if now > deadline:
        return "late"
    wanted = NotificationKind.CANCELLATION_DEADLINE not in muted(store, identity_id=identity_id)
    comes = deadline_reminder_at(deadline, now) is not None
    return "reminded" if wanted and comes else "unreminded"


def set_muted(
    store: Store,
    *,
    identity_id: int,
    kinds: Collection[NotificationKind],
    muted: bool,
    now: datetime,
) -> frozenset[NotificationKind]:
    """Mute kinds for an account, or want them again; it counts when a message is to be sent.

    Returns:
        The kinds that were not so before.
    """
    changed = set()
    with store.begin() as session:
        query = sa.select(NotificationSetting).where(NotificationSetting.identity_id == identity_id)
        rows = {row.kind: row for row in session.scalars(query)}
        for kind in sorted(kinds):
            row = rows.get(kind.value)
            if (row is not None and row.muted) == muted:
                continue
            changed.add(kind)
            if row is None:
                row = NotificationSetting(identity_id=identity_id, kind=kind.value)
                session.add(row)
            row.muted, row.changed_at = muted, now
        if changed:
            audit.record(
                session,
                at=now,
                actor=audit.identity_actor(identity_id),
                action="reminders.mute" if muted else "reminders.unmute",
                subject=f"identity:{identity_id}",
                kinds=sorted(changed),
            )
    return frozenset(changed)
