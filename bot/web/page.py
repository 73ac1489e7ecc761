"""The page itself: one document, its session, and what a browser may do with it."""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bot import clock
from bot.settings import Settings
from bot.texts import texts
from bot.web import session
from bot.web.chat import settings_of

STATIC = Path(__file__).with_name("static")
_TEMPLATES = Path(__file__).with_name("templates")


class Files(StaticFiles):
    """The page's parts; a browser asks each time whether its copy is still the right one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a part."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def index(request: Request) -> Response:
    """Answer with the page; whoever has no session gets one."""
    settings, wall = settings_of(request), clock.wall()
    known = session.read(request, settings, wall)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": policy(settings)}
    response = HTMLResponse(_page(demo=settings.env == "demo"), headers=headers)
    if known is None or known.is_old(wall):
        session.keep(response, known or session.create(wall), settings, wall)
    return response


def policy(settings: Settings) -> str:
    """Return the page's Content-Security-Policy: only what we serve, nothing inline."""
    ancestors = (
        " ".join(("'self'", *settings.embed_origins)) if settings.embed_origins else "'none'"
    )
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {ancestors}; require-trusted-types-for 'script'; trusted-types 'none'"
    )


@cache
def _page(*, demo: bool) -> str:
    page = (_TEMPLATES / "chat.html").read_text("utf-8")
    parts = {
        "<!-- menu -->": _services("page_chat_menu"),
        "<!-- first -->": _services("page_chat_first"),
        "<!-- demo -->": (_TEMPLATES / "demo.html").read_text("utf-8") if demo else "",
    }
    for mark, part in parts.items():
        page = page.replace(mark, part)
    return page


def _services(name: str) -> str:
    return "\n".join(_service(button) for button in texts()[name].buttons)


def _service(button: dict[str, str]) -> str:
    title, payload = html.escape(button["title"]), html.escape(button["payload"])
    icon = html.escape(button.get("icon", "chat"))
    return (
        f'<li><button type="button" class="service" data-payload="{payload}">'
        f'<svg aria-hidden="true"><use href="/page/icons.svg#{icon}"></use></svg>'
        f"<span>{title}</span></button></li>"
    )


ROUTES = (Route("/", index, methods=["GET"]),)
