"""What the bot really answers: the trained model with its actions, on a demonstration store.

For ``bot evaluate``: every question is asked in a conversation of its own, and the reply is what
a parent would read, whichever intent, topic or action it came from.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot import clock
from bot.provision import make_folders, prepare_store
from bot.serve import HOST, QUIET
from bot.services import identity as identities
from bot.settings import ROOT, Settings, get_settings, load_settings
from bot.store.models import Binding, Household
from bot.store.session import Store

# A working day in the hours of the medical services: the replies tell of being open.
NOW = "2026-11-23T10:00:00+08:00"
CHANNEL = "cmdline"
START_S = 60
WAIT_S = 0.2
STOP_S = 10


class Bot:
    """Asks the bot questions, each in a new conversation."""

    def __init__(self, agent: Any, store: Store) -> None:
        """Take a loaded agent, whose actions run on ``store``."""
        self._agent = agent
        self._store = store
        self._loop = asyncio.new_event_loop()

    def ask(self, text: str, *, phone: str | None = None) -> str:
        """Return all texts of the reply to one message, a text a line.

        Args:
            text: The message.
            phone: The chat account is bound to the policies bought with this number; ``None``
                asks as a stranger.
        """
        sender = f"ask-{uuid.uuid4().hex}"
        if phone is not None:
            self._bind(sender, phone)
        from rasa.core.channels import CollectingOutputChannel, UserMessage

        message = UserMessage(text, CollectingOutputChannel(), sender, input_channel=CHANNEL)
        replies = self._loop.run_until_complete(self._agent.handle_message(message)) or []
        return "\n".join(str(reply["text"]) for reply in replies if reply.get("text"))

    def _bind(self, sender: str, phone: str) -> None:
        identity_id = identities.identify(self._store, CHANNEL, sender).id
        with self._store.begin() as session:
            household = session.scalars(sa.select(Household).where(Household.phone == phone)).one()
            session.add(
                Binding(identity_id=identity_id, household_id=household.id, verified_at=clock.now())
            )


@contextmanager
def running(model: Path) -> Iterator[Bot]:
    """Run the actions on a fresh demonstration store while the block lasts.

    Args:
        model: The trained model.

    Raises:
        RuntimeError: The actions do not start.
    """
    with _clock_stopped(), tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        settings = _settings(Path(folder))
        process = _start_actions(settings)
        store = Store(settings.store_url)
        try:
            _wait_for(settings.actions_port, process)
            yield Bot(_agent(model, settings.actions_port), store)
        finally:
            store.dispose()
            process.terminate()
            process.wait(STOP_S)


@contextmanager
def _clock_stopped() -> Iterator[None]:
    """Stop this process's clock, too: it reads relative days and fills the store."""
    before = os.environ.get("BOT_NOW")
    os.environ["BOT_NOW"] = NOW
    get_settings.cache_clear()
    try:
        yield
    finally:
        if before is None:
            del os.environ["BOT_NOW"]
        else:
            os.environ["BOT_NOW"] = before
        get_settings.cache_clear()


def _settings(folder: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    settings = load_settings(
        {"BOT_VAR": str(folder), "BOT_ACTIONS_PORT": str(port), "BOT_NOW": NOW, "BOT_ENV": "demo"}
    )
    make_folders(settings)
    prepare_store(settings)
    return settings


def _start_actions(settings: Settings) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    environ = kept | QUIET | {
        "BOT_VAR": str(settings.var),
        "BOT_ACTIONS_PORT": str(settings.actions_port),
        "BOT_NOW": NOW,
        "BOT_ENV": "demo",
    }  # fmt: skip
    command = [sys.executable, "-c", "from bot.cli import app; app()", "serve", "actions"]
    with (settings.logs / "evaluate.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [*command, "--quiet"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://{HOST}:{port}/health", timeout=1).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(WAIT_S)
    raise RuntimeError("the actions did not start")


def _agent(model: Path, port: int) -> Any:
    from rasa.core.agent import load_agent
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.endpoints import EndpointConfig

    endpoints = AvailableEndpoints(action=EndpointConfig(url=f"http://{HOST}:{port}/webhook"))
    loop = asyncio.new_event_loop()
    return loop.run_until_complete(load_agent(model_path=str(model), endpoints=endpoints))
