"""What messages say of a visit."""

from __future__ import annotations

from datetime import datetime

from bot.rules.calendar import TZ
from bot.services import wording
from bot.store.models import Appointment


def visit_words(row: Appointment, now: datetime) -> dict[str, str]:
    """Return the placeholders of an appointment: reference, child, hospital, department, when.

    ``when`` names the part of the day if only that was asked for; ``now`` is aware.
    """
    return {
        "reference": row.reference,
        "child": row.policy.child.name,
        "hospital": row.hospital.name,
        "department": row.department,
        "when": visit_when(row, row.visit_at, now),
    }


def visit_when(row: Appointment, visit_at: datetime, now: datetime) -> str:
    """Write a moment as that of a visit, by the part of the day if no clock time was given."""
    if row.clock_given:
        return wording.moment(visit_at, now)
    local = visit_at.astimezone(TZ)
    part = wording.word("part", row.day_part or "any")
    return f"{wording.day(local.date(), now.astimezone(TZ).date())} {part}"
