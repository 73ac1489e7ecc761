"""Tells partners of events, beside the worker that writes to parents.

A name is resolved here, and the address that was checked is the one that is connected to: a name
that points elsewhere a moment later reaches nothing inside our network.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot import clock
from bot.services import webhooks
from bot.services.webhooks import Delivery
from bot.settings import get_settings
from bot.store.session import Store

logger = logging.getLogger(__name__)

POLL_S = 1.0
PAUSE_S = 5.0
TIMEOUT_S = 10.0
TIDY_S = 3600.0
GONE = 410

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Unreachable(Exception):
    """A host has no address that may be connected to."""


def signature(secret: bytes, event: str, stamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of Standard Webhooks: HMAC-SHA256 of id, time and body."""
    signed = f"{event}.{stamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Sender:
    """Sends events; several senders may share a store, each event is one sender's."""

    def __init__(
        self,
        store: Store,
        client: httpx.AsyncClient,
        *,
        demo: bool,
        resolve: Resolve = resolve,
        wall: Callable[[], datetime] = clock.wall,
    ) -> None:
        """Make a sender.

        Args:
            store: Where the events are.
            client: Neither follows redirects nor trusts the environment's proxies.
            demo: Whether this machine may be told as well.
            resolve: Finds a host's addresses.
            wall: The machine's time, aware.
        """
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._store, self._client, self._demo = store, client, demo
        self._resolve, self._wall = resolve, wall

    async def once(self) -> int:
        """Send one batch of what is due; return how many were taken."""
        taken = await asyncio.to_thread(
            webhooks.claim, self._store, owner=self.owner, wall=self._wall()
        )
        await asyncio.gather(*(self._one(delivery) for delivery in taken))
        return len(taken)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop; a failure is logged, and tried again later."""
        tidy_at, loop = 0.0, asyncio.get_running_loop()
        while not stop.is_set():
            pause = POLL_S
            try:
                if loop.time() >= tidy_at:
                    await asyncio.to_thread(webhooks.tidy, self._store, wall=self._wall())
                    tidy_at = loop.time() + TIDY_S
                if await self.once():
                    pause = 0.0
            except Exception:
                logger.exception("a round of the webhooks failed")
                pause = PAUSE_S
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _one(self, delivery: Delivery) -> None:
        try:
            await self._tell(delivery)
        except Exception:
            # Its lease runs out, and it is tried again.
            logger.exception("webhook %s could not be ended", delivery.event)

    async def _tell(self, delivery: Delivery) -> None:
        status, problem = await self._post(delivery)
        if status == GONE:
            end: Any = webhooks.gone
            told: dict[str, Any] = {"now": clock.now()}
        elif status is not None and httpx.codes.is_success(status):
            end, told = webhooks.delivered, {"status": status}
        else:
            end, told = webhooks.failed, {"status": status, "problem": problem}
        await asyncio.to_thread(end, self._store, delivery, wall=self._wall(), **told)

    async def _post(self, delivery: Delivery) -> tuple[int | None, str]:
        body = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
        stamp = int(self._wall().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "youxiang-webhooks/1",
            "webhook-id": delivery.event,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(delivery.secret, delivery.event, stamp, body),
        }
        try:
            async with asyncio.timeout(TIMEOUT_S):
                url, host = await self._target(delivery.url)
                request = self._client.build_request(
                    "POST",
                    url,
                    content=body,
                    headers=headers | {"Host": host},
                    extensions={"sni_hostname": urlsplit(delivery.url).hostname},
                )
                answer = await self._client.send(request, stream=True)
                # Whatever they have to say is not read.
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, Unreachable) as error:
            return None, type(error).__name__
        return answer.status_code, f"HTTP {answer.status_code}"

    async def _target(self, url: str) -> tuple[httpx.URL, str]:
        parts = httpx.URL(url)
        host = parts.host
        port = parts.port or (443 if parts.scheme == "https" else 80)
        for address in await self._resolve(host, port):
            found = ipaddress.ip_address(address.partition("%")[0])
            local = self._demo and webhooks.is_loopback(host) and found.is_loopback
            if local or webhooks.is_public(found):
                return parts.copy_with(host=str(found)), parts.netloc.decode("ascii")
        raise Unreachable(host)


async def serve(store: Store, stop: asyncio.Event) -> None:
    """Send until told to stop."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        await Sender(store, client, demo=get_settings().env == "demo").run(stop)
