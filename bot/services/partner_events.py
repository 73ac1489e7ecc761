"""Writes down what partners are told, in the transaction of the change itself."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.partners import EVENTS, PartnerEvent
from bot.store.models import (
    Appointment,
    Authorization,
    Claim,
    DocumentReference,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

_ROWS: dict[str, Any] = {
    "appointment": Appointment,
    "authorization": Authorization,
    "claim": Claim,
}


def publish(session: Any, *, at: datetime, action: str, subject: str) -> None:
    """Write the event of an audited change for each endpoint that wants it; none is no error.

    An event names the thing and its state; what it says beyond that is read from the API, by
    whoever may. Drafts and files of nothing yet are the parents' own and not told.

    Args:
        session: The transaction of the change.
        at: Aware business time.
        action: The audit's.
        subject: The audit's.
    """
    kind = EVENTS.get(action) or _of_a_file(action)
    if kind is None:
        return
    # What is being changed is written when its service says so, and not by these questions.
    with session.no_autoflush:
        wanting = [
            endpoint.id
            for endpoint in session.scalars(
                sa.select(WebhookEndpoint).where(WebhookEndpoint.ended_at.is_(None))  # type: ignore[union-attr]
            )
            if kind.value in endpoint.events
        ]
        data = _data(session, subject) if wanting else None
    if data is None:
        return
    event = WebhookEvent(
        reference=f"evt_{secrets.token_hex(16)}",
        kind=kind.value,
        at=at,
        data={
            "type": kind.value,
            "timestamp": at.astimezone(TZ).isoformat(timespec="seconds"),
            "data": data,
        },
    )
    for endpoint in wanting:
        # To be sent at once, by the machine's clock.
        session.add(WebhookDelivery(event=event, endpoint_id=endpoint, next_at=_FIRST))
    session.add(event)


_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def _of_a_file(action: str) -> PartnerEvent | None:
    return PartnerEvent.CLAIM_DOCUMENTS_ADDED if action in _FILES else None


_FILES = frozenset({"document.receive", "document.attach", "document.replace"})


def _data(session: Any, subject: str) -> dict[str, Any] | None:
    kind, _, key = subject.partition(":")
    if kind == "document":
        file: DocumentReference | None = session.get(DocumentReference, int(key))
        claim_id = file.claim_id if file else None
        row = session.get(Claim, claim_id) if claim_id is not None else None
        return _of(row) if row is not None and row.status != "draft" else None
    table = _ROWS.get(kind)
    if table is None:
        # The audit names the others by their reference already.
        return {"reference": subject}
    return _of(session.get(table, int(key)))


def _of(row: Any) -> dict[str, Any] | None:
    return None if row is None else {"reference": row.reference, "status": row.status}
