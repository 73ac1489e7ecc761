"""Messages to parents, written in the transaction of what they tell of; a worker sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.notifications import NotificationKind
from bot.store.models import Binding, OutboxMessage, Policy
from bot.texts import texts


def notify(
    session: Session,
    *,
    policy_id: int,
    kind: NotificationKind,
    text: str,
    values: Mapping[str, str],
    key: str,
    due_at: datetime,
) -> int:
    """Put a message into the outbox for every chat account bound to a policy's household.

    Args:
        session: The transaction of what the message tells of.
        policy_id: The policy's row.
        kind: What it tells; parents mute messages by kind.
        text: The name of a text in ``data/texts/``.
        values: The text's placeholders, already written for a parent; others are not stored.
        key: Names the event: the same key for the same account is put in once. Its first words
            may say when the message is obsolete (:mod:`bot.services.relevance`).
        due_at: When to send it (aware); now, or later for a reminder.

    Returns:
        How many messages were put in.

    Raises:
        ValueError: There is no such text, or a placeholder of it has no value.
    """
    told = filled(text, values)
    receivers = session.scalars(
        sa.select(Binding.identity_id)
        .join(Policy, Policy.household_id == Binding.household_id)
        .where(Policy.id == policy_id)
        .order_by(Binding.identity_id)
    ).all()
    # Whoever unbinds the policy is not told of it any more.
    payload = {"text": text, "values": told, "policy_id": policy_id}
    return _put(session, receivers, kind, payload, key, due_at, policy_id)


def notify_account(
    session: Session,
    *,
    identity_id: int,
    kind: NotificationKind,
    text: str,
    values: Mapping[str, str],
    key: str,
    due_at: datetime,
) -> int:
    """Put a message into the outbox for one chat account, bound or not; as :func:`notify`."""
    payload = {"text": text, "values": filled(text, values)}
    return _put(session, [identity_id], kind, payload, key, due_at)


def _put(
    session: Session,
    receivers: Sequence[int],
    kind: NotificationKind,
    payload: dict[str, Any],
    key: str,
    due_at: datetime,
    policy_id: int | None = None,
) -> int:
    keys = {identity: f"{key}:{identity}" for identity in receivers}
    taken = OutboxMessage.idempotency_key.in_(list(keys.values()))  # type: ignore[union-attr]
    known = set(session.scalars(sa.select(OutboxMessage.idempotency_key).where(taken)))
    new = {identity: name for identity, name in keys.items() if name not in known}
    for identity, name in new.items():
        session.add(
            OutboxMessage(
                identity_id=identity,
                policy_id=policy_id,
                kind=kind.value,
                payload=payload,
                due_at=due_at,
                idempotency_key=name,
            )
        )
    return len(new)


def filled(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that a text has placeholders for; others are left out.

    Raises:
        ValueError: There is no such text, or a placeholder of it has no value.
    """
    said = texts().get(text)
    if said is None:
        msg = f"there is no text {text!r}"
        raise ValueError(msg)
    wanted = {field for _, field, _, _ in Formatter().parse(said.text) if field}
    missing = wanted - set(values)
    if missing:
        msg = f"{text} needs {', '.join(sorted(missing))}"
        raise ValueError(msg)
    return {name: values[name] for name in sorted(wanted)}
