"""Partners' addresses that are told of events: kept, tried again, given up, replayed.

At least once, in no promised order, each time with the same id.
"""

from __future__ import annotations

import base64
import ipaddress
import random
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from bot.rules.partners import (
    DELIVERED_KEPT,
    DELIVERY_LEASE,
    MOST_DELIVERIES,
    PartnerEvent,
    delivery_pause,
)
from bot.services import audit, idempotency
from bot.services.errors import NotFound, Refused
from bot.settings import get_settings
from bot.store.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from bot.store.references import add_numbered
from bot.store.seal import seal, unseal
from bot.store.session import Store

PURPOSE = "webhook secrets"
LONGEST_URL = 500
MOST_ENDPOINTS = 20
BATCH = 20
_OUT: Any = WebhookDelivery.__table__


@dataclass(frozen=True)
class EndpointView:
    """An endpoint without its secret; times are aware."""

    reference: str
    url: str
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class DeadLetter:
    """An event that an endpoint never took; ``answered`` is the last HTTP status, if any."""

    id: int
    endpoint: str
    url: str
    event: str
    kind: str
    at: datetime
    attempts: int
    answered: int | None
    problem: str | None
    ended_at: datetime


@dataclass(frozen=True)
class Delivery:
    """An event that a worker may send now; ``attempts`` counts this one."""

    id: int
    endpoint: str
    url: str
    secret: bytes
    event: str
    body: Mapping[str, Any]
    owner: str
    attempts: int


