"""Who works at the desk: roles, passwords, and when sign-ins are stopped."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a member of staff may do; each may do all that the ones before may."""

    AGENT = "agent"  # conversations and work lists
    SUPERVISOR = "supervisor"  # figures, office hours, replies, others' conversations
    ADMIN = "admin"  # accounts, the audit trail, partners' keys


_RANK: Mapping[Role, int] = MappingProxyType({role: rank for rank, role in enumerate(Role)})

# A password of so many characters needs no rules about kinds of characters (NIST SP 800-63B).
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 128
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
# Failures further apart than that are not guesses.
FAILURES_COUNT_FOR = timedelta(hours=1)
SESSION_LIVES = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)


def covers(role: Role, needed: Role) -> bool:
    """Say whether somebody of a role may do what another role is needed for."""
    return _RANK[Role(role)] >= _RANK[Role(needed)]


def password_problem(password: str, login: str) -> str | None:
    """Name what is wrong with a new password, or None.

    Returns:
        ``password_short``, ``password_long``, ``password_login`` (it holds the login) or
        ``password_simple`` (fewer than five different characters).
    """
    if len(password) < SHORTEST_PASSWORD:
        return "password_short"
    if len(password) > LONGEST_PASSWORD:
        return "password_long"
    if login.casefold() in password.casefold():
        return "password_login"
    return "password_simple" if len(set(password)) < 5 else None


def locks(failures: int) -> bool:
    """Say whether so many wrong passwords in a row stop the sign-ins for :data:`LOCKED_FOR`."""
    return failures >= MOST_FAILURES


def session_is_over(made_at: datetime, seen_at: datetime, wall: datetime) -> bool:
    """Say whether a session has ended by its age, or because nobody has used it (all aware)."""
    return wall - made_at > SESSION_LIVES or wall - seen_at > SESSION_IDLE
