"""Receiving from Telegram: every update is stored before Telegram may forget it.

Without a public address updates are fetched (long polling): what is fetched next confirms the ones
before, so the offset moves on only after they are stored. With ``BOT_TELEGRAM_SECRET`` they are
taken at ``POST /telegram/webhook`` instead, and each is answered as soon as it is stored. The
dialogue runs elsewhere; it is only nudged from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import re
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import Bot, Update
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.warnings import PTBUserWarning

from bot import clock, heartbeat
from bot.channels.telegram_bot import POLL_S, READ_S, make_bot, set_menu
from bot.channels.telegram_updates import ALLOWED, CHANNEL, Pressed, pressed, read, taken
from bot.rules.messages import InboundKind
from bot.services import inbox
from bot.services.buttons import payload_of
from bot.services.inbox import InboundMessage
from bot.settings import Settings
from bot.store.session import Store
from bot.texts import texts

logger = logging.getLogger(__name__)

PATH = "/telegram/webhook"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
ACCOUNT = re.compile(r"[0-9]{1,20}")
LARGEST_UPDATE = 1_000_000
PAUSE_S = 3.0
NUDGE_S = 2.0
BEAT_S = 10.0


class Receiver:
    """Stores updates and nudges the dialogue."""

    def __init__(
        self, store: Store, bot: Bot, inbox_url: str, wall: Callable[[], datetime] = clock.wall
    ) -> None:
        """Make a receiver.

        Args:
            store: Where the inbox is.
            bot: To answer buttons with.
            inbox_url: What is nudged.
            wall: The machine's clock, aware.
        """
        self._store = store
        self._bot = bot
        self._wall = wall
        self._url = inbox_url
        self._client = httpx.AsyncClient(timeout=NUDGE_S, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, update: Update) -> bool:
        """Store an update; whatever it is, it is done with when this returns.

        Returns:
            Whether something new was stored.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: It could not be stored, and must be delivered again.
        """
        held = taken_of(update)
        if isinstance(held, Pressed):
            return await self._take_button(held)
        if update.callback_query is not None:
            self._later(self._answer(update.callback_query.id, "page_button_over", None))
        return held is not None and await self._accept(held)

    async def _take_button(self, press: Pressed) -> bool:
        payload = await asyncio.to_thread(
            payload_of,
            self._store,
            channel=CHANNEL,
            account=press.account,
            message=press.message,
            index=press.index,
        )
        if payload is None:
            self._later(self._answer(press.query, "page_button_over", None))
            return False
        new = await self._accept(taken(press, payload, at=self._wall()))
        self._later(self._answer(press.query, None if new else "page_button_used", press))
        return new

    async def _accept(self, message: InboundMessage) -> bool:
        new = await asyncio.to_thread(inbox.accept, self._store, message, now=self._wall())
        if new and message.kind is InboundKind.FILE and message.text:
            # What is written under a photo is said as well.
            said = InboundMessage(
                message.channel,
                message.account,
                f"{message.update_id}:caption",
                InboundKind.TEXT,
                message.said_at,
                message.text,
            )
            await asyncio.to_thread(inbox.accept, self._store, said, now=self._wall())
        if new:
            self._later(self._nudge())
        return new

    def _later(self, doing: Any) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _nudge(self) -> None:
        try:
            await self._client.post(self._url)
        except httpx.HTTPError:
            # It looks by itself twice a second.
            logger.debug("the dialogue could not be nudged")

    async def _answer(self, query: str, text: str | None, press: Pressed | None) -> None:
        """End the button's spinning, and take the buttons away once one is used."""
        try:
            await self._bot.answer_callback_query(query, texts()[text].text if text else None)
            if press is not None and press.shown_in is not None:
                await self._bot.edit_message_reply_markup(
                    chat_id=press.account, message_id=press.shown_in, reply_markup=None
                )
        except TelegramError as error:
            # Too late to be answered, or the buttons are gone already.
            logger.info("a button was not answered: %s", type(error).__name__)

    async def close(self) -> None:
        """Wait for what is on its way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=NUDGE_S)
        await self._client.aclose()


async def poll(bot: Bot, receiver: Receiver, stop: asyncio.Event) -> None:
    """Fetch updates until told to stop.

    Args:
        bot: Initialised.
        receiver: Stores them.
        stop: Ends the polling.

    Raises:
        InvalidToken: Telegram does not know the token any more.
    """
    offset: int | None = None
    while not stop.is_set():
        try:
            for raw in await _fetch(bot, offset, stop):
                update = read_update(raw, bot)
                if update is not None:
                    await receiver.take(update)
                offset = int(raw["update_id"]) + 1
        except InvalidToken:
            raise
        except RetryAfter as error:
            await _pause(stop, float(getattr(error, "_retry_after", PAUSE_S) or PAUSE_S))
        except TelegramError as error:
            logger.warning("Telegram does not answer: %s", type(error).__name__)
            await _pause(stop, PAUSE_S)
        except Exception:
            # What was not stored is fetched again.
            logger.exception("updates could not be stored")
            await _pause(stop, PAUSE_S)


async def _fetch(bot: Bot, offset: int | None, stop: asyncio.Event) -> list[dict[str, Any]]:
    wanted = {"timeout": POLL_S, "allowed_updates": list(ALLOWED)}
    if offset is not None:
        wanted["offset"] = offset
    with warnings.catch_warnings():
        # The library's own method fails on the whole batch if one update cannot be read.
        warnings.simplefilter("ignore", PTBUserWarning)
        asking = asyncio.ensure_future(
            bot.do_api_request("getUpdates", wanted, read_timeout=POLL_S + READ_S)
        )
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not asking.done():
        asking.cancel()
        return []
    found = asking.result()
    known = [raw for raw in found if isinstance(raw, dict)] if isinstance(found, list) else []
    return [raw for raw in known if isinstance(raw.get("update_id"), int)]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def webhook_app(receiver: Receiver, bot: Bot, secret: str) -> Starlette:
    """Return the application that takes updates from Telegram.

    Args:
        receiver: Stores them.
        bot: Reads them.
        secret: What Telegram was told to send along with each.
    """

    async def take(request: Request) -> Response:
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return PlainTextResponse("forbidden", 403)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_UPDATE:
                return PlainTextResponse("too large", 413)
        update = parse(bytes(body), bot)
        if update is None:
            # It would come again and again, and be read no better.
            return PlainTextResponse("ignored")
        await receiver.take(update)
        return PlainTextResponse("ok")

    return Starlette(routes=[Route(PATH, take, methods=["POST"])])


def parse(body: bytes, bot: Bot) -> Update | None:
    """Return the update in a request's body, ``None`` if there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and isinstance(found.get("update_id"), int)
    return read_update(found, bot) if whole else None


