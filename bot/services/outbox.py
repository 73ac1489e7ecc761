"""The outbox: every message leaves once, in the order of its chat, whoever dies meanwhile.

A worker takes messages with :func:`claim`, each leased to it. Just before a message leaves,
:func:`begin` looks whether it is still to be sent and notes that it may be on its way from now on.
A worker that dies before that loses nothing: the lease runs out and another one takes over. One
that dies after it leaves a message of which nobody knows whether it arrived: it is sent again only
where the channel shows it once, else it is marked ``unknown`` and never repeated. Messages for a
mailbox know no such moment: :func:`deliver` stores them in the transaction that marks them sent.

``now`` is business time, which may be frozen; ``wall`` is the machine's, for leases and pauses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import LIVE_KINDS
from bot.rules.notifications import URGENT, quiet_until
from bot.rules.outbox import LEASE, MOST_ATTEMPTS, DropReason, OutboxState, pause_after
from bot.services import audit, mailbox
from bot.services.inbox import REPLY
from bot.services.relevance import why_not
from bot.store.models import ChatIdentity, OutboxMessage
from bot.store.session import Store

ACTOR = "worker"
BATCH = 30
# Sent at night as well: what is urgent, the answers to a parent who writes at night, and what
# people say in a conversation.
ALWAYS = (*sorted(kind.value for kind in URGENT), REPLY, *LIVE_KINDS)
_OUT: Any = OutboxMessage.__table__
_WHO: Any = ChatIdentity.__table__
_WAITING = (OutboxState.PENDING.value, OutboxState.FAILED.value)
_OPEN = (*_WAITING, OutboxState.SENDING.value)


@dataclass(frozen=True)
class Claimed:
    """A message that a worker may send; ``attempts`` counts this one, ``key`` names it."""

    id: int
    channel: str
    account: str
    kind: str
    payload: Mapping[str, Any]
    owner: str
    attempts: int
    version: int

    @property
    def key(self) -> str:
        """What a channel that shows a message once knows it by."""
        return f"outbox:{self.id}"


def claim(
    store: Store,
    *,
    owner: str,
    channels: Collection[str],
    now: datetime,
    wall: datetime,
    repeatable: Collection[str] = (),
    limit: int = BATCH,
) -> list[Claimed]:
    """Take messages that are due, the oldest of each chat, and lease them.

    Args:
        store: The store.
        owner: The worker; another one takes over only when the lease has run out.
        channels: Where this worker can send; what is for another channel waits.
        now: Business time, aware: what is due later, and by day what may not be said at night,
            is left.
        wall: The machine's time, aware.
        repeatable: Channels that show a message once even if it is sent twice.
        limit: How many at most.

    Returns:
        At most one message of each chat, and none while an earlier one of that chat is open.
    """
    _recover(store, repeatable=repeatable, wall=wall, now=now)
    with store.read() as session:
        found = session.execute(_due(channels, now, wall).limit(limit)).all()
    if not found:
        return []
    taken = []
    with store.begin() as session:
        for row in found:
            done: Any = session.execute(
                sa.update(_OUT)
                .where(_OUT.c.id == row.id, _OUT.c.version == row.version)
                .values(
                    status=OutboxState.SENDING.value,
                    owner=owner,
                    lease_until=wall + LEASE,
                    begun_at=None,
                    attempts=row.attempts + 1,
                    version=row.version + 1,
                )
            )
            if done.rowcount == 1:
                taken.append(
                    Claimed(
                        row.id,
                        row.channel,
                        row.account,
                        row.kind,
                        row.payload,
                        owner,
                        row.attempts + 1,
                        row.version + 1,
                    )
                )
    return taken


def begin(store: Store, claimed: Claimed, *, now: datetime, wall: datetime) -> Claimed | None:
    """Note that a message may be on its way from now on.

    Returns:
        The message to send; ``None`` if it is no longer this worker's, or is not to be sent.
    """
    with store.begin() as session:
        row = _ours(session, claimed, wall)
        if row is None or _drop_if_moot(session, row, now):
            return None
        row.begun_at = wall
        session.flush()
        return replace(claimed, version=row.version)


def deliver(
    store: Store, claimed: Claimed, message: Mapping[str, Any], *, now: datetime, wall: datetime
) -> bool:
    """Put a message into the mailbox and mark it sent, both or neither.

    Returns:
        Whether it is there; False if it is no longer this worker's, or is not to be sent.
    """
    with store.begin() as session:
        row = _ours(session, claimed, wall)
        if row is None or _drop_if_moot(session, row, now):
            return False
        mailbox.append(
            session, identity_id=row.identity_id, message=message, at=now, outbox_id=row.id
        )
        _end(row, OutboxState.SENT)
        row.sent_at = now
        return True


def sent(store: Store, claimed: Claimed, *, now: datetime) -> None:
    """Note that the platform took a message, even if it was given up as unknown meanwhile."""
    with _ending(store, claimed, OutboxState.SENDING, OutboxState.UNKNOWN) as found:
        if found is not None:
            _, row = found
            _end(row, OutboxState.SENT)
            row.sent_at = now


def held(store: Store, claimed: Claimed, pause: timedelta, *, wall: datetime) -> None:
    """Note that the platform wants a pause before this message; it does not count as a try."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is not None:
            _, row = found
            _end(row, OutboxState.PENDING)
            row.attempts -= 1
            row.retry_at = wall + pause


