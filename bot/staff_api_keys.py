"""``bot staff api-keys``: see :mod:`bot.services.api_keys`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="对接程序的名字，记入操作记录，例如 core。")]
Scopes = Annotated[
    list[str], typer.Option("--scope", help="权限，可写几个，例如 policies:write；all 为全部。")
]
Days = Annotated[int | None, typer.Option(min=1, max=3650, help="多少天后失效；默认不失效。")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    for name, command, about in (
        ("create", create, "发一个密钥：只显示这一次。"),
        ("list", listed, "列出密钥：权限、最近使用、失效。"),
        ("revoke", revoke, "立刻停用一个密钥。"),
    ):
        commands.command(name, help=about)(command)


def create(ctx: typer.Context, name: Name, scope: Scopes, days: Days = None) -> None:
    """Make a key and show it, this once."""
    from bot.rules.partners import Scope
    from bot.services import api_keys
    from bot.staff import out, refusals

    desk = ctx.obj
    wanted = [one.value for one in Scope] if scope == ["all"] else scope
    with refusals():
        key = api_keys.create(
            desk.store,
            name=name,
            scopes=wanted,
            actor=desk.actor,
            now=desk.now,
            expires_at=desk.now + timedelta(days=days) if days else None,
        )
    out.print(key, markup=False)


def listed(ctx: typer.Context) -> None:
    """Show the keys."""
    from bot.services import api_keys

    ctx.obj.show(api_keys.keys(ctx.obj.store))


def revoke(ctx: typer.Context, name: Name) -> None:
    """End a key."""
    from bot.services import api_keys
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        api_keys.revoke(desk.store, name=name, actor=desk.actor, now=desk.now)
