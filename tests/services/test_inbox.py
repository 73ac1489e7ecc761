"""The inbox: stored once, processed once, in order, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.messages import InboundKind
from bot.services import inbox, mailbox
from bot.services.errors import Refused
from bot.services.inbox import LEASE, InboundMessage, Shown, accept, claim, finish, renew
from bot.store.models import ChatMessage, InboundUpdate, OutboxMessage
from bot.store.session import Store

A, B = "worker-a", "worker-b"


@pytest.fixture
def say(store: Store, now: datetime) -> Callable[..., bool]:
    def put(update: str, text: str = "你好", *, account: str = "1", **change: Any) -> bool:
        given: dict[str, Any] = {
            "channel": "telegram",
            "account": account,
            "update_id": update,
            "kind": InboundKind.TEXT,
            "said_at": now,
            "text": text,
        }
        return accept(store, InboundMessage(**given | change), now=now)

    return put


def outbox(store: Store) -> list[Any]:
    with store.read() as session:
        return list(session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))


def test_an_update_is_stored_once(say: Callable[..., bool], count: Callable[..., int]) -> None:
    assert [say("7"), say("7"), say("7", "别的")] == [True, False, False]
    assert say("7", channel="web"), "another app has numbers of its own"
    assert count(InboundUpdate) == 2


def test_ten_deliveries_at_once_are_one(
    say: Callable[..., bool], count: Callable[..., int]
) -> None:
    start = Barrier(10)

    def deliver(_: int) -> bool:
        start.wait()
        return say("7")

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(deliver, range(10))) == [False] * 9 + [True]
    assert count(InboundUpdate) == 1


def test_what_was_said_comes_back_whole(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    say("7", None, kind=InboundKind.FILE, extra={"documents": [3, 4]})
    taken = claim(store, owner=A, now=now)
    assert taken is not None
    assert taken.message.kind is InboundKind.FILE
    assert taken.message.extra == {"documents": [3, 4]}
    assert taken.message.said_at == now
    assert (taken.message.text, taken.attempts) == (None, 1)


def test_messages_of_one_parent_are_taken_in_order_those_of_others_meanwhile(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    for update, account in (("1", "mother"), ("2", "mother"), ("3", "father")):
        say(update, account=account)
    first = claim(store, owner=A, now=now)
    second = claim(store, owner=B, now=now)
    assert first
    assert second
    assert (first.message.update_id, second.message.update_id) == ("1", "3")
    assert claim(store, owner=B, now=now) is None, "the mother's second waits for her first"
    assert finish(store, first, [], owner=A, now=now, due_at=now)
    third = claim(store, owner=B, now=now)
    assert third
    assert third.message.update_id == "2"


def test_the_replies_are_sent_with_the_end_of_the_update(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    say("1")
    taken = claim(store, owner=A, now=now)
    assert taken
    assert finish(store, taken, [{"text": "一"}, {"text": "二"}], owner=A, now=now, due_at=now)
    rows = outbox(store)
    assert [row.payload["reply"]["text"] for row in rows] == ["一", "二"]
    assert {(row.kind, row.status, row.due_at) for row in rows} == {("reply", "pending", now)}
    assert not finish(store, taken, [{"text": "一"}], owner=A, now=now, due_at=now)
    assert len(outbox(store)) == 2


def test_what_a_dead_worker_had_is_given_out_again(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    say("1")
    dead = claim(store, owner=A, now=now)
    assert dead
    assert claim(store, owner=B, now=now + LEASE) is None
    later = now + LEASE + timedelta(seconds=1)
    again = claim(store, owner=B, now=later)
    assert again
    assert (again.id, again.attempts) == (dead.id, 2)
    # The first one was only slow: what it says now is not said twice.
    assert not finish(store, dead, [{"text": "一"}], owner=A, now=later, due_at=later)
    assert finish(store, again, [{"text": "一"}], owner=B, now=later, due_at=later)
    assert len(outbox(store)) == 1


def test_a_lease_is_renewed_by_its_owner_alone(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    say("1")
    taken = claim(store, owner=A, now=now)
    assert taken
    later = now + LEASE
    assert renew(store, update=taken.id, owner=A, now=later)
    assert not renew(store, update=taken.id, owner=B, now=later)
    assert claim(store, owner=B, now=later + LEASE) is None
    finish(store, taken, [], owner=A, now=later, due_at=later)
    assert not renew(store, update=taken.id, owner=A, now=later)


def test_many_workers_take_every_update_once(
    store: Store, say: Callable[..., bool], now: datetime
) -> None:
    for number in range(12):
        say(str(number), account=str(number % 4))
    order: dict[str, list[int]] = {}

    def work(owner: str) -> list[int]:
        done = []
        for _ in range(60):
            taken = claim(store, owner=owner, now=now)
            if taken is not None:
                order.setdefault(taken.message.account, []).append(taken.id)
                assert finish(store, taken, [{"text": "好"}], owner=owner, now=now, due_at=now)
                done.append(taken.id)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [i for found in pool.map(work, ["a", "b", "c", "d"]) for i in found]
    assert sorted(done) == sorted(set(done))
    assert len(done) == 12
    assert all(ids == sorted(ids) for ids in order.values())
    assert len(outbox(store)) == 12


def test_a_failed_update_ends_too(store: Store, say: Callable[..., bool], now: datetime) -> None:
    say("1")
    taken = claim(store, owner=A, now=now)
    assert taken
    assert finish(store, taken, [{"text": "抱歉"}], owner=A, now=now, due_at=now, failed=True)
    with store.read() as session:
        assert session.scalar(sa.select(InboundUpdate.status)) == "failed"
    assert claim(store, owner=A, now=now + timedelta(days=1)) is None
    assert inbox.MOST_ATTEMPTS == 3


def test_what_the_parent_said_stands_in_the_chat_once(
    store: Store, now: datetime, count: Callable[..., int]
) -> None:
    said = InboundMessage("web", "1", "7", InboundKind.TEXT, now, "你好")
    shown = Shown({"text": "你好"}, now)
    assert [accept(store, said, now=now, shown=shown) for _ in range(3)] == [True, False, False]
    (line,) = mailbox.both(store, channel="web", account="1")
    assert (line.direction, line.message["text"]) == ("in", "你好")
    assert mailbox.read(store, channel="web", account="1") == []
    assert count(InboundUpdate) == 1


def test_what_is_not_allowed_is_not_stored(
    store: Store, now: datetime, count: Callable[..., int]
) -> None:
    def refuse(_session: object) -> None:
        raise Refused("used")

    said = InboundMessage("web", "1", "7", InboundKind.BUTTON, now, "/affirm")
    with pytest.raises(Refused):
        accept(store, said, now=now, shown=Shown({}, now, refuse))
    assert count(InboundUpdate) == count(ChatMessage) == 0


def test_replies_to_who_fetches_are_in_the_mailbox_at_once(
    store: Store, now: datetime, say: Callable[..., bool]
) -> None:
    say("7", channel="web")
    claimed = claim(store, owner=A, now=now)
    assert claimed
    replies = [{"text": "一"}, {"text": "二"}]
    ends = [
        finish(store, claimed, replies, owner=A, now=now, due_at=now, fetched=True)
        for _ in range(2)
    ]
    assert ends == [True, False]
    lines = mailbox.read(store, channel="web", account="1")
    assert [line.message["text"] for line in lines] == ["一", "二"]
    assert [(row.status, row.attempts, row.sent_at) for row in outbox(store)] == [
        ("sent", 1, now),
        ("sent", 1, now),
    ]