def failed(store: Store, claimed: Claimed, *, now: datetime, wall: datetime) -> None:
    """Note that a message was surely not delivered: again after a pause, dropped at the last."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is None:
            return
        session, row = found
        if row.attempts >= MOST_ATTEMPTS:
            _drop(session, row, DropReason.ATTEMPTS, now)
            return
        _end(row, OutboxState.FAILED)
        row.retry_at = wall + pause_after(row.attempts)


def unknown(store: Store, claimed: Claimed, *, now: datetime) -> None:
    """Note that nobody knows whether a message arrived; it is not repeated."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is not None:
            _give_up(*found, now)


def blocked(store: Store, claimed: Claimed, *, now: datetime) -> None:
    """Note that a parent has blocked the bot: nothing more is sent until the parent writes."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is None:
            return
        session, row = found
        identity = session.get(ChatIdentity, row.identity_id)
        if identity is not None:
            identity.blocked_at = now
        _drop(session, row, DropReason.BLOCKED, now)


def drop(store: Store, claimed: Claimed, reason: DropReason, *, now: datetime) -> None:
    """Note that a message will never be sent."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is not None:
            _drop(*found, reason, now)


def release(store: Store, claimed: Claimed) -> None:
    """Give back a message that this worker has not begun to send."""
    with _ending(store, claimed, OutboxState.SENDING) as found:
        if found is not None and found[1].begun_at is None:
            _end(found[1], OutboxState.PENDING)
            found[1].attempts -= 1


def _due(channels: Collection[str], now: datetime, wall: datetime) -> Any:
    earlier = _OUT.alias("earlier")
    free = sa.or_(
        sa.and_(
            _OUT.c.status.in_(_WAITING), sa.or_(_OUT.c.retry_at.is_(None), _OUT.c.retry_at <= wall)
        ),
        sa.and_(_OUT.c.status == OutboxState.SENDING.value, _OUT.c.lease_until <= wall),
    )
    before = sa.or_(
        earlier.c.due_at < _OUT.c.due_at,
        sa.and_(earlier.c.due_at == _OUT.c.due_at, earlier.c.id < _OUT.c.id),
    )
    ahead = sa.select(sa.literal(1)).where(
        earlier.c.identity_id == _OUT.c.identity_id, earlier.c.status.in_(_OPEN), before
    )
    query = (
        sa.select(_OUT, _WHO.c.channel, _WHO.c.account)
        .join(_WHO, _WHO.c.id == _OUT.c.identity_id)
        .where(_OUT.c.due_at <= now, _WHO.c.channel.in_(list(channels)), free)
        .order_by(_OUT.c.due_at, _OUT.c.id)
    )
    if quiet_until(now) > local(now):
        # What waits for the morning holds up nothing that may be said at night.
        query = query.where(_OUT.c.kind.in_(ALWAYS))
        ahead = ahead.where(earlier.c.kind.in_(ALWAYS))
    return query.where(~ahead.exists())


def _recover(store: Store, *, repeatable: Collection[str], wall: datetime, now: datetime) -> None:
    """End what a dead worker left and what must not simply be taken up again."""
    lost = sa.and_(
        _OUT.c.status == OutboxState.SENDING.value,
        _OUT.c.lease_until <= wall,
        sa.or_(
            _OUT.c.attempts >= MOST_ATTEMPTS,
            sa.and_(_OUT.c.begun_at.is_not(None), _WHO.c.channel.not_in(list(repeatable))),
        ),
    )
    query = (
        sa.select(_OUT.c.id, _OUT.c.version).join(_WHO, _WHO.c.id == _OUT.c.identity_id).where(lost)
    )
    with store.read() as session:
        found = session.execute(query).all()
    for message, version in found:
        with store.begin() as session:
            row = session.get(OutboxMessage, message, with_for_update=True)
            if row is None or row.version != version:
                continue
            if row.begun_at is None:
                _drop(session, row, DropReason.ATTEMPTS, now)
            else:
                _give_up(session, row, now)


def _ours(session: Session, claimed: Claimed, wall: datetime) -> OutboxMessage | None:
    row = session.get(OutboxMessage, claimed.id, with_for_update=True)
    if row is None or row.version != claimed.version or row.owner != claimed.owner:
        return None
    return row if row.lease_until is not None and row.lease_until > wall else None


@contextmanager
def _ending(
    store: Store, claimed: Claimed, *states: OutboxState
) -> Iterator[tuple[Session, OutboxMessage] | None]:
    """Give the row if this attempt is still the last one made, in a transaction."""
    with store.begin() as session:
        row = session.get(OutboxMessage, claimed.id, with_for_update=True)
        same = row is not None and (row.owner, row.attempts) == (claimed.owner, claimed.attempts)
        yield (session, row) if row is not None and same and row.status in states else None


def _end(row: OutboxMessage, state: OutboxState) -> None:
    row.status = state.value
    row.lease_until = None
    row.begun_at = None


def _drop_if_moot(session: Session, row: OutboxMessage, now: datetime) -> bool:
    reason = why_not(session, row, now)
    if reason is not None:
        _drop(session, row, reason, now)
    return reason is not None


def _drop(session: Session, row: OutboxMessage, reason: DropReason, now: datetime) -> None:
    _end(row, OutboxState.DROPPED)
    row.reason = reason.value
    _log(session, row, "message.drop", now, reason=reason.value)


def _give_up(session: Session, row: OutboxMessage, now: datetime) -> None:
    _end(row, OutboxState.UNKNOWN)
    _log(session, row, "message.unknown", now)


def _log(session: Session, row: OutboxMessage, action: str, now: datetime, **detail: Any) -> None:
    audit.record(
        session,
        at=now,
        actor=ACTOR,
        action=action,
        subject=f"message:{row.id}",
        kind=row.kind,
        attempts=row.attempts,
        **detail,
    )
