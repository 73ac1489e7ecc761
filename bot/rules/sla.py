"""How soon a parent should hear from a person, and how near a wait is to that; goals of our own."""

from datetime import datetime, timedelta
from enum import StrEnum

from bot.rules.handoffs import Wish

FIRST_ANSWER_WITHIN = timedelta(minutes=3)
URGENT_ANSWER_WITHIN = timedelta(minutes=1)
# The next line of a conversation that goes on.
ANSWER_WITHIN = timedelta(minutes=2)
# From this share of the goal on it is time.
SOON = 0.5


class Level(StrEnum):
    """How near a wait is to its goal."""

    GOOD = "good"
    SOON = "soon"
    LATE = "late"


def level(waited: timedelta, goal: timedelta) -> Level:
    """Compare a wait with its goal."""
    if waited > goal:
        return Level.LATE
    return Level.SOON if waited >= goal * SOON else Level.GOOD


def first_answer_goal(*, urgent: bool) -> timedelta:
    """Give how soon the first answer should come; of emergencies in wall-clock time."""
    return URGENT_ANSWER_WITHIN if urgent else FIRST_ANSWER_WITHIN


def waiting_level(
    *,
    wish: Wish,
    urgent: bool,
    waited: timedelta,
    office_waited: timedelta,
    due_at: datetime | None,
    requested_at: datetime,
    now: datetime,
) -> Level:
    """Say how near a hand-off that nobody has answered is to its goal.

    Args:
        wish: A message or a call has a due time, a chat a goal.
        urgent: Counts at any hour.
        waited: Since it was asked for.
        office_waited: The part of it in office hours.
        due_at: Of a message or a call, aware.
        requested_at: Aware.
        now: Aware.
    """
    if wish is not Wish.CHAT and not urgent:
        return due_level(requested_at, due_at, now)
    return level(waited if urgent else office_waited, first_answer_goal(urgent=urgent))


def due_level(since: datetime, due_at: datetime | None, now: datetime) -> Level:
    """Say how near something is to its due time, begun at ``since`` (all aware)."""
    if due_at is None:
        return Level.GOOD
    return level(now - since, due_at - since) if due_at > since else Level.LATE
