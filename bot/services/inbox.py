"""The inbox: every update of a messaging app is stored once, then processed once, in order.

A channel calls :func:`accept` before it acknowledges the update to its platform. Whoever runs the
dialogue takes updates with :func:`claim` and ends each with :func:`finish`, which puts the replies
into the outbox in the same transaction. An update whose processor died is given out again when
its lease has run out; leases are counted by the machine's clock, which is never frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.rules.messages import InboundKind
from bot.services import mailbox
from bot.services.identity import identify
from bot.store.models import ChatIdentity, InboundUpdate, OutboxMessage
from bot.store.session import Store

LEASE = timedelta(seconds=20)
# After so many deaths on the same update it is answered with an apology.
MOST_ATTEMPTS = 3
REPLY = "reply"
UPDATES: Any = InboundUpdate.__table__


@dataclass(frozen=True)
class InboundMessage:
    """One update of one chat account.

    Attributes:
        channel: The messaging app, for example ``telegram``.
        account: The sender there, as the platform has verified it.
        update_id: The platform's own number of the update: the same again is the same update.
        kind: What it is.
        text: What was typed, or the payload of the button pressed; ``None`` for the rest.
        said_at: When it was written, by the platform's clock (aware).
        extra: What else there is, as JSON: ids of stored files, a contact's phone, a place.
    """

    channel: str
    account: str
    update_id: str
    kind: InboundKind
    said_at: datetime
    text: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claimed:
    """An update to process; ``attempts`` counts this one."""

    id: int
    message: InboundMessage
    received_at: datetime
    attempts: int


@dataclass(frozen=True)
class Shown:
    """How an update stands in the parent's own chat, where clients fetch it.

    Attributes:
        message: What is shown, as JSON.
        at: Aware.
        allowed: Called in the transaction that stores it, which nobody else can say anything in
            this chat beside; raises if the update may not be taken.
    """

    message: Mapping[str, Any]
    at: datetime
    allowed: Callable[[Session], object] = lambda _session: None


def accept(
    store: Store, message: InboundMessage, *, now: datetime, shown: Shown | None = None
) -> bool:
    """Store an update; return False if it is stored already (redelivery).

    Args:
        store: The store.
        message: The update.
        now: When it came, aware.
        shown: What its client shows of it, put into the mailbox with it, both or neither.

    Raises:
        bot.services.errors.ServiceError: What ``shown`` does not allow.
    """
    row = InboundUpdate(
        channel=message.channel,
        update_id=message.update_id,
        account=message.account,
        kind=message.kind.value,
        said_at=message.said_at,
        payload={"text": message.text, "extra": dict(message.extra)},
        received_at=now,
    )
    who = identify(store, message.channel, message.account) if shown else None
    try:
        with store.begin() as session:
            known = sa.select(UPDATES.c.id).where(
                UPDATES.c.channel == message.channel, UPDATES.c.update_id == message.update_id
            )
            if session.scalar(known) is not None:
                return False
            if shown and who:
                session.get(ChatIdentity, who.id, with_for_update=True)
                shown.allowed(session)
            session.add(row)
            if shown and who:
                mailbox.append(
                    session,
                    identity_id=who.id,
                    message=shown.message,
                    at=shown.at,
                    direction="in",
                )
    except IntegrityError:
        # Two deliveries at once; the other one has stored it.
        return False
    return True


def claim(store: Store, *, owner: str, now: datetime) -> Claimed | None:
    """Take the oldest update that waits, if every earlier one of its account is done.

    Args:
        store: The store.
        owner: Who processes: another one takes over only when the lease has run out.
        now: Aware.

    Returns:
        The update, leased to ``owner`` for :data:`LEASE`; ``None`` if there is none.
    """
    with store.read() as session:
        waiting = session.execute(_waiting(now)).first()
    if waiting is None:
        return None
    with store.begin() as session:
        taken: Any = session.execute(
            sa.update(UPDATES)
            .where(UPDATES.c.id == waiting.id, UPDATES.c.attempts == waiting.attempts)
            .where(UPDATES.c.status.in_(("received", "processing")))
            .values(
                status="processing",
                owner=owner,
                lease_until=now + LEASE,
                attempts=waiting.attempts + 1,
            )
        )
        if taken.rowcount != 1:
            return None
    return _claimed(waiting, waiting.attempts + 1)


def absorb(store: Store, claimed: Claimed, *, owner: str, now: datetime) -> list[Claimed]:
    """Take the updates that belong to the same album as a claimed one and come right after it.

    Args:
        store: The store.
        claimed: The first of them, being processed.
        owner: Who processes it.
        now: Aware.

    Returns:
        The others, in order; to be ended with the first (``also`` of :func:`finish`).
    """
    group = claimed.message.extra.get("group")
    if group is None:
        return []
    query = (
        sa.select(UPDATES)
        .where(
            UPDATES.c.channel == claimed.message.channel,
            UPDATES.c.account == claimed.message.account,
            UPDATES.c.id > claimed.id,
            UPDATES.c.status.in_(("received", "processing")),
        )
        .order_by(UPDATES.c.id)
    )
    taken = []
    with store.begin() as session:
        for row in session.execute(query).all():
            if (row.payload.get("extra") or {}).get("group") != group:
                break
            session.execute(
                sa.update(UPDATES)
                .where(UPDATES.c.id == row.id)
                .values(status="processing", owner=owner, lease_until=now + LEASE)
            )
            taken.append(_claimed(row, row.attempts + 1))
    return taken


def renew(store: Store, *, update: int, owner: str, now: datetime) -> bool:
    """Lengthen a lease; return False if the update is no longer the owner's."""
    with store.begin() as session:
        renewed: Any = session.execute(
            sa.update(UPDATES)
            .where(UPDATES.c.id == update, UPDATES.c.owner == owner)
            .where(UPDATES.c.status == "processing")
            .values(lease_until=now + LEASE)
        )
        return bool(renewed.rowcount)


