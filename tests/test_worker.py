"""The worker: what each answer of a channel leads to, its pace, and its death at any moment."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels.reply import (
    Blocked,
    Failed,
    Mailbox,
    Outcome,
    Reply,
    RetryAfter,
    Senders,
    Sent,
    Unknown,
)
from bot.clock import TZ
from bot.rules.handoffs import AgentStatus
from bot.rules.outbox import LEASE
from bot.services import document_upkeep, presence
from bot.services.handoffs import request_handoff
from bot.services.identity import identify
from bot.settings import ROOT
from bot.store.files import FileStore
from bot.store.migrate import upgrade
from bot.store.models import ChatIdentity, ChatMessage, HandOff, OutboxMessage
from bot.store.session import Store
from bot.worker import Limits, Worker, purge

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "store.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(tmp_path: Path, empty_file: Path) -> Iterator[Store]:
    path = tmp_path / "store.sqlite"
    path.write_bytes(empty_file.read_bytes())
    made = Store(f"sqlite:///{path}")
    yield made
    made.dispose()


@dataclass
class Time:
    """A machine's clock that passes while somebody sleeps."""

    at: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass
class Phone:
    """A channel whose answers are given; the last one stays."""

    answers: list[Outcome | Exception] = field(default_factory=lambda: [Sent()])
    idempotent: bool = False
    got: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def send(self, account: str, reply: Reply, *, key: str) -> Outcome:
        self.got.append((account, reply))
        self.keys.append(key)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def put(store: Store, channel: str, account: str = "a", text: str = "你好", **more: Any) -> int:
    with store.begin() as session:
        query = sa.select(ChatIdentity).where(
            ChatIdentity.channel == channel, ChatIdentity.account == account
        )
        who = session.scalar(query)
        if who is None:
            who = ChatIdentity(channel=channel, account=account)
            session.add(who)
            session.flush()
        values = {"payload": {"reply": {"text": text}}, "kind": "reply", "due_at": NOW} | more
        row = OutboxMessage(identity_id=who.id, **values)
        session.add(row)
        session.flush()
        return row.id


def made(store: Store, channels: Senders, wall: Time | None = None) -> Worker:
    wall = wall or Time()
    return Worker(store, channels, now=lambda: NOW, wall=wall, limits=Limits(wall, wall.sleep))


def states(store: Store) -> list[str]:
    with store.read() as session:
        return list(session.scalars(sa.select(OutboxMessage.status).order_by(OutboxMessage.id)))


def lines(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(ChatMessage).order_by(ChatMessage.id)).all()
    return [row.payload["text"] for row in rows]


# ---- what a channel answers


async def test_sent(store: Store) -> None:
    phone = Phone()
    message = put(store, "push")
    assert await made(store, {"push": phone}).drain() == 1
    assert states(store) == ["sent"]
    assert [(account, reply.text) for account, reply in phone.got] == [("a", "你好")]
    assert phone.keys == [f"outbox:{message}"]


async def test_a_mailbox(store: Store) -> None:
    put(store, "rest")
    assert await made(store, {"rest": Mailbox()}).drain() == 1
    assert (states(store), lines(store)) == (["sent"], ["你好"])


async def test_failed_then_sent(store: Store) -> None:
    phone, wall = Phone([Failed(), Sent()]), Time()
    put(store, "push")
    worker = made(store, {"push": phone}, wall)
    assert await worker.drain() == 1
    assert states(store) == ["failed"]
    wall.at += timedelta(seconds=5)
    assert await worker.drain() == 1
    assert (states(store), len(phone.got)) == (["sent"], 2)


async def test_refused_for_good(store: Store) -> None:
    put(store, "push")
    await made(store, {"push": Phone([Failed(permanent=True)])}).drain()
    assert states(store) == ["dropped"]


async def test_retry_after_holds_the_whole_channel(store: Store) -> None:
    phone, wall = Phone([RetryAfter(timedelta(seconds=30)), Sent()]), Time()
    worker = made(store, {"push": phone}, wall)
    put(store, "push")
    await worker.drain()
    put(store, "push", "b")
    wall.at += timedelta(seconds=29)
    assert await worker.drain() == 0
    assert len(phone.got) == 1
    wall.at += timedelta(seconds=1)
    assert await worker.drain() == 2
    assert states(store) == ["sent", "sent"]