def read_update(raw: dict[str, Any], bot: Bot) -> Update | None:
    """Return an update, ``None`` if it is not one that we know how to read."""
    try:
        return Update.de_json(raw, bot)
    except Exception:
        # Nothing of it is told: it may hold what a parent wrote.
        logger.warning("update %s cannot be read", raw.get("update_id"))
        return None


def taken_of(update: Update) -> Pressed | InboundMessage | None:
    """Return what an update holds for us: a button, a message, or nothing.

    The library takes whatever types it is given; what is not as the Bot API says holds nothing.
    """
    try:
        held = pressed(update) or read(update)
        if isinstance(held, InboundMessage):
            _check(held)
    except Exception:
        logger.warning("update %s is not as it should be", update.update_id)
        return None
    return held


def _check(message: InboundMessage) -> None:
    sound = (
        ACCOUNT.fullmatch(message.account)
        and (message.text is None or isinstance(message.text, str))
        and message.said_at.tzinfo is not None
    )
    if not sound:
        msg = "not a message"
        raise ValueError(msg)
    json.dumps(message.extra)


async def serve(settings: Settings, store: Store, stop: asyncio.Event) -> None:
    """Receive until told to stop.

    Args:
        settings: Token, address, and whether there is a webhook.
        store: Where the inbox is.
        stop: Ends it.

    Raises:
        InvalidToken: Telegram does not know the token.
    """
    bot = make_bot(settings)
    beating = asyncio.create_task(_beat(settings))
    receiver = Receiver(store, bot, f"http://127.0.0.1:{settings.rasa_port}/webhooks/inbox")
    try:
        while not stop.is_set():
            try:
                await bot.initialize()
                break
            except InvalidToken:
                raise
            except TelegramError as error:
                logger.warning("Telegram does not answer: %s", type(error).__name__)
                await _pause(stop, PAUSE_S)
        if stop.is_set():
            return
        await set_menu(bot)
        if settings.telegram_secret is not None:
            await _serve_webhook(settings, bot, receiver, stop)
        else:
            await bot.delete_webhook()
            await poll(bot, receiver, stop)
    finally:
        beating.cancel()
        heartbeat.stop(settings.telegram_heartbeat)
        await receiver.close()
        await bot.shutdown()


async def _serve_webhook(
    settings: Settings, bot: Bot, receiver: Receiver, stop: asyncio.Event
) -> None:
    import uvicorn

    secret = settings.telegram_secret
    if secret is None:
        msg = "there is no secret for the webhook"
        raise ValueError(msg)
    app = webhook_app(receiver, bot, secret.get_secret_value())
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=settings.telegram_port,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    # The signals are this process's, not the server's.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve())
    await bot.set_webhook(
        f"{settings.base_url}{PATH}",
        secret_token=secret.get_secret_value(),
        allowed_updates=list(ALLOWED),
    )
    await stop.wait()
    server.should_exit = True
    await running


async def _beat(settings: Settings) -> None:
    while True:
        heartbeat.beat(settings.telegram_heartbeat)
        await asyncio.sleep(BEAT_S)
