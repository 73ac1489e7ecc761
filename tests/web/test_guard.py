"""Limits: how often, and for how long they are remembered."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from starlette.requests import Request

from bot.clock import TZ
from bot.rules.outbox import Rate
from bot.web import guard
from bot.web.guard import Limits, RefusedError
from bot.web.session import Session

WALL = datetime(2026, 11, 23, 10, tzinfo=TZ)
RATES = (Rate(1, 3), Rate(2, 5))


def asked(address: str = "192.0.2.1") -> Request:
    return Request({"type": "http", "client": (address, 1234), "headers": []})


class Clock:
    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> datetime:
        return self.now


def taken(limits: Limits, account: str, address: str = "192.0.2.1", times: int = 10) -> int:
    for number in range(times):
        try:
            limits.check(RATES, Session(account, 0), asked(address))
        except RefusedError as refused:
            return number if refused.status == 429 and refused.retry_after else -1
    return times


def test_a_session_and_then_an_address_have_their_fill() -> None:
    clock = Clock()
    limits = Limits(clock)
    assert taken(limits, "a") == 3
    # The address has two left of its five; another address is free.
    assert taken(limits, "b") == 2
    assert taken(limits, "c", "192.0.2.2") == 3
    clock.now += timedelta(seconds=1)
    assert taken(limits, "a") == 1


def test_who_makes_ever_new_sessions_is_held_by_the_address() -> None:
    limits = Limits(Clock())
    assert sum(taken(limits, f"s{number}", times=1) for number in range(50)) == 5


def test_what_is_full_again_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_BUCKETS", 20)
    clock = Clock()
    limits = Limits(clock)
    for number in range(30):
        taken(limits, f"s{number}", f"192.0.2.{number}", times=1)
    assert len(limits._buckets) == 60
    clock.now += timedelta(seconds=60)
    assert taken(limits, "late", "192.0.2.99", times=1) == 1
    assert len(limits._buckets) <= 2


def test_the_pause_is_said_in_whole_seconds() -> None:
    refused = RefusedError(429, "slow_down", timedelta(milliseconds=30))
    assert refused.response().headers["retry-after"] == "1"
