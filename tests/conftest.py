"""What the whole suite shares: one trained model a run, and running bots at fixed clocks."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest

from bot.settings import ROOT, get_settings, load_settings
from bot.store.demo.loader import load_demo
from bot.store.migrate import upgrade
from bot.store.session import Store
from bot.training import ensure_model

START_S = 180
STOP_S = 30
BOT = [sys.executable, "-c", "from bot.cli import app; app()"]


@dataclass
class RunningBot:
    """A bot started with ``bot up``, with a store and ports of its own."""

    process: subprocess.Popen[bytes]
    var: Path
    rasa: str
    actions_port: int
    web: str

    def stop(self) -> int:
        """Ask it to stop; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def clean_environ(**changes: str) -> dict[str, str]:
    """Return this process's environment without its own ``BOT_…`` settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    return kept | changes


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's model, trained once a run."""
    var = tmp_path_factory.mktemp("training")
    return ensure_model(load_settings({"BOT_VAR": str(var)}))


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the demonstration data of Monday, 2026-11-23, made once a run."""
    path = tmp_path_factory.mktemp("demo") / "store.sqlite"
    upgrade(f"sqlite:///{path}")
    store = Store(f"sqlite:///{path}")
    with store.begin() as session:
        load_demo(session, date(2026, 11, 23))
    store.dispose()
    return path


@pytest.fixture
def demo_store(tmp_path: Path, demo_file: Path) -> Iterator[Store]:
    """A copy of it for one test."""
    path = tmp_path / "store.sqlite"
    shutil.copy(demo_file, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.dispose()


@pytest.fixture
def command_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The empty store of commands that run in this process, on Monday, 2026-11-23, at 10:00."""
    monkeypatch.setenv("BOT_VAR", str(tmp_path))
    monkeypatch.setenv("BOT_NOW", "2026-11-23T10:00:00+08:00")
    get_settings.cache_clear()
    url = load_settings().store_url
    upgrade(url)
    store = Store(url)
    yield store
    store.dispose()
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def start_bot(
    trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RunningBot]]:
    """Start ``bot up`` at a fixed clock; every clock's bot is started once and kept."""
    started: dict[str, RunningBot] = {}

    def start(now: str) -> RunningBot:
        if now not in started:
            started[now] = _start(now, trained_model, tmp_path_factory.mktemp("bot"))
        _wait(started[now])
        return started[now]

    yield start
    for bot in started.values():
        bot.stop()


def _start(now: str, model: Path, var: Path) -> RunningBot:
    (var / "models").mkdir()
    shutil.copy(model, var / "models" / model.name)
    rasa, actions, web = free_ports(3)
    environ = clean_environ(
        BOT_NOW=now,
        BOT_VAR=str(var),
        BOT_RASA_PORT=str(rasa),
        BOT_ACTIONS_PORT=str(actions),
        BOT_WEB_PORT=str(web),
    )
    with (var / "up.log").open("wb") as log:
        process = subprocess.Popen([*BOT, "up"], cwd=ROOT, env=environ, stdout=log, stderr=log)
    return RunningBot(process, var, f"http://127.0.0.1:{rasa}", actions, f"http://127.0.0.1:{web}")


def _wait(bot: RunningBot) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert bot.process.poll() is None, (bot.var / "up.log").read_text()
        try:
            if httpx.get(f"{bot.web}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError((bot.var / "up.log").read_text())
