"""One-time codes (E1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import codes
from bot.rules.calendar import TZ
from bot.rules.codes import CodeState

CREATED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_e1_the_policy() -> None:
    assert codes.CODE_DIGITS == 6
    assert timedelta(minutes=5) == codes.CODE_VALID_FOR
    assert codes.MAX_TRIES == 5
    assert timedelta(minutes=30) == codes.LOCK_FOR


@pytest.mark.parametrize(
    ("age", "tries", "state"),
    [
        (timedelta(0), 0, CodeState.USABLE),
        (timedelta(minutes=5), 4, CodeState.USABLE),
        (timedelta(minutes=5, microseconds=1), 0, CodeState.EXPIRED),
        (timedelta(minutes=1), 5, CodeState.TRIES_USED_UP),
        (timedelta(minutes=9), 6, CodeState.TRIES_USED_UP),
    ],
)
def test_e1_state_by_age_and_tries(age: timedelta, tries: int, state: CodeState) -> None:
    assert codes.code_state(CREATED, tries, None, CREATED + age) is state


def test_e1_a_lock_comes_first_and_ends() -> None:
    until = CREATED + codes.LOCK_FOR
    assert codes.code_state(CREATED, 0, until, CREATED) is CodeState.LOCKED
    assert codes.code_state(CREATED, 5, until, until - SECOND) is CodeState.LOCKED
    fresh = codes.code_state(until, 0, until, until)
    assert fresh is CodeState.USABLE
    assert not codes.is_locked(None, CREATED)


@given(st.integers(0, 10))
def test_e1_a_lock_begins_exactly_when_no_try_is_left(tries: int) -> None:
    until = codes.lock_after(tries, CREATED)
    assert (until is None) is (codes.tries_left(tries) > 0)
    if until is not None:
        assert until - CREATED == codes.LOCK_FOR
        assert codes.is_locked(until, until - SECOND)
        assert not codes.is_locked(until, until)


def test_e1_tries_left_count_down_to_zero() -> None:
    assert [codes.tries_left(tries) for tries in range(7)] == [5, 4, 3, 2, 1, 0, 0]


def test_e1_zones_do_not_matter() -> None:
    now = (CREATED + timedelta(minutes=4)).astimezone(TZ)
    assert codes.code_state(CREATED, 0, None, now) is CodeState.USABLE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("012345", "012345"),
        (" 012 345\n", "012345"),
        ("０１２３４５", "012345"),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("٠١٢٣٤٥", None),
        ("", None),
    ],
)
def test_e1_a_typed_code_is_read(text: str, code: str | None) -> None:
    assert codes.read_code(text) == code


@pytest.mark.parametrize(
    ("minutes_ago", "wait"),
    [
        ([], None),
        ([1], None),
        ([0.5], 0.5),
        ([59, 50, 40, 30, 20], 1),
        ([61, 50, 40, 30, 20], None),
        ([60 * h for h in range(2, 12)], 24 * 60 - 11 * 60),
    ],
)
def test_the_next_code_waits_for_the_longest_limit(
    minutes_ago: list[float], wait: float | None
) -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    sent = [now - timedelta(minutes=m) for m in minutes_ago]
    expected = None if wait is None else now + timedelta(minutes=wait)
    assert codes.next_code_at(sent, now) == expected
