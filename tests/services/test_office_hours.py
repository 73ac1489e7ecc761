"""The office hours as stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.office_hours import DEFAULT_PLAN, Span
from bot.services import office_hours as service
from bot.services.errors import Refused
from bot.store.models import AuditEntry, OfficeHours
from bot.store.session import Store

BOSS = "user:7"
MORNING, AFTERNOON = Span(540, 720), Span(810, 1080)
SUNDAY = date(2026, 11, 29)


def test_without_a_plan_the_manuals_hours_hold(store: Store, now: datetime) -> None:
    assert service.plan(store).week == DEFAULT_PLAN.week
    assert service.status(store, now=now).open
    late = service.status(store, now=now.replace(hour=21))
    assert (late.open, late.opens_at) == (False, datetime(2026, 11, 24, 8, tzinfo=TZ))


def test_a_new_week_replaces_the_old_one(
    store: Store, now: datetime, count: Callable[..., int]
) -> None:
    for week in ({0: [MORNING]}, {0: [AFTERNOON, MORNING], 8: [MORNING], 3: []}):
        service.set_week(store, week=week, actor=BOSS, now=now)
    assert dict(service.plan(store).week) == {0: (MORNING, AFTERNOON), 8: (MORNING,)}
    assert count(OfficeHours) == 3
    assert not service.status(store, now=now.replace(hour=12)).open
    with store.read() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(e.actor, e.action) for e in entries] == [(BOSS, "office.week")] * 2
    assert entries[1].detail["week"] == {"0": [[540, 720], [810, 1080]], "8": [[540, 720]]}


def test_what_is_no_week(store: Store, now: datetime) -> None:
    with pytest.raises(ValueError, match="overlap"):
        service.set_week(store, week={0: [MORNING, Span(700, 800)]}, actor=BOSS, now=now)
    with pytest.raises(ValueError, match="9"):
        service.set_week(store, week={9: [MORNING]}, actor=BOSS, now=now)
    with pytest.raises(Refused, match="office_closed"):
        service.set_week(store, week={0: []}, actor=BOSS, now=now)
    assert service.plan(store).week == DEFAULT_PLAN.week


def test_single_days(store: Store, now: datetime) -> None:
    service.set_day(store, day=SUNDAY, spans=[AFTERNOON, MORNING], actor=BOSS, now=now)
    service.set_day(store, day=now.date(), spans=[], label="盘点", actor=BOSS, now=now)
    service.set_day(store, day=SUNDAY, spans=[MORNING], label="半天", actor=BOSS, now=now)
    found = service.exceptions(store, since=now.date())
    assert [(d.day, d.spans, d.label) for d in found] == [
        (now.date(), (), "盘点"),
        (SUNDAY, (MORNING,), "半天"),
    ]
    assert service.exceptions(store, since=SUNDAY + timedelta(days=1)) == ()
    assert not service.status(store, now=now).open
    assert service.clear_day(store, day=now.date(), actor=BOSS, now=now)
    assert not service.clear_day(store, day=now.date(), actor=BOSS, now=now)
    assert service.status(store, now=now).open


def test_what_is_no_day(store: Store, now: datetime) -> None:
    with pytest.raises(ValueError, match="overlap"):
        service.set_day(store, day=SUNDAY, spans=[MORNING, MORNING], actor=BOSS, now=now)
    with pytest.raises(ValueError, match="too long"):
        service.set_day(store, day=SUNDAY, spans=[], label="长" * 61, actor=BOSS, now=now)
    assert service.exceptions(store, since=SUNDAY) == ()
