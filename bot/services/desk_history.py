"""What was done with one thing, for staff: its part of the audit trail, with names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import day_bounds, local
from bot.store.models import AuditEntry, StaffUser
from bot.store.session import Store

PAGE = 100


@dataclass(frozen=True)
class Entry:
    """An entry of the audit trail; ``at`` in Asia/Shanghai, ``who`` a name where there is one."""

    id: int
    at: datetime
    actor: str
    who: str
    action: str
    subject: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """Which entries: by the beginning of actor, action and subject, and of one local day."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    day: date | None = None


def history(store: Store, *, subject: str) -> tuple[Entry, ...]:
    """Return what was done with one thing, the latest first; 100 entries at most."""
    query = sa.select(AuditEntry).where(AuditEntry.subject == subject)
    with store.read() as session:
        return _entries(session, query.order_by(sa.desc(AuditEntry.id)).limit(PAGE))


def names(store: Store, *, actors: Iterable[str]) -> dict[str, str]:
    """Return the names of those who are staff with an account, by how the trail calls them."""
    with store.read() as session:
        return _names(session, actors)


def latest(session: Session, *, action: str, subjects: Iterable[str]) -> dict[str, Entry]:
    """Return the last entry of an action for each of these things that has one, by subject."""
    newest = (
        sa.select(sa.func.max(AuditEntry.id))
        .where(AuditEntry.action == action, AuditEntry.subject.in_(list(subjects)))  # type: ignore[attr-defined]
        .group_by(AuditEntry.subject)
    )
    query = sa.select(AuditEntry).where(AuditEntry.id.in_(newest))  # type: ignore[attr-defined]
    return {entry.subject: entry for entry in _entries(session, query)}


def trail(store: Store, *, wanted: Filter, before: int | None = None) -> tuple[Entry, ...]:
    """Return entries of everything, the latest first, 100 at a time.

    Args:
        store: The store.
        wanted: Which ones.
        before: Only those with smaller ids, to go on.
    """
    query = sa.select(AuditEntry)
    columns: tuple[tuple[Any, str], ...] = (
        (AuditEntry.actor, wanted.actor),
        (AuditEntry.action, wanted.action),
        (AuditEntry.subject, wanted.subject),
    )
    for column, begins in columns:
        if begins:
            query = query.where(column.startswith(begins, autoescape=True))
    if wanted.day is not None:
        first, after = day_bounds(wanted.day)
        query = query.where(AuditEntry.at >= first, AuditEntry.at < after)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    with store.read() as session:
        return _entries(session, query.order_by(sa.desc(AuditEntry.id)).limit(PAGE))


def _entries(session: Session, query: Any) -> tuple[Entry, ...]:
    rows = list(session.scalars(query))
    names = _names(session, {row.actor for row in rows})
    return tuple(
        Entry(
            row.id,
            local(row.at),
            row.actor,
            names.get(row.actor, row.actor),
            row.action,
            row.subject,
            dict(row.detail or {}),
        )
        for row in rows
    )


def _names(session: Session, actors: Iterable[str]) -> dict[str, str]:
    numbers = {
        int(actor.removeprefix("agent:")): actor
        for actor in actors
        if actor.startswith("agent:") and actor.removeprefix("agent:").isdecimal()
    }
    query = sa.select(StaffUser.id, StaffUser.name).where(StaffUser.id.in_(numbers))  # type: ignore[attr-defined]
    return {numbers[number]: name for number, name in session.execute(query)}
