"""Sessions of the web page: made by the server, signed, in a cookie that no script can read.

The account is random and long; the signature keeps anybody from choosing one. A session that is
used goes on; one that is not ends after half a year.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from bot.settings import Settings

LIVES = timedelta(days=180)
# Whoever opens the page so long after the cookie was made gets a new one of the same account.
RENEW = timedelta(days=1)
_NAME = "youxiang"
_COOKIE = re.compile(r"(?P<data>[\w-]{32}\.\d{1,12})\.(?P<mark>[\w-]{43})", re.ASCII)
_ACCOUNT_BYTES = 24
# Clocks of several machines differ a little.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Session:
    """Who is chatting; ``made_at`` is when the cookie was made (seconds since 1970, UTC)."""

    account: str
    made_at: int

    def is_old(self, wall: datetime) -> bool:
        """Say whether the cookie should be made anew."""
        return wall.timestamp() - self.made_at > RENEW.total_seconds()


def create(wall: datetime) -> Session:
    """Make the session of somebody who has none."""
    return Session(secrets.token_urlsafe(_ACCOUNT_BYTES), int(wall.timestamp()))


def read(request: Request, settings: Settings, wall: datetime) -> Session | None:
    """Return the session of a request; ``None`` if there is none that was made here."""
    match = _COOKIE.fullmatch(request.cookies.get(cookie_name(settings), ""))
    if match is None or not hmac.compare_digest(_mark(settings, match["data"]), match["mark"]):
        return None
    account, made_at = match["data"].split(".")
    age = timedelta(seconds=wall.timestamp() - int(made_at))
    return Session(account, int(made_at)) if -_AHEAD <= age <= LIVES else None


def keep(response: Response, session: Session, settings: Settings, wall: datetime) -> None:
    """Put the session into a cookie, made now."""
    data = f"{session.account}.{int(wall.timestamp())}"
    _set(response, settings, f"{data}.{_mark(settings, data)}", int(LIVES.total_seconds()))


def end(response: Response, settings: Settings) -> None:
    """Take the cookie away."""
    _set(response, settings, "", 0)


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name; with its prefix no other host and no plain HTTP can set it."""
    return f"__Host-{_NAME}" if _is_secure(settings) else _NAME


def _set(response: Response, settings: Settings, value: str, seconds: int) -> None:
    parts = [f"{cookie_name(settings)}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly"]
    if settings.embed_origins:
        # In another site's page only such a cookie is sent; each of those sites has its own.
        parts += ["SameSite=None", "Secure", "Partitioned"]
    else:
        parts.append("SameSite=Lax")
        if _is_secure(settings):
            parts.append("Secure")
    response.headers.append("Set-Cookie", "; ".join(parts))


def _is_secure(settings: Settings) -> bool:
    return bool(settings.embed_origins) or settings.base_url.startswith("https://")


def _mark(settings: Settings, data: str) -> str:
    # Named, so that no other use of the secret ever makes the same mark.
    secret = settings.code_secret.get_secret_value().encode()
    digest = hmac.new(secret, f"web session {data}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
