"""Workers that claim at once, on both databases: a message is one worker's."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import sqlalchemy as sa

from bot.rules.outbox import LEASE
from bot.services import mailbox, outbox
from bot.store.models import ChatIdentity, ChatMessage, OutboxMessage
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CHATS, EACH, WORKERS = 12, 3, 4


def fill(store: Store) -> None:
    with store.begin() as session:
        for number in range(CHATS):
            chat = ChatIdentity(channel="rest", account=f"a{number}")
            session.add(chat)
            session.flush()
            for second in range(EACH):
                session.add(
                    OutboxMessage(
                        identity_id=chat.id,
                        kind="reply",
                        payload={"reply": {"text": str(second)}},
                        due_at=NOW + timedelta(seconds=second),
                    )
                )


def test_every_message_is_delivered_once_and_in_order(any_store: Store) -> None:
    fill(any_store)
    later = NOW + timedelta(minutes=1)
    start = Barrier(WORKERS)

    def work(name: str) -> int:
        start.wait()
        done = idle = 0
        while idle < 20:
            taken = outbox.claim(
                any_store, owner=name, channels=["rest"], now=later, wall=later, limit=5
            )
            for claimed in taken:
                said = {"text": claimed.payload["reply"]["text"]}
                done += outbox.deliver(any_store, claimed, said, now=later, wall=later)
            idle = 0 if taken else idle + 1
        return done

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(work, [f"w{i}" for i in range(WORKERS)])) == CHATS * EACH
    for number in range(CHATS):
        lines = mailbox.read(any_store, channel="rest", account=f"a{number}")
        assert [line.message["text"] for line in lines] == ["0", "1", "2"]
    with any_store.read() as session:
        assert set(session.scalars(sa.select(OutboxMessage.status))) == {"sent"}
        assert session.scalar(sa.select(sa.func.count()).select_from(ChatMessage)) == CHATS * EACH


def test_an_expired_lease_is_taken_over_by_one(any_store: Store) -> None:
    fill(any_store)
    dead = outbox.claim(any_store, owner="dead", channels=["rest"], now=NOW, wall=NOW)
    assert len(dead) == CHATS
    later, start = NOW + LEASE, Barrier(WORKERS)

    def work(name: str) -> list[int]:
        start.wait()
        claim = outbox.claim(any_store, owner=name, channels=["rest"], now=NOW, wall=later)
        return [claimed.id for claimed in claim]

    with ThreadPoolExecutor(WORKERS) as pool:
        taken = [i for ids in pool.map(work, [f"w{i}" for i in range(WORKERS)]) for i in ids]
    assert sorted(taken) == sorted(claimed.id for claimed in dead)