def finish(
    store: Store,
    claimed: Claimed,
    replies: Sequence[Mapping[str, Any]],
    *,
    owner: str,
    now: datetime,
    due_at: datetime,
    failed: bool = False,
    fetched: bool = False,
    also: Sequence[Claimed] = (),
) -> bool:
    """End an update and put its replies into the outbox, both or neither.

    Args:
        store: The store.
        claimed: The update.
        replies: The messages to send, in order, as JSON.
        owner: Who claimed it.
        now: Aware.
        due_at: When the replies are due, by the business clock of the outbox (aware).
        failed: Whether the replies are an apology.
        fetched: The channel's clients fetch: the replies, which are mailbox messages then, are
            in the mailbox at once, and the outbox only remembers them.
        also: Updates that were answered with this one (:func:`absorb`).

    Returns:
        False if somebody else has taken the update over meanwhile; nothing is sent then.
    """
    who = identify(store, claimed.message.channel, claimed.message.account)
    with store.begin() as session:
        ended: Any = session.execute(
            sa.update(UPDATES)
            .where(UPDATES.c.id == claimed.id, UPDATES.c.owner == owner)
            .where(UPDATES.c.status == "processing")
            .values(status="failed" if failed else "processed", processed_at=now, lease_until=None)
        )
        if not ended.rowcount:
            return False
        if also:
            session.execute(
                sa.update(UPDATES)
                .where(UPDATES.c.id.in_([one.id for one in also]))
                .where(UPDATES.c.status == "processing", UPDATES.c.owner == owner)
                .values(status="processed", processed_at=now, lease_until=None)
            )
        for number, reply in enumerate(replies):
            message = OutboxMessage(
                identity_id=who.id,
                kind=REPLY,
                payload={"reply": dict(reply)},
                due_at=due_at,
                idempotency_key=f"{REPLY}:{claimed.id}:{number}",
            )
            session.add(message)
            if fetched:
                message.status, message.attempts, message.sent_at = "sent", 1, due_at
                session.flush()
                mailbox.append(
                    session,
                    identity_id=who.id,
                    message=reply,
                    at=due_at,
                    outbox_id=message.id,
                )
        return True


def _claimed(row: Any, attempts: int) -> Claimed:
    message = InboundMessage(
        row.channel,
        row.account,
        row.update_id,
        InboundKind(row.kind),
        row.said_at,
        row.payload.get("text"),
        row.payload.get("extra") or {},
    )
    return Claimed(row.id, message, row.received_at, attempts)


def _waiting(now: datetime) -> Any:
    earlier = UPDATES.alias("earlier")
    open_before = (
        sa.select(sa.literal(1))
        .where(earlier.c.channel == UPDATES.c.channel, earlier.c.account == UPDATES.c.account)
        .where(earlier.c.id < UPDATES.c.id, earlier.c.status.in_(("received", "processing")))
        .exists()
    )
    free = sa.or_(
        UPDATES.c.status == "received",
        sa.and_(UPDATES.c.status == "processing", UPDATES.c.lease_until < now),
    )
    return sa.select(UPDATES).where(free, ~open_before).order_by(UPDATES.c.id).limit(1)
