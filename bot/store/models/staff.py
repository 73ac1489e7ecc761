"""Who works at the desk, and their sessions. Times here are the machine's, not business time."""

# ruff: noqa: RUF012 - SQLAlchemy takes __mapper_args__ as a plain dict.

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store.models.base import Base, col, key, link, one_of
from bot.store.types import UtcDateTime

STAFF_ROLES = ("agent", "supervisor", "admin")


class StaffUser(Base):
    """A member of staff. ``id`` is the agent's number everywhere else, ``name`` is for parents.

    ``must_change`` holds until the password that somebody else chose is replaced.
    """

    __tablename__ = "staff_user"
    __table_args__ = (one_of("role", *STAFF_ROLES),)
    id: int = key()
    login: str = col(sa.String(32), unique=True)
    name: str = col(sa.String(32))
    role: str = col(sa.String(16))
    password_hash: str = col(sa.String(200))
    must_change: bool = col(sa.Boolean, default=False)
    disabled: bool = col(sa.Boolean, default=False)
    created_at: datetime = col(UtcDateTime)
    version: int = col(sa.Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


class StaffSession(Base):
    """A browser that has signed in; only the hash of its token is known here."""

    __tablename__ = "staff_session"
    id: int = key()
    user_id: int = col(sa.Integer, sa.ForeignKey("staff_user.id", ondelete="CASCADE"), index=True)
    token_hash: str = col(sa.String(64), unique=True)
    made_at: datetime = col(UtcDateTime)
    seen_at: datetime = col(UtcDateTime)
    user: StaffUser = link("StaffUser")


class SignInFailure(Base):
    """Wrong passwords for a login, known or not, so that nothing tells which there are."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (sa.CheckConstraint("failures > 0", name="failures"),)
    login_hash: str = col(sa.String(64), primary_key=True)
    failures: int = col(sa.Integer)
    last_at: datetime = col(UtcDateTime, index=True)
    locked_until: datetime | None = col(UtcDateTime, nullable=True)
