"""What the dialogue's side needs of Telegram: the files of a message, and "is typing"."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telegram import Bot
from telegram.error import TelegramError

from bot.channels.upload import NOT_KEPT, Received, UploadedFile
from bot.services import media
from bot.services.identity import identify
from bot.services.inbox import InboundMessage
from bot.store.files import FileStore
from bot.store.session import Store

logger = logging.getLogger(__name__)

TRIES = 3
PAUSE_S = 0.5
# The platform hands out no larger ones; nor do we keep them.
LARGEST = media.LARGEST


class TelegramIntake:
    """Fetches files from Telegram and keeps them; shows that an answer is on its way."""

    def __init__(self, bot: Bot, store: Store, files: FileStore) -> None:
        """Take the bot, and where files are kept."""
        self._bot = bot
        self._store = store
        self._files = files
        self._ready = False

    async def prepare(self, message: InboundMessage, *, now: datetime) -> Mapping[str, Any]:
        """Fetch and keep the files of a message.

        Fetching them again keeps them once: the same content is the same file.

        Args:
            message: One of kind ``file``.
            now: Business time, aware.

        Returns:
            What the dialogue reads: ``document`` (ids), ``document_refused`` (reasons).
        """
        received = Received()
        who = await asyncio.to_thread(identify, self._store, message.channel, message.account)
        for file in message.extra.get("files", ()):
            if int(file.get("size") or 0) > LARGEST:
                received.refused.append("file_too_large")
                continue
            content = await self._fetch(str(file["id"]))
            if content is None:
                received.refused.append(NOT_KEPT)
                continue
            await asyncio.to_thread(
                received.keep,
                self._store,
                self._files,
                identity_id=who.id,
                file=UploadedFile(str(file.get("name") or "file"), content),
                now=now,
            )
        return received.told()

    async def typing(self, account: str) -> None:
        """Show "is typing"; whether that works matters little."""
        try:
            await self._begin()
            await self._bot.send_chat_action(account, "typing")
        except TelegramError as error:
            logger.info("no typing shown: %s", type(error).__name__)

    async def _fetch(self, file_id: str) -> bytes | None:
        for attempt in range(1, TRIES + 1):
            try:
                await self._begin()
                file = await self._bot.get_file(file_id)
                return bytes(await file.download_as_bytearray())
            except TelegramError as error:
                logger.warning("a file was not fetched (%d): %s", attempt, type(error).__name__)
                await asyncio.sleep(PAUSE_S * attempt)
        return None

    async def _begin(self) -> None:
        if not self._ready:
            await self._bot.initialize()
            self._ready = True