def check_url(url: str, *, demo: bool) -> str:
    """Return an address that may be told of events; names are resolved when it is told.

    Raises:
        Refused: ``url``: not HTTPS to a public host; in the demonstration, plain HTTP and
            HTTPS to this machine are allowed as well.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:
        raise Refused("url") from error
    whole = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not whole or not host or parts.username or parts.password or parts.fragment or port == 0:
        raise Refused("url")
    if demo and is_loopback(host) and parts.scheme in ("http", "https"):
        return url
    literal = _address(host)
    if parts.scheme != "https" or is_loopback(host) or (literal and not is_public(literal)):
        raise Refused("url")
    return url


def is_loopback(host: str) -> bool:
    """Say whether a host's name or address means this machine."""
    literal = _address(host)
    return literal.is_loopback if literal else host.lower().rstrip(".") == "localhost"


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Say whether an address is on the public Internet, also one that wraps an IPv4 address."""
    inner = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def register(
    store: Store,
    *,
    partner: int,
    actor: str,
    url: str,
    events: Collection[PartnerEvent],
    now: datetime,
) -> tuple[EndpointView, str]:
    """Add an endpoint.

    Returns:
        It, and its secret (``whsec_…``), this once.

    Raises:
        Refused: ``url`` (see :func:`check_url`) or ``too_many`` endpoints.
        ValueError: No event is asked for.
    """
    check_url(url, demo=get_settings().env == "demo")
    if not events:
        msg = "name at least one event"
        raise ValueError(msg)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    with store.begin() as session:
        own = _own(partner)
        if len(list(session.scalars(own))) >= MOST_ENDPOINTS:
            raise Refused("too_many")
        row = WebhookEndpoint(
            api_key_id=partner,
            url=url,
            events=sorted({event.value for event in events}),
            secret=seal(secret, secret=_secret(), purpose=PURPOSE),
            created_at=now,
        )
        add_numbered(session, row, "W")
        subject = f"webhook:{row.id}"
        audit.record(session, at=now, actor=actor, action="webhook.register", subject=subject)
        return _view(row), secret


def endpoints(store: Store, *, partner: int) -> list[EndpointView]:
    """Return the endpoints of a key."""
    with store.read() as session:
        return [_view(row) for row in session.scalars(_own(partner).order_by(WebhookEndpoint.id))]


def remove(store: Store, *, partner: int, reference: str, actor: str, now: datetime) -> None:
    """End an endpoint; what was on its way to it is dead.

    Raises:
        NotFound: The key has no such endpoint.
    """
    with store.begin() as session:
        row = session.scalar(_own(partner).where(WebhookEndpoint.reference == reference))
        if row is None:
            raise NotFound("endpoint")
        _close(session, row, actor, now)


def claim(store: Store, *, owner: str, wall: datetime, limit: int = BATCH) -> list[Delivery]:
    """Take events that are due and lease them to this worker.

    One whose worker died is taken again when its lease has run out; a try that was begun counts.
    """
    due = sa.or_(
        sa.and_(_OUT.c.status == "pending", _OUT.c.next_at <= wall),
        sa.and_(_OUT.c.status == "sending", _OUT.c.lease_until <= wall),
    )
    with store.read() as session:
        query = sa.select(_OUT.c.id, _OUT.c.version).where(due)
        found = session.execute(query.order_by(_OUT.c.next_at, _OUT.c.id).limit(limit)).all()
    if not found:
        return []
    taken = []
    with store.begin() as session:
        for key, version in found:
            done: Any = session.execute(
                sa.update(_OUT)
                .where(_OUT.c.id == key, _OUT.c.version == version)
                .values(
                    status="sending",
                    owner=owner,
                    lease_until=wall + DELIVERY_LEASE,
                    attempts=_OUT.c.attempts + 1,
                    version=version + 1,
                )
            )
            if done.rowcount == 1:
                taken.append(_delivery(session.get(WebhookDelivery, key), owner))
    return taken


def delivered(store: Store, taken: Delivery, *, status: int, wall: datetime) -> None:
    """Note that an endpoint took an event."""
    with store.begin() as session:
        row = _held(session, taken)
        if row is not None:
            _end(row, "delivered", wall, status, None)


def failed(
    store: Store, taken: Delivery, *, status: int | None, problem: str, wall: datetime
) -> None:
    """Note that an endpoint did not: again after a pause, a dead letter at the last."""
    with store.begin() as session:
        row = _held(session, taken)
        if row is None:
            return
        if row.attempts >= MOST_DELIVERIES or row.endpoint.ended_at is not None:
            _end(row, "dead", wall, status, problem)
            return
        row.status, row.lease_until, row.owner = "pending", None, None
        row.answered, row.problem = status, problem[:100]
        # Not a secret: it spreads the tries.
        row.next_at = wall + delivery_pause(row.attempts, random.random())  # noqa: S311


def gone(store: Store, taken: Delivery, *, now: datetime, wall: datetime) -> None:
    """End an endpoint that says that it is there no more (410)."""
    with store.begin() as session:
        row = _held(session, taken)
        if row is None:
            return
        _end(row, "dead", wall, 410, "gone")
        if row.endpoint.ended_at is None:
            _close(session, row.endpoint, "worker", now)


def dead_letters(store: Store, *, partner: int | None = None) -> list[DeadLetter]:
    """Return what no endpoint took, the newest first; of one key if it is given."""
    query = (
        sa.select(WebhookDelivery)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.status == "dead")
        .order_by(sa.desc(WebhookDelivery.id))
        .limit(500)
    )
    if partner is not None:
        query = query.where(WebhookEndpoint.api_key_id == partner)
    with store.read() as session:
        return [_dead(row) for row in session.scalars(query)]


def replay(
    store: Store,
    id: int,
    *,
    actor: str = "staff",
    now: datetime | None = None,
    partner: int | None = None,
) -> None:
    """Send a dead letter again, with the same id and all tries anew.

    Args:
        store: The store.
        id: The dead letter's.
        actor: Who wants it, for the audit.
        now: Aware business time; the clock's by default.
        partner: Only if it is this key's.

    Raises:
        NotFound: There is no such dead letter.
        Refused: ``endpoint_ended``.
    """
    from bot import clock

    with store.begin() as session:
        row: WebhookDelivery | None = session.get(WebhookDelivery, id, with_for_update=True)
        if row is None or row.status != "dead":
            raise NotFound("dead letter")
        if partner is not None and row.endpoint.api_key_id != partner:
            raise NotFound("dead letter")
        if row.endpoint.ended_at is not None:
            raise Refused("endpoint_ended")
        row.status, row.attempts, row.next_at, row.ended_at = "pending", 0, clock.wall(), None
        audit.record(
            session,
            at=now or clock.now(),
            actor=actor,
            action="webhook.replay",
            subject=f"webhook:{row.endpoint_id}",
            event=row.event.reference,
        )


def tidy(store: Store, *, wall: datetime) -> None:
    """Forget answers that are no longer kept, and events that were delivered long ago."""
    idempotency.forget(store, wall=wall)
    with store.begin() as session:
        session.execute(
            sa.delete(_OUT).where(
                _OUT.c.status == "delivered", _OUT.c.ended_at <= wall - DELIVERED_KEPT
            )
        )
        left = sa.select(_OUT.c.event_id)
        events: Any = WebhookEvent.__table__
        session.execute(sa.delete(events).where(events.c.id.not_in(left)))


def _own(partner: int) -> Any:
    return sa.select(WebhookEndpoint).where(
        WebhookEndpoint.api_key_id == partner,
        WebhookEndpoint.ended_at.is_(None),  # type: ignore[union-attr]
    )


def _close(session: Any, row: WebhookEndpoint, actor: str, now: datetime) -> None:
    row.ended_at = now
    waiting = (_OUT.c.status == "pending") & (_OUT.c.endpoint_id == row.id)
    values = {"status": "dead", "problem": "endpoint ended", "ended_at": now}
    session.execute(sa.update(_OUT).where(waiting).values(version=_OUT.c.version + 1, **values))
    subject = f"webhook:{row.id}"
    audit.record(session, at=now, actor=actor, action="webhook.remove", subject=subject)


def _held(session: Any, taken: Delivery) -> WebhookDelivery | None:
    row: WebhookDelivery | None = session.get(WebhookDelivery, taken.id, with_for_update=True)
    same = row is not None and (row.owner, row.attempts) == (taken.owner, taken.attempts)
    return row if same and row is not None and row.status == "sending" else None


def _end(
    row: WebhookDelivery, status: str, wall: datetime, answered: int | None, problem: str | None
) -> None:
    row.status, row.lease_until, row.owner = status, None, None
    row.answered, row.problem, row.ended_at = answered, problem, wall


def _delivery(row: Any, owner: str) -> Delivery:
    secret = unseal(row.endpoint.secret, secret=_secret(), purpose=PURPOSE)
    return Delivery(
        row.id,
        row.endpoint.reference,
        row.endpoint.url,
        base64.b64decode(secret.removeprefix("whsec_")),
        row.event.reference,
        row.event.data,
        owner,
        row.attempts,
    )


def _view(row: WebhookEndpoint) -> EndpointView:
    return EndpointView(row.reference, row.url, tuple(row.events), row.created_at)


def _dead(row: WebhookDelivery) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        endpoint=row.endpoint.reference,
        url=row.endpoint.url,
        event=row.event.reference,
        kind=row.event.kind,
        at=row.event.at,
        attempts=row.attempts,
        answered=row.answered,
        problem=row.problem,
        ended_at=row.ended_at or row.event.at,
    )


def _secret() -> str:
    return get_settings().files_key.get_secret_value()
