"""The outbox: each state of a message, leases, order, quiet hours, and what is dropped."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.notifications import NotificationKind
from bot.rules.outbox import LEASE, MOST_ATTEMPTS, DropReason
from bot.services import outbox
from bot.services.identity import identify
from bot.services.outbox import Claimed
from bot.services.reminder_settings import set_muted
from bot.store.models import (
    AuditEntry,
    Binding,
    ChatIdentity,
    ChatMessage,
    OutboxMessage,
    Policy,
)
from bot.store.session import Store

NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=TZ)
SECOND = timedelta(seconds=1)
PAID = NotificationKind.CLAIM_PAID
Put = Callable[..., int]


@pytest.fixture
def put(store: Store, now: datetime) -> Put:
    """Put a message into the outbox; return its id."""

    def add(identity: int, kind: str = PAID, **changes: Any) -> int:
        values = {"payload": {"reply": {"text": "你好"}}, "due_at": now} | changes
        with store.begin() as session:
            row = OutboxMessage(identity_id=identity, kind=str(kind), **values)
            session.add(row)
            session.flush()
            return row.id

    return add


@pytest.fixture
def take(store: Store, now: datetime) -> Callable[..., list[Claimed]]:
    """Claim as a worker that can send everywhere."""

    def claimed(owner: str = "w1", **changes: Any) -> list[Claimed]:
        given = {"channels": ["rest", "push"], "now": now, "wall": now} | changes
        return outbox.claim(store, owner=owner, **given)

    return claimed


def row_of(store: Store, message: int) -> OutboxMessage:
    with store.read() as session:
        found = session.get(OutboxMessage, message)
        assert found is not None
        return found


def state(store: Store, message: int) -> str:
    return row_of(store, message).status


def audited(store: Store, action: str) -> list[dict[str, Any]]:
    with store.read() as session:
        query = sa.select(AuditEntry.detail).where(AuditEntry.action == action)
        return list(session.scalars(query))


# ---- the way of a message, state by state


def test_pending_sending_sent(store: Store, bound: Any, put: Put, take: Any, now: datetime) -> None:
    message = put(bound("13800000201"))
    assert state(store, message) == "pending"
    (claimed,) = take()
    assert state(store, message) == "sending"
    assert (claimed.channel, claimed.account, claimed.attempts) == ("rest", "parent", 1)
    begun = outbox.begin(store, claimed, now=now, wall=now)
    assert begun is not None
    outbox.sent(store, begun, now=now)
    row = row_of(store, message)
    assert (row.status, row.sent_at, row.lease_until) == ("sent", now, None)
    assert take(wall=now + 10 * LEASE) == []


def test_what_is_due_later_waits(bound: Any, put: Put, take: Any, now: datetime) -> None:
    put(bound("13800000201"), due_at=now + SECOND)
    assert take() == []
    assert len(take(now=now + SECOND)) == 1


def test_what_is_for_another_channel_waits(bound: Any, put: Put, take: Any) -> None:
    put(bound("13800000201"))
    assert take(channels=["telegram"]) == []
    assert take(channels=[]) == []


def test_a_failure_is_tried_again_after_a_pause_and_dropped_at_the_last(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message, wall = put(bound("13800000201")), now
    for attempt in range(1, MOST_ATTEMPTS + 1):
        (claimed,) = take(wall=wall)
        assert claimed.attempts == attempt
        outbox.failed(store, claimed, now=now, wall=wall)
        if attempt < MOST_ATTEMPTS:
            assert state(store, message) == "failed"
            assert take(wall=wall) == []
        wall += timedelta(minutes=16)
    row = row_of(store, message)
    assert (row.status, row.reason) == ("dropped", "attempts")
    assert audited(store, "message.drop") == [
        {"kind": PAID, "attempts": MOST_ATTEMPTS, "reason": "attempts"}
    ]
    assert take(wall=wall) == []


def test_a_platform_that_wants_a_pause_gets_it_and_no_try_is_counted(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take()
    outbox.held(store, claimed, timedelta(seconds=7), wall=now)
    row = row_of(store, message)
    assert (row.status, row.attempts) == ("pending", 0)
    assert take(wall=now + 6 * SECOND) == []
    assert len(take(wall=now + 7 * SECOND)) == 1


def test_unknown_is_never_repeated_but_may_still_be_confirmed(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take()
    begun = outbox.begin(store, claimed, now=now, wall=now)
    assert begun is not None
    outbox.unknown(store, begun, now=now)
    assert state(store, message) == "unknown"
    assert len(audited(store, "message.unknown")) == 1
    assert take(wall=now + 10 * LEASE) == []
    outbox.sent(store, begun, now=now)
    assert state(store, message) == "sent"


def test_a_refused_message_is_dropped(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take()
    outbox.drop(store, claimed, DropReason.REFUSED, now=now)
    assert (state(store, message), row_of(store, message).reason) == ("dropped", "refused")


# ---- workers that die


def test_a_worker_that_dies_before_sending_loses_nothing(
    bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message = put(bound("13800000201"))
    assert len(take("w1")) == 1
    assert take("w2", wall=now + LEASE - SECOND) == []
    (again,) = take("w2", wall=now + LEASE)
    assert (again.id, again.attempts) == (message, 2)


def test_a_worker_that_comes_back_late_sends_nothing(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    put(bound("13800000201"))
    (first,) = take("w1")
    late = now + LEASE
    assert outbox.begin(store, first, now=now, wall=late) is None
    (second,) = take("w2", wall=late)
    assert outbox.begin(store, first, now=now, wall=late) is None
    assert outbox.deliver(store, first, {"text": "x"}, now=now, wall=late) is False
    outbox.failed(store, first, now=now, wall=late)
    begun = outbox.begin(store, second, now=now, wall=late)
    assert begun is not None


def test_what_may_have_arrived_is_repeated_only_where_it_is_shown_once(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    late = now + LEASE
    once, twice = put(bound("13800000201")), put(identify(store, "push", "x").id)
    for claimed in take("w1"):
        assert outbox.begin(store, claimed, now=now, wall=now) is not None
    assert [c.id for c in take("w2", wall=late, repeatable=["push"])] == [twice]
    assert state(store, once) == "unknown"
    assert len(audited(store, "message.unknown")) == 1


def test_a_message_that_kills_its_workers_is_given_up(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message, wall = put(bound("13800000201")), now
    for _ in range(MOST_ATTEMPTS):
        assert len(take(wall=wall)) == 1
        wall += LEASE
    assert take(wall=wall) == []
    assert row_of(store, message).reason == "attempts"


def test_a_worker_that_stops_gives_back_what_it_has_not_begun(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take("w1")
    outbox.release(store, claimed)
    assert (state(store, message), row_of(store, message).attempts) == ("pending", 0)
    (claimed,) = take("w2")
    begun = outbox.begin(store, claimed, now=now, wall=now)
    assert begun is not None
    outbox.release(store, begun)
    assert state(store, message) == "sending"


# ---- order


def test_a_chat_gets_one_message_at_a_time_in_order(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    mother, father = bound("13800000201", account="m"), bound("13800000201", account="f")
    late, early = put(mother), put(mother, due_at=now - SECOND)
    other = put(father)
    first = take()
    assert [c.id for c in first] == [early, other]
    assert take("w2") == []
    outbox.failed(store, first[0], now=now, wall=now)
    # Not even while the first one waits for another try.
    assert take("w2") == []
    (again,) = take("w2", wall=now + 5 * SECOND)
    assert again.id == early
    outbox.sent(store, again, now=now)
    assert [c.id for c in take(wall=now + 5 * SECOND)] == [late]


# ---- the mailbox


def test_a_mailbox_gets_a_message_in_the_transaction_that_marks_it_sent(
    store: Store, bound: Any, put: Put, take: Any, now: datetime, count: Any
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take()
    assert outbox.deliver(store, claimed, {"text": "你好"}, now=now, wall=now)
    assert state(store, message) == "sent"
    assert count(ChatMessage, outbox_id=message) == 1
    assert not outbox.deliver(store, claimed, {"text": "你好"}, now=now, wall=now)
    assert count(ChatMessage) == 1


def test_a_failing_delivery_leaves_neither(
    store: Store, bound: Any, put: Put, take: Any, now: datetime, count: Any
) -> None:
    message = put(bound("13800000201"))
    (claimed,) = take()
    with pytest.raises(Exception, match="JSON"):
        outbox.deliver(store, claimed, {"text": object()}, now=now, wall=now)
    assert state(store, message) == "sending"
    assert count(ChatMessage) == 0


# ---- quiet hours


def test_at_night_only_what_is_urgent_and_answers_leave(bound: Any, put: Put, take: Any) -> None:
    one, two = bound("13800000201", account="m"), bound("13800000201", account="f")
    put(one, PAID)
    urgent = put(one, NotificationKind.APPOINTMENT_DECLINED)
    answer = put(two, "reply")
    assert [c.id for c in take(now=NIGHT)] == [urgent, answer]


def test_what_waited_for_the_morning_leaves_then(bound: Any, put: Put, take: Any) -> None:
    message = put(bound("13800000201"))
    assert take(now=NIGHT) == []
    morning = NIGHT.replace(day=24, hour=8, minute=0)
    assert take(now=morning - SECOND) == []
    assert [c.id for c in take(now=morning)] == [message]


# ---- what is not to be said any more


def dropped(store: Store, take: Any, now: datetime) -> str | None:
    (claimed,) = take()
    assert outbox.begin(store, claimed, now=now, wall=now) is None
    assert not outbox.deliver(store, claimed, {"text": "x"}, now=now, wall=now)
    row = row_of(store, claimed.id)
    assert row.status == "dropped"
    return row.reason


def test_muted(store: Store, bound: Any, put: Put, take: Any, now: datetime, count: Any) -> None:
    identity = bound("13800000201")
    put(identity)
    set_muted(store, identity_id=identity, kinds=[PAID], muted=True, now=now)
    assert dropped(store, take, now) == "muted"
    assert count(ChatMessage) == 0


def test_an_account_that_is_no_longer_bound_is_told_nothing(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    identity = bound("13800000201")
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy.id).where(Policy.number == "YX2026-000201"))
        session.execute(sa.delete(Binding).where(Binding.identity_id == identity))
    put(identity, policy_id=policy)
    assert dropped(store, take, now) == "unbound"


def test_who_blocked_the_bot_gets_nothing_until_writing_again(
    store: Store, bound: Any, put: Put, take: Any, now: datetime
) -> None:
    identity = bound("13800000201")
    first = put(identity)
    (claimed,) = take()
    outbox.blocked(store, claimed, now=now)
    assert row_of(store, first).reason == "blocked"
    put(identity)
    assert dropped(store, take, now) == "blocked"
    identify(store, "rest", "parent")
    with store.read() as session:
        found = session.get(ChatIdentity, identity)
        assert found is not None
        assert found.blocked_at is None
    message = put(identity)
    (claimed,) = take()
    assert outbox.deliver(store, claimed, {"text": "x"}, now=now, wall=now)
    assert state(store, message) == "sent"
