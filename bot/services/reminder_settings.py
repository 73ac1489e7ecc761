"""Which messages a chat account does not want."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.notifications import NotificationKind
from bot.services import audit
from bot.store.models import NotificationSetting
from bot.store.session import Store


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
