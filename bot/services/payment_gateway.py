"""Where a parent pays: one boundary, a provider's and a demonstration side (E3)."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import httpx

from bot.rules.payments import signature
from bot.settings import Settings

TIMEOUT_S = 5.0
LONGEST_URL = 500


@dataclass(frozen=True)
class PaymentOrder:
    """What is to be paid: our reference, CNY, and until when (aware)."""

    reference: str
    amount: Decimal
    expires_at: datetime


class PaymentUnavailable(Exception):
    """The provider gives no page to pay at, now or at all."""


class PaymentGateway(Protocol):
    """Gives the address of a page where an order can be paid."""

    def start(self, order: PaymentOrder) -> str:
        """Return the address; the same order again may give the same one.

        Raises:
            PaymentUnavailable: There is none.
        """


class DemoGateway:
    """A page of our own web process, which calls the webhook as a provider would."""

    def __init__(self, base_url: str, secret: str) -> None:
        """Take the web process's address and the key of the page's tokens."""
        self._base, self._secret = base_url, secret

    def start(self, order: PaymentOrder) -> str:
        """Return the demonstration page of an order."""
        return f"{self._base}/pay/demo/{demo_token(self._secret, order.reference)}"


class HttpGateway:
    """Posts ``{"reference", "amount", "currency", "expires_at"}``, signed; gets ``{"url"}``."""

    def __init__(self, url: str, secret: str, transport: httpx.BaseTransport | None = None) -> None:
        """Take the provider's address and the key shared with it."""
        self._client = httpx.Client(timeout=TIMEOUT_S, transport=transport)
        self._url, self._secret = url, secret

    def start(self, order: PaymentOrder) -> str:
        """Ask the provider for the page; see :class:`PaymentGateway`."""
        body = json.dumps(
            {
                "reference": order.reference,
                "amount": f"{order.amount:.2f}",
                "currency": "CNY",
                "expires_at": order.expires_at.isoformat(),
            }
        ).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": stamp,
            "X-Signature": signature(self._secret, stamp, body),
        }
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
            answer.raise_for_status()
            url = answer.json()["url"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise PaymentUnavailable(type(error).__name__) from error
        if not isinstance(url, str) or not url.startswith("https://") or len(url) > LONGEST_URL:
            raise PaymentUnavailable("the provider's answer names no page")
        return url


class NoGateway:
    """Where no provider is configured."""

    def start(self, order: PaymentOrder) -> str:
        """Raise PaymentUnavailable."""
        raise PaymentUnavailable("no payment provider is configured")


def payment_gateway(settings: Settings) -> PaymentGateway:
    """Return the gateway that the settings ask for; the demonstration's never in production."""
    secret = settings.payment_secret.get_secret_value()
    if settings.payment_url is not None:
        return HttpGateway(settings.payment_url, secret)
    if settings.env == "demo":
        return DemoGateway(settings.base_url, secret)
    return NoGateway()


def demo_token(secret: str, reference: str) -> str:
    """Return the token that stands for an order in the demonstration page's address."""
    mark = hmac.new(secret.encode(), f"demo:{reference}".encode(), hashlib.sha256).hexdigest()
    return f"{reference}.{mark[:32]}"


def demo_reference(secret: str, token: str) -> str | None:
    """Return the order that a token stands for; ``None`` if it is not one of ours."""
    reference = token.partition(".")[0]
    return reference if hmac.compare_digest(demo_token(secret, reference), token) else None
