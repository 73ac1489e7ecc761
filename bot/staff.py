"""``bot staff``: what staff do with requests, from the command line, beside the desk.

A group of commands is a function that registers them: see :func:`group` and
:mod:`bot.staff_appointments`. Commands get their :class:`Desk` from the context, call one service,
and show what it returned.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot import staff_api_keys, staff_appointments, staff_consultations, staff_handoffs, staff_users
from bot.errors import OperatorError
from bot.staff_account import complaints_app, data_app
from bot.staff_claims import claims_app

if TYPE_CHECKING:
    from bot.store.session import Store

out = Console(highlight=False, soft_wrap=True)
staff_app = typer.Typer(help="处理家长的申请：确认、回复、办结。", no_args_is_help=True)


@dataclass(frozen=True)
class Desk:
    """Who works, on what, and when; ``now`` is aware."""

    store: Store
    actor: str
    now: datetime
    as_json: bool

    def show(self, rows: Sequence[Any]) -> None:
        """Print rows (dataclasses): JSON, or a line each."""
        found = [dataclasses.asdict(row) for row in rows]
        if self.as_json:
            out.print(json.dumps(found, ensure_ascii=False, default=str), markup=False)
            return
        for row in found:
            out.print("  ".join(_plain(value) for value in row.values()), markup=False)
        if not found:
            out.print("没有。")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    # Not by equality: 1 is equal to True.
    if value is None or value is False:
        return "-"
    return "加急" if value is True else str(value)


@staff_app.callback()
def _begin(
    ctx: typer.Context,
    actor: Annotated[str, typer.Option(help="您的名字，记入操作记录。")] = "cli",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。")] = False,
) -> None:
    from bot import clock
    from bot.store.session import get_store

    # Folder, logs and settings are prepared as for every command.
    ctx.obj()
    ctx.obj = Desk(get_store(), f"staff:{actor}"[:64], clock.now(), as_json)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what a service refuses into one sentence.

    Raises:
        OperatorError: Instead of the service's errors.
    """
    from bot.services.errors import Conflict, NotFound, Refused
    from bot.texts import texts

    try:
        yield
    except NotFound as error:
        raise OperatorError("没有这个编号") from error
    except Conflict as error:
        raise OperatorError("刚被别人改过，什么都没有做：请重新查看再办") from error
    except Refused as error:
        name = error.reason
        known = texts().get(f"line_refused_{name}") or texts().get(f"desk_refused_{name}")
        raise OperatorError(f"不能办：{known.text if known else error.reason}") from error
    except ValueError as error:
        raise OperatorError(f"填写有误：{error}") from error


def group(name: str, help_text: str, register: Callable[[typer.Typer], None]) -> None:
    """Add a group of commands.

    Args:
        name: Its name on the command line, a plural.
        help_text: One line about it.
        register: Adds its commands to the group's application.
    """
    commands = typer.Typer(help=help_text, no_args_is_help=True)
    register(commands)
    staff_app.add_typer(commands, name=name)


group("appointments", "预约：确认、改时间、回绝、取消、记录到诊。", staff_appointments.register)
group("consultations", "医生回电：待打的、已打、不再打。", staff_consultations.register)
group("api-keys", "对接程序的密钥：发、看、停。", staff_api_keys.register)
group("handoffs", "人工对话：排队、接入、回复、办结。", staff_handoffs.register)
group("users", "工作台账号：建、看、重设密码。", staff_users.register)
staff_app.add_typer(claims_app, name="claims")
staff_app.add_typer(complaints_app, name="complaints")
staff_app.add_typer(data_app, name="data")
