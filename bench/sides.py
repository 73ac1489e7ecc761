"""The two assistants that bench/turns.py compares, as processes with models and folders."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from bot.store.demo.loader import load_demo
from bot.store.migrate import upgrade
from bot.store.session import Store

# A Monday morning: consultation hours are open, and no public holiday is near.
NOW = "2026-11-23T10:00:00+08:00"
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 15
POLL_S = 0.05
MB = 1024 * 1024
PROJECT = Path(__file__).resolve().parent.parent
MODEL = "model.tar.gz"
# What `bot serve` does, with a model of our own choice.
SERVE = (
    "from pathlib import Path; from bot import serve; from bot.settings import get_settings; "
    "settings = get_settings(); serve.prepare({process!r}, settings, echo=False); "
    "serve.serve_{process}(settings{given})"
)


class BenchError(RuntimeError):
    """A model was not trained or a server did not start; the message names the log."""


@dataclass
class Side:
    """An assistant: how it is trained and served, and its process once started.

    ``train_command`` and ``serve_command`` run in the project's folder.
    """

    name: str
    folder: Path
    train_command: list[str]
    serve_command: list[str]
    port: int
    training_s: float = 0.0
    start_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    # Messages that got no answer, or the apology for a failure: quick, but not a turn.
    failed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the Rasa server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Output of training and server."""
        return self.folder / "log.txt"

    def train(self) -> None:
        """Train the model from nothing; takes the time.

        Raises:
            BenchError: The training failed.
        """
        cache = {"RASA_CACHE_DIRECTORY": str(self.folder / "cache")}
        began = time.perf_counter()
        with self.log.open("ab") as log:
            done = subprocess.run(
                self.train_command,
                cwd=PROJECT,
                env=environment(self.folder.parent) | cache,
                stdout=log,
                stderr=log,
                check=False,
            )
        self.training_s = time.perf_counter() - began
        if done.returncode:
            msg = f"the training of {self.name} failed; see {self.log}"
            raise BenchError(msg)

    def start(self, actions_port: int) -> None:
        """Start the server and wait until it answers; takes the time.

        Raises:
            BenchError: It did not come up.
        """
        ports = {"BOT_RASA_PORT": str(self.port), "BOT_ACTIONS_PORT": str(actions_port)}
        env = environment(self.folder.parent) | ports
        self.process, self.start_s = started(self.serve_command, self.url, self.log, env)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def memory_mb(self) -> float:
        """Return the resident memory of the server and its children (MB).

        Raises:
            BenchError: It is not running.
        """
        if self.process is None:
            msg = f"{self.name} is not running"
            raise BenchError(msg)
        parent = psutil.Process(self.process.pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / MB


def product(work: Path) -> Side:
    """Return the product, trained and served the way ``bot up`` does."""
    folder = work / "product"
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / MODEL
    return Side(
        "product",
        folder,
        [sys.executable, "-m", "bot.rasa_train", str(model), "--force"],
        [sys.executable, "-c", SERVE.format(process="rasa", given=f", Path({str(model)!r})")],
        free_port(),
    )


def stock(work: Path, epochs: int) -> Side:
    """Return the stock assistant on the project's domain, data and actions.

    Args:
        work: Folder for models and logs.
        epochs: Training epochs of its TensorFlow components; Rasa's default is 100.
    """
    folder = work / "stock"
    folder.mkdir(parents=True, exist_ok=True)
    config = load(Path(__file__).parent / "stock.yml")
    # FAQ questions and answers reach Rasa through the product's importer.
    config["importers"] = load(PROJECT / "config.yml").get("importers", [])
    for component in [*config["pipeline"], *config["policies"]]:
        if "epochs" in component:
            component["epochs"] = epochs
    endpoints = {"action_endpoint": {"url": "http://127.0.0.1:${BOT_ACTIONS_PORT}/webhook"}}
    for name, content in (
        ("config", config),
        ("endpoints", endpoints),
        ("credentials", {"rest": {}}),
    ):
        text = yaml.safe_dump(content, allow_unicode=True)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    rasa = [sys.executable, "-m", "rasa"]
    port = free_port()
    train = [
        *rasa, "train", "--force", "--skip-validation", "--config", str(folder / "config.yml"),
        "--domain", "domain.yml", "--data", "data", "--out", str(folder),
        "--fixed-model-name", MODEL,
    ]  # fmt: skip
    serve = [
        *rasa, "run", "-m", str(folder / MODEL), "--endpoints", str(folder / "endpoints.yml"),
        "--credentials", str(folder / "credentials.yml"), "-i", "127.0.0.1", "-p", str(port),
    ]  # fmt: skip
    return Side("stock", folder, train, serve, port)


@contextmanager
def actions_server(work: Path) -> Iterator[int]:
    """Run the action server, which both sides use, on a fresh demo store; give its port.

    Raises:
        BenchError: It did not come up.
    """
    port = free_port()
    env = environment(work) | {"BOT_ACTIONS_PORT": str(port)}
    fill_store(env["BOT_DATABASE_URL"])
    command = [sys.executable, "-c", SERVE.format(process="actions", given="")]
    process, _ = started(command, f"http://127.0.0.1:{port}/health", work / "actions.txt", env)
    try:
        yield port
    finally:
        stop(process)


def fill_store(url: str) -> None:
    """Create the tables and the demo data at an SQLite URL, in place of what was there."""
    for suffix in ("", "-wal", "-shm"):
        Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)
    upgrade(url)
    store = Store(url)
    with store.begin() as session:
        load_demo(session, datetime.fromisoformat(NOW).date())
    store.dispose()


def environment(work: Path) -> dict[str, str]:
    """Return the environment of all processes: demo mode, a fixed clock, a store in ``work``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    return kept | {
        "BOT_NOW": NOW,
        "BOT_VAR": str(work / "var"),
        "BOT_DATABASE_URL": f"sqlite:///{work / 'store.sqlite'}",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def started(
    command: list[str], url: str, log: Path, env: dict[str, str]
) -> tuple[subprocess.Popen[bytes], float]:
    """Start a server; return its process and the seconds until ``url`` answered 200.

    Raises:
        BenchError: It ended, or did not answer in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=env, stdout=output, stderr=output, start_new_session=True
        )
    while time.perf_counter() - began < START_TIMEOUT_S and process.poll() is None:
        try:
            if httpx.get(url, timeout=1).status_code == httpx.codes.OK:
                return process, time.perf_counter() - began
        except httpx.HTTPError:
            pass
        time.sleep(POLL_S)
    stop(process)
    msg = f"the server of {log.stem} did not start; see {log}"
    raise BenchError(msg)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a port that is free on loopback now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file with one mapping."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
