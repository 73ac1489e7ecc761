"""Accounts of staff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from bot.rules.handoffs import AgentStatus
from bot.rules.staff import Role
from bot.services import passwords, presence, staff_sessions, staff_users
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.staff_users import StaffView
from bot.store.demo.staff import PASSWORD
from bot.store.models import AuditEntry, StaffUser
from bot.store.session import Store


def user(store: Store, login: str) -> StaffView:
    return next(one for one in staff_users.staff(store) if one.login == login)


def test_made_with_a_password_that_is_shown_once(
    store: Store, now: datetime, count: Callable[..., int]
) -> None:
    made, password = staff_users.create(
        store, login=" Wang.2 ", name=" 小  王 ", role=Role.AGENT, actor="admin", now=now
    )
    assert (made.login, made.name, made.must_change) == ("wang.2", "小 王", True)
    assert user(store, "wang.2") == made
    with store.read() as session:
        kept = session.get(StaffUser, made.id)
        assert kept is not None
        assert password not in kept.password_hash
        assert kept.password_hash.startswith("$argon2id$")
    found, token = staff_sessions.sign_in(
        store, login="wang.2", password=password, now=now, wall=now
    )
    assert found == made
    assert staff_sessions.who(store, token=token, wall=now) == made
    assert count(AuditEntry, action="staff.create", actor="admin") == 1
    assert count(AuditEntry, action="staff.sign_in", actor=f"agent:{made.id}") == 1


@pytest.mark.parametrize(
    ("login", "name", "reason"),
    [
        ("w", "小王", "login"),
        ("1wang", "小王", "login"),
        ("wang wang", "小王", "login"),
        ("王", "小王", "login"),
        ("w" * 33, "小王", "login"),
        ("lin", "小王", "login_taken"),
        ("LIN", "小王", "login_taken"),
        ("wang", " ", "name"),
        ("wang", "王" * 33, "name"),
    ],
)
def test_what_is_refused(store: Store, now: datetime, login: str, name: str, reason: str) -> None:
    before = staff_users.staff(store)
    with pytest.raises(Refused, match=reason):
        staff_users.create(store, login=login, name=name, role=Role.AGENT, actor="a", now=now)
    assert staff_users.staff(store) == before


def test_a_closed_account_is_out_at_once(store: Store, now: datetime) -> None:
    lin = user(store, "lin")
    _, token = staff_sessions.sign_in(store, login="lin", password=PASSWORD, now=now, wall=now)
    presence.set_presence(store, agent_id=lin.id, name=lin.name, status=AgentStatus.ONLINE, now=now)
    change = {"name": "林老师", "role": Role.SUPERVISOR, "actor": "a", "now": now}
    after = staff_users.change(store, user_id=lin.id, disabled=True, version=lin.version, **change)
    assert (after.name, after.role, after.disabled) == ("林老师", Role.SUPERVISOR, True)
    assert staff_sessions.who(store, token=token, wall=now) is None
    with pytest.raises(Refused, match="sign_in"):
        staff_sessions.sign_in(store, login="lin", password=PASSWORD, now=now, wall=now)
    (agent,) = presence.agents(store, now=now)
    assert (agent.name, agent.status) == ("林老师", AgentStatus.OFFLINE)
    with pytest.raises(Conflict):
        staff_users.change(store, user_id=lin.id, disabled=False, version=lin.version, **change)


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": Role.SUPERVISOR}])
def test_the_last_admin_stays(store: Store, now: datetime, change: dict[str, Any]) -> None:
    admin = user(store, "admin")
    given = {"name": "x", "role": Role.ADMIN, "disabled": False, "actor": "a", "now": now} | change
    with pytest.raises(Refused, match="last_admin"):
        staff_users.change(store, user_id=admin.id, version=admin.version, **given)
    assert user(store, "admin") == admin
    staff_users.create(store, login="second", name="二", role=Role.ADMIN, actor="a", now=now)
    staff_users.change(store, user_id=admin.id, version=admin.version, **given)


def test_a_new_password_ends_what_was_begun(store: Store, now: datetime) -> None:
    lin = user(store, "lin")
    _, token = staff_sessions.sign_in(store, login="lin", password=PASSWORD, now=now, wall=now)
    after, password = staff_users.reset_password(
        store, user_id=lin.id, actor="a", now=now, version=lin.version
    )
    assert after.must_change
    assert staff_sessions.who(store, token=token, wall=now) is None
    with pytest.raises(Refused, match="sign_in"):
        staff_sessions.sign_in(store, login="lin", password=PASSWORD, now=now, wall=now)
    staff_sessions.sign_in(store, login="lin", password=password, now=now, wall=now)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("wrong", "long enough, this", "password_wrong"),
        (PASSWORD, PASSWORD, "password_same"),
        (PASSWORD, "short", "password_short"),
    ],
)
def test_own_passwords_that_are_refused(
    store: Store, now: datetime, old: str, new: str, reason: str
) -> None:
    lin = user(store, "lin")
    with pytest.raises(Refused, match=reason):
        staff_users.set_password(
            store, user_id=lin.id, old=old, new=new, keep="", actor="a", now=now
        )
    staff_sessions.sign_in(store, login="lin", password=PASSWORD, now=now, wall=now)


def test_nobody(store: Store, now: datetime) -> None:
    with pytest.raises(NotFound):
        staff_users.set_password(store, user_id=99, old="", new="", keep="", actor="a", now=now)
    with pytest.raises(NotFound):
        staff_users.reset_password(store, user_id=99, actor="a", now=now, version=1)
    assert staff_sessions.who(store, token="", wall=now) is None
    assert staff_sessions.who(store, token="x", wall=now) is None


def test_what_is_kept_of_a_password() -> None:
    kept = passwords.hashed("twelve chars")
    assert passwords.matches(kept, "twelve chars")
    assert not passwords.matches(kept, "twelve chars ")
    assert not passwords.matches(None, "nobody's password")
    assert not passwords.matches("no hash", "")
