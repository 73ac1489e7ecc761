"""Accounts of staff at the desk: made, changed and closed by an admin, each change audited."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.calendar import local
from bot.rules.staff import Role, password_problem
from bot.services import audit, passwords
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import AgentPresence, StaffSession, StaffUser
from bot.store.session import Store

LONGEST_NAME = 32
_LOGIN = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)


@dataclass(frozen=True)
class StaffView:
    """A member of staff; ``created_at`` in Asia/Shanghai, ``version`` guards the next change."""

    id: int
    login: str
    name: str
    role: Role
    must_change: bool
    disabled: bool
    created_at: datetime
    version: int


def staff(store: Store) -> tuple[StaffView, ...]:
    """Return all accounts, by login."""
    with store.read() as session:
        rows = session.scalars(sa.select(StaffUser).order_by(StaffUser.login))
        return tuple(view(row) for row in rows)


def create(
    store: Store, *, login: str, name: str, role: Role, actor: str, now: datetime
) -> tuple[StaffView, str]:
    """Make an account.

    Args:
        store: The store.
        login: 2 to 32 small letters, digits, ``.``, ``_`` or ``-``, a letter first.
        name: What parents are told, 32 characters at most.
        role: What it may do.
        actor: Who makes it, for the audit.
        now: Aware.

    Returns:
        The account, and the password to sign in with once: it is to be changed then.

    Raises:
        Refused: ``login``; ``login_taken``; ``name``.
    """
    login = login.strip().casefold()
    if not _LOGIN.fullmatch(login):
        raise Refused("login")
    password = secrets.token_urlsafe(12)
    kept = passwords.hashed(password)
    with store.begin() as session:
        if session.scalar(sa.select(StaffUser.id).where(StaffUser.login == login)) is not None:
            raise Refused("login_taken")
        row = StaffUser(
            login=login,
            name=_name(name),
            role=Role(role).value,
            password_hash=kept,
            must_change=True,
            created_at=now,
        )
        session.add(row)
        session.flush()
        _record(session, row, "staff.create", actor, now, role=row.role)
        return view(row), password


def change(
    store: Store,
    *,
    user_id: int,
    name: str,
    role: Role,
    disabled: bool,
    actor: str,
    now: datetime,
    version: int,
) -> StaffView:
    """Change what an account is called and may do, or close it; its sessions then end.

    Raises:
        NotFound, Conflict: There is none, or it was changed since ``version``.
        Refused: ``name``; ``last_admin``: nobody could manage accounts any more.
    """
    with _changing(store, user_id, version) as (session, row):
        was_admin = row.role == Role.ADMIN and not row.disabled
        row.name, row.role, row.disabled = _name(name), Role(role).value, disabled
        session.flush()
        if was_admin and not _admins(session):
            raise Refused("last_admin")
        if disabled:
            end_sessions(session, row.id)
        present = session.get(AgentPresence, row.id)
        if present is not None:
            present.name = row.name
            present.status = "offline" if disabled else present.status
        _record(session, row, "staff.change", actor, now, role=row.role, disabled=disabled)
        return view(row)


def reset_password(
    store: Store, *, user_id: int, actor: str, now: datetime, version: int
) -> tuple[StaffView, str]:
    """Give an account a new password to sign in with once; its sessions end.

    Raises:
        NotFound, Conflict: There is none, or it was changed since ``version``.
    """
    password = secrets.token_urlsafe(12)
    kept = passwords.hashed(password)
    with _changing(store, user_id, version) as (session, row):
        row.password_hash, row.must_change = kept, True
        end_sessions(session, row.id)
        _record(session, row, "staff.reset_password", actor, now)
        session.flush()
        return view(row), password


def set_password(
    store: Store, *, user_id: int, old: str, new: str, keep: str, actor: str, now: datetime
) -> None:
    """Change one's own password; all other sessions end.

    Args:
        store: The store.
        user_id: Whose.
        old: The present one.
        new: See :func:`bot.rules.staff.password_problem`.
        keep: The hash of the token of the session that goes on.
        actor: For the audit.
        now: Aware.

    Raises:
        NotFound: There is no such account.
        Refused: ``password_wrong``: the old one is not it; ``password_same``; or what is wrong
            with the new one.
    """
    with store.read() as session:
        row = session.get(StaffUser, user_id)
        if row is None:
            raise NotFound("staff")
        known, login = row.password_hash, row.login
    if not passwords.matches(known, old):
        raise Refused("password_wrong")
    problem = "password_same" if old == new else password_problem(new, login)
    if problem:
        raise Refused(problem)
    kept = passwords.hashed(new)
    with _changing(store, user_id, None) as (session, row):
        if row.password_hash != known:
            raise Conflict("staff")
        row.password_hash, row.must_change = kept, False
        end_sessions(session, row.id, keep=keep)
        _record(session, row, "staff.set_password", actor, now)


def end_sessions(session: Session, user_id: int, *, keep: str | None = None) -> None:
    """End the sessions of an account, but for one whose token has the hash ``keep``."""
    query = sa.delete(StaffSession).where(StaffSession.user_id == user_id)
    if keep is not None:
        query = query.where(StaffSession.token_hash != keep)
    session.execute(query.execution_options(synchronize_session=False))


def view(row: StaffUser) -> StaffView:
    """Return an account as it is shown."""
    return StaffView(
        row.id,
        row.login,
        row.name,
        Role(row.role),
        row.must_change,
        row.disabled,
        local(row.created_at),
        row.version,
    )


@contextmanager
def _changing(
    store: Store, user_id: int, version: int | None
) -> Iterator[tuple[Session, StaffUser]]:
    try:
        with store.begin() as session:
            row = session.get(StaffUser, user_id)
            if row is None:
                raise NotFound("staff")
            if version is not None and row.version != version:
                raise Conflict("staff")
            yield session, row
    except StaleDataError as error:
        raise Conflict("staff") from error


def _admins(session: Session) -> int:
    query = sa.select(sa.func.count()).where(
        StaffUser.role == Role.ADMIN.value,
        StaffUser.disabled.is_(False),  # type: ignore[attr-defined]
    )
    return int(session.scalar(query) or 0)


def _name(name: str) -> str:
    told = " ".join(name.split())
    if not told or len(told) > LONGEST_NAME:
        raise Refused("name")
    return told


def _record(
    session: Session, row: StaffUser, action: str, actor: str, now: datetime, **detail: Any
) -> None:
    subject = f"staff:{row.id}"
    audit.record(session, at=now, actor=actor, action=action, subject=subject, **detail)
