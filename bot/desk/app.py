"""The web process: its pages and webhooks, and the health of all its parts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import heartbeat
from bot.desk import api, exports, files, payments, pictures
from bot.desk.console import app as console
from bot.settings import Settings, get_settings
from bot.store.session import get_store

logger = logging.getLogger(__name__)

OK, DOWN = "ok", "down"
TIMEOUT_S = 2.0
_STATIC = Path(__file__).with_name("static")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Probe = Callable[[], Awaitable[bool]]


class SecurityHeaders:
    """Adds to every answer the headers that keep a browser from doing what no page here needs."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    # A page with a form asks for a policy of its own.
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def store_answers() -> bool:
    """Say whether the store can be read; blocking."""
    with get_store().read() as session:
        return session.execute(sa.select(1)).scalar() == 1


async def _url_answers(client: httpx.AsyncClient, url: str) -> bool:
    response = await client.get(url)
    return response.status_code == httpx.codes.OK


async def _works(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return OK if await probe() else DOWN
    except (httpx.HTTPError, sa.exc.SQLAlchemyError, OSError, TimeoutError) as error:
        # Expected while the other processes start.
        logger.info("%s does not answer: %s", name, type(error).__name__)
        return DOWN


def probes(settings: Settings, client: httpx.AsyncClient) -> dict[str, Probe]:
    """Return what is asked to learn whether a part works, by the part's name."""

    async def rasa() -> bool:
        return await _url_answers(client, f"http://127.0.0.1:{settings.rasa_port}/")

    async def actions() -> bool:
        return await _url_answers(client, f"http://127.0.0.1:{settings.actions_port}/health")

    async def store() -> bool:
        return await asyncio.to_thread(store_answers)

    async def web() -> bool:
        return True

    async def worker() -> bool:
        return heartbeat.beats(settings.heartbeat)

    return {"rasa": rasa, "actions": actions, "store": store, "web": web, "worker": worker}


async def health(request: Request) -> JSONResponse:
    """Answer 200 if every part works, else 503; the body names each."""
    asked: dict[str, Probe] = request.app.state.probes
    found = await asyncio.gather(*(_works(name, probe) for name, probe in asked.items()))
    parts = dict(zip(asked, found, strict=True))
    well = all(state == OK for state in parts.values())
    return JSONResponse(
        {"status": OK if well else DOWN, "parts": parts},
        status_code=200 if well else 503,
        headers={"Cache-Control": "no-store"},
    )


def create_app(settings: Settings | None = None, *, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application.

    Args:
        settings: Where the other processes are; the process's own by default, read at the start.
        routes: What else it serves.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # Loopback is never reached through a proxy.
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            app.state.client = client
            app.state.probes = probes(settings or get_settings(), client)
            yield

    app = Starlette(
        routes=[
            *routes,
            Route("/health", health),
            *payments.ROUTES,
            *exports.ROUTES,
            *files.ROUTES,
            *pictures.ROUTES,
            Mount(api.PATH, api.create_api()),
            *console.ROUTES,
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        lifespan=lifespan,
    )
    app.state.settings = settings
    console.prepare(app)
    app.add_middleware(SecurityHeaders)
    return app
