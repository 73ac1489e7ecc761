"""How a one-time code reaches a phone: one boundary, a real and a demonstration side."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol

import httpx

from bot.settings import Settings

logger = logging.getLogger(__name__)

# Seconds to wait before each further try; a code lives five minutes.
RETRY_AFTER_S = (1.0, 5.0)


class SmsSender(Protocol):
    """Sends a code. ``shown_in_chat`` tells that the chat itself must show the code (demo)."""

    shown_in_chat: bool

    def send_code(self, phone: str, code: str) -> None:
        """Send ``code`` to ``phone``.

        Raises:
            SmsError: The code could not be handed over.
        """


class SmsError(Exception):
    """The gateway did not accept the message."""


class DemoSmsSender:
    """Sends nothing: the chat shows the code, marked as a demonstration."""

    shown_in_chat = True

    def send_code(self, phone: str, code: str) -> None:
        """Do nothing."""


class HttpSmsSender:
    """Posts ``{"phone", "template", "code"}`` as JSON to the configured gateway."""

    shown_in_chat = False

    def __init__(
        self, url: str, token: str | None, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(timeout=5.0, headers=headers, transport=transport)
        self._url = url

    def send_code(self, phone: str, code: str) -> None:
        """Post the code; see :class:`SmsSender`."""
        body = {"phone": phone, "template": "verification_code", "code": code}
        try:
            self._client.post(self._url, json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise SmsError(type(error).__name__) from error


class BackgroundSmsSender:
    """Hands codes to another sender in a thread and tries again when the gateway fails.

    Whoever asks for a code waits equally long whether or not there is a phone to send it to, and
    an outage of the gateway tells nobody which phones are on record.
    """

    def __init__(self, sender: SmsSender, pause: Callable[[float], None] = time.sleep) -> None:
        """Wrap a sender.

        Args:
            sender: Sends; its failures are logged, without phone and code.
            pause: Waits, seconds.
        """
        self.shown_in_chat = sender.shown_in_chat
        self._sender = sender
        self._pause = pause
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="sms")
        self.last: Future[bool] | None = None

    def send_code(self, phone: str, code: str) -> None:
        """Begin sending; returns at once and never raises."""
        self.last = self._pool.submit(self._send, phone, code)

    def _send(self, phone: str, code: str) -> bool:
        for pause in (*RETRY_AFTER_S, None):
            try:
                self._sender.send_code(phone, code)
            except SmsError as error:
                logger.warning("a one-time code could not be sent: %s", error)
                if pause is not None:
                    self._pause(pause)
            else:
                return True
        return False


def sms_sender(settings: Settings) -> SmsSender:
    """Return the sender that the settings ask for."""
    if settings.sms_url is None:
        return DemoSmsSender()
    token = settings.sms_token.get_secret_value() if settings.sms_token else None
    return _gateway(settings.sms_url, token)


@lru_cache(maxsize=4)
def _gateway(url: str, token: str | None) -> BackgroundSmsSender:
    return BackgroundSmsSender(HttpSmsSender(url, token))
