"""How messages leave: their states, when to try again, and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from types import MappingProxyType

MOST_ATTEMPTS = 6
LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
PAUSE_GROWTH = 4


class OutboxState(StrEnum):
    """A message on its way."""

    PENDING = "pending"  # not tried yet, or held back by the platform
    SENDING = "sending"  # a worker has it
    SENT = "sent"
    FAILED = "failed"  # surely not delivered; tried again after a pause
    DROPPED = "dropped"  # never to be sent; the reason is kept
    UNKNOWN = "unknown"  # perhaps delivered: not repeated, for that might say it twice


OUTBOX_MOVES: Mapping[OutboxState, frozenset[OutboxState]] = MappingProxyType(
    {
        OutboxState.PENDING: frozenset({OutboxState.SENDING, OutboxState.DROPPED}),
        OutboxState.FAILED: frozenset({OutboxState.SENDING, OutboxState.DROPPED}),
        OutboxState.SENDING: frozenset(
            {
                OutboxState.PENDING,
                OutboxState.SENT,
                OutboxState.FAILED,
                OutboxState.DROPPED,
                OutboxState.UNKNOWN,
            }
        ),
        # A confirmation may come after another worker has given the first one up.
        OutboxState.UNKNOWN: frozenset({OutboxState.SENT}),
        OutboxState.SENT: frozenset(),
        OutboxState.DROPPED: frozenset(),
    }
)


class DropReason(StrEnum):
    """Why a message is never sent."""

    ATTEMPTS = "attempts"  # it failed too often
    BLOCKED = "blocked"  # the parent has blocked the bot
    MUTED = "muted"  # the parent wants no messages of the kind
    UNBOUND = "unbound"  # the account may no longer see the policy
    OBSOLETE = "obsolete"  # what it tells of is no longer so
    UNREADABLE = "unreadable"  # its text cannot be written
    REFUSED = "refused"  # the platform will never take it


def pause_after(attempts: int) -> timedelta:
    """Give how long to wait after the `attempts`-th failure: 5 s, 20 s, 80 s … 15 min at most.

    Raises ValueError below 1.
    """
    if attempts < 1:
        msg = f"nothing has failed after {attempts} attempts"
        raise ValueError(msg)
    # Beyond some power it is the longest anyway, and the product might overflow.
    growth: int = PAUSE_GROWTH ** min(attempts - 1, 9)
    return min(FIRST_PAUSE * growth, LONGEST_PAUSE)


@dataclass(frozen=True)
class Rate:
    """So many messages a second on average, `burst` of them at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Bucket:
    """A token bucket as it stood at a moment; a message takes one token."""

    rate: Rate
    tokens: float
    at: datetime


def full(rate: Rate, now: datetime) -> Bucket:
    """Give a bucket from which nothing has been taken."""
    return Bucket(rate, float(rate.burst), now)


def take(bucket: Bucket, now: datetime) -> tuple[Bucket, timedelta]:
    """Take a token at `now`, or say how long until there is one.

    Returns:
        The bucket after it, and zero; or the bucket filled up to `now`, and how long to wait.
        A clock that goes backwards fills nothing.
    """
    rate = bucket.rate
    passed = max((now - bucket.at).total_seconds(), 0.0)
    tokens = min(bucket.tokens + passed * rate.per_second, float(rate.burst))
    moment = max(now, bucket.at)
    # Rounding must not hold back a message whose second is over.
    if tokens >= 1 - 1e-9:
        return Bucket(rate, max(tokens - 1, 0.0), moment), timedelta()
    filled = replace(bucket, tokens=tokens, at=moment)
    # Rounded up: a pause of nothing would mean that a token was taken.
    return filled, timedelta(microseconds=ceil((1 - tokens) / rate.per_second * 1_000_000))
