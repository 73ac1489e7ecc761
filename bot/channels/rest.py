"""REST on loopback, for the demonstration in the terminal and for tests.

A ``sender`` in a request body proves nothing, so this channel does not exist in production. It
differs from Rasa's own in two ways: the request cannot choose another channel's name, and a
message is never left without a reply.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.rest import RestInput
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot import clock
from bot.channels import people
from bot.channels.collector import Collector, offered_once
from bot.channels.upload import Received, UploadedFile, UploadError, UploadReader
from bot.services import identity as identities
from bot.services import mailbox
from bot.settings import get_settings
from bot.store.files import get_files
from bot.store.session import get_store
from bot.texts import texts

logger = logging.getLogger(__name__)
LONGEST_TEXT = 4000
LONGEST_SENDER = 128
# As many digits as a database key has.
LONGEST_CURSOR = 9
SENDER_FIRST = "a field sender, then at least one file"


class LoopbackRest(RestInput):  # type: ignore[misc]
    """``POST /webhooks/rest/webhook``: ``{"sender", "message"}`` in, a list of messages out.

    ``POST /webhooks/rest/upload``: multipart, a field ``sender`` before the files; out as above.

    ``GET /webhooks/rest/messages?sender=…&after=ID``: what the bot said by itself beyond a cursor,
    oldest first: each message has its ``id`` and ``at`` (ISO 8601).
    """

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> LoopbackRest:
        """Create the channel.

        Raises:
            RasaException: In production, where this channel is refused.
        """
        if get_settings().env == "production":
            raise RasaException("the REST channel is refused when BOT_ENV=production")
        return cls()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the channel's endpoints."""
        webhook = Blueprint("loopback_rest", __name__)

        @webhook.route("/", methods=["GET"])  # type: ignore[untyped-decorator]
        async def health(request: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @webhook.route("/webhook", methods=["POST"])  # type: ignore[untyped-decorator]
        async def receive(request: Request) -> HTTPResponse:
            body = request.json if isinstance(request.json, dict) else {}
            sender, text = body.get("sender"), body.get("message")
            if not isinstance(sender, str) or not isinstance(text, str) or not sender.strip():
                return response.json({"error": "sender and message must be strings"}, status=400)
            return await self._answered(request, on_new_message, sender, text)

        @webhook.route("/upload", methods=["POST"], stream=True)  # type: ignore[untyped-decorator]
        async def upload(request: Request) -> HTTPResponse:
            received = Received()
            try:
                reader = UploadReader(request.headers.get("content-type", ""))
                async for chunk in request.stream:
                    for file in reader.feed(chunk):
                        sender = reader.fields.get("sender", "")
                        if not sender.strip():
                            return response.json({"error": SENDER_FIRST}, status=400)
                        await asyncio.to_thread(_keep, received, sender, self.name(), file)
            except UploadError as error:
                return response.json({"error": str(error)}, status=400)
            sender = reader.fields.get("sender", "")
            if not sender.strip() or not (received.ids or received.refused):
                return response.json({"error": SENDER_FIRST}, status=400)
            return await self._answered(request, on_new_message, sender, received.message())

        @webhook.route("/messages", methods=["GET"])  # type: ignore[untyped-decorator]
        async def messages(request: Request) -> HTTPResponse:
            sender, after = request.args.get("sender") or "", request.args.get("after") or "0"
            if not sender.strip() or not _is_cursor(after):
                error = "sender must be given, after must be a number"
                return response.json({"error": error}, status=400)
            lines = await asyncio.to_thread(
                mailbox.read,
                get_store(),
                channel=self.name(),
                account=sender[:LONGEST_SENDER],
                after=int(after),
            )
            told = [{"id": line.id, "at": line.at.isoformat(), **line.message} for line in lines]
            return response.json(told)

        return webhook

    async def _answered(
        self,
        request: Request,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],
        sender: str,
        text: str,
    ) -> HTTPResponse:
        said = await self._from_people(request, sender, text)
        if said is not None:
            # While a person has the conversation nothing is said here.
            return response.json([{"recipient_id": sender, **reply} for reply in said])
        collector = Collector()
        message = UserMessage(
            text[:LONGEST_TEXT],
            collector,
            sender[:LONGEST_SENDER],
            input_channel=self.name(),
        )
        try:
            await on_new_message(message)
        except Exception:
            logger.exception("a turn failed")
        if not collector.messages:
            await collector.send_text_message(sender, texts()["failure"].text)
        return response.json(offered_once(collector.messages))

    async def _from_people(
        self, request: Request, sender: str, text: str
    ) -> list[dict[str, Any]] | None:
        try:
            who = await asyncio.to_thread(_identify, self.name(), sender)
        except Exception:
            logger.exception("who writes is not known")
            return None
        return await people.answered(
            get_store(),
            request.app.ctx.agent.parse_message,
            identity_id=who,
            text=text[:LONGEST_TEXT],
            key=None,
            now=clock.now(),
        )


def _identify(channel: str, sender: str) -> int:
    return identities.identify(get_store(), channel, sender[:LONGEST_SENDER]).id


def _keep(received: Received, sender: str, channel: str, file: UploadedFile) -> None:
    store = get_store()
    who = identities.identify(store, channel, sender[:LONGEST_SENDER])
    received.keep(store, get_files(), identity_id=who.id, file=file, now=clock.now())


def _is_cursor(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_CURSOR
