"""Signatures of the payment provider's calls (E3)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.payments import REPLAY_WINDOW, is_genuine, signature

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"amount": "128.00"}'


@pytest.mark.parametrize("late", [timedelta(0), REPLAY_WINDOW, -REPLAY_WINDOW])
def test_e3_a_signed_call_is_genuine_for_minutes(late: timedelta) -> None:
    assert is_genuine("k", STAMP, signature("k", STAMP, BODY), BODY, NOW + late)
    far = late + (timedelta(seconds=1) if late >= timedelta(0) else -timedelta(seconds=1))
    near = abs(far) <= REPLAY_WINDOW
    assert is_genuine("k", STAMP, signature("k", STAMP, BODY), BODY, NOW + far) is near


@given(st.text(), st.text(), st.binary())
def test_nothing_made_up_is_genuine(stamp: str, given_: str, body: bytes) -> None:
    assert not is_genuine("k", stamp, given_, body, NOW)


def test_another_key_time_or_body_is_not_genuine() -> None:
    right = signature("k", STAMP, BODY)
    assert not is_genuine("other", STAMP, right, BODY, NOW)
    assert not is_genuine("k", str(int(STAMP) + 1), right, BODY, NOW)
    assert not is_genuine("k", STAMP, right, BODY + b" ", NOW)
