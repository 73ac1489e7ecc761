"""By when complaints and requests about one's data are answered: our own goals, in working days."""

from datetime import datetime

import pytest

from bot.rules.calendar import TZ
from bot.rules.complaints import complaint_due, erasure_due


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-23T10:00", "2026-11-25T23:59:59"),
        ("2026-11-23T23:59", "2026-11-25T23:59:59"),
        ("2026-11-26T10:00", "2026-11-30T23:59:59"),
        ("2026-11-28T10:00", "2026-12-01T23:59:59"),
        # The make-up Saturday before National Day's holidays counts, the holidays do not.
        ("2026-09-30T10:00", "2026-10-09T23:59:59"),
    ],
)
def test_complaints_are_answered_within_two_working_days(received: str, due: str) -> None:
    assert complaint_due(at(received)) == at(due)


def test_erasure_is_decided_within_fifteen_working_days() -> None:
    assert erasure_due(at("2026-11-23T10:00")) == at("2026-12-14T23:59:59")


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        complaint_due(datetime(2026, 11, 23, 10))  # noqa: DTZ001
