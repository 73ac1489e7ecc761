"""The command ``bot``. Every failure is one sentence and an exit status; details are in the log."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from bot.errors import OperatorError
from bot.settings import Settings, SettingsError, load_settings
from bot.staff import staff_app

LOG = "bot"
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

EPILOG = """[bold]例子[/]

[bold]uv run bot up[/] — 启动一切；第一次会建库、装演示数据、训练模型

[bold]uv run bot chat[/] — 在终端里和小助手对话

[bold]uv run bot doctor[/] — 检查环境，并说怎么修

[bold]uv run bot import policies 保单.xlsx --dry-run[/] — 先看看会导入什么

[bold]BOT_NOW=2026-11-23T20:30:00+08:00 uv run bot up[/] — 固定时钟，演示数据随之重建
"""


class OneSentence(TyperGroup):
    """Turns every error of a command into one sentence on stderr and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            typer.Exit: With status 1, after the sentence.
        """
        try:
            return super().invoke(ctx)
        except (OperatorError, SettingsError) as error:
            fail(str(error), error)
        except BrokenPipeError:
            # The reader of a pipe has seen enough; nobody is left to be told.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except Exception as error:
            # Typer's own: a wrong option, an early end.
            if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):
                raise
            fail(_unexpected(error), error)


def fail(sentence: str, error: BaseException) -> None:
    """Print the sentence and end with status 1.

    Raises:
        typer.Exit: Always.
    """
    logging.getLogger(__name__).error("%s", sentence, exc_info=error)
    err.print(f"[bold red]错误[/] {escape(sentence)}", soft_wrap=True)
    raise typer.Exit(1)


def _unexpected(error: Exception) -> str:
    place = next(
        (
            handler.baseFilename
            for handler in logging.getLogger().handlers
            if isinstance(handler, logging.FileHandler)
        ),
        None,
    )
    name = type(error).__name__
    return f"程序出错（{name}）：" + (f"详情在 {place}" if place else "还没有日志可写")


def _settings(process: str = LOG, *, echo: bool = False, names: bool = False) -> Settings:
    from bot import provision, serve

    settings = load_settings()
    provision.make_folders(settings)
    serve.prepare(process, settings, echo=echo, names=names)
    return settings


def _main(ctx: typer.Context) -> None:
    # How `bot staff` prepares itself.
    ctx.obj = _settings
    # Without a handler Python would print errors that `fail` logs before there is a log.
    logging.getLogger().addHandler(logging.NullHandler())


app = typer.Typer(
    cls=OneSentence,
    callback=_main,
    help="优享小助手：成长优享系列的服务机器人。",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(help="从文件导入数据。", no_args_is_help=True)
demo_app = typer.Typer(help="演示数据。", no_args_is_help=True)
serve_app = typer.Typer(help="单独启动一个进程，用于正式部署。", no_args_is_help=True)
app.add_typer(import_app, name="import")
app.add_typer(demo_app, name="demo")
app.add_typer(serve_app, name="serve")
app.add_typer(staff_app, name="staff")

Quiet = Annotated[bool, typer.Option("--quiet", help="日志只写文件，不写 stderr。")]


@app.command(help="启动小助手：缺什么补什么，直到 Ctrl-C。")
def up() -> None:
    """Start everything and keep it running until Ctrl-C."""
    from bot import up as starting

    starting.run(_settings(), out)


@app.command(help="在终端里和正在运行的小助手对话。")
def chat(
    sender: Annotated[str, typer.Option(help="会话名；同名的会话接着聊。")] = "",
) -> None:
    """Talk to a running bot in the terminal."""
    from bot import chat as talking

    talking.run(_settings(), sender or f"cli-{secrets.token_hex(4)}", out)


@app.command(help="训练模型；已有最新的就不训练。")
def train(
    force: Annotated[bool, typer.Option("--force", help="没有变化也全部重训。")] = False,
) -> None:
    """Train the model unless the present one is fresh."""
    from bot import training
    from bot import up as starting

    settings = _settings()
    fresh = training.model_path(settings).exists() and not force
    with starting.until_signal() as stop:
        try:
            model = starting.train(settings, out, force=force, stop=stop)
        except training.TrainingStoppedError:
            out.print("已停止，没有新模型。")
            raise typer.Exit(1) from None
    out.print(f"模型{'已是最新' if fresh else '训练好了'}：{model}", soft_wrap=True)
    if not fresh:
        out.print("正在运行的小助手要重启 bot up 才会用它。")


@app.command(help="检查版本、设置、数据库、模型和端口，并说怎么修。")
def doctor() -> None:
    """Check versions, settings, store, model and ports; status 1 if anything is bad."""
    from rich.table import Table

    from bot.doctor import Level, examine

    marks = {Level.GOOD: "[green]✓[/]", Level.NOTE: "[yellow]![/]", Level.BAD: "[red]✗[/]"}
    table = Table("", "检查", "结果", "怎么修")
    checks = examine()
    for check in checks:
        table.add_row(marks[check.level], check.name, escape(check.found), escape(check.mend))
    out.print(table)
    if any(check.level is Level.BAD for check in checks):
        raise typer.Exit(1)


@import_app.command("policies", help="导入保单：有一行不对就全不导入；重复导入会更新。")
def import_policies(
    file: Annotated[Path, typer.Argument(help="CSV（UTF-8 或 GB18030）或 XLSX 文件。")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。")] = False,
) -> None:
    """Import policies, all or nothing; the same file again updates (手册·电子保险卡 E1)."""
    path = file.absolute()
    from bot import provision
    from bot.store import imports
    from bot.store.migrate import upgrade
    from bot.store.session import Store

    settings = _settings()
    with provision.store_errors(settings):
        upgrade(settings.store_url)
        try:
            with Store(settings.store_url).begin() as session:
                report = imports.import_policies(session, path, dry_run)
        except imports.ImportFileError as error:
            raise OperatorError(f"{file} 读不了：{error}") from error
    for row in report.errors:
        err.print(f"[red]✗[/] 第 {row.line} 行：{escape(_of_row(row))}", soft_wrap=True)
    if report.errors:
        raise OperatorError(f"{len(report.errors)} 处有错，什么都没有导入：改好文件再来一次")
    verb = "将会" if dry_run else "已"
    counts = f"新增 {report.created}，更新 {report.updated}，不变 {report.unchanged}"
    out.print(f"{verb}导入：{counts}")


def _of_row(row: Any) -> str:
    column = getattr(row, "column", None)
    message = str(getattr(row, "message", row))
    return f"{column}：{message}" if column else message


@demo_app.command("reset", help="清空数据库，重新装入演示数据（生产环境拒绝）。")
def demo_reset() -> None:
    """Empty the store and load the demonstration data again."""
    from bot import provision

    settings = _settings()
    provision.reset_demo(settings)
    out.print(f"演示数据已重置：{len(provision.demo_identities(settings))} 份保单")


@app.command(help="用现在的模型测理解得对不对。")
def evaluate(
    files: Annotated[list[Path], typer.Argument(help="带正确意图的句子，JSONL。")],
    faq: Annotated[Path | None, typer.Option(help="常见问题的句子，JSONL。")] = None,
) -> None:
    """Measure what the present model understands."""
    given = [file.absolute() for file in files]
    asked = faq.absolute() if faq else None
    for file in [*given, *([asked] if asked else [])]:
        if not file.is_file():
            raise OperatorError(f"没有 {file} 这个文件")
    from bot import training

    if not training.model_path(_settings()).exists():
        raise OperatorError("没有现在的模型：先运行 uv run bot train")
    from bot import evaluate as evaluation

    raise typer.Exit(int(evaluation.main(given, asked) or 0))


@serve_app.command("rasa", help="只启动对话进程。")
def serve_rasa(
    model: Annotated[Path | None, typer.Option(help="模型文件；默认是现在的那个。")] = None,
    quiet: Quiet = False,
) -> None:
    """Run the Rasa server alone."""
    path = model.absolute() if model else None
    from bot import serve, training

    settings = _settings(serve.Process.RASA, echo=not quiet, names=True)
    path = path or training.model_path(settings)
    if not path.exists():
        raise OperatorError(f"没有模型 {path}：先运行 uv run bot train")
    sys.exit(serve.guarded(lambda: serve.serve_rasa(settings, path)))


@serve_app.command("actions", help="只启动业务进程。")
def serve_actions(quiet: Quiet = False) -> None:
    """Run the action server alone."""
    from bot import serve

    settings = _settings(serve.Process.ACTIONS, echo=not quiet, names=True)
    sys.exit(serve.guarded(lambda: serve.serve_actions(settings)))


@serve_app.command("web", help="只启动网页进程。")
def serve_web(quiet: Quiet = False) -> None:
    """Run the web process alone."""
    from bot import serve

    settings = _settings(serve.Process.WEB, echo=not quiet, names=True)
    sys.exit(serve.guarded(lambda: serve.serve_web(settings)))


@serve_app.command("worker", help="只启动发消息的进程。")
def serve_worker(quiet: Quiet = False) -> None:
    """Run the worker alone."""
    from bot import serve

    settings = _settings(serve.Process.WORKER, echo=not quiet, names=True)
    sys.exit(serve.guarded(lambda: serve.serve_worker(settings)))


@serve_app.command("telegram", help="只启动接收 Telegram 消息的进程。")
def serve_telegram(quiet: Quiet = False) -> None:
    """Run the process that receives from Telegram alone."""
    from bot import serve

    settings = _settings(serve.Process.TELEGRAM, echo=not quiet, names=True)
    if settings.telegram_token is None:
        raise OperatorError("没有设 BOT_TELEGRAM_TOKEN")
    sys.exit(serve.guarded(lambda: serve.serve_telegram(settings)))


if __name__ == "__main__":
    app()
