"""``bot doctor``: what is in order, what is not, and how to mend it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx

from bot import provision, training
from bot.errors import OperatorError
from bot.serve import Process
from bot.settings import ROOT, Settings, SettingsError, load_settings
from bot.store.migrate import is_current
from bot.supervisor import answers

PYTHON = (3, 11)
RESYNC = "运行 uv sync"
_TIMEOUT_S = 10
# What pyproject.toml asks for: a name and a range. Markers and extras are not used there.
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;\[]*)")


class Level(StrEnum):
    """How a check came out; only ``BAD`` keeps the bot from running."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what mends it (empty if nothing has to be)."""

    name: str
    level: Level
    found: str
    mend: str = ""


def examine() -> list[Check]:
    """Look at everything; a failing check does not stop the others."""
    checks = [check_python(), *check_lock()]
    try:
        settings = load_settings()
    except SettingsError as error:
        mend = "改正或去掉这个环境变量"
        return [
            *checks,
            Check("设置", Level.BAD, str(error), mend),
            check_terminal(),
            check_fonts(),
        ]
    checks.append(Check("设置", Level.GOOD, f"BOT_ENV={settings.env}"))
    checks += [check_var(settings), check_store(settings), check_model(settings)]
    return [*checks, *check_ports(settings), check_terminal(), check_fonts()]


def check_python() -> Check:
    """Look at the version of Python."""
    found = platform.python_version()
    if sys.version_info[:2] == PYTHON:
        return Check("Python", Level.GOOD, found)
    wanted = ".".join(map(str, PYTHON))
    return Check(
        "Python", Level.BAD, found, f"要用 {wanted}：uv python install {wanted}，再 uv sync"
    )


def check_lock(root: Path = ROOT) -> Iterator[Check]:
    """Compare pyproject.toml, uv.lock and the installed packages."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        locked = tomllib.loads((root / "uv.lock").read_text("utf-8"))["package"]
    except (OSError, ValueError, KeyError) as error:
        yield Check(
            "依赖", Level.BAD, f"读不了 pyproject.toml 或 uv.lock：{error}", "重新取一份代码"
        )
        return
    own = next(package for package in locked if package["name"] == project["name"])
    wanted = {_requirement(text) for text in project["dependencies"]}
    known = {
        _requirement(f"{entry['name']}{entry.get('specifier', '')}")
        for entry in own.get("metadata", {}).get("requires-dist", ())
        if "extra ==" not in entry.get("marker", "")
    }
    if wanted == known:
        yield Check("uv.lock", Level.GOOD, "与 pyproject.toml 一致")
    else:
        names = "、".join(sorted({name for name, _ in wanted ^ known}))
        yield Check("uv.lock", Level.BAD, f"与 pyproject.toml 不一致：{names}", "运行 uv lock")
    versions = {package["name"]: package.get("version", "") for package in locked}
    direct = sorted(name for name, _ in wanted)
    wrong = [name for name in direct if _installed(name) != versions.get(name)]
    rasa = _installed("rasa") or "没有安装"
    if wrong:
        yield Check("依赖", Level.BAD, f"装的与 uv.lock 不同：{'、'.join(wrong)}", RESYNC)
    else:
        yield Check("依赖", Level.GOOD, f"与 uv.lock 一致，Rasa {rasa}")


def _requirement(text: str) -> tuple[str, frozenset[str]]:
    name, specifiers = _REQUIREMENT.fullmatch(text.strip()).groups()  # type: ignore[union-attr]
    parts = frozenset(part.strip() for part in specifiers.split(",") if part.strip())
    return re.sub(r"[-_.]+", "-", name).lower(), parts


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_var(settings: Settings) -> Check:
    """See that the var folder can be written, or could be made."""
    existing = next(path for path in (settings.var, *settings.var.parents) if path.exists())
    try:
        if existing == settings.var:
            provision.make_folders(settings)
        elif not existing.is_dir():
            raise NotADirectoryError(existing)
    except (OperatorError, OSError):
        return Check("var 文件夹", Level.BAD, f"{settings.var} 写不进去", "改权限，或设 BOT_VAR")
    found = str(settings.var) + ("" if existing == settings.var else "（还没有，bot up 会建）")
    return Check("var 文件夹", Level.GOOD, found)


def check_store(settings: Settings) -> Check:
    """See that the store answers and its tables are those of this program."""
    try:
        with provision.store_errors(settings):
            current = is_current(settings.store_url)
    except OperatorError as error:
        return Check("数据库", Level.BAD, str(error), "启动数据库，或改 BOT_DATABASE_URL")
    if current:
        return Check("数据库", Level.GOOD, "可用，表是最新的")
    return Check("数据库", Level.NOTE, "还没有建表，或表是旧的", "bot up 启动时会自动升级")


def check_model(settings: Settings) -> Check:
    """See whether the model is that of the present data."""
    try:
        path = training.model_path(settings)
    except OperatorError as error:
        return Check("模型", Level.BAD, str(error), "重新取一份代码")
    if path.exists():
        return Check("模型", Level.GOOD, f"{path.name} 是最新的")
    return Check(
        "模型", Level.NOTE, "还没有训练，或训练数据变了", "运行 uv run bot train（bot up 也会）"
    )


def check_ports(settings: Settings) -> Iterator[Check]:
    """See that the ports are free, or that the bot itself answers there."""
    running = _bot_answers(settings)
    for process, (port, variable) in provision.ports(settings).items():
        name = f"端口 {port}"
        if provision.port_is_free(port):
            yield Check(name, Level.GOOD, f"空闲（{process.value}）")
        elif running or (process is not Process.WEB and _own(process, port)):
            yield Check(name, Level.GOOD, f"小助手的 {process.value} 正在用")
        else:
            yield Check(name, Level.BAD, "被别的程序占用", f"停掉它，或用 {variable} 换一个")


def _bot_answers(settings: Settings) -> bool:
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            body = client.get(f"http://127.0.0.1:{settings.web_port}/health").json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(body, dict) and set(body.get("parts", ())) >= set(Process)


def _own(process: Process, port: int) -> bool:
    path = {Process.RASA: "/webhooks/rest/", Process.ACTIONS: "/health"}[process]
    return answers(f"http://127.0.0.1:{port}{path}")


def check_terminal() -> Check:
    """See that Chinese can be printed."""
    encoding = (sys.stdout.encoding or "").lower()
    if encoding.replace("-", "") == "utf8":
        return Check("终端编码", Level.GOOD, "UTF-8")
    return Check("终端编码", Level.NOTE, encoding or "不明", "设 LANG=C.UTF-8，否则中文显示不出来")


def check_fonts() -> Check:
    """See whether this machine can draw Chinese, for pictures of pages."""
    program = shutil.which("fc-list")
    found = ""
    if program:
        try:
            found = subprocess.run(  # noqa: S603
                [program, ":lang=zh", "family"],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            found = ""
    if found:
        return Check("中文字体", Level.GOOD, found.splitlines()[0])
    return Check(
        "中文字体", Level.NOTE, "本机没有（只影响在本机截图）", "apt-get install fonts-noto-cjk"
    )
