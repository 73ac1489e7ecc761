"""The office hours as they are stored, and changing them; without any, the manual's own.

Times are minutes after midnight in Asia/Shanghai (:mod:`bot.rules.office_hours`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.office_hours import (
    DAY_KINDS,
    DEFAULT_PLAN,
    OfficePlan,
    OfficeStatus,
    Span,
    checked,
    office_status,
)
from bot.services import audit
from bot.services.errors import Conflict, Refused
from bot.store.models import OfficeException, OfficeHours
from bot.store.session import Store

LONGEST_LABEL = 60


@dataclass(frozen=True)
class DayException:
    """The hours of one day in place of the plan's; without spans it is closed."""

    day: date
    spans: tuple[Span, ...]
    label: str


def plan_of(session: Session) -> OfficePlan:
    """Return the plan in force; the default until somebody has set one."""
    week: dict[int, tuple[Span, ...]] = {}
    for row in session.scalars(sa.select(OfficeHours)):
        week[row.day_kind] = (*week.get(row.day_kind, ()), Span(row.opens, row.closes))
    days = {found.day: found.spans for found in _exceptions(session)}
    return OfficePlan(week or DEFAULT_PLAN.week, days)


def plan(store: Store) -> OfficePlan:
    """Return the plan in force; see :func:`plan_of`."""
    with store.read() as session:
        return plan_of(session)


def status(store: Store, *, now: datetime) -> OfficeStatus:
    """Say whether people are there at ``now`` (aware), and when next."""
    return office_status(plan(store), now)


def exceptions(store: Store, *, since: date) -> tuple[DayException, ...]:
    """Return the single days from the local day ``since`` on, in order."""
    with store.read() as session:
        return tuple(found for found in _exceptions(session) if found.day >= since)


def week_mark(plan: OfficePlan) -> str:
    """Return something that is another one whenever the weekly plan has changed."""
    spans = ((kind, s.opens, s.closes) for kind in DAY_KINDS for s in plan.week.get(kind, ()))
    return " ".join(f"{kind}:{opens}-{closes}" for kind, opens, closes in spans)


def set_week(
    store: Store,
    *,
    week: dict[int, Sequence[Span]],
    actor: str,
    now: datetime,
    seen: str | None = None,
) -> OfficePlan:
    """Replace the weekly plan.

    Args:
        store: The store.
        week: The spans by kind of day: 0 to 6 from Monday, 7 public holidays, 8 make-up
            workdays. A kind that is missing is closed.
        actor: Who, for the audit.
        now: Aware.
        seen: The :func:`week_mark` of the plan that this one is to replace; any if not given.

    Raises:
        Conflict: The plan was changed since.
        ValueError: There is no such kind of day, or spans of one day overlap.
        Refused: ``office_closed``: nobody would ever be there.
    """
    if set(week) - set(DAY_KINDS):
        msg = f"no kind of day: {sorted(set(week) - set(DAY_KINDS))}"
        raise ValueError(msg)
    spans = {kind: checked(tuple(found)) for kind, found in week.items() if found}
    if not spans:
        raise Refused("office_closed")
    with store.begin() as session:
        if seen is not None and seen != week_mark(plan_of(session)):
            raise Conflict("office")
        session.execute(sa.delete(OfficeHours))
        session.add_all(
            OfficeHours(day_kind=kind, opens=span.opens, closes=span.closes)
            for kind, found in spans.items()
            for span in found
        )
        session.flush()
        told = {str(kind): [[s.opens, s.closes] for s in found] for kind, found in spans.items()}
        audit.record(
            session, at=now, actor=actor, action="office.week", subject="office", week=told
        )
        return plan_of(session)


def set_day(
    store: Store,
    *,
    day: date,
    spans: Sequence[Span],
    label: str = "",
    actor: str,
    now: datetime,
) -> DayException:
    """Set the hours of one day in place of the plan's; none closes it.

    Raises:
        ValueError: Spans overlap, or the label has more than 60 characters.
    """
    ordered = checked(tuple(spans))
    if len(label) > LONGEST_LABEL:
        msg = "the label is too long"
        raise ValueError(msg)
    with store.begin() as session:
        session.execute(sa.delete(OfficeException).where(OfficeException.day == day))
        hours: list[tuple[int | None, int | None]] = [(s.opens, s.closes) for s in ordered]
        session.add_all(
            OfficeException(day=day, opens=opens, closes=closes, label=label)
            for opens, closes in hours or [(None, None)]
        )
        _record(session, now, actor, "office.day", day, [[s.opens, s.closes] for s in ordered])
    return DayException(day, ordered, label)


def clear_day(store: Store, *, day: date, actor: str, now: datetime) -> bool:
    """Let a day follow the plan again; return whether it had hours of its own."""
    with store.begin() as session:
        done = session.execute(sa.delete(OfficeException).where(OfficeException.day == day))
        found = bool(done.rowcount)  # type: ignore[attr-defined]
        if found:
            _record(session, now, actor, "office.day_cleared", day, None)
        return found


def _record(
    session: Session, now: datetime, actor: str, action: str, day: date, spans: object
) -> None:
    audit.record(session, at=now, actor=actor, action=action, subject=f"office:{day}", spans=spans)


def _exceptions(session: Session) -> list[DayException]:
    query = sa.select(OfficeException).order_by(OfficeException.day, OfficeException.opens)
    found: dict[date, DayException] = {}
    for row in session.scalars(query):
        before = found.get(row.day, DayException(row.day, (), row.label))
        own = () if row.opens is None or row.closes is None else (Span(row.opens, row.closes),)
        found[row.day] = DayException(row.day, (*before.spans, *own), row.label)
    return list(found.values())
