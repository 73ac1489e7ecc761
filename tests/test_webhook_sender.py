"""Telling a partner's server: signed, to a checked address, and again after a kill."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bot import clock
from bot.clock import TZ
from bot.rules.partners import PartnerEvent
from bot.services import api_keys, audit, webhooks
from bot.store.migrate import upgrade
from bot.store.models import WebhookDelivery
from bot.store.session import Store
from bot.webhook_sender import Sender

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
SENDING = """
import asyncio, sys
from bot.store.session import Store
from bot.webhook_sender import serve
asyncio.run(serve(Store(sys.argv[1]), asyncio.Event()))
"""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # More at once than a sender has on its way.
    request_queue_size = 128


class Receiver:
    """A partner's server that notes what it is told, and may be slow or fail."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.status, self.pause = 204, 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                # Cut off: the sender died while it wrote.
                if len(body) < length:
                    return
                receiver.told.append(({k.lower(): v for k, v in self.headers.items()}, body))
                time.sleep(receiver.pause)
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=1"

    @property
    def ids(self) -> Counter[str]:
        return Counter(headers["webhook-id"] for headers, _ in list(self.told))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store = Store(url)
    api_keys.create(store, name="core", scopes=["webhooks:manage"], actor="t", now=NOW)
    yield store
    store.dispose()


def register(store: Store, url: str) -> str:
    _, secret = webhooks.register(
        store, partner=1, actor="t", url=url, events=[PartnerEvent.PAYMENT_PAID], now=NOW
    )
    return secret


def happen(store: Store, times: int = 1) -> None:
    for number in range(times):
        with store.begin() as session:
            audit.record(session, at=NOW, actor="t", action="payment.paid", subject=f"S{number}")


def states(store: Store) -> Counter[str]:
    with store.read() as session:
        return Counter(session.scalars(sa.select(WebhookDelivery.status)).all())


async def test_an_event_is_signed_and_told_once(store: Store, receiver: Receiver) -> None:
    secret = register(store, receiver.url)
    happen(store)
    async with httpx.AsyncClient(trust_env=False) as client:
        sender = Sender(store, client, demo=True)
        assert await sender.once() == 1
        assert await sender.once() == 0
    ((headers, body),) = receiver.told
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["host"] == receiver.url.split("/")[2]
    assert json.loads(body) == {
        "type": "payment.paid",
        "timestamp": "2026-11-23T10:00:00+08:00",
        "data": {"reference": "S0"},
    }
    assert states(store) == {"delivered": 1}


@pytest.mark.parametrize(("status", "state"), [(500, "pending"), (302, "pending"), (410, "dead")])
async def test_an_answer_that_is_no_yes(
    store: Store, receiver: Receiver, status: int, state: str
) -> None:
    register(store, receiver.url)
    happen(store)
    receiver.status = status
    async with httpx.AsyncClient(trust_env=False) as client:
        await Sender(store, client, demo=True).once()
    assert states(store) == {state: 1}
    assert len(webhooks.endpoints(store, partner=1)) == (0 if status == 410 else 1)
    with store.read() as session:
        assert session.scalars(sa.select(WebhookDelivery.answered)).one() == status


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1"])
async def test_a_name_that_points_inside_reaches_nothing(store: Store, address: str) -> None:
    register(store, "https://partner.example.com/hook")
    happen(store)

    async def inside(_host: str, _port: int) -> list[str]:
        return [address]

    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as client:
        await Sender(store, client, demo=True, resolve=inside).once()
    with store.read() as session:
        row = session.scalars(sa.select(WebhookDelivery)).one()
        assert (row.status, row.problem) == ("pending", "Unreachable")


async def test_the_address_that_was_checked_is_connected_to(store: Store) -> None:
    register(store, "https://partner.example.com:8443/hook")
    happen(store)
    seen = []

    async def outside(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8"]

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(note)) as client:
        await Sender(store, client, demo=False, resolve=outside).once()
    (request,) = seen
    assert str(request.url) == "https://8.8.8.8:8443/hook"
    assert request.headers["host"] == "partner.example.com:8443"
    assert request.extensions["sni_hostname"] == "partner.example.com"


async def test_a_name_that_is_not_known_is_tried_again(store: Store) -> None:
    register(store, "https://partner.example.com/hook")
    happen(store)

    async def unknown(_host: str, _port: int) -> list[str]:
        raise OSError

    async with httpx.AsyncClient() as client:
        await Sender(store, client, demo=False, resolve=unknown).once()
    assert states(store) == {"pending": 1}
    assert webhooks.claim(store, owner="a", wall=clock.wall() + timedelta(seconds=4)) == []
    assert len(webhooks.claim(store, owner="a", wall=clock.wall() + timedelta(seconds=11))) == 1


def start(store: Store) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    return subprocess.Popen([sys.executable, "-c", SENDING, store.url], env=environ)


def until(condition: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_sender_loses_nothing(store: Store, receiver: Receiver) -> None:
    register(store, receiver.url)
    happen(store, 60)
    receiver.pause = 0.3
    first = start(store)
    try:
        until(lambda: len(receiver.told) >= 25)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    before = states(store)
    assert before["sending"] > 0
    assert before["delivered"] < 60
    # A minute goes by.
    with store.begin() as session:
        session.execute(
            sa.update(WebhookDelivery)
            .where(WebhookDelivery.status == "sending")
            .values(lease_until=NOW - timedelta(days=400))
        )
    receiver.pause = 0.0
    second = start(store)
    try:
        until(lambda: states(store) == {"delivered": 60})
    finally:
        second.terminate()
        second.wait(10)
    ids = receiver.ids
    assert len(ids) == 60
    # Only what was on its way when the sender died may come twice, and under its own id.
    assert sum(ids.values()) <= 60 + before["sending"]
    bodies = {(headers["webhook-id"], body) for headers, body in receiver.told}
    assert len(bodies) == 60


def test_two_senders_share_the_work(store: Store, receiver: Receiver) -> None:
    register(store, receiver.url)
    happen(store, 40)
    both = [start(store), start(store)]
    try:
        until(lambda: states(store) == {"delivered": 40})
    finally:
        for one in both:
            one.terminate()
            one.wait(10)
    assert set(receiver.ids.values()) == {1}
    assert len(receiver.ids) == 40
