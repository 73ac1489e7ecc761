"""The payment provider's webhook, and the demonstration's page to pay at (手册·电子保险卡 E3)."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import clock
from bot.desk.notices import notice, part, said
from bot.rules.payments import is_genuine, signature
from bot.services import payments
from bot.services.errors import NotFound, Refused
from bot.services.payment_gateway import demo_reference
from bot.services.payments import PaymentView
from bot.settings import get_settings
from bot.store.session import get_store

logger = logging.getLogger(__name__)

LARGEST_BODY = 10_000
TIMEOUT_S = 5.0
_FORM = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}


async def webhook(request: Request) -> Response:
    """Take what the provider says of a payment, if it is signed and fits; 4xx otherwise."""
    body = await _body(request)
    if body is None:
        return JSONResponse({"error": "too large"}, status_code=413)
    secret = get_settings().payment_secret.get_secret_value()
    stamp = request.headers.get("x-timestamp", "")
    given = request.headers.get("x-signature", "")
    if not is_genuine(secret, stamp, given, body, clock.wall()):
        return JSONResponse({"error": "signature"}, status_code=401)
    try:
        told = json.loads(body)
    except ValueError:
        return JSONResponse({"error": "not JSON"}, status_code=400)
    if not isinstance(told, dict):
        return JSONResponse({"error": "not an object"}, status_code=400)
    try:
        seen = await asyncio.to_thread(payments.settle, get_store(), told, now=clock.now())
    except NotFound:
        return JSONResponse({"error": "unknown payment"}, status_code=404)
    except Refused as refused:
        logger.warning("a payment does not fit: %s", refused.reason)
        return JSONResponse({"error": refused.reason}, status_code=422)
    return JSONResponse({"reference": seen.reference, "status": seen.status})


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


async def demo_page(request: Request) -> Response:
    """Show what is to be paid at the demonstration's page."""
    seen = await _demo_payment(request)
    if seen is None:
        return _page("gone", status=404)
    return _page("open" if seen.status in payments.OPEN else seen.status, seen)


async def demo_pay(request: Request) -> Response:
    """Do as a provider does when a parent has paid: call the webhook, signed."""
    seen = await _demo_payment(request)
    if seen is None:
        return _page("gone", status=404)
    if seen.status in payments.OPEN:
        settings = get_settings()
        told = {
            "reference": seen.reference,
            "amount": f"{seen.amount:.2f}",
            "status": "paid",
            "provider_reference": f"DEMO-{seen.reference}",
        }
        body = json.dumps(told).encode()
        stamp = str(int(clock.wall().timestamp()))
        secret = settings.payment_secret.get_secret_value()
        headers = {"X-Timestamp": stamp, "X-Signature": signature(secret, stamp, body)}
        url = f"http://127.0.0.1:{settings.web_port}/webhooks/payment"
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(url, content=body, headers=headers)
        if answer.status_code != httpx.codes.OK:
            return _page("failed", seen, status=502)
    # Whoever pays a link that has ended is told how it ended.
    open_before = seen.status in payments.OPEN
    return _page("paid" if open_before else seen.status, seen)


async def _demo_payment(request: Request) -> PaymentView | None:
    settings = get_settings()
    if settings.env != "demo" or settings.payment_url is not None:
        return None
    secret = settings.payment_secret.get_secret_value()
    reference = demo_reference(secret, request.path_params["token"])
    if reference is None:
        return None
    try:
        return await asyncio.to_thread(
            payments.payment, get_store(), reference=reference, now=clock.now()
        )
    except NotFound:
        return None


def _page(state: str, seen: PaymentView | None = None, *, status: int = 200) -> Response:
    values = {"bill": seen.bill, "amount": f"{seen.amount:,.2f}"} if seen else {}
    form = part("pay_form.html", button=said("pay_button", values)) if state == "open" else ""
    return notice(f"pay_{state}", values, content=form, status=status, headers=_FORM)


ROUTES = (
    Route("/webhooks/payment", webhook, methods=["POST"]),
    Route("/pay/demo/{token:str}", demo_page, methods=["GET"]),
    Route("/pay/demo/{token:str}", demo_pay, methods=["POST"]),
)
