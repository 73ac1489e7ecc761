"""States of a message, pauses between attempts, and the token bucket."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.outbox import (
    LONGEST_PAUSE,
    OUTBOX_MOVES,
    OutboxState,
    Rate,
    full,
    pause_after,
    take,
)
from bot.store.models import OUTBOX_STATES

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SLOW = Rate(per_second=1, burst=1)
FAST = Rate(per_second=30, burst=30)


def test_the_states_are_those_of_the_store() -> None:
    assert {state.value for state in OutboxState} == set(OUTBOX_STATES) == set(OUTBOX_MOVES)


def test_what_is_sent_or_dropped_stays_so() -> None:
    assert OUTBOX_MOVES[OutboxState.SENT] == OUTBOX_MOVES[OutboxState.DROPPED] == frozenset()
    assert OUTBOX_MOVES[OutboxState.UNKNOWN] == {OutboxState.SENT}


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 5), (2, 20), (3, 80), (4, 320), (5, 900), (6, 900), (500, 900)]
)
def test_pauses_grow_to_a_quarter_of_an_hour(attempts: int, seconds: int) -> None:
    assert pause_after(attempts) == timedelta(seconds=seconds) <= LONGEST_PAUSE


def test_there_is_no_pause_before_the_first_failure() -> None:
    with pytest.raises(ValueError, match="0"):
        pause_after(0)


def test_one_a_second() -> None:
    bucket, pause = take(full(SLOW, NOW), NOW)
    assert pause == timedelta()
    bucket, pause = take(bucket, NOW)
    assert pause == SECOND
    bucket, pause = take(bucket, NOW + SECOND / 2)
    assert pause == SECOND / 2
    bucket, pause = take(bucket, NOW + SECOND)
    assert pause == timedelta()


def test_a_burst_then_the_rate() -> None:
    bucket = full(FAST, NOW)
    for _ in range(30):
        bucket, pause = take(bucket, NOW)
        assert pause == timedelta()
    _, pause = take(bucket, NOW)
    assert SECOND / 30 <= pause < SECOND / 29


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, _ = take(full(SLOW, NOW), NOW)
    bucket, pause = take(bucket, NOW - 10 * SECOND)
    assert pause == SECOND
    assert bucket.at == NOW


def test_a_pause_waited_for_is_enough_and_a_token_is_never_given_for_nothing() -> None:
    bucket, moment = full(FAST, NOW), NOW
    for _ in range(90):
        bucket, pause = take(bucket, moment)
        while pause:
            moment += pause
            bucket, pause = take(bucket, moment)
    assert moment - NOW == pytest.approx(2 * SECOND, abs=SECOND / 100)


@given(st.lists(st.floats(min_value=0, max_value=0.5), min_size=1, max_size=200))
def test_never_faster_than_the_rate(gaps: list[float]) -> None:
    rate = Rate(per_second=3, burst=2)
    bucket, moment, taken = full(rate, NOW), NOW, 0
    for gap in gaps:
        moment += timedelta(seconds=gap)
        bucket, pause = take(bucket, moment)
        taken += not pause
        assert taken <= rate.burst + rate.per_second * (moment - NOW).total_seconds() + 1e-6
