"""What is said in a chat, as it is said: Server-Sent Events by cursor.

One look at the store, ten times a second while anybody listens, serves all streams: it tells which
chats have grown. Each stream then reads its own lines beyond its cursor, so that nothing is lost
or said twice however often a connection breaks; it also looks by itself now and then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from bot.rules.calendar import local
from bot.rules.messages import is_answer
from bot.services import mailbox, web_chat
from bot.services.mailbox import Line
from bot.store.session import Store

logger = logging.getLogger(__name__)

LOOK_S = 0.1
# A line that a slower transaction of another chat got a lower id for is still noticed.
OVERLAP = 200
# Streams look by themselves, and show that they live.
PING_S = 10.0
# After the store failed.
PAUSE_S = 1.0
# Several windows of one parent; a browser gives a site six connections.
MOST_OF_ONE = 3
MOST = 5_000
RETRY_MS = 2_000


def shown(line: Line) -> dict[str, Any]:
    """Return a line as the page takes it; the time in Asia/Shanghai (ISO 8601).

    ``answer`` tells of a button that it means nothing any more once something else was said.
    """
    said = dict(line.message)
    if said.get("buttons"):
        said["buttons"] = [one | {"answer": is_answer(one["payload"])} for one in said["buttons"]]
    return said | {
        "id": line.id,
        "side": "bot" if line.direction == "out" else "me",
        "at": local(line.at).isoformat(timespec="seconds"),
    }


class _Listener:
    def __init__(self, after: int) -> None:
        self.after = after
        self.wake = asyncio.Event()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.wake.set()


class Streams:
    """The streams of one process."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Take what gives the store, when it is first needed."""
        self._store = store
        self._listeners: dict[str, list[_Listener]] = defaultdict(list)
        self._looking: asyncio.Task[None] | None = None
        self._seen = 0
        self._closed = False

    def close(self) -> None:
        """End all streams, now and from now on; safe in a signal handler."""
        self._closed = True

    def nudge(self, account: str) -> None:
        """Let the streams of an account look at once."""
        for listener in self._listeners.get(account, ()):
            listener.wake.set()

    def is_full(self) -> bool:
        """Say whether no more streams are served."""
        return self._closed or sum(map(len, self._listeners.values())) >= MOST

    async def events(self, account: str, after: int) -> AsyncIterator[bytes]:
        """Give the events of a chat beyond a cursor, until the stream is ended.

        ``line``: a line, with its id as the event's. ``typing``: whether an answer is on its way.
        ``ping``: nothing.
        """
        listener = _Listener(after)
        listeners = self._listeners[account]
        if len(listeners) >= MOST_OF_ONE:
            listeners[0].end()
        listeners.append(listener)
        self._look()
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            async for event in self._told(account, listener):
                yield event
        finally:
            with suppress(ValueError):
                listeners.remove(listener)
            if not listeners and self._listeners.get(account) is listeners:
                del self._listeners[account]

    async def _told(self, account: str, listener: _Listener) -> AsyncIterator[bytes]:
        typing: bool | None = None
        while not (listener.ended or self._closed):
            listener.wake.clear()
            thinking, lines = await asyncio.to_thread(self._read, account, listener.after)
            for line in lines:
                listener.after = line.id
                yield _event("line", shown(line), line.id)
            if lines and len(lines) == mailbox.MOST:
                continue
            # Said after the lines: an answer that has come is not on its way any more.
            yield _event("typing", thinking) if thinking != typing else _event("ping", 0)
            typing = thinking
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.wake.wait(), PING_S)

    def _read(self, account: str, after: int) -> tuple[bool, list[Line]]:
        store = self._store()
        # In this order: what is answered in between is shown with its answer.
        thinking = web_chat.is_thinking(store, account=account)
        return thinking, web_chat.lines(store, account=account, after=after)

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Wake the streams whose chats have grown, as long as there are any."""
        while self._listeners:
            if self._closed:
                self._wake_all()
                return
            pause = LOOK_S
            try:
                ends = await asyncio.to_thread(
                    mailbox.ends, self._store(), above=max(0, self._seen - OVERLAP)
                )
            except Exception:
                logger.exception("the streams cannot look into the store")
                pause, ends = PAUSE_S, {}
            for (channel, account), end in ends.items():
                self._seen = max(self._seen, end)
                for listener in self._listeners.get(account, ()):
                    if channel == web_chat.CHANNEL and end > listener.after:
                        listener.wake.set()
            await asyncio.sleep(pause)

    def _wake_all(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake.set()


def _event(kind: str, data: Any, number: int | None = None) -> bytes:
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {told}\n\n".encode()
