"""How a one-time code reaches a phone: one boundary, a real and a demonstration side."""

from __future__ import annotations

from typing import Protocol

import httpx

from bot.settings import Settings


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


def sms_sender(settings: Settings) -> SmsSender:
    """Return the sender that the settings ask for."""
    if settings.sms_url is None:
        return DemoSmsSender()
    token = settings.sms_token.get_secret_value() if settings.sms_token else None
    return HttpSmsSender(settings.sms_url, token)
