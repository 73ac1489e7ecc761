"""Pictures behind signed links: drawn anew each time, kept by nobody on their way."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import clock
from bot.services.errors import NotBound, NotFound, Refused
from bot.services.pictures import load
from bot.store.session import get_store
from bot.texts import texts

# Asked for again each time: what was grey may be paid meanwhile.
PRIVATE = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}


async def picture(request: Request) -> Response:
    """Answer with a picture; 410 once the link's time is over, 404 whatever else is wrong."""
    token = request.path_params["token"]
    try:
        png = await asyncio.to_thread(lambda: load(get_store(), token, clock.now()))
    except (NotFound, NotBound):
        return PlainTextResponse(texts()["picture_not_found"].text, 404, headers=PRIVATE)
    except Refused:
        return PlainTextResponse(texts()["picture_over"].text, 410, headers=PRIVATE)
    return Response(png, media_type="image/png", headers=PRIVATE)


ROUTES = (Route("/pictures/{token:str}", picture, methods=["GET"]),)
