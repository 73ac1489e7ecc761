"""The Rasa server of this product: our channels and nothing else, on loopback.

``rasa run`` would import the HTTP API with training and evaluation, which must never be reachable
here, and wait for the first message before it loads what the components need. This server is the
same Sanic application with the same agent, warmed up before it says that it is healthy.
"""

from __future__ import annotations

import logging
import time
from asyncio import AbstractEventLoop
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import rasa_light
from bot.settings import ROOT, Settings

if TYPE_CHECKING:
    from sanic import Sanic

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
ENDPOINTS = ROOT / "endpoints.yml"
CREDENTIALS = ROOT / "credentials.yml"
# Channels that believe the sender named in the request.
_DEMO_CHANNELS = frozenset({"bot.channels.rest.LoopbackRest"})
_WARM_UP = "你好"


class ModelError(RuntimeError):
    """The model cannot be loaded."""


def run(settings: Settings, model: Path) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: Port and environment.
        model: The trained model.

    Raises:
        ModelError: See there.
        rasa.shared.exceptions.RasaException: A channel or endpoint is configured wrongly.
    """
    began = time.monotonic()
    light = rasa_light.for_serving(model)
    app = create_app(settings, model)
    logger.info("imported in %.1f s", time.monotonic() - began)
    if not light:
        logger.warning("TensorFlow is loaded: a component of the model may need it")
    app.run(HOST, settings.rasa_port, workers=1, access_log=False, debug=False, motd=False)


def create_app(settings: Settings, model: Path) -> Sanic:
    """Return the application; the model is loaded when it starts.

    Raises:
        rasa.shared.exceptions.RasaException: A channel is configured wrongly.
    """
    import rasa.core.agent
    from rasa.core.channels.channel import register
    from rasa.core.utils import AvailableEndpoints
    from rasa.shared.utils.io import read_config_file
    from sanic import Sanic
    from sanic.request import Request
    from sanic.response import HTTPResponse, json

    # Imports Rasa, which must come after what keeps TensorFlow out.
    from bot.channels.inbox import InboxConsumer
    from bot.store.session import get_store

    app = Sanic("youxiang", configure_logging=False)
    credentials: dict[str, Any] = read_config_file(str(CREDENTIALS))
    register(_channels(credentials, settings), app, route="/webhooks/")

    async def health(_request: Request) -> HTTPResponse:
        # Requests are accepted only after the listener below.
        return json({"status": "ok"})

    async def load(app: Sanic, loop: AbstractEventLoop) -> None:
        endpoints = AvailableEndpoints.read_endpoints(str(ENDPOINTS))
        agent = await rasa.core.agent.load_agent(str(model), endpoints=endpoints, loop=loop)
        if not agent.is_ready():
            raise ModelError(f"the model {model} cannot be loaded")
        await agent.parse_message(_WARM_UP)
        app.ctx.agent = agent
        app.ctx.inbox = InboxConsumer(get_store(), agent, intakes=_intakes(settings))
        app.ctx.inbox_task = loop.create_task(app.ctx.inbox.run())

    async def nudge(_request: Request) -> HTTPResponse:
        app.ctx.inbox.nudge()
        return json({"status": "ok"}, status=202)

    async def close(app: Sanic, _loop: AbstractEventLoop) -> None:
        task = getattr(app.ctx, "inbox_task", None)
        if task is not None:
            task.cancel()
        agent = getattr(app.ctx, "agent", None)
        broker = agent.tracker_store.event_broker if agent else None
        if broker is not None:
            await broker.close()

    app.add_route(health, "/")
    app.add_route(nudge, "/webhooks/inbox", methods=["POST"])
    app.register_listener(load, "before_server_start")
    app.register_listener(close, "after_server_stop")
    return app


def _intakes(settings: Settings) -> dict[str, Any]:
    if settings.telegram_token is None:
        return {}
    from bot.channels.telegram_bot import make_bot
    from bot.channels.telegram_intake import TelegramIntake
    from bot.store.files import get_files
    from bot.store.session import get_store

    return {"telegram": TelegramIntake(make_bot(settings), get_store(), get_files())}


def _channels(credentials: dict[str, Any], settings: Settings) -> list[Any]:
    from rasa.core.run import _create_single_channel

    return [
        _create_single_channel(name, value)
        for name, value in credentials.items()
        if settings.env == "demo" or name not in _DEMO_CHANNELS
    ]
