"""The page and the file behind a signed link to the copy of a parent's data."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot import clock
from bot.services.data_export import fetch_export
from bot.services.errors import NotFound
from bot.settings import get_settings
from bot.store.files import get_files
from bot.store.session import get_store

_STATIC = Path(__file__).with_name("static")
_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}


async def page(_request: Request) -> Response:
    """Answer with a page that leads to the file: what previews a link must not fetch the data."""
    return HTMLResponse((_STATIC / "export.html").read_text("utf-8"), headers=_PRIVATE)


async def file(request: Request) -> Response:
    """Answer with the file, or 404 whatever is wrong with the link."""
    try:
        reference, content = await asyncio.to_thread(_fetch, request.path_params["token"])
    except NotFound:
        text = (_STATIC / "export_gone.html").read_text("utf-8")
        return HTMLResponse(text, status_code=404, headers=_PRIVATE)
    named = {"Content-Disposition": f'attachment; filename="youxiang-{reference}.json"'}
    return Response(content, media_type="application/json", headers=_PRIVATE | named)


def _fetch(token: str) -> tuple[str, bytes]:
    secret = get_settings().code_secret.get_secret_value()
    return fetch_export(get_store(), get_files(), secret, token=token, now=clock.now())


ROUTES = (
    # The page's own address ends in a slash, so that its link stays below it.
    Route("/data/{token:str}/", page),
    Route("/data/{token:str}/file", file),
)
