"""What changes at the desk, as it changes: one look at the store serves all open pages.

A stream tells how the desk stands, not what happened: a page that was away a while has lost
nothing. While one is open its agent is there (:func:`bot.services.presence.beat`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot import clock
from bot.desk.console import pages
from bot.desk.console.calls import Call, door
from bot.services import desk_pulse, presence, staff_sessions
from bot.services.errors import NotFound
from bot.store.session import Store, get_store

logger = logging.getLogger(__name__)

LOOK_S = 0.2
# After the store failed.
PAUSE_S = 2.0
# Streams look by themselves, show that they live, and note that the agent is there.
PING_S = 10.0
MOST = 500
RETRY_MS = 1_000


class Pulses:
    """The streams of one process."""

    def __init__(
        self,
        store: Callable[[], Store] = get_store,
        now: Callable[[], datetime] = clock.now,
        wall: Callable[[], datetime] = clock.wall,
    ) -> None:
        """Take what gives the store and the times, aware."""
        self._store, self._now, self._wall = store, now, wall
        self._listeners: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """End all streams, now and from now on; safe in a signal handler."""
        self._closed = True

    def is_full(self) -> bool:
        """Say whether no more streams are served."""
        return self._closed or len(self._listeners) >= MOST

    async def events(self, agent_id: int, token: str) -> AsyncIterator[bytes]:
        """Give ``pulse`` events until the session of ``token`` ends, then ``over``."""
        wake = asyncio.Event()
        self._listeners.add(wake)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._watch())
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while not self._closed:
                wake.clear()
                told = await run_in_threadpool(self._read, agent_id, token)
                if told is None:
                    yield _event("over", {})
                    return
                yield _event("pulse", told)
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), PING_S)
        finally:
            self._listeners.discard(wake)

    def _read(self, agent_id: int, token: str) -> dict[str, Any] | None:
        store = self._store()
        if staff_sessions.who(store, token=token, wall=self._wall(), used=False) is None:
            return None
        # Whoever has not said yet to be there is not.
        with suppress(NotFound):
            presence.beat(store, agent_id=agent_id, now=self._now())
        return dataclasses.asdict(desk_pulse.pulse(store, agent_id=agent_id))

    async def _watch(self) -> None:
        """Wake the streams when anything has changed, as long as there are any."""
        seen: object = None
        while self._listeners:
            pause = LOOK_S
            try:
                found = await run_in_threadpool(desk_pulse.mark, self._store(), now=self._now())
                if found != seen or self._closed:
                    seen = found
                    for wake in self._listeners:
                        wake.set()
            except Exception:
                logger.exception("the desk's streams cannot look into the store")
                pause = PAUSE_S
            await asyncio.sleep(pause)


def _event(kind: str, data: Any) -> bytes:
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {told}\n\n".encode()


async def events(call: Call) -> Response:
    """Answer with the stream."""
    pulses: Pulses = call.request.app.state.pulses
    if pulses.is_full():
        return JSONResponse({}, 503, pages.NO_STORE)
    told = pulses.events(call.user.id, call.token)
    headers = pages.NO_STORE | {"X-Accel-Buffering": "no"}
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


ROUTES = (door("/events", events),)
