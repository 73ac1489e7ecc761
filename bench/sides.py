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

# A Monday morning: consultation hours are open, and no public holiday is near.
NOW = "2026-11-23T10:00:00+08:00"
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 15
POLL_S = 0.05
MB = 1024 * 1024
MODEL = "model"


class BenchError(RuntimeError):
    """A model was not trained or a server did not start; the message names the log."""


@dataclass
class Side:
    """An assistant: its configuration, and its process once started."""

    name: str
    project: Path
    folder: Path
    config: Path
    endpoints: dict[str, Any]
    credentials: dict[str, Any]
    port: int = field(default_factory=lambda: free_port())
    training_s: float = 0.0
    start_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None

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
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            *rasa("train"), "--force", "--skip-validation", "--config", str(self.config), "--domain", "domain.yml",
            "--data", "data", "--out", str(self.folder), "--fixed-model-name", MODEL,
        ]  # fmt: skip
        env = environment(self.folder) | {"RASA_CACHE_DIRECTORY": str(self.folder / "cache")}
        began = time.perf_counter()
        with self.log.open("ab") as log:
            done = subprocess.run(
                command, cwd=self.project, env=env, stdout=log, stderr=log, check=False
            )
        self.training_s = time.perf_counter() - began
        if done.returncode or not self.model.exists():
            msg = f"the training of {self.name} failed; see {self.log}"
            raise BenchError(msg)

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / f"{MODEL}.tar.gz"

    def start(self, actions_port: int) -> None:
        """Start the server and wait until it answers; takes the time.

        Raises:
            BenchError: It did not come up.
        """
        endpoints, credentials = self.folder / "endpoints.yml", self.folder / "credentials.yml"
        action_endpoint = self.endpoints.get("action_endpoint", {}) | {
            "url": f"http://127.0.0.1:{actions_port}/webhook"
        }
        endpoints.write_text(
            yaml.safe_dump(self.endpoints | {"action_endpoint": action_endpoint}), encoding="utf-8"
        )
        credentials.write_text(yaml.safe_dump(self.credentials), encoding="utf-8")
        command = [
            *rasa("run"), "-m", str(self.model), "--endpoints", str(endpoints),
            "--credentials", str(credentials), "-i", "127.0.0.1", "-p", str(self.port),
        ]  # fmt: skip
        self.process, self.start_s = started(
            command, self.url, self.log, self.project, environment(self.folder.parent)
        )

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


def product(project: Path, work: Path) -> Side:
    """Return the product, as configured in the project."""
    return Side(
        "product",
        project,
        work / "product",
        project / "config.yml",
        load(project / "endpoints.yml"),
        load(project / "credentials.yml"),
    )


def stock(project: Path, work: Path, epochs: int) -> Side:
    """Return the stock assistant on the project's domain, data and actions.

    Args:
        project: Folder of the product.
        work: Folder for models and logs.
        epochs: Training epochs of its TensorFlow components; Rasa's default is 100.
    """
    config = load(Path(__file__).parent / "stock.yml")
    # FAQ questions and answers reach Rasa through the product's importer.
    config["importers"] = load(project / "config.yml").get("importers", [])
    for component in [*config["pipeline"], *config["policies"]]:
        if "epochs" in component:
            component["epochs"] = epochs
    folder = work / "stock"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return Side("stock", project, folder, path, {}, {"rest": {}})


@contextmanager
def actions_server(project: Path, work: Path) -> Iterator[int]:
    """Run the action server, which both sides use, on a fresh demo store; give its port.

    Raises:
        BenchError: It did not come up.
    """
    env = environment(work)
    fill_store(env["BOT_DATABASE_URL"])
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "-p", str(port)]
    process, _ = started(
        command, f"http://127.0.0.1:{port}/health", work / "actions.txt", project, env
    )
    try:
        yield port
    finally:
        stop(process)


def fill_store(url: str) -> None:
    """Create the tables and the demo data at an SQLite URL, in place of what was there."""
    from bot.store.demo.loader import load_demo
    from bot.store.migrate import upgrade
    from bot.store.session import Store

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


def rasa(command: str) -> list[str]:
    """Return the head of a Rasa command line."""
    return [sys.executable, "-m", "rasa", command]


def started(
    command: list[str], url: str, log: Path, project: Path, env: dict[str, str]
) -> tuple[subprocess.Popen[bytes], float]:
    """Start a server; return its process and the seconds until ``url`` answered 200.

    Raises:
        BenchError: It ended, or did not answer in time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=project, env=env, stdout=output, stderr=output, start_new_session=True
        )
    while time.perf_counter() - began < START_TIMEOUT_S and process.poll() is None:
        try:
            if httpx.get(url, timeout=1).status_code == httpx.codes.OK:
                return process, time.perf_counter() - began
        except httpx.HTTPError:
            pass
        time.sleep(POLL_S)
    stop(process)
    msg = f"{' '.join(command[:4])} did not start; see {log}"
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
