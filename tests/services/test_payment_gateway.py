"""Where a parent pays: the provider, the demonstration, and neither."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from bot.clock import wall
from bot.rules.payments import is_genuine
from bot.services.payment_gateway import (
    DemoGateway,
    HttpGateway,
    PaymentOrder,
    PaymentUnavailable,
    demo_reference,
    payment_gateway,
)
from bot.settings import Settings

ORDER = PaymentOrder("Z1", Decimal("128"), datetime(2026, 11, 23, 3, tzinfo=UTC))
PRODUCTION = {
    "env": "production",
    "sms_url": "https://sms.example",
    "code_secret": SecretStr("own"),
    "public_url": "https://bot.example/",
    "files_key": SecretStr("a secret of our own for all the files"),
}


def test_the_provider_gets_a_signed_order_and_names_the_page() -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"url": "https://pay.example/1"})

    gateway = HttpGateway("https://pay.example", "k", httpx.MockTransport(provider))
    assert gateway.start(ORDER) == "https://pay.example/1"
    request = asked[0]
    assert json.loads(request.content) == {
        "reference": "Z1",
        "amount": "128.00",
        "currency": "CNY",
        "expires_at": "2026-11-23T03:00:00+00:00",
    }
    stamp, given = request.headers["x-timestamp"], request.headers["x-signature"]
    assert is_genuine("k", stamp, given, request.content, wall())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="no"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"url": "http://pay.example"}),
        httpx.Response(200, json={"url": "https://" + "x" * 600}),
    ],
)
def test_a_provider_that_fails_is_unavailable(answer: httpx.Response) -> None:
    gateway = HttpGateway("https://pay.example", "k", httpx.MockTransport(lambda _: answer))
    with pytest.raises(PaymentUnavailable):
        gateway.start(ORDER)


def test_the_demonstrations_page_is_its_orders_alone() -> None:
    url = DemoGateway("http://127.0.0.1:8080", "k").start(ORDER)
    token = url.rpartition("/")[2]
    assert demo_reference("k", token) == "Z1"
    assert demo_reference("other", token) is None
    assert demo_reference("k", token.replace("Z1", "Z2")) is None
    assert demo_reference("k", "Z1") is None


def test_the_settings_choose_the_gateway() -> None:
    assert isinstance(payment_gateway(Settings.model_validate({})), DemoGateway)
    provider = {"payment_url": "https://pay.example", "payment_secret": SecretStr("own")}
    real = Settings.model_validate(PRODUCTION | provider)
    assert isinstance(payment_gateway(real), HttpGateway)
    # Production never pays at the demonstration's page.
    with pytest.raises(PaymentUnavailable):
        payment_gateway(Settings.model_validate(PRODUCTION)).start(ORDER)
