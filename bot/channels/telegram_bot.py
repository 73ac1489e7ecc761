"""The bot's account at Telegram: its address, its menu."""

from __future__ import annotations

import logging

from telegram import Bot, BotCommand
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot.settings import Settings
from bot.texts import texts

logger = logging.getLogger(__name__)

# How long an update is waited for, and a little longer for the answer to say so.
POLL_S = 25
READ_S = 20.0
CONNECT_S = 5.0
_COMMANDS = ("bind", "claim", "human", "cancel", "help")


def make_bot(settings: Settings) -> Bot:
    """Return the bot; nothing is asked of Telegram yet.

    Raises:
        ValueError: There is no token.
    """
    if settings.telegram_token is None:
        msg = "BOT_TELEGRAM_TOKEN is not set"
        raise ValueError(msg)
    url = settings.telegram_url.rstrip("/")
    quick = HTTPXRequest(connect_timeout=CONNECT_S, read_timeout=READ_S, connection_pool_size=40)
    return Bot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        request=quick,
    )


async def token_works(settings: Settings) -> bool:
    """Ask Telegram whether the token is one; if it cannot be asked, it may be.

    Args:
        settings: Token and address.
    """
    try:
        async with make_bot(settings):
            return True
    except InvalidToken:
        return False
    except TelegramError as error:
        logger.warning("Telegram does not answer: %s", type(error).__name__)
        return True


async def set_menu(bot: Bot) -> None:
    """Give the bot its menu of commands, in Chinese; a failure is logged, and matters little."""
    menu = [BotCommand(name, texts()[f"page_command_{name}"].text) for name in _COMMANDS]
    try:
        await bot.set_my_commands(menu)
    except TelegramError as error:
        logger.warning("the menu could not be set: %s", type(error).__name__)
