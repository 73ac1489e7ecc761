"""Messages to parents: one for each bound account, once for an event."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bot.rules.notifications import NotificationKind
from bot.services.notifications import notify
from bot.store.models import OutboxMessage, Policy
from bot.store.session import Store


def put_in(store: Store, now: datetime, key: str, number: str = "YX2026-000201") -> int:
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy).where(Policy.number == number))
        return notify(
            session,
            policy_id=policy.id,
            kind=NotificationKind.CLAIM_PAID,
            text="claim_paid",
            values={"reference": "C1"},
            key=key,
            due_at=now,
        )


def test_every_account_of_the_household_is_told_and_nobody_else(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    mother, father = bound("13800000201", account="mother"), bound("13800000201", account="father")
    bound("13800000101", account="stranger")
    assert put_in(store, now, "claim:1:paid") == 2
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage)).all()
    assert {row.identity_id for row in rows} == {mother, father}
    assert {row.status for row in rows} == {"pending"}
    assert rows[0].payload == {"text": "claim_paid", "values": {"reference": "C1"}}


def test_one_event_is_told_once(store: Store, bound: Callable[..., int], now: datetime) -> None:
    bound("13800000201", account="mother")
    assert put_in(store, now, "claim:1:paid") == 1
    assert put_in(store, now, "claim:1:paid") == 0
    assert put_in(store, now, "claim:2:paid") == 1


def test_who_binds_later_is_told_of_later_events(
    store: Store, bound: Callable[..., int], now: datetime
) -> None:
    assert put_in(store, now, "claim:1:paid") == 0
    bound("13800000201", account="mother")
    assert put_in(store, now, "claim:1:paid") == 1
