"""The worker: sends what is due from the outbox, and looks through the store for reminders."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from bot import clock, heartbeat, webhook_sender
from bot.channels.reply import (
    Blocked,
    ChannelSender,
    Failed,
    Mailbox,
    Outcome,
    Reply,
    RetryAfter,
    Senders,
    Sent,
    Unknown,
    as_message,
    render,
    senders,
)
from bot.rules.outbox import Bucket, DropReason, Rate, full, take
from bot.services import document_upkeep, handoff_timers, outbox, reminders
from bot.services.outbox import Claimed
from bot.settings import Settings
from bot.store.files import FileStore, get_files
from bot.store.session import Store, get_store

logger = logging.getLogger(__name__)

# The parent of a conversation with a person sees a line within a second.
POLL_S = 0.2
SCAN_S = 10.0
# Files are kept for days: nobody waits for their end.
PURGE_S = 3600.0
# Whoever waits for a person waits no longer than that for one who has room.
TICK_S = 2.0
# After the store or anything else failed.
PAUSE_S = 5.0
SEND_TIMEOUT_S = 20.0
CHANNEL_RATE = Rate(per_second=30, burst=30)
CHAT_RATE = Rate(per_second=1, burst=1)
# Buckets of chats that are full again are forgotten beyond so many.
MOST_BUCKETS = 10_000

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[Any]]


class Limits:
    """How fast this worker sends: 30 messages a second in a channel, one a second in a chat."""

    def __init__(self, wall: Clock = clock.wall, sleep: Sleep = asyncio.sleep) -> None:
        """Begin with full buckets.

        Args:
            wall: The machine's time, aware.
            sleep: Waits so many seconds.
        """
        self._wall = wall
        self._sleep = sleep
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._held: dict[str, datetime] = {}

    async def wait(self, channel: str, account: str) -> None:
        """Return when a message may leave."""
        await self._take((channel, account), CHAT_RATE)
        await self._take((channel,), CHANNEL_RATE)

    def hold(self, channel: str, pause: timedelta) -> None:
        """Send nothing in a channel for a while: its platform has asked for that."""
        self._held[channel] = self._wall() + pause

    def free(self, channel: str) -> bool:
        """Say whether a channel is not held."""
        return self._held.get(channel, self._wall()) <= self._wall()

    async def _take(self, name: tuple[str, ...], rate: Rate) -> None:
        while True:
            now = self._wall()
            bucket, pause = take(self._buckets.get(name) or full(rate, now), now)
            self._buckets[name] = bucket
            if not pause:
                break
            await self._sleep(pause.total_seconds())
        if len(self._buckets) > MOST_BUCKETS:
            recent = now - timedelta(seconds=2)
            self._buckets = {k: b for k, b in self._buckets.items() if b.at >= recent}


class Worker:
    """Sends messages; several workers may share a store, each message is one worker's."""

    def __init__(
        self,
        store: Store,
        channels: Senders,
        *,
        now: Clock = clock.now,
        wall: Clock = clock.wall,
        limits: Limits | None = None,
    ) -> None:
        """Make a worker.

        Args:
            store: Where the outbox is.
            channels: What sends in each channel; messages for another one wait.
            now: Business time, aware; perhaps frozen.
            wall: The machine's time, aware.
            limits: How fast; by default as the platforms allow.
        """
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._channels = channels
        self._now = now
        self._wall = wall
        self._limits = limits or Limits(wall)
        self._stopping = False

    def stop(self) -> None:
        """Begin no further message; what has not begun is given back."""
        self._stopping = True

    async def once(self) -> int:
        """Send one batch of what is due; return how many messages were taken."""
        free = [name for name in self._channels if self._limits.free(name)]
        taken = await asyncio.to_thread(
            outbox.claim,
            self._store,
            owner=self.owner,
            channels=free,
            repeatable=[name for name in free if self._repeatable(name)],
            now=self._now(),
            wall=self._wall(),
        )
        await asyncio.gather(*(self._process(claimed) for claimed in taken))
        return len(taken)

    async def drain(self) -> int:
        """Send all that is due now; return how many messages were taken."""
        total = 0
        while taken := await self.once():
            total += taken
        return total

    async def scan(self) -> int:
        """Put the reminders that are due into the outbox; return how many."""
        return await asyncio.to_thread(reminders.scan, self._store, now=self._now())

    async def tick(self) -> int:
        """Do what time has made due in conversations with people; return how many were moved."""
        return await asyncio.to_thread(handoff_timers.tick, self._store, self._now())

    async def run(self, stop: asyncio.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Send and scan until told to stop; a failure is logged, and tried again later.

        Args:
            stop: Ends the run after the messages on their way.
            beat: Called after every round that worked.
        """
        scan_at = tick_at = 0.0
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            pause = POLL_S
            try:
                if loop.time() >= scan_at:
                    await self.scan()
                    scan_at = loop.time() + SCAN_S
                if loop.time() >= tick_at:
                    await self.tick()
                    tick_at = loop.time() + TICK_S
                if await self.once():
                    pause = 0.0
                beat()
            except Exception:
                logger.exception("a round of the worker failed")
                pause = PAUSE_S
            await _either(stop, pause)

    def _repeatable(self, channel: str) -> bool:
        sender = self._channels[channel]
        return isinstance(sender, Mailbox) or sender.idempotent

    async def _process(self, claimed: Claimed) -> None:
        try:
            await self._send(claimed)
        except Exception:
            # Its lease runs out, and it is looked at again.
            logger.exception("message %d could not be ended", claimed.id)

    async def _send(self, claimed: Claimed) -> None:
        try:
            reply = render(claimed.payload)
        except Exception:
            logger.exception("message %d cannot be written", claimed.id)
            await self._end(outbox.drop, claimed, DropReason.UNREADABLE, now=self._now())
            return
        sender = self._channels[claimed.channel]
        if isinstance(sender, Mailbox):
            await self._deliver(claimed, reply)
        else:
            await self._push(claimed, reply, sender)

    async def _deliver(self, claimed: Claimed, reply: Reply) -> None:
        await asyncio.to_thread(
            outbox.deliver,
            self._store,
            claimed,
            as_message(reply),
            now=self._now(),
            wall=self._wall(),
        )

    async def _push(self, claimed: Claimed, reply: Reply, sender: ChannelSender) -> None:
        await self._limits.wait(claimed.channel, claimed.account)
        if self._stopping or not self._limits.free(claimed.channel):
            await self._end(outbox.release, claimed)
            return
        ready = await asyncio.to_thread(
            outbox.begin, self._store, claimed, now=self._now(), wall=self._wall()
        )
        if ready is not None:
            await self._note(ready, await _try(sender, ready, reply))

    async def _note(self, claimed: Claimed, outcome: Outcome) -> None:
        if isinstance(outcome, Sent):
            await self._end(outbox.sent, claimed, now=self._now())
        elif isinstance(outcome, RetryAfter):
            self._limits.hold(claimed.channel, outcome.pause)
            await self._end(outbox.held, claimed, outcome.pause, wall=self._wall())
        elif isinstance(outcome, Blocked):
            await self._end(outbox.blocked, claimed, now=self._now())
        elif isinstance(outcome, Unknown):
            await self._end(outbox.unknown, claimed, now=self._now())
        elif outcome.permanent:
            await self._end(outbox.drop, claimed, DropReason.REFUSED, now=self._now())
        else:
            await self._end(outbox.failed, claimed, now=self._now(), wall=self._wall())

    async def _end(self, end: Callable[..., None], claimed: Claimed, *args: Any, **at: Any) -> None:
        await asyncio.to_thread(end, self._store, claimed, *args, **at)


async def _try(sender: ChannelSender, claimed: Claimed, reply: Reply) -> Outcome:
    outcome: Outcome = Unknown()
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            outcome = await sender.send(claimed.account, reply, key=claimed.key)
    except Exception:
        logger.exception("message %d may or may not have arrived", claimed.id)
    # Where the same message is shown once, sending it again is safe.
    return Failed() if isinstance(outcome, Unknown) and sender.idempotent else outcome


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def purge(
    store: Store,
    files: FileStore,
    stop: asyncio.Event,
    *,
    now: Clock = clock.now,
    wall: Clock = clock.wall,
) -> None:
    """Delete files whose time is over, every hour, beside the messages, until told to stop.

    Args:
        store: The store.
        files: Where the files are.
        stop: Ends it.
        now: Business time, aware; perhaps frozen.
        wall: The machine's time, aware.
    """
    while not stop.is_set():
        try:
            gone = await asyncio.to_thread(
                document_upkeep.purge, store, files, now=now(), wall=wall()
            )
            if gone:
                logger.info("%d files deleted whose time was over", gone)
        except Exception:
            logger.exception("files whose time is over were not deleted")
        await _either(stop, PURGE_S)


async def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    Args:
        settings: Where the heartbeat is.
    """
    worker = Worker(get_store(), senders(settings))
    stop = asyncio.Event()

    def end() -> None:
        worker.stop()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    path = settings.heartbeat
    beside = [
        asyncio.create_task(webhook_sender.serve(get_store(), stop)),
        asyncio.create_task(purge(get_store(), get_files(), stop)),
    ]
    try:
        await worker.run(stop, lambda: heartbeat.beat(path))
    finally:
        heartbeat.stop(path)
        stop.set()
        await asyncio.gather(*beside)
