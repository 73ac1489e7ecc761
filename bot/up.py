"""``bot up``: everything in one command, and what the operator sees of it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bot import provision, training
from bot.serve import HOST, UNKNOWN_BOT, Process
from bot.settings import ROOT, Settings
from bot.supervisor import Happening, Part, Supervisor

TITLES = {
    Process.RASA: "对话（Rasa）",
    Process.ACTIONS: "业务（actions）",
    Process.WEB: "网页（web）",
    Process.WORKER: "消息（worker）",
    Process.TELEGRAM: "Telegram（telegram）",
}


def run(settings: Settings, console: Console) -> None:
    """Prepare what is missing, run the processes until a signal, stop them.

    Raises:
        OperatorError: Something is in the way; nothing is left running.
    """
    began = time.monotonic()
    with provision.only_one(settings), until_signal() as stop:
        provision.check_ports(settings)
        provision.prepare_store(settings)
        try:
            model = train(settings, console, stop=stop)
        except training.TrainingStoppedError:
            console.print("已停止。")
            return
        telegram = provision.telegram_works(settings)
        if telegram is False:
            console.print(f"[red]✗[/] {UNKNOWN_BOT}。其余照常运行。")
        parts = provision.parts(settings, model, telegram=bool(telegram))
        supervisor = Supervisor(
            parts=parts,
            folder=ROOT,
            environ=provision.child_environ(settings),
            tell=_Teller(console),
        )
        console.print(f"正在启动 {len(parts)} 个进程……")
        supervisor.run(stop, lambda: _show(settings, console, time.monotonic() - began))
        console.print("已全部停止。")


def train(
    settings: Settings,
    console: Console,
    *,
    force: bool = False,
    stop: threading.Event | None = None,
) -> Path:
    """Return the present model; train it first if need be, showing stage and seconds.

    Raises:
        OperatorError: The training failed.
        TrainingStoppedError: ``stop`` was set.
    """
    with _progress(console) as on_stage:
        return training.ensure_model(settings, force=force, on_stage=on_stage, stop=stop)


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Give an event that SIGINT, SIGTERM and SIGHUP set; the old handlers come back after."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    old = {
        number: signal.signal(number, handle)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class _Training:
    """A line that counts the seconds; rich draws it again four times a second."""

    def __init__(self) -> None:
        self.stage = ""
        self._began = time.monotonic()
        self._spinner = Spinner("dots")

    def __rich__(self) -> Spinner:
        self._spinner.update(text=Text(self.line))
        return self._spinner

    @property
    def line(self) -> str:
        """Stage and elapsed seconds."""
        return f"训练模型：{self.stage}，{time.monotonic() - self._began:.0f} 秒"


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    shown = _Training()
    live = Live(shown, console=console, transient=True, refresh_per_second=4)

    def on_stage(stage: str) -> None:
        if stage == shown.stage:
            return
        shown.stage = stage
        # The spinner comes with the first stage: there is none if the model is fresh.
        if console.is_terminal and not live.is_started:
            live.start()
        elif not console.is_terminal:
            console.print(shown.line)

    try:
        yield on_stage
        live.stop()
        if shown.stage:
            console.print(f"{shown.line.replace(shown.stage, '完成')}")
    finally:
        live.stop()


class _Teller:
    """Says what happens to the processes; what is expected is said briefly."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, happening: Happening, part: Part, detail: str) -> None:
        title = TITLES[Process(part.name)]
        if happening is Happening.HEALTHY:
            self._console.print(f"[green]✓[/] {title} 就绪，{detail} 秒")
        elif happening is Happening.DIED:
            status, delay = detail.split()
            self._console.print(
                f"[red]✗[/] {title} 意外退出（状态 {status}），{delay} 秒后重启；日志 {part.log}"
            )
        elif happening is Happening.KILLED:
            self._console.print(f"[yellow]![/] {title} {detail} 秒内没有停下，已强制结束")


def _show(settings: Settings, console: Console, seconds: float) -> None:
    table = Table(title=f"优享小助手已就绪（{seconds:.0f} 秒）", title_justify="left")
    for column in ("进程", "地址", "日志"):
        table.add_column(column, overflow="fold")
    for process, (port, _) in provision.ports(settings).items():
        log = settings.logs / f"{process.value}.log"
        table.add_row(TITLES[process], f"http://{HOST}:{port}", str(log))
    table.add_row(TITLES[Process.WORKER], "", str(settings.logs / f"{Process.WORKER.value}.log"))
    if settings.telegram_heartbeat.exists():
        log = settings.logs / f"{Process.TELEGRAM.value}.log"
        table.add_row(TITLES[Process.TELEGRAM], settings.telegram_url, str(log))
    console.print(table)
    console.print(f"聊天网页  {settings.base_url}/")
    console.print(f"工作台    {settings.base_url}/desk")
    console.print(f"健康检查  http://{HOST}:{settings.web_port}/health")
    if settings.env == "demo":
        console.print("也可以聊  另开一个终端，运行 [bold]uv run bot chat[/]")
        if settings.now is not None:
            console.print(f"固定时钟  {settings.now.isoformat()}（演示数据已按它重建）")
        _show_identities(settings, console)
    console.print("停止      Ctrl-C")


def _show_identities(settings: Settings, console: Console) -> None:
    table = Table(
        title="演示身份：用孩子姓名和手机号绑定，验证码会显示在对话里", title_justify="left"
    )
    for column in ("孩子", "手机号", "计划", "保单"):
        table.add_column(column)
    for identity in provision.demo_identities(settings):
        table.add_row(identity.child, identity.phone, identity.plan, identity.policy)
    console.print(table)
