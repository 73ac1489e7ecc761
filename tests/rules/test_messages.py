"""Kinds of inbound messages, staleness, and what parents type."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.messages import LONGEST_TEXT, STALE_AFTER, is_answer, is_stale, typed

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "stale"),
    [
        (timedelta(0), False),
        (STALE_AFTER, False),
        (STALE_AFTER + timedelta(seconds=1), True),
        (-timedelta(hours=30), False),
    ],
)
def test_only_what_is_older_than_a_day_is_stale(age: timedelta, stale: bool) -> None:
    assert is_stale(NOW - age, NOW) is stale


@given(st.text())
def test_nothing_typed_is_a_payload(text: str) -> None:
    read = typed(text)
    assert not read.startswith("/")
    assert "\0" not in read
    assert len(read) <= LONGEST_TEXT


def test_the_rest_of_what_is_typed_stays() -> None:
    assert typed(" 约周三/周四 ") == "约周三/周四"
    assert typed("/affirm") == "／affirm"


@pytest.mark.parametrize(
    "payload", ["/affirm", "/deny", '/inform{"book_time": "morning"}', "/stop", "上午", ""]
)
def test_an_answer_means_nothing_later(payload: str) -> None:
    assert is_answer(payload)


@pytest.mark.parametrize("payload", ["/check_balance", '/start_claim{"claim_task": "submit"}'])
def test_a_request_means_the_same_later(payload: str) -> None:
    assert not is_answer(payload)
