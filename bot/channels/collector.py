"""Collects what the bot says in a turn; a picture stays together with its text and its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel
from rasa.shared.core.events import BotUttered

# What a message may hold, in the words of Rasa's REST channel, and ours for pictures.
KEYS = ("text", "image", "alt", "pin", "buttons")


class Collector(CollectingOutputChannel):  # type: ignore[misc]
    """Rasa's, but one message where Rasa would make a text, and a picture without words."""

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keep a message."""
        if not message.get("image"):
            await super().send_response(recipient_id, message)
            return
        said = {key: message[key] for key in KEYS if message.get(key)}
        await self._persist_message({"recipient_id": recipient_id, **said})


def offered_once(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a turn's messages, no two of them with a button for the same.

    An answer out of the manual and the task or the question that follows it offer much the same.
    The last one keeps its buttons: it stands where the parent looks.
    """
    kept: list[dict[str, Any]] = []
    payloads: set[str] = set()
    titles: set[str] = set()
    for message in reversed(messages):
        buttons = []
        for button in message.get("buttons") or []:
            if button["title"] not in titles and _payload(button) not in payloads:
                buttons.append(button)
        payloads.update(_payload(button) for button in buttons)
        titles.update(str(button["title"]) for button in buttons)
        rest = {key: value for key, value in message.items() if key != "buttons"}
        kept.append({**rest, "buttons": buttons} if buttons else rest)
    return kept[::-1]


def _payload(button: dict[str, Any]) -> str:
    return str(button.get("payload") or button["title"])


def saved(event: BotUttered) -> dict[str, Any]:
    """Return what a saved event of a conversation said, as it was collected then."""
    message = event.message()
    return {key: message[key] for key in (*KEYS, "attachment", "custom") if message.get(key)}
