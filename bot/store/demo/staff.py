"""Staff of the demonstration; production has none until an admin is made."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from bot.store.models import StaffUser, utcnow

PASSWORD = "demo-only-2026"  # noqa: S105 - shown on the page, in the demonstration alone
_STAFF = (
    ("lin", "小林", "agent"),
    ("zhou", "小周", "agent"),
    ("chen", "陈主管", "supervisor"),
    ("admin", "管理员", "admin"),
)


def demo_staff() -> tuple[tuple[str, str, str], ...]:
    """Return login, name and role of each."""
    return _STAFF


def load_staff(session: Session) -> None:
    """Insert them into an empty store; flushed, not committed."""
    session.add_all(
        StaffUser(login=login, name=name, role=role, password_hash=_hash(), created_at=utcnow())
        for login, name, role in _STAFF
    )
    session.flush()


@lru_cache(maxsize=1)
def _hash() -> str:
    # Known to everybody: it need not be dear, and conversations of the suite load it often.
    hasher: Any = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return str(hasher.hash(PASSWORD))
