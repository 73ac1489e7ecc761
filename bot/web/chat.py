"""What the page asks for: its chat's lines, and that what the parent said be taken."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot import clock
from bot.rules.messages import LONGEST_TEXT
from bot.services import web_chat
from bot.services.errors import NotFound, Refused
from bot.settings import Settings, get_settings
from bot.store.session import get_store
from bot.web import guard, session
from bot.web.guard import MESSAGES, NO_STORE, READS, RefusedError
from bot.web.session import Session
from bot.web.stream import Streams, shown

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CURSOR = re.compile(r"\d{1,9}", re.ASCII)
LONGEST_PAYLOAD = 2000
# Rasa looks by itself twice a second; waiting for it would only make the page wait.
NUDGE_TIMEOUT_S = 1.0

Handler = Callable[[Request], Awaitable[Response]]


def settings_of(request: Request) -> Settings:
    """Return the settings of the application that serves a request."""
    given: Settings | None = request.app.state.settings
    return given or get_settings()


def answered(handler: Handler) -> Handler:
    """Make what a handler refuses, and a store out of reach, an answer to the page."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as refused:
            return refused.response()
        except ClientDisconnect:
            return RefusedError(400, "gone").response()
        except SQLAlchemyError:
            logger.exception("the store does not answer")
            return RefusedError(503, "later", timedelta(seconds=3)).response()

    return answer


def allowed(request: Request, rates: Any, *, changes: bool = False) -> Session:
    """Return whose request this is.

    Raises:
        RefusedError: There is no session, it asks too often, or another site's page asks.
    """
    settings = settings_of(request)
    if changes:
        guard.check_own_page(request, settings)
    who = guard.known(request, settings, clock.wall())
    request.app.state.limits.check(rates, who, request)
    return who


def name_of(value: object) -> str:
    """Return the page's own name of a message, a UUID.

    Raises:
        RefusedError: 400.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise RefusedError(400, "name")
    return value


@answered
async def receive(request: Request) -> Response:
    """Take a message: ``{"name": UUID, "text": …}``, or ``payload`` and ``line`` of a button.

    202 and whether it is new; ``waited`` tells for how many seconds there was no connection.
    """
    who = allowed(request, MESSAGES, changes=True)
    told = await guard.json_body(request)
    name, waited = name_of(told.get("name")), _seconds(told.get("waited"))
    given: dict[str, Any] = {"account": who.account, "name": name, "waited": waited}
    given |= {"now": clock.now(), "wall": clock.wall()}
    if "payload" in told:
        payload, line = _text(told["payload"], LONGEST_PAYLOAD), told.get("line")
        if line is not None and (type(line) is not int or not 0 < line < 10**9):
            raise RefusedError(400, "line")
        taken = asyncio.to_thread(web_chat.press, get_store(), payload=payload, line=line, **given)
    else:
        text = _text(told.get("text"), LONGEST_TEXT)
        taken = asyncio.to_thread(web_chat.say, get_store(), text=text, **given)
    try:
        new = await taken
    except NotFound:
        raise RefusedError(422, "not_offered") from None
    except Refused as refused:
        raise RefusedError(422, refused.reason) from None
    return await accepted(request, who, new=new)


async def accepted(request: Request, who: Session, *, new: bool) -> Response:
    """Let the dialogue and the parent's windows know of a message that was taken."""
    if new:
        request.app.state.streams.nudge(who.account)
        await _nudge(request)
    return JSONResponse({"new": new}, 202, NO_STORE)


@answered
async def lines(request: Request) -> Response:
    """Answer with the lines after a cursor, for pages that cannot keep a stream."""
    who = allowed(request, READS)
    after = _cursor(request, "after") or 0
    store = get_store()
    thinking = await asyncio.to_thread(web_chat.is_thinking, store, account=who.account)
    found = await asyncio.to_thread(web_chat.lines, store, account=who.account, after=after)
    told = {"lines": [shown(line) for line in found], "typing": thinking}
    return JSONResponse(told, headers=NO_STORE)


@answered
async def history(request: Request) -> Response:
    """Answer with the last lines of both sides, or the last before an id."""
    who = allowed(request, READS)
    before = _cursor(request, "before")
    found = await asyncio.to_thread(
        web_chat.history, get_store(), account=who.account, before=before
    )
    more = len(found) == web_chat.PAGE
    return JSONResponse({"lines": [shown(line) for line in found], "more": more}, headers=NO_STORE)


@answered
async def events(request: Request) -> Response:
    """Answer with a stream of what is said, beyond the last event that the page knows."""
    who = allowed(request, READS)
    streams: Streams = request.app.state.streams
    if streams.is_full():
        raise RefusedError(503, "later", timedelta(seconds=5))
    after = _cursor(request, "after") or 0
    last = request.headers.get("last-event-id", "")
    if _CURSOR.fullmatch(last):
        after = max(after, int(last))
    headers = NO_STORE | {"X-Accel-Buffering": "no"}
    told = streams.events(who.account, after)
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


@answered
async def leave(request: Request) -> Response:
    """End the session on this device; its chat is not shown there again."""
    allowed(request, MESSAGES, changes=True)
    response = Response(status_code=204, headers=NO_STORE)
    session.end(response, settings_of(request))
    return response


async def _nudge(request: Request) -> None:
    client: httpx.AsyncClient = request.app.state.client
    url = f"http://127.0.0.1:{settings_of(request).rasa_port}/webhooks/inbox"
    try:
        await client.post(url, timeout=NUDGE_TIMEOUT_S)
    except httpx.HTTPError as error:
        logger.info("rasa was not nudged: %s", type(error).__name__)


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise RefusedError(400, "text")
    # A lone half of a character pair cannot be stored.
    return value.encode("utf-8", "replace").decode("utf-8")


def _seconds(value: object) -> timedelta:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**8:
        return timedelta(seconds=value)
    if value is None:
        return timedelta()
    raise RefusedError(400, "waited")


def _cursor(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not _CURSOR.fullmatch(value):
        raise RefusedError(400, name)
    return int(value)


ROUTES = (
    Route("/chat/messages", receive, methods=["POST"]),
    Route("/chat/leave", leave, methods=["POST"]),
    Route("/chat/lines", lines, methods=["GET"]),
    Route("/chat/history", history, methods=["GET"]),
    Route("/chat/events", events, methods=["GET"]),
)
