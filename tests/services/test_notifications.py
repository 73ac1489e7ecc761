"""Messages to parents: one for each bound account, once for an event."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bot.rules.notifications import NotificationKind
from bot.services.notifications import notify, notify_account
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
    with store.read() as session:
        policy = session.scalar(sa.select(Policy.id).where(Policy.number == "YX2026-000201"))
    told = {"text": "claim_paid", "values": {"reference": "C1"}, "policy_id": policy}
    assert rows[0].payload == told


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


def test_one_account_alone_is_told(store: Store, bound: Callable[..., int], now: datetime) -> None:
    mother = bound("13800000201", account="mother")
    bound("13800000201", account="father")
    for _ in range(2):
        with store.begin() as session:
            notify_account(
                session,
                identity_id=mother,
                kind=NotificationKind.COMPLAINT_ANSWERED,
                text="notify_complaint_answered",
                values={"reference": "F1"},
                key="complaint:1:answered",
                due_at=now,
            )
    with store.read() as session:
        (row,) = session.scalars(sa.select(OutboxMessage)).all()
    assert row.identity_id == mother
    assert row.payload == {"text": "notify_complaint_answered", "values": {"reference": "F1"}}
