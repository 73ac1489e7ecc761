"""``bot staff users``: accounts of the desk; this is how the first admin is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

Login = Annotated[str, typer.Argument(help="用户名：小写字母开头，可用数字、点、横线。")]


@dataclass(frozen=True)
class Given:
    """An account and the password that its owner is given."""

    login: str
    name: str
    role: str
    password: str


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    for name, command, about in (
        ("list", listed, "列出工作台账号。"),
        ("add", add, "建账号；打印只用一次的密码，第一次登录要换。"),
        ("reset", reset, "重设密码；打印只用一次的密码。"),
    ):
        commands.command(name, help=about)(command)


def listed(ctx: typer.Context) -> None:
    """Show the accounts."""
    from bot.services import staff_users

    ctx.obj.show(staff_users.staff(ctx.obj.store))


def add(
    ctx: typer.Context,
    login: Login,
    name: Annotated[str, typer.Option(help="姓名，家长看得到。")],
    role: Annotated[str, typer.Option(help="agent、supervisor 或 admin。")] = "agent",
) -> None:
    """Make an account."""
    from bot.errors import OperatorError
    from bot.rules.staff import Role
    from bot.services import staff_users
    from bot.staff import refusals

    desk = ctx.obj
    try:
        wanted = Role(role)
    except ValueError as error:
        raise OperatorError(f"角色要是 {'、'.join(Role)} 之一") from error
    with refusals():
        made, password = staff_users.create(
            desk.store, login=login, name=name, role=wanted, actor=desk.actor, now=desk.now
        )
    _show(ctx, made, password)


def reset(ctx: typer.Context, login: Login) -> None:
    """Give an account a new password."""
    from bot.errors import OperatorError
    from bot.services import staff_users
    from bot.staff import refusals

    desk = ctx.obj
    found = [one for one in staff_users.staff(desk.store) if one.login == login.casefold()]
    if not found:
        raise OperatorError("没有这个用户名")
    with refusals():
        changed, password = staff_users.reset_password(
            desk.store,
            user_id=found[0].id,
            version=found[0].version,
            actor=desk.actor,
            now=desk.now,
        )
    _show(ctx, changed, password)


def _show(ctx: typer.Context, user: Any, password: str) -> None:
    from bot.staff import out

    if ctx.obj.as_json:
        # A script that makes accounts needs the password as well: it is nowhere else.
        ctx.obj.show([Given(user.login, user.name, user.role.value, password)])
        return
    ctx.obj.show([user])
    out.print(f"密码（只显示这一次）：{password}", markup=False)
