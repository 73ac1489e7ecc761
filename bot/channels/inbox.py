"""The Rasa side of the inbox: takes stored updates one by one and answers through the outbox.

Runs inside the Rasa server. Messaging apps only store updates (:mod:`bot.services.inbox`) and may
nudge this loop with ``POST /webhooks/inbox``; what is stored while the server is down is processed
when it is up again. An update is never processed twice: if the server died after the turn was
saved, the turn's replies are read from the conversation instead.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import BotUttered, UserUttered

from bot import clock
from bot.channels import people
from bot.channels.collector import Collector, offered_once, saved
from bot.channels.reply import PULL, as_message, render
from bot.rules.messages import READABLE, InboundKind, is_stale, typed
from bot.services import inbox
from bot.services.identity import identify
from bot.services.inbox import LEASE, MOST_ATTEMPTS, Claimed, InboundMessage
from bot.store.session import Store
from bot.texts import texts

logger = logging.getLogger(__name__)

PARALLEL = 8
# What is slower than this is announced; the app shows it for five seconds.
TYPING_AFTER_S, TYPING_AGAIN_S = 0.5, 4.0
# The photos of an album come one by one.
ALBUM_S = 1.2
# Apps with a button that sends the parent's own number, and where it is asked for.
WITH_CONTACTS = frozenset({"telegram"})
PHONE_SLOT = "bind_phone"
# How long an update may wait if nobody nudges.
POLL_S = 0.5
Reply = dict[str, Any]


class Agent(Protocol):
    """What is needed of Rasa's agent."""

    tracker_store: Any

    def handle_message(self, message: UserMessage) -> Awaitable[Any]:
        """Run one turn."""

    def parse_message(self, message_data: str) -> Awaitable[dict[str, Any]]:
        """Read a text without a turn."""


class Intake(Protocol):
    """What an app does for its messages before and while they are answered."""

    def prepare(self, message: InboundMessage, *, now: datetime) -> Awaitable[Mapping[str, Any]]:
        """Fetch the files of a message; return what the dialogue reads of them."""

    def typing(self, account: str) -> Awaitable[None]:
        """Show that an answer is on its way."""


