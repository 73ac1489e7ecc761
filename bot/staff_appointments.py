"""``bot staff appointments``: see :mod:`bot.services.appointment_desk`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]

Reference = Annotated[str, typer.Argument(help="预约编号，例如 A10002。")]
Version = Annotated[int | None, typer.Option(help="看到的版本；变过就不办。")]
Moment = Annotated[datetime | None, typer.Option(formats=FORMATS, help="北京时间。")]
Needed = Annotated[datetime, typer.Option(formats=FORMATS, help="北京时间。")]
Reason = Annotated[str, typer.Option(help="说给家长听的原因，60 字以内。")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    for name, command, about in (
        ("list", listed, "列出待办和已确认的预约：待安排的在前，加急的在前。"),
        ("confirm", confirm, "确认；医院给了别的时间就用 --at。"),
        ("change", change, "医院改了已确认的时间。"),
        ("decline", decline, "约不上，可以用 --proposal 另提时间。"),
        ("call-off", call_off, "医院取消了已确认的预约。"),
        ("fulfilled", fulfilled, "已就诊。"),
        ("noshow", noshow, "没有到诊。"),
    ):
        commands.command(name, help=about)(command)


def listed(
    ctx: typer.Context,
    status: Annotated[str | None, typer.Option(help="只看一种状态。")] = None,
) -> None:
    """Show visits to be arranged and confirmed ones."""
    from bot.services.appointment_list import waiting
    from bot.staff import refusals

    with refusals():
        ctx.obj.show(waiting(ctx.obj.store, status=status))


def confirm(
    ctx: typer.Context, reference: Reference, at: Moment = None, version: Version = None
) -> None:
    """Confirm a visit."""
    _do(ctx, "confirm", reference, version, visit_at=_local(at))


def change(ctx: typer.Context, reference: Reference, at: Needed, version: Version = None) -> None:
    """Move a confirmed visit."""
    _do(ctx, "change", reference, version, visit_at=_local(at))


def decline(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    proposal: Moment = None,
    version: Version = None,
) -> None:
    """Decline a visit."""
    _do(ctx, "decline", reference, version, reason=reason, proposal=_local(proposal))


def call_off(
    ctx: typer.Context, reference: Reference, reason: Reason, version: Version = None
) -> None:
    """Cancel a confirmed visit for the hospital."""
    _do(ctx, "call_off", reference, version, reason=reason)


def fulfilled(ctx: typer.Context, reference: Reference, version: Version = None) -> None:
    """Note that the child was seen."""
    _do(ctx, "fulfil", reference, version)


def noshow(ctx: typer.Context, reference: Reference, version: Version = None) -> None:
    """Note that nobody came."""
    _do(ctx, "no_show", reference, version)


def _do(ctx: typer.Context, name: str, reference: str, version: int | None, **given: Any) -> None:
    from bot.services import appointment_desk
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        seen = getattr(appointment_desk, name)(
            desk.store,
            reference=reference.upper(),
            actor=desk.actor,
            now=desk.now,
            version=version,
            **given,
        )
    desk.show([seen])


def _local(moment: datetime | None) -> datetime | None:
    from bot.rules.calendar import TZ

    return None if moment is None else moment.replace(tzinfo=TZ)
