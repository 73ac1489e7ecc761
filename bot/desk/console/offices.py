"""What admins manage: staff's accounts, partners' keys, and the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.responses import Response

from bot.desk.console.calls import Call, door, refusal
from bot.desk.console.fields import day as day_typed
from bot.rules.calendar import end_of_day, local_day
from bot.rules.partners import Scope
from bot.rules.staff import Role
from bot.services import api_keys, desk_history, staff_users
from bot.services.desk_history import PAGE, Filter
from bot.services.errors import Conflict, Refused
from bot.services.handoff_moves import agent_actor

# Of so many digits; more can be typed than a database can look for.
LONGEST_ID = 18


def staff(call: Call, problem: str | None = None) -> Response:
    """Show the accounts; with a problem, what was filled in as well."""
    return call.show(
        "staff.html",
        status=422 if problem else 200,
        users=staff_users.staff(call.store),
        roles=tuple(Role),
        problem=problem,
    )


def create_user(call: Call) -> Response:
    """Make an account; its password is shown this once."""
    try:
        made, password = staff_users.create(
            call.store,
            login=call.text("login"),
            name=call.text("name"),
            role=_role(call),
            actor=call.actor,
            now=call.now,
        )
    except Refused as refused:
        return _again(call, refused, staff)
    return call.show("secret.html", title=made.login, secret=password, kind="password")


def change_user(call: Call) -> Response:
    """Change an account; nobody changes his own."""
    _not_ones_own(call)
    staff_users.change(
        call.store,
        user_id=call.number("id"),
        name=call.text("name"),
        role=_role(call),
        disabled=call.text("disabled") == "1",
        version=call.version(),
        actor=call.actor,
        now=call.now,
    )
    return call.done("/desk/staff", "staff_changed")


def reset_user(call: Call) -> Response:
    """Give an account a new password, shown this once; one's own needs the old one."""
    _not_ones_own(call)
    changed, password = staff_users.reset_password(
        call.store,
        user_id=call.number("id"),
        version=call.version(),
        actor=call.actor,
        now=call.now,
    )
    return call.show("secret.html", title=changed.login, secret=password, kind="password")


def keys(call: Call, problem: str | None = None) -> Response:
    """Show the partners' keys; with a problem, what was filled in as well."""
    return call.show(
        "keys.html",
        status=422 if problem else 200,
        keys=api_keys.keys(call.store),
        scopes=tuple(Scope),
        longest=api_keys.LONGEST_NAME,
        local_day=local_day,
        problem=problem,
    )


def create_key(call: Call) -> Response:
    """Make a key, shown this once."""
    name = call.text("name")
    try:
        key = api_keys.create(
            call.store,
            name=_key_name(name),
            scopes=_scopes(call),
            expires_at=_until(call),
            actor=call.actor,
            now=call.now,
        )
    except Conflict:
        return _again(call, Refused("key_taken"), keys)
    except Refused as refused:
        return _again(call, refused, keys)
    return call.show("secret.html", title=name, secret=key, kind="key")


def revoke_key(call: Call) -> Response:
    """End a key."""
    api_keys.revoke(call.store, name=call.text("name"), actor=call.actor, now=call.now)
    return call.done("/desk/keys", "key_revoked")


def audit(call: Call) -> Response:
    """Show who did what."""
    given = call.query("day")
    day = day_typed(given) if given else None
    before = call.query("before")
    wanted = Filter(
        actor=call.query("actor").strip(),
        action=call.query("action").strip(),
        subject=call.query("subject").strip(),
        day=day,
    )
    found = desk_history.trail(
        call.store,
        wanted=wanted,
        before=int(before) if _is_id(before) else None,
    )
    more = found[-1].id if len(found) == PAGE else None
    people = [(agent_actor(one.id), one.name) for one in staff_users.staff(call.store)]
    return call.show("audit.html", entries=found, wanted=wanted, more=more, people=people)


def _again(call: Call, refused: Refused, page: Callable[[Call, str], Response]) -> Response:
    # What a secret follows is sent without a script; the page comes back as it was filled in.
    if call.by_script:
        raise refused
    return page(call, refusal(refused.reason))


def _not_ones_own(call: Call) -> None:
    if call.number("id") == call.user.id:
        raise Refused("yourself")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID


def _role(call: Call) -> Role:
    try:
        return Role(call.text("role"))
    except ValueError as error:
        raise Refused("role") from error


def _key_name(name: str) -> str:
    if not 1 <= len(name) <= api_keys.LONGEST_NAME or not name.isprintable():
        raise Refused("key_name")
    return name


def _scopes(call: Call) -> list[Scope]:
    scopes = [scope for scope in Scope if scope.value in call.texts("scope")]
    if not scopes:
        raise Refused("no_scope")
    return scopes


def _until(call: Call) -> datetime | None:
    given = call.text("until")
    if not given:
        return None
    until = end_of_day(day_typed(given))
    if until <= call.now:
        raise Refused("past")
    return until


_ROLE = Role.ADMIN
ROUTES = (
    door("/staff", staff, role=_ROLE),
    door("/staff/create", create_user, role=_ROLE, post=True),
    door("/staff/{id:int}/change", change_user, role=_ROLE, post=True),
    door("/staff/{id:int}/reset", reset_user, role=_ROLE, post=True),
    door("/keys", keys, role=_ROLE),
    door("/keys/create", create_key, role=_ROLE, post=True),
    door("/keys/revoke", revoke_key, role=_ROLE, post=True),
    door("/audit", audit, role=_ROLE),
)
