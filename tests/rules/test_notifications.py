"""Kinds, topics, quiet hours, and when to remind."""

from datetime import date, datetime, timedelta

import pytest

from bot.rules.calendar import TZ
from bot.rules.notifications import (
    MUTED_BY_ALL,
    TOPICS,
    URGENT,
    NotificationKind,
    Topic,
    deadline_reminder_at,
    papers_reminder_at,
    quiet_until,
    self_pay_reminder,
    send_from,
)
from bot.rules.visits import cancellation_deadline


def on(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=TZ)


def test_every_kind_belongs_to_one_topic() -> None:
    kinds = [kind for topic in Topic for kind in TOPICS[topic]]
    assert sorted(kinds) == sorted(NotificationKind)


def test_muting_everything_leaves_what_a_family_must_not_miss() -> None:
    assert URGENT == set(NotificationKind) - MUTED_BY_ALL
    assert NotificationKind.CALL_BACK_OVERDUE in URGENT
    assert NotificationKind.APPOINTMENT_DECLINED in URGENT
    assert NotificationKind.CANCELLATION_DEADLINE in MUTED_BY_ALL


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (on(23, 21, 59), on(23, 21, 59)),
        (on(23, 22), on(24, 8)),
        (on(23, 23, 30), on(24, 8)),
        (on(24, 0), on(24, 8)),
        (on(24, 7, 59), on(24, 8)),
        (on(24, 8), on(24, 8)),
        (on(30, 22, 30), on(1, 8, month=12)),
    ],
)
def test_quiet_hours(now: datetime, until: datetime) -> None:
    assert quiet_until(now) == until


def test_urgent_kinds_know_no_night() -> None:
    night = on(23, 23)
    assert send_from(NotificationKind.APPOINTMENT_DECLINED, night) == night
    assert send_from(NotificationKind.CLAIM_PAID, night) == on(24, 8)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        quiet_until(datetime(2026, 11, 23, 23))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("visit", "told", "reminded"),
    [
        # Wednesday's visit can be cancelled until Tuesday 16:00.
        (date(2026, 12, 2), on(23, 10), on(30, 10)),
        # Tuesday's until Monday: the day before is a Sunday, and reminders come on Sundays too.
        (date(2026, 12, 1), on(23, 10), on(29, 10)),
        # Monday's until Friday.
        (date(2026, 11, 30), on(23, 10), on(26, 10)),
        # Booked on Monday for Wednesday: the reply of 10:00 is too fresh, Tuesday morning it is.
        (date(2026, 11, 25), on(23, 10), on(24, 10)),
        (date(2026, 11, 25), on(23, 8), on(23, 10)),
        (date(2026, 11, 25), on(23, 8, 1), on(24, 10)),
        # Booked on the deadline's own day: the reply has told it.
        (date(2026, 11, 25), on(24, 8, 30), None),
        (date(2026, 11, 25), on(24, 17), None),
    ],
)
def test_when_to_remind_of_a_deadline(
    visit: date, told: datetime, reminded: datetime | None
) -> None:
    assert deadline_reminder_at(cancellation_deadline(visit), told) == reminded


@pytest.mark.parametrize(
    ("now", "number"),
    [
        (on(23, 10), None),
        (on(26, 9, 59), None),
        (on(26, 10), 1),
        (on(30, 20), 1),
        (on(3, 9, 59, month=12), 1),
        (on(3, 10, month=12), 2),
        (on(10, 10, month=12), 3),
        (on(17, 9, month=12), 3),
        (on(17, 10, month=12), None),
        (on(1, 10, month=10), None),
    ],
)
def test_self_pay_is_reminded_of_three_times(now: datetime, number: int | None) -> None:
    assert self_pay_reminder(date(2026, 11, 23), now) == number


def test_papers_are_waited_for_three_days() -> None:
    assert papers_reminder_at(on(23, 23, 59)) == on(26, 10)
    assert papers_reminder_at(on(23, 0)) - on(23, 0) == timedelta(days=3, hours=10)
