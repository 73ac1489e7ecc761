"""The processes of the product, each in the foreground until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import FrameType

import sqlalchemy as sa

from bot import logs
from bot.settings import ROOT, Settings

HOST = "127.0.0.1"
# Rasa, TensorFlow and SQLAlchemy talk to their developers; operators have our logs.
# A message's vectors are small: more threads only wait for each other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore",
}
# Files hold personal data: they are their owner's alone.
PRIVATE = 0o077
STOP_S = 8
UNKNOWN_BOT = "Telegram 不认识 BOT_TELEGRAM_TOKEN：请到 BotFather 核对后重新设置，再启动"


class Process(StrEnum):
    """The processes, by the name of their command and log file."""

    RASA = "rasa"
    ACTIONS = "actions"
    WEB = "web"
    WORKER = "worker"
    TELEGRAM = "telegram"


def prepare(process: str, settings: Settings, *, echo: bool, names: bool = True) -> None:
    """Set the folder, the rights of new files, the environment and the logs of this process.

    Args:
        process: Its name, and its log's.
        settings: Folder, level and key.
        echo: Write the log to stderr too.
        names: Mask the children's names that the store holds.

    Raises:
        OSError: The log cannot be written.
    """
    os.umask(PRIVATE)
    os.chdir(ROOT)
    os.environ.update(QUIET | ONE_THREAD)
    # endpoints.yml names it.
    os.environ["BOT_ACTIONS_PORT"] = str(settings.actions_port)
    known = logs.KnownNames(_children)
    logs.configure(
        process,
        settings.logs,
        level=settings.log_level,
        key=settings.code_secret.get_secret_value(),
        names=known,
        echo=echo,
    )
    if names:
        known.keep_fresh()


def _children() -> list[str]:
    from bot.store.models import Child
    from bot.store.session import get_store

    with get_store().read() as session:
        return list(session.scalars(sa.select(Child.name).distinct()))


def serve_rasa(settings: Settings, model: Path) -> None:
    """Serve the channels and the dialogue.

    Args:
        settings: Port and environment.
        model: The trained model.

    Raises:
        bot.rasa_server.ModelError: The model cannot be loaded.
    """
    from bot import rasa_server

    rasa_server.run(settings, model)


def serve_actions(settings: Settings) -> None:
    """Serve the actions; on loopback, where rasa_sdk's own command listens everywhere."""
    from rasa_sdk.endpoint import create_app

    app = create_app("actions", cors_origins="")
    app.run(HOST, settings.actions_port, workers=1, access_log=False, motd=False)


def serve_web(settings: Settings) -> None:
    """Serve the pages and ``/health``."""
    import uvicorn

    from bot.web.app import app

    class Server(uvicorn.Server):
        """Ends the open streams with itself; it would wait for them otherwise."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.state.streams.close()
            app.state.pulses.close()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app,
        host=HOST,
        port=settings.web_port,
        # uvicorn's WebSockets want a newer library than Rasa allows.
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    server = Server(config)
    server.run()
    if not server.started:
        raise RuntimeError("the web process did not start")


def serve_worker(settings: Settings) -> None:
    """Send what is due from the outbox."""
    import asyncio

    from bot import worker

    asyncio.run(worker.serve(settings))


def serve_telegram(settings: Settings) -> None:
    """Receive from Telegram.

    Raises:
        OperatorError: There is no token, or Telegram does not know it.
    """
    import asyncio
    import signal

    from telegram.error import InvalidToken

    from bot.channels import telegram
    from bot.errors import OperatorError
    from bot.store.session import get_store

    if settings.telegram_token is None:
        raise OperatorError("没有设 BOT_TELEGRAM_TOKEN")

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await telegram.serve(settings, get_store(), stop)

    try:
        asyncio.run(run())
    except InvalidToken as error:
        raise OperatorError(UNKNOWN_BOT) from error


def guarded(run: Callable[[], None]) -> int:
    """Run a server; log what it dies of.

    Returns:
        The exit status: 0 after a clean stop.
    """
    try:
        run()
    except KeyboardInterrupt:
        return 0
    except Exception:
        logging.getLogger(__name__).critical("the process ends", exc_info=True)
        return 1
    return 0