class InboxConsumer:
    """Processes updates, those of one conversation in order, several conversations at once."""

    def __init__(
        self,
        store: Store,
        agent: Agent,
        wall: Callable[[], datetime] = clock.wall,
        now: Callable[[], datetime] = clock.now,
        intakes: Mapping[str, Intake] = MappingProxyType({}),
    ) -> None:
        """Make a consumer.

        Args:
            store: Where the inbox is.
            agent: Runs the turns.
            wall: The machine's clock, aware; for leases.
            now: The business clock, aware; for the outbox.
            intakes: What fetches files and shows typing, by channel.
        """
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._agent = agent
        self._wall = wall
        self._now = now
        self._intakes = intakes
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(PARALLEL)
        self._running: set[asyncio.Task[None]] = set()

    def nudge(self) -> None:
        """Look for new updates at once."""
        self._wake.set()

    async def run(self) -> None:
        """Process updates until cancelled."""
        while True:
            self._wake.clear()
            if not await self._take():
                try:
                    await asyncio.wait_for(self._wake.wait(), POLL_S)
                except TimeoutError:
                    continue

    async def drain(self) -> None:
        """Process what waits now, and return when it is done."""
        while await self._take() or self._running:
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _take(self) -> bool:
        await self._free.acquire()
        try:
            claimed = await asyncio.to_thread(
                inbox.claim, self._store, owner=self.owner, now=self._wall()
            )
        except Exception:
            logger.exception("the inbox cannot be read")
            claimed = None
        if claimed is None:
            self._free.release()
            return False
        task = asyncio.create_task(self._process(claimed))
        self._running.add(task)
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free.release()
        # The account's next message may be processed now.
        self._wake.set()

    async def _process(self, claimed: Claimed) -> None:
        renewing = asyncio.create_task(self._keep(claimed))
        typing = asyncio.create_task(self._show_typing(claimed.message))
        failed = False
        also: list[Claimed] = []
        try:
            also = await self._album(claimed)
            replies = await self._answer(await self._prepared(claimed, also))
        except Exception:
            extra = {"conversation": sender_id(claimed.message)}
            logger.exception("an update could not be processed", extra=extra)
            replies, failed = [_fixed("failure")], True
        finally:
            renewing.cancel()
            typing.cancel()
        fetched = claimed.message.channel in PULL
        try:
            if fetched:
                replies = [as_message(render({"reply": reply})) for reply in replies]
            await asyncio.to_thread(
                inbox.finish,
                self._store,
                claimed,
                replies,
                owner=self.owner,
                now=self._wall(),
                due_at=self._now(),
                failed=failed,
                fetched=fetched,
                also=also,
            )
        except Exception:
            # Its lease runs out, and it is given out again.
            logger.exception("an update could not be ended")

    async def _keep(self, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            await asyncio.to_thread(
                inbox.renew, self._store, update=claimed.id, owner=self.owner, now=self._wall()
            )

    async def _show_typing(self, message: InboundMessage) -> None:
        intake = self._intakes.get(message.channel)
        if intake is None:
            return
        await asyncio.sleep(TYPING_AFTER_S)
        while True:
            await intake.typing(message.account)
            await asyncio.sleep(TYPING_AGAIN_S)

    async def _album(self, claimed: Claimed) -> list[Claimed]:
        """Wait for the other photos of an album, and take them with this one."""
        if "group" not in claimed.message.extra:
            return []
        waited = (self._wall() - claimed.received_at).total_seconds()
        await asyncio.sleep(min(max(ALBUM_S - waited, 0), ALBUM_S))
        return await asyncio.to_thread(
            inbox.absorb, self._store, claimed, owner=self.owner, now=self._wall()
        )

    async def _prepared(self, claimed: Claimed, also: Sequence[Claimed]) -> Claimed:
        """Fetch the files of a message and of those taken with it."""
        message = claimed.message
        intake = self._intakes.get(message.channel)
        if intake is None or not message.extra.get("files"):
            return claimed
        files = [f for one in (claimed, *also) for f in one.message.extra.get("files", ())]
        whole = replace(message, extra={**message.extra, "files": files})
        read = await intake.prepare(whole, now=self._now())
        return replace(claimed, message=replace(whole, extra={**whole.extra, **read}))

    async def _answer(self, claimed: Claimed) -> list[Reply]:
        message = claimed.message
        if claimed.attempts > MOST_ATTEMPTS:
            logger.error("an update was given up after %d attempts", claimed.attempts - 1)
            return [_fixed("failure")]
        read = rasa_text(message)
        if read is None:
            return [_fixed(f"inbound_{message.kind.value}")]
        if claimed.attempts > 1:
            said = await self._said_before(claimed)
            if said is not None:
                return said
        said = await self._from_people(claimed, read)
        if said is not None:
            return said
        if is_stale(message.said_at, claimed.received_at):
            return [_fixed("inbound_stale")]
        collector = Collector()
        turn = UserMessage(
            read,
            collector,
            sender_id(message),
            input_channel=message.channel,
            message_id=message_id(claimed),
        )
        await self._agent.handle_message(turn)
        replies = [_reply(said) for said in offered_once(collector.messages)]
        if replies and message.channel in WITH_CONTACTS and await self._asks_phone(message):
            # The app's own button spares typing the number, and proves it.
            replies[-1].setdefault("contact", texts()["inbound_contact_button"].text)
        return replies or [_fixed("failure")]

    async def _from_people(self, claimed: Claimed, read: str) -> list[Reply] | None:
        message = claimed.message
        who = await asyncio.to_thread(identify, self._store, message.channel, message.account)
        return await people.answered(
            self._store,
            self._agent.parse_message,
            identity_id=who.id,
            text=read,
            key=message_id(claimed),
            now=self._now(),
        )

    async def _asks_phone(self, message: InboundMessage) -> bool:
        tracker = await self._agent.tracker_store.retrieve(sender_id(message))
        return tracker is not None and tracker.get_slot("requested_slot") == PHONE_SLOT

    async def _said_before(self, claimed: Claimed) -> list[Reply] | None:
        """Return the replies of a turn that was saved before the server died, if it was."""
        tracker = await self._agent.tracker_store.retrieve(sender_id(claimed.message))
        said: list[dict[str, Any]] | None = None
        for event in tracker.events if tracker else []:
            if isinstance(event, UserUttered):
                if said is not None:
                    break
                said = [] if event.message_id == message_id(claimed) else None
            elif isinstance(event, BotUttered) and said is not None:
                said.append(saved(event))
        if said is None:
            return None
        return [_reply(one) for one in offered_once(said)] or [_fixed("failure")]


def sender_id(message: InboundMessage) -> str:
    """Return the conversation's id: accounts of two apps may be called the same."""
    return f"{message.channel}:{message.account}"


def message_id(claimed: Claimed) -> str:
    """Return the id by which the conversation remembers an update."""
    return f"inbox:{claimed.id}"


def rasa_text(message: InboundMessage) -> str | None:
    """Return what Rasa reads for an update; ``None`` if the dialogue does not read such a thing."""
    if message.kind not in READABLE:
        return None
    if message.kind is InboundKind.BUTTON:
        return message.text or None
    if message.kind is InboundKind.TEXT:
        return typed(message.text or "") or None
    known = {
        InboundKind.FILE: ("document", "document_refused"),
        InboundKind.CONTACT: ("phone",),
    }[message.kind]
    entities = {name: message.extra[name] for name in known if message.extra.get(name)}
    return f"/inform{json.dumps(entities)}" if entities else None


def _fixed(name: str) -> Reply:
    text = texts()[name if name in texts() else "inbound_other"]
    return {"text": text.text, "buttons": [dict(button) for button in text.buttons]}


def _reply(said: dict[str, Any]) -> Reply:
    return {key: value for key, value in said.items() if key != "recipient_id" and value}
