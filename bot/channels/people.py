"""Before a message reaches Rasa: is it for a person? The same for every way in."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from bot.services import live_chat, ratings
from bot.services.live_chat import Standing
from bot.services.ratings import Said
from bot.store.session import Store
from bot.texts import texts

logger = logging.getLogger(__name__)

REFUSED = '"document_refused"'
EMERGENCY = "report_emergency"
EMERGENCY_TEXT = "emergency"
DOCUMENTS = re.compile(r'"document":\s*"(?P<ids>[\d,]+)"')
Parse = Callable[[str], Awaitable[dict[str, Any]]]
Reply = dict[str, Any]


async def answered(
    store: Store,
    parse: Parse,
    *,
    identity_id: int,
    text: str,
    key: str | None,
    now: datetime,
) -> list[Reply] | None:
    """Take a message that a person has to answer.

    Args:
        store: The store.
        parse: Rasa's reading of a text, to know an emergency by; the dialogue does not move.
        identity_id: Who writes.
        text: What Rasa would read: what was typed, or a payload with a slash.
        key: Names the update: the same again is taken once.
        now: Aware.

    Returns:
        What to say, perhaps nothing; ``None`` if the message is Rasa's.
    """
    try:
        stands = await asyncio.to_thread(live_chat.standing, store, identity_id=identity_id)
    except Exception:
        # What must be said in a danger does not need the store; Rasa says it.
        logger.exception("it is not known who has the conversation")
        return None
    if stands is Standing.BOT and not ratings.is_press(text):
        return None
    listens = stands in (Standing.HUMAN, Standing.RATING)
    urgent = listens and not text.startswith("/") and await _is_emergency(parse, text)
    found = DOCUMENTS.search(text) if text.startswith("/") else None
    refused = stands is Standing.HUMAN and text.startswith("/") and REFUSED in text
    if refused and found is None:
        return [_reply(Said("handoff_file_refused", {}))]
    try:
        routed = await asyncio.to_thread(
            live_chat.route,
            store,
            identity_id=identity_id,
            text=text,
            key=key,
            now=now,
            documents=[int(i) for i in found["ids"].split(",") if i] if found else [],
            emergency=urgent,
        )
    except Exception:
        logger.exception("a message could not be routed")
        return [_reply(Said(EMERGENCY_TEXT if urgent else "failure", {}))]
    if routed is None:
        return None
    told = (*routed.says, Said("handoff_file_refused", {})) if refused else routed.says
    return [_reply(said) for said in told]


async def _is_emergency(parse: Parse, text: str) -> bool:
    try:
        read = await parse(text)
    except Exception:
        # The person reads it in any case.
        logger.exception("a message to a person could not be read")
        return False
    return (read.get("intent") or {}).get("name") == EMERGENCY


def _reply(said: Said) -> Reply:
    text = texts()[said.name]
    reply: Reply = {"text": text.text.format(**said.values)}
    buttons: Sequence[dict[str, str]] = [*text.buttons, *said.buttons]
    if buttons:
        reply["buttons"] = [dict(button) for button in buttons]
    return reply
