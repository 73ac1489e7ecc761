"""Collects what the bot says in a turn; a picture stays together with its text and its words."""

from __future__ import annotations

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


def saved(event: BotUttered) -> dict[str, Any]:
    """Return what a saved event of a conversation said, as it was collected then."""
    message = event.message()
    return {key: message[key] for key in (*KEYS, "attachment", "custom") if message.get(key)}