async def test_blocked(store: Store) -> None:
    phone = Phone([Blocked()])
    put(store, "push")
    put(store, "push")
    await made(store, {"push": phone}).drain()
    assert states(store) == ["dropped", "dropped"]
    assert len(phone.got) == 1


@pytest.mark.parametrize("answer", [Unknown(), TimeoutError("read"), RuntimeError("bug")])
async def test_what_may_have_arrived_is_not_repeated(
    store: Store, answer: Outcome | Exception
) -> None:
    phone, wall = Phone([answer]), Time()
    put(store, "push")
    worker = made(store, {"push": phone}, wall)
    await worker.drain()
    wall.at += timedelta(hours=1)
    await worker.drain()
    assert (states(store), len(phone.got)) == (["unknown"], 1)


async def test_where_it_is_shown_once_it_is_repeated(store: Store) -> None:
    phone, wall = Phone([Unknown(), TimeoutError(), Sent()], idempotent=True), Time()
    message = put(store, "push")
    worker = made(store, {"push": phone}, wall)
    for _ in range(3):
        await worker.drain()
        wall.at += timedelta(minutes=1)
    assert states(store) == ["sent"]
    assert phone.keys == [f"outbox:{message}"] * 3


async def test_a_hanging_channel_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Phone):
        async def send(self, account: str, reply: Reply, *, key: str) -> Outcome:
            await asyncio.sleep(60)
            return Sent()

    monkeypatch.setattr("bot.worker.SEND_TIMEOUT_S", 0.05)
    put(store, "push")
    await made(store, {"push": Hanging()}).drain()
    assert states(store) == ["unknown"]


async def test_a_message_that_cannot_be_written_hinders_no_other(store: Store) -> None:
    put(store, "push", payload={"text": "no_such_text"})
    put(store, "push")
    await made(store, {"push": Phone()}).drain()
    assert states(store) == ["dropped", "sent"]


async def test_a_channel_without_a_sender_waits_for_one(store: Store) -> None:
    put(store, "telegram")
    assert await made(store, {"push": Phone()}).drain() == 0
    assert states(store) == ["pending"]


async def test_a_worker_that_stops_begins_nothing(store: Store) -> None:
    phone = Phone()
    put(store, "push")
    worker = made(store, {"push": phone})
    worker.stop()
    await worker.once()
    assert (states(store), phone.got) == (["pending"], [])


# ---- pace and order


async def test_one_chat_gets_one_message_a_second_in_order(store: Store) -> None:
    phone, wall = Phone(), Time()
    for number in range(5):
        put(store, "push", text=str(number))
    await made(store, {"push": phone}, wall).drain()
    assert [reply.text for _, reply in phone.got] == ["0", "1", "2", "3", "4"]
    assert wall.at - NOW == timedelta(seconds=4)


async def test_a_channel_gets_thirty_a_second(store: Store) -> None:
    phone, wall = Phone(), Time()
    for number in range(90):
        put(store, "push", f"a{number}")
    await made(store, {"push": phone}, wall).drain()
    assert len(phone.got) == 90
    assert wall.at - NOW == pytest.approx(timedelta(seconds=2), abs=timedelta(seconds=0.1))


# ---- the whole process


CRASHING = """
import asyncio, os, sys
from datetime import datetime
from bot.channels.reply import Sent
from bot.services import outbox
from bot.store.session import Store
from bot.worker import Worker

store, moment, arrived = Store(sys.argv[1]), sys.argv[2], sys.argv[3]
now = datetime.fromisoformat(sys.argv[4])

def stand_still(*_, **__):
    print("now", flush=True)
    sys.stdin.read()

class Phone:
    idempotent = False
    async def send(self, account, reply, *, key):
        if moment == "sending":
            stand_still()
        with open(arrived, "a") as file:
            file.write(reply.text)
        if moment == "arrived":
            stand_still()
        return Sent()

if moment == "claimed":
    outbox.begin = stand_still
asyncio.run(Worker(store, {"push": Phone()}, now=lambda: now, wall=lambda: now).once())
"""


