"""What every page of the desk goes through: session, role, CSRF token, form, refusals.

A handler is a function of a :class:`Call`. It runs in a thread of its own, raises what its
service raises, and never sees a request that its role may not make.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot import clock
from bot.desk.console import pages
from bot.desk.origins import is_own
from bot.rules.staff import Role, covers
from bot.services import staff_sessions
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_moves import agent_actor
from bot.services.staff_users import StaffView
from bot.settings import Settings, get_settings
from bot.store.files import FileStoreError
from bot.store.session import Store, get_store
from bot.texts import texts

logger = logging.getLogger(__name__)

SIGN_IN, PASSWORD, SIGN_OUT = "/desk/sign-in", "/desk/password", "/desk/sign-out"
# Scripts of ours ask with this header; what they are told is JSON.
HEADER = "x-youxiang"
TOKEN = "csrf"  # noqa: S105
LARGEST_FORM = 1_000_000
LARGEST_UPLOAD = 25_000_000
MOST_FIELDS, MOST_FILES = 400, 5


@dataclass
class Call:
    """A request to the desk: who asks, when, and what was filled in.

    ``now`` is business time, ``wall`` the machine's, both aware. ``user`` is only missing on the
    page to sign in.
    """

    request: Request
    settings: Settings
    now: datetime
    wall: datetime
    token: str
    signed_in: StaffView | None
    form: FormData = field(default_factory=FormData)

    @property
    def store(self) -> Store:
        """The store."""
        return get_store()

    @property
    def user(self) -> StaffView:
        """Who asks."""
        if self.signed_in is None:
            raise HTTPException(401)
        return self.signed_in

    @property
    def actor(self) -> str:
        """Who asks, for the audit."""
        return agent_actor(self.user.id)

    @property
    def csrf(self) -> str:
        """What a form of this session must bring back."""
        secret = self.settings.code_secret.get_secret_value().encode()
        # Named, so that no other use of the secret ever makes the same mark.
        return hmac.new(secret, f"desk csrf {self.token}".encode(), hashlib.sha256).hexdigest()

    @property
    def by_script(self) -> bool:
        """Whether a script of ours asks, not the browser itself."""
        return self.request.headers.get(HEADER) == "1"

    def may(self, role: Role) -> bool:
        """Say whether who asks may do what a role is needed for."""
        return self.signed_in is not None and covers(self.signed_in.role, role)

    def path(self, name: str) -> str:
        """Return a part of the address."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """Return a number of the address.

        Raises:
            NotFound: No database counts so far.
        """
        number = int(self.request.path_params[name])
        if number >= 2**31:
            raise NotFound(name)
        return number

    def query(self, name: str, default: str = "") -> str:
        """Return what stands behind the question mark."""
        return self.request.query_params.get(name, default)

    def text(self, name: str) -> str:
        """Return what was filled in, without what databases cannot keep; empty if nothing was."""
        value = self.form.get(name)
        if not isinstance(value, str):
            return ""
        return value.encode("utf-8", "replace").decode().replace("\0", "").strip()

    def texts(self, name: str) -> list[str]:
        """Return all that was chosen of a group of boxes."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def whole(self, name: str) -> int:
        """Return a whole number that was filled in.

        Raises:
            Refused: ``number``.
        """
        value = self.text(name)
        if not value.isascii() or not value.lstrip("-").isdigit() or len(value) > 9:
            raise Refused("number")
        return int(value)

    def version(self) -> int:
        """Return the version of what the page showed."""
        return self.whole("version")

    def file(self, name: str) -> UploadFile | None:
        """Return a file that was chosen."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def show(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Answer with a page or a part of one."""
        return pages.page(self, template, status=status, **values)

    def done(self, to: str, said: str | None = None) -> Response:
        """Answer that something was done: the page ``to`` comes next, with a sentence.

        Args:
            to: An address of the desk.
            said: Which text: ``desk_said_<said>``.
        """
        mark = "&" if "?" in to else "?"
        address = f"{to}{mark}{urlencode({'said': said})}" if said else to
        if self.by_script:
            return JSONResponse({"to": address}, headers=pages.NO_STORE)
        return RedirectResponse(address, 303, pages.NO_STORE)


Handler = Callable[[Call], Response | Awaitable[Response]]


