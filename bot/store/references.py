"""Reference numbers that a parent can read out on the phone."""

from __future__ import annotations

import secrets
from typing import Any

# The demonstration rows use four digits, so a number made here is never one of theirs.
_FIRST = 10_000


def new_reference(prefix: str, row_id: int) -> str:
    """Return the reference of a row: its kind's letter and a number, for example ``A10001``.

    Args:
        prefix: One to three capital letters: A appointment, C claim, P authorization (事先授权),
            T consultation (问诊), F complaint (反馈), S self-pay bill (自付),
            R what staff arrange (安排), L lecture (讲座).
        row_id: The row's primary key, 1 or above: unique within the kind.

    Raises:
        ValueError: ``prefix`` or ``row_id`` is out of these bounds.
    """
    if not (prefix.isascii() and prefix.isalpha() and prefix.isupper() and len(prefix) <= 3):
        msg = f"a reference begins with one to three capital letters, not {prefix!r}"
        raise ValueError(msg)
    if row_id < 1:
        msg = f"a row's key is 1 or above, not {row_id}"
        raise ValueError(msg)
    return f"{prefix}{_FIRST + row_id}"


def add_numbered(session: Any, row: Any, prefix: str) -> None:
    """Add a row whose ``reference`` is made from its key; flushes twice.

    Args:
        session: A transaction.
        row: A new row without a reference.
        prefix: As in :func:`new_reference`.

    Raises:
        sqlalchemy.exc.IntegrityError: The row breaks another constraint.
    """
    # The column is unique and not empty, and the key is known only after the first flush.
    row.reference = f"~{secrets.token_hex(7)}"
    session.add(row)
    session.flush()
    row.reference = new_reference(prefix, row.id)
    session.flush()
