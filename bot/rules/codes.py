"""One-time codes: how long, how often, and when they lock (手册·电子保险卡 E1).

The manual asks for the phone to be verified; the figures are this product's policy. Codes are
made, hashed and compared by whoever stores them, not here.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

CODE_DIGITS = 6
CODE_VALID_FOR = timedelta(minutes=5)
MAX_TRIES = 5
LOCK_FOR = timedelta(minutes=30)
# Messages cost money and annoy: so many codes for a phone or a chat account in so long a time.
CODE_LIMITS = ((timedelta(minutes=1), 1), (timedelta(hours=1), 5), (timedelta(days=1), 10))

_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}")


class CodeState(StrEnum):
    """What a code is good for at a moment."""

    USABLE = "usable"
    EXPIRED = "expired"
    TRIES_USED_UP = "tries_used_up"
    LOCKED = "locked"


def is_locked(locked_until: datetime | None, now: datetime) -> bool:
    """Say whether a phone or chat account is locked at `now`, both aware (手册·电子保险卡 E1)."""
    return locked_until is not None and now < locked_until


def code_state(
    created_at: datetime, tries: int, locked_until: datetime | None, now: datetime
) -> CodeState:
    """Give what a code made at `created_at` is good for at `now` (手册·电子保险卡 E1).

    `tries` counts the wrong tries so far. All datetimes are aware, of any zone. A lock comes
    before everything else; the fifth minute is still valid at its very end.
    """
    if is_locked(locked_until, now):
        return CodeState.LOCKED
    if tries >= MAX_TRIES:
        return CodeState.TRIES_USED_UP
    if now - created_at > CODE_VALID_FOR:
        return CodeState.EXPIRED
    return CodeState.USABLE


def next_code_at(sent: Iterable[datetime], now: datetime) -> datetime | None:
    """Give when the next code may be sent, or None if it may be sent at `now`.

    `sent` are the times (aware) at which codes went to the same phone or chat account; the
    limits are CODE_LIMITS (手册·电子保险卡 E1 asks for verification, not for these figures).
    """
    times = sorted(sent, reverse=True)
    waits = [
        times[most - 1] + span
        for span, most in CODE_LIMITS
        if len(times) >= most and now - times[most - 1] < span
    ]
    return max(waits, default=None)


def tries_left(tries: int) -> int:
    """Give how many tries are left after `tries` wrong ones (手册·电子保险卡 E1)."""
    return max(MAX_TRIES - tries, 0)


def lock_after(tries: int, now: datetime) -> datetime | None:
    """Give the end of the lock after `tries` wrong tries, the last at `now` (手册·电子保险卡 E1).

    Takes an aware datetime and keeps its zone; None while tries are left.
    """
    return None if tries_left(tries) else now + LOCK_FOR


def read_code(text: str) -> str | None:
    """Give the six digits of a typed code, or None if it is none (手册·电子保险卡 E1).

    Full-width digits and spaces between them are read.
    """
    code = "".join(unicodedata.normalize("NFKC", text).split())
    return code if _CODE.fullmatch(code) else None