def door(
    path: str,
    handler: Handler,
    *,
    role: Role | None = Role.AGENT,
    post: bool = False,
    largest: int = LARGEST_FORM,
) -> Route:
    """Return a route of the desk.

    Args:
        path: Below ``/desk``.
        handler: What answers: a function that runs in a thread, or a coroutine function.
        role: Who may ask at least; ``None`` for everybody, signed in or not.
        post: It changes something: only a form of ours with its token may ask.
        largest: Bytes that a form may have.
    """

    async def endpoint(request: Request) -> Response:
        try:
            call = await _call(request, role)
            if call.signed_in is not None and call.signed_in.must_change:
                _only_the_password(path)
            if post:
                await _read_form(call, largest)
            if asyncio.iscoroutinefunction(handler):
                return await handler(call)  # type: ignore[no-any-return]
            return await run_in_threadpool(handler, call)  # type: ignore[arg-type]
        except Elsewhere as elsewhere:
            return elsewhere.answer(request)
        except (HTTPException, ClientDisconnect) as error:
            return _wrong(request, getattr(error, "status_code", 400))
        except NotFound:
            return _wrong(request, 404)
        except Conflict:
            return _sentence(request, 409, texts()["desk_conflict"].text)
        except Refused as refused:
            return _sentence(request, 422, refusal(refused.reason))
        except ValueError:
            logger.warning("the desk was given a wrong value", exc_info=True)
            return _sentence(request, 422, texts()["desk_wrong_value"].text)
        except (SQLAlchemyError, FileStoreError, OSError):
            logger.exception("the desk could not answer")
            return _sentence(request, 503, texts()["desk_later"].text)

    endpoint.role = role  # type: ignore[attr-defined]
    return Route(path, endpoint, methods=["POST" if post else "GET"])


class Elsewhere(Exception):
    """The answer to this request is another page."""

    def __init__(self, to: str, status: int = 401) -> None:
        super().__init__(to)
        self.to, self.status = to, status

    def answer(self, request: Request) -> Response:
        """Send the browser there; tell a script."""
        if request.headers.get(HEADER) == "1":
            told = {"error": texts()["desk_signed_out"].text, "to": self.to}
            return JSONResponse(told, self.status, pages.NO_STORE)
        return RedirectResponse(self.to, 303, pages.NO_STORE)


def refusal(reason: str) -> str:
    """Return the sentence for what a service refuses."""
    known = texts().get(f"desk_refused_{reason}") or texts().get(f"line_refused_{reason}")
    if known is None:
        logger.error("no text for the refusal %s", reason)
    return (known or texts()["desk_refused"]).text


def settings_of(request: Request) -> Settings:
    """Return the settings of the application that serves a request."""
    given: Settings | None = getattr(request.app.state, "settings", None)
    return given or get_settings()


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; with its prefix no other host can set it."""
    return "__Host-desk" if settings.base_url.startswith("https://") else "desk"


async def _call(request: Request, role: Role | None) -> Call:
    settings = settings_of(request)
    token = request.cookies.get(cookie_name(settings), "")[:100]
    wall = clock.wall()
    user = None
    # Open pages look by themselves; that is nobody's doing.
    used = request.method != "GET" or request.headers.get(HEADER) != "1"
    if token:
        user = await run_in_threadpool(
            staff_sessions.who, get_store(), token=token, wall=wall, used=used
        )
    if role is not None:
        if user is None:
            raise Elsewhere(_sign_in_for(request))
        if not covers(user.role, role):
            raise HTTPException(403)
    return Call(request, settings, clock.now(), wall, token, user)


def _sign_in_for(request: Request) -> str:
    if request.method != "GET" or request.headers.get(HEADER) == "1":
        return SIGN_IN
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{SIGN_IN}?next={quote(wanted)}"


def _only_the_password(path: str) -> None:
    if f"/desk{path}" not in (PASSWORD, SIGN_OUT, SIGN_IN):
        raise Elsewhere(PASSWORD, 403)


async def _read_form(call: Call, largest: int) -> None:
    request = call.request
    if not is_own(request, call.settings):
        raise HTTPException(403)
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411)
    if int(length) > largest:
        raise HTTPException(413)
    call.form = await request.form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LARGEST_FORM
    )
    if call.signed_in is not None and not hmac.compare_digest(call.text(TOKEN), call.csrf):
        raise HTTPException(403)


def _wrong(request: Request, status: int) -> Response:
    known = texts().get(f"desk_wrong_{status}") or texts()["desk_wrong_400"]
    return _sentence(request, status, known.text)


def _sentence(request: Request, status: int, sentence: str) -> Response:
    if request.headers.get(HEADER) == "1":
        return JSONResponse({"error": sentence}, status, pages.NO_STORE)
    return pages.problem(sentence, status)
