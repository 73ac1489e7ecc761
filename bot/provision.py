"""What has to be in place before the bot runs: folders, a lock, ports, the store, the processes."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from bot import clock
from bot.errors import OperatorError
from bot.serve import HOST, QUIET, Process
from bot.settings import Settings
from bot.store.demo.loader import is_empty, load_demo, reset
from bot.store.engine import sqlite_file
from bot.store.migrate import upgrade
from bot.store.models import Child, Household, Plan, Policy
from bot.store.session import Store
from bot.supervisor import Part

logger = logging.getLogger(__name__)

FOLDERS = ("logs", "models", "uploads", "cache")


@dataclass(frozen=True)
class Identity:
    """Somebody to try the bot as: a child and the phone that the policy was bought with."""

    child: str
    phone: str
    plan: str
    policy: str


def ports(settings: Settings) -> dict[Process, tuple[int, str]]:
    """Return the port of each process that has one, and the variable that sets it."""
    return {
        Process.RASA: (settings.rasa_port, "BOT_RASA_PORT"),
        Process.ACTIONS: (settings.actions_port, "BOT_ACTIONS_PORT"),
        Process.WEB: (settings.web_port, "BOT_WEB_PORT"),
    }


def make_folders(settings: Settings) -> None:
    """Create the var folder and what is in it; nobody else may read it.

    Raises:
        OperatorError: It cannot be written.
    """
    try:
        settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            folder = settings.var / name
            folder.mkdir(exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise OperatorError(
            f"文件夹 {settings.var} 写不进去（{error.strerror}）：请改权限，或用 BOT_VAR 换一个"
        ) from error


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of this var folder; it goes with the process, however that ends.

    Raises:
        OperatorError: Another ``bot up`` holds it.
    """
    with (settings.var / "up.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "?"
            raise OperatorError(
                f"bot up 已经在运行（进程 {pid}）：先停掉它，或用 BOT_VAR 和 BOT_…_PORT 另起一套"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_ports(settings: Settings) -> None:
    """See that the three ports are free.

    Raises:
        OperatorError: One is in use; the sentence names its variable.
    """
    for port, variable in ports(settings).values():
        if not port_is_free(port):
            raise OperatorError(
                f"端口 {port} 已被占用：请停掉占用它的程序，或用 {variable} 换一个端口"
            )


def port_is_free(port: int) -> bool:
    """Say whether a server can listen on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def prepare_store(settings: Settings) -> None:
    """Bring the tables up to date; in demo mode fill an empty store.

    A frozen ``BOT_NOW`` with a store of its own (no ``BOT_DATABASE_URL``) begins afresh.

    Raises:
        OperatorError: The store cannot be reached or is newer than this program.
    """
    with store_errors(settings):
        if settings.now is not None and settings.database_url is None:
            _remove(settings.store_url)
            _remove_files(settings)
        upgrade(settings.store_url)
        if settings.env != "demo":
            return
        store = Store(settings.store_url)
        try:
            with store.begin() as session:
                if is_empty(session):
                    load_demo(session, clock.now().date())
        finally:
            store.dispose()


def reset_demo(settings: Settings) -> None:
    """Empty the store, conversations included, and load the demonstration data again.

    Raises:
        OperatorError: In production, or the store cannot be reached.
    """
    if settings.env != "demo":
        raise OperatorError("BOT_ENV=production 时不能重置：演示数据会清掉真实数据")
    with store_errors(settings):
        upgrade(settings.store_url)
        store = Store(settings.store_url)
        try:
            with store.begin() as session:
                reset(session, clock.now().date())
            _remove_files(settings)
        finally:
            store.dispose()


def demo_identities(settings: Settings) -> list[Identity]:
    """Return the policies of the store by number; none in production."""
    if settings.env != "demo":
        return []
    query = (
        sa.select(Child.name, Household.phone, Plan.name, Policy.number)
        .select_from(Policy)
        .join(Child, Child.id == Policy.child_id)
        .join(Household, Household.id == Policy.household_id)
        .join(Plan, Plan.id == Policy.plan_id)
        .order_by(Policy.number)
        .limit(12)
    )
    store = Store(settings.store_url)
    try:
        with store_errors(settings), store.read() as session:
            return [Identity(*row) for row in session.execute(query)]
    finally:
        store.dispose()


@contextmanager
def store_errors(settings: Settings) -> Iterator[None]:
    """Turn what a store raises into a sentence; the details go to the log.

    Raises:
        OperatorError: Instead of the store's errors.
    """
    place = sa.engine.make_url(settings.store_url).render_as_string(hide_password=True)
    try:
        yield
    except CommandError as error:
        logger.exception("the store cannot be migrated")
        raise OperatorError(
            f"数据库 {place} 的版本与程序不符：它由更新的程序建立，请更新程序"
        ) from error
    except (SQLAlchemyError, OSError, ValueError) as error:
        logger.exception("the store cannot be used")
        raise OperatorError(
            f"数据库 {place} 用不了（{type(error).__name__}）：请检查 BOT_DATABASE_URL 和权限"
        ) from error


def telegram_works(settings: Settings) -> bool | None:
    """Say whether Telegram knows the token; ``None`` without one."""
    if settings.telegram_token is None:
        return None
    import asyncio

    from bot.channels.telegram_bot import token_works

    return asyncio.run(token_works(settings))


def parts(settings: Settings, model: Path, *, telegram: bool = False) -> list[Part]:
    """Return the processes as the supervisor wants them.

    Args:
        settings: Ports and folders.
        model: The trained model.
        telegram: Whether to receive from Telegram too.
    """
    paths = {Process.RASA: "/", Process.ACTIONS: "/health", Process.WEB: "/"}
    health: dict[Process, str | Path] = {
        process: f"http://{HOST}:{port}{paths[process]}"
        for process, (port, _) in ports(settings).items()
    }
    health[Process.WORKER] = settings.heartbeat
    if telegram:
        health[Process.TELEGRAM] = settings.telegram_heartbeat
    made = []
    for process, sign in health.items():
        command = [sys.executable, "-m", "bot.cli", "serve", process.value, "--quiet"]
        if process is Process.RASA:
            command += ["--model", str(model)]
        made.append(
            Part(
                name=process.value,
                command=tuple(command),
                health=sign,
                log=settings.logs / f"{process.value}.log",
                output=settings.logs / f"{process.value}.out",
            )
        )
    return made


def child_environ(settings: Settings) -> dict[str, str]:
    """Return the environment of the processes: ours, quiet, with the folder made absolute."""
    # An empty variable counts as unset here and must do so there.
    kept = {name: value for name, value in os.environ.items() if value}
    return kept | QUIET | {"BOT_VAR": str(settings.var)}


def _remove_files(settings: Settings) -> None:
    # A place that the operator named may hold other things as well.
    if settings.files_url is None:
        shutil.rmtree(settings.uploads, ignore_errors=True)


def _remove(url: str) -> None:
    path = sqlite_file(url)
    if path is not None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
