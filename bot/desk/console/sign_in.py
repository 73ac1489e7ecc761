"""Signing in, signing out, and one's own password."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.desk.console.calls import PASSWORD, SIGN_IN, SIGN_OUT, Call, cookie_name, door, refusal
from bot.rules.outbox import Bucket, Rate, full, take
from bot.rules.staff import SHORTEST_PASSWORD
from bot.services import staff_sessions, staff_users
from bot.services.errors import Refused
from bot.store.demo.staff import PASSWORD as DEMO_PASSWORD
from bot.store.demo.staff import demo_staff

HOME = "/desk/queue"
# Beside the lock of each account: one address may try so often, whatever the accounts.
TRIES = Rate(0.2, 30)
MOST_ADDRESSES = 10_000


def form(call: Call) -> Response:
    """Show the page to sign in."""
    if call.signed_in is not None:
        return call.done(HOME)
    return _form(call)


def enter(call: Call) -> Response:
    """Sign in."""
    _count(call)
    try:
        user, token = staff_sessions.sign_in(
            call.store,
            login=call.text("login"),
            password=call.text("password"),
            now=call.now,
            wall=call.wall,
        )
    except Refused as refused:
        return _form(call, problem=refusal(refused.reason), status=422)
    response = call.done(PASSWORD if user.must_change else _next(call.text("next")))
    _keep(call, response, token)
    return response


def leave(call: Call) -> Response:
    """Sign out."""
    staff_sessions.sign_out(call.store, token=call.token)
    response = call.done(SIGN_IN, "signed_out")
    _keep(call, response, "")
    return response


def password(call: Call) -> Response:
    """Show the page to change one's password."""
    return call.show("password.html", shortest=SHORTEST_PASSWORD, problem=None)


def set_password(call: Call) -> Response:
    """Change one's password."""
    new = call.text("new")
    try:
        _check_same(new, call.text("again"))
        staff_users.set_password(
            call.store,
            user_id=call.user.id,
            old=call.text("old"),
            new=new,
            keep=staff_sessions.hash_of(call.token),
            actor=call.actor,
            now=call.now,
        )
    except Refused as refused:
        problem = refusal(refused.reason)
        return call.show("password.html", status=422, shortest=SHORTEST_PASSWORD, problem=problem)
    return call.done(HOME, "password")


def _check_same(new: str, again: str) -> None:
    if new != again:
        raise Refused("password_again")


def _form(call: Call, *, problem: str | None = None, status: int = 200) -> Response:
    demo = call.settings.env == "demo"
    return call.show(
        "sign_in.html",
        status=status,
        problem=problem,
        login=call.text("login"),
        next=call.text("next") or call.query("next"),
        demo=demo_staff() if demo else (),
        demo_password=DEMO_PASSWORD if demo else "",
    )


def _next(wanted: str) -> str:
    # Only a page of the desk: not another site, nor one that signs out.
    own = wanted.startswith("/desk/") and "\\" not in wanted and wanted != SIGN_OUT
    return wanted if own and wanted.isprintable() else HOME


def _keep(call: Call, response: Response, token: str) -> None:
    secure = call.settings.base_url.startswith("https://")
    parts = [f"{cookie_name(call.settings)}={token}", "Path=/", "HttpOnly", "SameSite=Lax"]
    parts += ["Secure"] if secure else []
    # Without an age it ends with the browser; the server ends it earlier.
    parts += [] if token else ["Max-Age=0"]
    response.headers.append("Set-Cookie", "; ".join(parts))


def _count(call: Call) -> None:
    buckets: dict[str, Bucket] = call.request.app.state.sign_ins
    address = call.request.client.host if call.request.client else ""
    if len(buckets) > MOST_ADDRESSES:
        buckets.clear()
    buckets[address], pause = take(buckets.get(address) or full(TRIES, call.wall), call.wall)
    if pause:
        raise HTTPException(429)


ROUTES = (
    door("/sign-in", form, role=None),
    door("/sign-in", enter, role=None, post=True),
    door("/sign-out", leave, post=True),
    door("/password", password),
    door("/password", set_password, post=True),
)
