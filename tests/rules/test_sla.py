"""How near a wait is to its goal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.rules.handoffs import Wish
from bot.rules.sla import Level, due_level, level, waiting_level

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, "good"), (4.9, "good"), (5, "soon"), (10, "soon"), (10.1, "late")]
)
def test_levels(minutes: float, expected: str) -> None:
    assert level(minutes * MINUTE, 10 * MINUTE) == expected


@pytest.mark.parametrize(
    ("since", "due", "expected"),
    [
        (-1, None, "good"),
        (-1, 3, "good"),
        (-2, 2, "soon"),
        (-5, 0, "soon"),
        (-5, -0.1, "late"),
        # Due before it was asked for.
        (0, -1, "late"),
    ],
)
def test_due_times(since: float, due: float | None, expected: str) -> None:
    due_at = None if due is None else NOW + due * MINUTE
    assert due_level(NOW + since * MINUTE, due_at, NOW) == expected


@pytest.mark.parametrize(
    ("wish", "urgent", "waited", "office_waited", "expected"),
    [
        (Wish.CHAT, False, 600, 1, Level.GOOD),
        (Wish.CHAT, False, 600, 2, Level.SOON),
        (Wish.CHAT, False, 600, 4, Level.LATE),
        # At night an emergency waits as well.
        (Wish.CHAT, True, 2, 0, Level.LATE),
        (Wish.MESSAGE, True, 2, 0, Level.LATE),
        (Wish.MESSAGE, False, 600, 600, Level.GOOD),
    ],
)
def test_conversations(
    wish: Wish, urgent: bool, waited: int, office_waited: int, expected: Level
) -> None:
    found = waiting_level(
        wish=wish,
        urgent=urgent,
        waited=waited * MINUTE,
        office_waited=office_waited * MINUTE,
        due_at=None,
        requested_at=NOW,
        now=NOW,
    )
    assert found is expected
