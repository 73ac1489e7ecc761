"""A bot that talks to a Telegram server of the tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT_CONFTEST = Path(__file__).parents[1] / "conftest.py"


def load(name: str, path: Path) -> Any:
    """Import a file of the tests, which are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


sys.modules["telegram_conftest"] = sys.modules[__name__]
root = load("root_conftest", ROOT_CONFTEST)
cloud_module = load("telegram_cloud", Path(__file__).with_name("cloud.py"))
NOW = "2026-11-23T10:00:00+08:00"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The independent server, installed for this run."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        if os.environ.get("CI"):
            pytest.fail("npm and node are needed")
        pytest.skip("npm and node are not installed")
    return Path(cloud_module.install(tmp_path_factory.mktemp("npm")))


@pytest.fixture(scope="session")
def cloud(package: Path) -> Iterator[Any]:
    """Telegram."""
    running = cloud_module.Cloud(package, root.free_ports(2))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def telegram_bot(
    cloud: Any, trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """``bot up`` with a token."""
    var = tmp_path_factory.mktemp("telegram")
    bot = start(cloud, trained_model, var)
    yield bot
    bot.stop()


def start(cloud: Any, model: Path, var: Path, token: str = cloud_module.TOKEN) -> Any:
    """Start ``bot up`` against the server."""
    (var / "models").mkdir(exist_ok=True)
    shutil.copy(model, var / "models" / model.name)
    rasa, actions, web = root.free_ports(3)
    environ = root.clean_environ(
        BOT_NOW=NOW,
        BOT_VAR=str(var),
        BOT_RASA_PORT=str(rasa),
        BOT_ACTIONS_PORT=str(actions),
        BOT_WEB_PORT=str(web),
        BOT_TELEGRAM_TOKEN=token,
        BOT_TELEGRAM_URL=cloud.url,
    )
    with (var / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [*root.BOT, "up"], cwd=root.ROOT, env=environ, stdout=log, stderr=log
        )
    bot = root.RunningBot(
        process, var, f"http://127.0.0.1:{rasa}", actions, f"http://127.0.0.1:{web}"
    )
    root._wait(bot)
    return bot
