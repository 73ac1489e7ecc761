"""The page and the file behind a signed link to the copy of a parent's data."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import clock
from bot.desk.notices import PRIVATE, notice, part, said
from bot.services.data_export import fetch_export
from bot.services.errors import NotFound
from bot.settings import get_settings
from bot.store.files import get_files
from bot.store.session import get_store


async def page(_request: Request) -> Response:
    """Answer with a page that leads to the file: what previews a link must not fetch the data."""
    content = part("export_file.html", button=said("data_button"), care=said("data_care"))
    return notice("data", content=content)


async def file(request: Request) -> Response:
    """Answer with the file, or 404 whatever is wrong with the link."""
    try:
        reference, content = await asyncio.to_thread(_fetch, request.path_params["token"])
    except NotFound:
        return notice("data_gone", status=404)
    named = {"Content-Disposition": f'attachment; filename="youxiang-{reference}.json"'}
    return Response(content, media_type="application/json", headers=PRIVATE | named)


def _fetch(token: str) -> tuple[str, bytes]:
    secret = get_settings().code_secret.get_secret_value()
    return fetch_export(get_store(), get_files(), secret, token=token, now=clock.now())


ROUTES = (
    # The page's own address ends in a slash, so that its link stays below it.
    Route("/data/{token:str}/", page),
    Route("/data/{token:str}/file", file),
)
