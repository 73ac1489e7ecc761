"""Signing in at the desk and out again; wrong passwords stop the sign-ins for a while.

Times are the machine's: a session that a frozen clock never ends would be one.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.staff import (
    FAILURES_COUNT_FOR,
    LOCKED_FOR,
    SESSION_LIVES,
    locks,
    session_is_over,
)
from bot.services import audit, passwords
from bot.services.errors import Refused
from bot.services.handoff_moves import agent_actor
from bot.services.staff_users import StaffView, view
from bot.store.models import SignInFailure, StaffSession, StaffUser
from bot.store.session import Store

LONGEST_LOGIN = 64
# Noting each request would write for each.
SEEN_EVERY = timedelta(minutes=1)


def sign_in(
    store: Store, *, login: str, password: str, now: datetime, wall: datetime
) -> tuple[StaffView, str]:
    """Begin a session.

    Args:
        store: The store.
        login: As typed; capitals do not count.
        password: As typed.
        now: Business time, aware, for the audit.
        wall: The machine's time, aware.

    Returns:
        The account, and the token of the session, which is known nowhere else.

    Raises:
        Refused: ``sign_in``: there is no such account, the password is wrong or the account is
            closed; ``sign_in_locked``: too many were wrong, right or not. Neither tells which
            logins there are.
    """
    name = login.strip().casefold()[:LONGEST_LOGIN]
    with store.read() as session:
        if _locked(session, name, wall):
            raise Refused("sign_in_locked")
        row = _user(session, name)
        kept, user_id = (row.password_hash, row.id) if row is not None else (None, None)
    right = passwords.matches(kept, password)
    with store.begin() as session:
        # Others may have tried meanwhile.
        if _locked(session, name, wall):
            raise Refused("sign_in_locked")
        row = session.get(StaffUser, user_id) if user_id is not None else None
        if right and row is not None and not row.disabled and row.password_hash == kept:
            _forget(session, name, wall)
            token = secrets.token_urlsafe(32)
            session.add(
                StaffSession(user_id=row.id, token_hash=hash_of(token), made_at=wall, seen_at=wall)
            )
            _record(session, row.id, "staff.sign_in", now)
            return view(row), token
        stopped = _note_failure(session, name, wall)
        if row is not None:
            _record(session, row.id, "staff.locked" if stopped else "staff.sign_in_failed", now)
    raise Refused("sign_in_locked" if stopped else "sign_in")


def who(store: Store, *, token: str, wall: datetime, used: bool = True) -> StaffView | None:
    """Return whose session a token is of; ``None`` if it is over or there is none.

    Args:
        store: The store.
        token: From :func:`sign_in`.
        wall: The machine's time, aware.
        used: Somebody is there; not so if an open page asks by itself.
    """
    if not token:
        return None
    query = sa.select(StaffSession).where(StaffSession.token_hash == hash_of(token))
    with store.read() as session:
        row = session.scalar(query)
        if row is None or row.user.disabled or session_is_over(row.made_at, row.seen_at, wall):
            return None
        found, number, seen_at = view(row.user), row.id, row.seen_at
    if used and wall - seen_at > SEEN_EVERY:
        with store.begin() as session:
            session.execute(
                sa.update(StaffSession).where(StaffSession.id == number).values(seen_at=wall)
            )
    return found


def sign_out(store: Store, *, token: str) -> None:
    """End a session."""
    with store.begin() as session:
        session.execute(sa.delete(StaffSession).where(StaffSession.token_hash == hash_of(token)))


def hash_of(token: str) -> str:
    """Return what is kept of a token, which is random and long: no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _user(session: Session, login: str) -> StaffUser | None:
    found: StaffUser | None = session.scalar(sa.select(StaffUser).where(StaffUser.login == login))
    return found


def _locked(session: Session, login: str, wall: datetime) -> bool:
    row = session.get(SignInFailure, hash_of(login))
    return row is not None and row.locked_until is not None and row.locked_until > wall


def _note_failure(session: Session, login: str, wall: datetime) -> bool:
    row = session.get(SignInFailure, hash_of(login), with_for_update=True)
    if row is None:
        row = SignInFailure(login_hash=hash_of(login), failures=0)
        session.add(row)
    elif wall - row.last_at > FAILURES_COUNT_FOR or row.locked_until is not None:
        row.failures, row.locked_until = 0, None
    row.failures += 1
    row.last_at = wall
    if locks(row.failures):
        row.locked_until = wall + LOCKED_FOR
        return True
    return False


def _forget(session: Session, login: str, wall: datetime) -> None:
    mine = SignInFailure.login_hash == hash_of(login)
    session.execute(sa.delete(SignInFailure).where(mine))
    old = wall - FAILURES_COUNT_FOR - LOCKED_FOR
    session.execute(sa.delete(SignInFailure).where(SignInFailure.last_at < old))
    session.execute(sa.delete(StaffSession).where(StaffSession.made_at < wall - SESSION_LIVES))


def _record(session: Session, user_id: int, action: str, now: datetime) -> None:
    actor = agent_actor(user_id)
    audit.record(session, at=now, actor=actor, action=action, subject=f"staff:{user_id}")
