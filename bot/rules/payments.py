"""Payments of the parent's own share: how long a link lives, and signatures (手册·电子保险卡 E3).

A signature is HMAC-SHA256 over ``<unix seconds>.<body>``, in hex, as payment providers use it.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

LINK_VALID_FOR = timedelta(minutes=30)
# A call that is older or newer than this is a replay or a wrong clock.
REPLAY_WINDOW = timedelta(minutes=5)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body sent at a time (unix seconds, as text)."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_genuine(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> bool:
    """Say whether a call is signed with the secret and was made just now; `now` is aware."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    fits = hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode())
    sent = datetime.fromtimestamp(int(timestamp), UTC)
    return fits and abs(now - sent) <= REPLAY_WINDOW
