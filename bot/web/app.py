"""All that the web process serves: the chat page, and what the desk serves."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount

from bot.desk import app as desk
from bot.settings import Settings
from bot.store.session import get_store
from bot.web import chat, page, upload
from bot.web.guard import Limits
from bot.web.stream import Streams


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the application.

    Args:
        settings: Where the other processes are; the process's own by default, read at the start.
    """
    routes = [
        *page.ROUTES,
        *chat.ROUTES,
        *upload.ROUTES,
        Mount("/page", page.Files(directory=page.STATIC)),
    ]
    made = desk.create_app(settings, routes=routes)
    made.state.settings = settings
    made.state.limits = Limits()
    made.state.streams = Streams(get_store)
    return made


app = create_app()
