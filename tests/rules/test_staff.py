"""Passwords, locks and sessions of staff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.rules.staff import SESSION_IDLE, SESSION_LIVES, locks, password_problem, session_is_over

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("elevenchars", "password_short"),
        ("twelve chars", None),
        ("一二三四五六七八九十零百", None),
        ("x" * 129, "password_long"),
        ("abababababab", "password_simple"),
        ("my WANG password", "password_login"),
    ],
)
def test_new_passwords(password: str, problem: str | None) -> None:
    assert password_problem(password, "wang") == problem


def test_five_wrong_ones_lock() -> None:
    assert [locks(n) for n in (1, 4, 5, 6)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("age", "idle", "over"),
    [
        (SESSION_LIVES, SESSION_IDLE, False),
        (SESSION_LIVES + timedelta(seconds=1), timedelta(), True),
        (SESSION_LIVES, SESSION_IDLE + timedelta(seconds=1), True),
    ],
)
def test_sessions(age: timedelta, idle: timedelta, *, over: bool) -> None:
    assert session_is_over(NOW - age, NOW - idle, NOW) is over
