"""Who may ask for what, how often, and how much: before anything of a request is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from bot import clock
from bot.desk.origins import is_own
from bot.rules.outbox import Bucket, Rate, full, take
from bot.settings import Settings
from bot.web import session as sessions
from bot.web.session import Session

# A page of another site can make a browser send a form, but not this header.
HEADER = "x-youxiang"
LARGEST_BODY = 20_000
NO_STORE = {"Cache-Control": "no-store"}

MESSAGES = (Rate(1, 12), Rate(10, 120))
FILES = (Rate(0.05, 40), Rate(0.5, 200))
READS = (Rate(3, 40), Rate(60, 600))
# Buckets that are full again are forgotten beyond so many.
MOST_BUCKETS = 20_000


class RefusedError(Exception):
    """The request is not answered; ``word`` tells the page why."""

    def __init__(self, status: int, word: str, retry_after: timedelta | None = None) -> None:
        super().__init__(word)
        self.status = status
        self.word = word
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """Return the answer to the page."""
        headers = dict(NO_STORE)
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after.total_seconds() + 0.5)))
        return JSONResponse({"error": self.word}, self.status, headers)


class Limits:
    """How often each session and each address may ask; in memory, of this process."""

    def __init__(self, wall: Callable[[], datetime] = clock.wall) -> None:
        """Begin with full buckets; ``wall`` gives the machine's time, aware."""
        self._wall = wall
        self._buckets: dict[tuple[str, Rate], Bucket] = {}

    def check(self, rates: tuple[Rate, Rate], session: Session, request: Request) -> None:
        """Count a request.

        Args:
            rates: Of a session, and of an address, which a whole school may share.
            session: Whose request.
            request: Where it comes from.

        Raises:
            RefusedError: 429, with the pause to make.
        """
        address = request.client.host if request.client else ""
        self._take(f"session {session.account}", rates[0])
        self._take(f"address {address}", rates[1])

    def _take(self, name: str, rate: Rate) -> None:
        now = self._wall()
        if len(self._buckets) > MOST_BUCKETS:
            self._forget(now)
        bucket, pause = take(self._buckets.get((name, rate)) or full(rate, now), now)
        self._buckets[name, rate] = bucket
        if pause:
            raise RefusedError(429, "slow_down", pause)

    def _forget(self, now: datetime) -> None:
        kept = {}
        for key, bucket in self._buckets.items():
            missing = bucket.rate.burst - bucket.tokens
            if (now - bucket.at).total_seconds() * bucket.rate.per_second < missing:
                kept[key] = bucket
        self._buckets = kept


def known(request: Request, settings: Settings, wall: datetime) -> Session:
    """Return the session of a request.

    Raises:
        RefusedError: 401, there is none.
    """
    session = sessions.read(request, settings, wall)
    if session is None:
        raise RefusedError(401, "session")
    return session


def check_own_page(request: Request, settings: Settings) -> None:
    """See that it is our own page that changes something.

    Raises:
        RefusedError: 403.
    """
    if not is_own(request, settings) or request.headers.get(HEADER) != "1":
        raise RefusedError(403, "origin")


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request holds.

    Raises:
        RefusedError: 413 beyond `LARGEST_BODY` bytes, 415 for another type, 400 for no object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError(415, "json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise RefusedError(413, "too_large")
    try:
        told = json.loads(body)
    # Deeply nested, or a number of a million digits.
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "json") from error
    if not isinstance(told, dict):
        raise RefusedError(400, "json")
    return told