@pytest.mark.parametrize(
    ("moment", "ends", "arrivals"),
    [("claimed", "sent", 1), ("sending", "unknown", 0), ("arrived", "unknown", 1)],
)
def test_killed_at_any_moment_nothing_is_lost_and_nothing_doubled(
    store: Store, tmp_path: Path, moment: str, ends: str, arrivals: int
) -> None:
    arrived = tmp_path / "arrived"
    put(store, "push", text="x")
    code = [sys.executable, "-c", CRASHING, store.url, moment, str(arrived), NOW.isoformat()]
    with subprocess.Popen(
        code, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        os.kill(process.pid, signal.SIGKILL)
    assert states(store) == ["sending"]

    class Paper(Phone):
        async def send(self, account: str, reply: Reply, *, key: str) -> Outcome:
            with arrived.open("a") as file:
                file.write("x")
            return Sent()

    early, late = Time(NOW + LEASE / 2), Time(NOW + LEASE)
    assert asyncio.run(made(store, {"push": Paper()}, early).drain()) == 0
    asyncio.run(made(store, {"push": Paper()}, late).drain())
    assert states(store) == [ends]
    assert (arrived.read_text() if arrived.exists() else "") == "x" * arrivals


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_the_real_process_delivers_survives_sigkill_and_stops_cleanly(
    store: Store, tmp_path: Path
) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("BOT_")} | {
        "BOT_VAR": str(tmp_path / "var"),
        "BOT_DATABASE_URL": store.url,
        "BOT_NOW": NOW.isoformat(),
    }
    command = [sys.executable, "-m", "bot.cli", "serve", "worker", "--quiet"]
    alive = tmp_path / "var" / "worker.alive"
    put(store, "rest", text="一")
    with subprocess.Popen(command, cwd=ROOT, env=environ) as first:
        until(lambda: lines(store) == ["一"])
        until(alive.exists)
        first.kill()
    put(store, "rest", text="二")
    with subprocess.Popen(command, cwd=ROOT, env=environ) as second:
        until(lambda: lines(store) == ["一", "二"])
        second.send_signal(signal.SIGTERM)
        assert second.wait(15) == 0
    assert states(store) == ["sent", "sent"]
    assert not alive.exists()


def test_what_waits_for_a_person_is_offered_by_the_worker(store: Store) -> None:
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=NOW)
    who = identify(store, "rest", "waiting").id
    item = request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id
    worker = Worker(store, {}, now=lambda: NOW, wall=lambda: NOW)
    assert asyncio.run(worker.tick()) == 1
    assert asyncio.run(worker.tick()) == 0
    with store.read() as session:
        row = session.get(HandOff, item)
        assert row is not None
        assert (row.status, row.agent_id) == ("assigned", 1)


def test_a_running_worker_does_so_by_itself(store: Store) -> None:
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=NOW)
    who = identify(store, "rest", "waiting").id
    item = request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id
    worker = Worker(store, {}, now=lambda: NOW, wall=lambda: NOW)

    async def run() -> None:
        stop = asyncio.Event()
        await worker.run(stop, stop.set)

    asyncio.run(run())
    with store.read() as session:
        row = session.get(HandOff, item)
        assert row is not None
        assert row.status == "assigned"


def test_files_are_looked_through_and_a_failure_does_not_end_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = FileStore(str(tmp_path / "files"), ["a key"])
    left = files.put(b"left by a crash")
    later = NOW + timedelta(days=400)
    real, calls, stop = document_upkeep.purge, [0], asyncio.Event()

    def fails_once(*args: Any, **kwargs: Any) -> int:
        calls[0] += 1
        if calls[0] == 1:
            raise OSError("no disk")
        stop.set()
        return real(*args, **kwargs)

    monkeypatch.setattr(document_upkeep, "purge", fails_once)
    monkeypatch.setattr("bot.worker.PURGE_S", 0)
    asyncio.run(purge(store, files, stop, now=lambda: NOW, wall=lambda: later))
    assert left not in {name for name, _ in files.stored()}
    assert "were not deleted" in caplog.text
