"""``bot staff consultations``: see :mod:`bot.services.consultation_desk`."""

from __future__ import annotations

from typing import Annotated

import typer

Reference = Annotated[str, typer.Argument(help="回电编号，例如 T10001。")]
Version = Annotated[int | None, typer.Option(help="看到的版本；变过就不办。")]
Reason = Annotated[str, typer.Option(help="为什么不再打，记入操作记录。")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    for name, command, about in (
        ("list", listed, "列出等着的回电，先到期的在前。"),
        ("called", called, "医生已经打过。"),
        ("close", close, "不再打。"),
    ):
        commands.command(name, help=about)(command)


def listed(ctx: typer.Context) -> None:
    """Show the calls that are waited for."""
    from bot.services.consultation_desk import worklist

    ctx.obj.show(worklist(ctx.obj.store, now=ctx.obj.now))


def called(ctx: typer.Context, reference: Reference, version: Version = None) -> None:
    """Note that the doctor has called."""
    from bot.services import consultation_desk
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        seen = consultation_desk.called_back(
            desk.store,
            reference=reference.upper(),
            actor=desk.actor,
            now=desk.now,
            version=version,
        )
    desk.show([seen])


def close(
    ctx: typer.Context, reference: Reference, reason: Reason, version: Version = None
) -> None:
    """End a call."""
    from bot.services import consultation_desk
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        seen = consultation_desk.close(
            desk.store,
            reference=reference.upper(),
            actor=desk.actor,
            reason=reason,
            now=desk.now,
            version=version,
        )
    desk.show([seen])
