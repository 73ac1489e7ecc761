"""All pages of the desk, under one address."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot.desk.console import (
    appointments,
    authorizations,
    bills,
    claims,
    complaints,
    conversations,
    documents,
    figures,
    guides,
    live,
    offices,
    pages,
    queue,
    requests,
    sign_in,
)
from bot.desk.console.calls import Call, door
from bot.desk.console.live import Pulses

PATH = "/desk"


class Files(StaticFiles):
    """The pages' parts; a browser asks each time whether its copy is still the right one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a part."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def home(call: Call) -> Response:
    """Go to where the work is."""
    return RedirectResponse(sign_in.HOME, 303, pages.NO_STORE)


PAGES: tuple[BaseRoute, ...] = (
    door("/", home),
    *sign_in.ROUTES,
    *queue.ROUTES,
    *conversations.ROUTES,
    *appointments.ROUTES,
    *authorizations.ROUTES,
    *claims.ROUTES,
    *bills.ROUTES,
    *complaints.ROUTES,
    *documents.ROUTES,
    *requests.ROUTES,
    *figures.ROUTES,
    *guides.ROUTES,
    *offices.ROUTES,
    *live.ROUTES,
)
ROUTES: tuple[BaseRoute, ...] = (
    Mount(PATH, routes=[*PAGES, Mount("/static", Files(directory=pages.STATIC))]),
)


def prepare(app: Starlette) -> None:
    """Give an application what the pages keep in memory."""
    app.state.pulses = Pulses()
    app.state.sign_ins = {}
