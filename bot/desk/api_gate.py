"""What each request to the partner API passes first: key, scope, rate, size, idempotency."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from bot import clock
from bot.desk.api_problems import Problem, documented, problem_of
from bot.rules.outbox import Bucket, full, take
from bot.rules.partners import API_RATE, LARGEST_API_BODY, Scope
from bot.services import api_keys, idempotency
from bot.services.api_keys import Partner
from bot.services.errors import Conflict
from bot.services.idempotency import Answer, Taken
from bot.store.session import Store, get_store

logger = logging.getLogger(__name__)

SCOPE = "x-scope"
VERSIONED = "x-versioned"
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_VERSION = re.compile(r'"([1-9][0-9]{0,8})"')
_KEPT_HEADERS = ("content-type", "etag", "location")
T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Call:
    """Who calls, on what, when (aware business time)."""

    store: Store
    partner: Partner
    now: datetime

    @property
    def actor(self) -> str:
        """How the audit names the caller."""
        return self.partner.actor


class Rates:
    """How fast each key calls. In memory: one process answers, and a restart forgives."""

    def __init__(self) -> None:
        """Begin with full buckets."""
        self._buckets: dict[int, Bucket] = {}

    def check(self, partner: Partner) -> None:
        """Count a request.

        Raises:
            Problem: 429.
        """
        wall = clock.wall()
        bucket, pause = take(self._buckets.get(partner.id) or full(API_RATE, wall), wall)
        self._buckets[partner.id] = bucket
        if pause:
            seconds = str(max(1, ceil(pause.total_seconds())))
            raise Problem(429, "too_many_requests", headers={"Retry-After": seconds})


def _call(request: Request) -> Call:
    found: Call = request.state.call
    return found


def _version(
    request: Request,
    if_match: Annotated[
        str | None, Header(description='The ETag that was read, for example `"3"`.')
    ] = None,
) -> int:
    if if_match is None:
        raise Problem(428, "version_missing")
    match = _VERSION.fullmatch(if_match.strip())
    if match is None:
        raise Problem(412, "another_version")
    return int(match.group(1))


def _idempotency(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Names the request: sent again with the same name within 48 hours it is "
            "answered as before and not done again. 1 to 128 visible ASCII characters. Required."
        ),
    ] = None,
) -> None:
    """Document the header; it was checked already."""


Caller = Annotated[Call, Depends(_call)]
Version = Annotated[int, Depends(_version)]
OnceOnly = Depends(_idempotency)


class GatedRoute(APIRoute):
    """A route that only lets in who may, and does a POST once."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        inner = super().get_route_handler()
        scope = Scope((self.openapi_extra or {})[SCOPE])

        async def handle(request: Request) -> Response:
            try:
                return await _handle(request, scope, inner)
            except Exception as error:
                problem = problem_of(error)
                if problem is None:
                    raise
                return problem.answer()

        return handle


async def _handle(request: Request, scope: Scope, inner: Handler) -> Response:
    store = get_store()
    now = clock.now()
    partner = await asyncio.to_thread(_partner, store, request, now)
    rates: Rates = request.app.state.rates
    rates.check(partner)
    if scope.value not in partner.scopes:
        raise Problem(403, "scope_missing", f"{scope.value} is needed")
    request.state.call = Call(store, partner, now)
    body = await _body(request)
    if request.method != "POST":
        return await inner(request)
    key = request.headers.get("idempotency-key", "").strip()
    if not _KEY.fullmatch(key):
        raise Problem(400, "idempotency_key_missing")
    return await _once(request, key, body, inner)


def _partner(store: Store, request: Request, now: datetime) -> Partner:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    found = None
    if kind.lower() == "bearer" and key.strip():
        found = api_keys.authenticate(store, key.strip(), now=now)
    if found is None:
        raise Problem(401, "key_missing_or_wrong", headers={"WWW-Authenticate": "Bearer"})
    return found


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_API_BODY:
            raise Problem(413, "too_large")
    if body:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(415, "not_json")
    # Read once here, whole and bounded; whoever asks the request again gets the same.
    request._body = body
    return body


async def _once(request: Request, key: str, body: bytes, inner: Handler) -> Response:
    call: Call = request.state.call
    what = [request.method, request.url.path, request.url.query]
    what.append(request.headers.get("if-match", ""))
    mark = hashlib.sha256("\n".join(what).encode() + b"\n" + body).hexdigest()
    taken = await asyncio.to_thread(
        idempotency.take,
        call.store,
        partner=call.partner.id,
        key=key,
        fingerprint=mark,
        wall=clock.wall(),
    )
    if isinstance(taken, Answer):
        headers = {**taken.headers, "Idempotency-Replayed": "true", "Cache-Control": "no-store"}
        return Response(taken.body, status_code=taken.status, headers=headers)
    try:
        response = await inner(request)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            await asyncio.to_thread(idempotency.give_up, call.store, taken)
            raise
        response = problem.answer()
    await _keep(call.store, taken, response)
    return response


async def _keep(store: Store, taken: Taken, response: Response) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = Answer(response.status_code, headers, bytes(response.body).decode())
    await asyncio.to_thread(idempotency.keep, store, taken, answer)


def operation(scope: Scope, *more: int, post: bool = False, versioned: bool = False) -> Any:
    """Return what a route says of itself: its scope and every answer that it may give.

    Args:
        scope: What a key needs.
        *more: Statuses of problems beside those that every operation has.
        post: It changes something and is done once.
        versioned: It needs If-Match.
    """
    statuses = {401, 403, 413, 415, 422, 429, *more}
    dependencies = []
    if post:
        statuses |= {400, 409}
        dependencies = [OnceOnly]
    if versioned:
        statuses |= {404, 412, 428}
    return {
        "responses": documented(*sorted(statuses)),
        "dependencies": dependencies,
        "openapi_extra": {SCOPE: scope.value, "security": [{"apiKey": []}]},
    }


def changed(change: Callable[[], T], version: int, present: Callable[[], int]) -> T:
    """Do a change of a version; tell a version that is gone from any other conflict.

    Raises:
        Problem: 412 if there is another version now, 422 for a value that the service refuses.
    """
    try:
        return change()
    except Conflict as error:
        if present() != version:
            raise Problem(412, "another_version") from error
        raise
    except ValueError as error:
        raise Problem(422, "invalid", str(error)) from error
