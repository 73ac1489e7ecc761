"""The webhook of payments and the demonstration's page, without a server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot.clock import TZ, wall
from bot.desk.app import create_app
from bot.desk.payments import _page
from bot.rules.payments import signature
from bot.services import payments
from bot.services.identity import identify
from bot.services.payment_gateway import DemoGateway
from bot.services.payments import PaymentView
from bot.settings import get_settings
from bot.store.demo.loader import load_demo
from bot.store.migrate import upgrade
from bot.store.models import Binding, Household, Payment, SelfPayBill
from bot.store.session import Store, get_store
from bot.texts import texts

SECRET = "demo-only-payment-secret"
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("BOT_VAR", str(tmp_path))
    monkeypatch.setenv("BOT_NOW", NOW.isoformat())
    get_settings.cache_clear()
    store = get_store()
    upgrade(store.url)
    with store.begin() as session:
        load_demo(session, NOW.date())
    yield store
    store.dispose()
    get_settings.cache_clear()


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def link(store: Store) -> str:
    who = identify(store, "rest", "parent").id
    with store.begin() as session:
        household = session.scalar(sa.select(Household).where(Household.phone == "13800000501"))
        session.add(Binding(identity_id=who, household_id=household.id, verified_at=NOW))
    gateway = DemoGateway("http://testserver", SECRET)
    return payments.begin(store, gateway, identity_id=who, bill="S5001", now=NOW).url


def bill(store: Store) -> str:
    with store.read() as session:
        return str(session.scalar(sa.select(SelfPayBill.status)))


def call(client: TestClient, told: Any, **change: Any) -> httpx.Response:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    stamp = change.get("stamp", str(int(wall().timestamp())))
    headers = {
        "X-Timestamp": stamp,
        "X-Signature": change.get("signature", signature(SECRET, stamp, body)),
    }
    return client.post("/webhooks/payment", content=body, headers=headers)


def paid(link: str, **change: Any) -> dict[str, Any]:
    reference = link.rpartition("/")[2].partition(".")[0]
    return {"reference": reference, "amount": "128.00", "status": "paid"} | change


def test_a_signed_call_pays(client: TestClient, store: Store, link: str) -> None:
    for _ in range(2):
        answer = call(client, paid(link))
        assert (answer.status_code, answer.json()["status"]) == (200, "paid")
    assert bill(store) == "paid"


@pytest.mark.parametrize(
    ("told", "change", "status"),
    [
        ({}, {"signature": "0" * 64}, 401),
        ({}, {"stamp": "1"}, 401),
        ({"reference": "Z0"}, {}, 404),
        ({"amount": "1"}, {}, 422),
        ({"status": "maybe"}, {}, 422),
    ],
)
def test_what_is_wrong_is_told_and_pays_nothing(
    client: TestClient,
    store: Store,
    link: str,
    told: dict[str, Any],
    change: dict[str, Any],
    status: int,
) -> None:
    assert call(client, paid(link, **told), **change).status_code == status
    assert bill(store) == "unpaid"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"no", 400), (b"[]", 400), (b"\xff", 400), (b"x" * 20_000, 413)],
)
def test_malformed_calls_are_refused(client: TestClient, body: bytes, status: int) -> None:
    assert call(client, body).status_code == status


def test_only_posts_are_taken(client: TestClient) -> None:
    assert client.get("/webhooks/payment").status_code == 405


def test_the_page_shows_the_amount_and_runs_no_script(client: TestClient, link: str) -> None:
    answer = client.get(link)
    assert answer.status_code == 200
    assert "支付 128.00 元（演示）" in answer.text
    assert "<script" not in answer.text
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_pays_over_the_webhook(
    client: TestClient, store: Store, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[httpx.Request] = []

    async def deliver(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        told = await asyncio.to_thread(
            client.post,
            "/webhooks/payment",
            content=request.content,
            headers=dict(request.headers),
        )
        return httpx.Response(told.status_code, content=told.content)

    real = httpx.AsyncClient
    monkeypatch.setattr(
        "bot.desk.payments.httpx.AsyncClient",
        lambda **kw: real(transport=httpx.MockTransport(deliver), **kw),
    )
    assert "已付清" in client.post(link).text
    assert "已付清" in client.post(link).text
    assert len(heard) == 1, "what is paid is not paid again"
    assert bill(store) == "paid"
    assert "已经付清" in client.get(link).text


def test_a_made_up_link_leads_nowhere(client: TestClient, link: str) -> None:
    for url in (link + "x", "http://testserver/pay/demo/Z1.0"):
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404


def test_production_has_no_such_page(
    client: TestClient, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_settings().model_copy(update={"env": "production"})
    monkeypatch.setattr("bot.desk.payments.get_settings", lambda: settings)
    assert client.get(link).status_code == 404


@pytest.mark.parametrize("state", ["open", "paid", "expired", "failed", "gone"])
def test_every_page_has_its_words(state: str) -> None:
    seen = PaymentView("Z1", "S5001", Decimal(128), state, NOW)
    page = _page(state, None if state == "gone" else seen)
    text = bytes(page.body).decode()
    assert texts()[f"page_pay_{state}_title"].text in text
    assert not re.search(r"\{\w*\}", text)
    assert ("<form" in text) is (state == "open")


def test_paying_a_link_that_has_expired_pays_nothing(
    client: TestClient, store: Store, link: str
) -> None:
    with store.begin() as session:
        session.scalars(sa.select(Payment)).one().expires_at = NOW
    assert "链接已过期" in client.get(link).text
    assert "链接已过期" in client.post(link).text
    assert bill(store) == "unpaid"
