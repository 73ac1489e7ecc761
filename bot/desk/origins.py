"""Which pages are our own, as browsers name them."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from bot.settings import Settings


def is_own(request: Request, settings: Settings) -> bool:
    """Say whether it is a page of ours that makes a request, by its Origin header."""
    origin = request.headers.get("origin", "")
    if settings.public_url is not None:
        return origin == origin_of(settings.public_url)
    return host_of(origin) == request.headers.get("host", "")


def origin_of(url: str) -> str:
    """Return an address's scheme, host and port, as browsers name it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(origin: str) -> str | None:
    """Return the host and port of an origin; ``None`` if it is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") and parts.netloc else None
