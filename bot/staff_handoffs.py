"""``bot staff handoffs``: the queue and the conversations, beside the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]

Number = Annotated[int, typer.Argument(help="编号，见 list 的第一列。")]
Agent = Annotated[int, typer.Option("--agent", help="您的坐席号。")]
Words = Annotated[str, typer.Argument(help="要说的话。")]
Moment = Annotated[datetime, typer.Option(formats=FORMATS, help="北京时间。")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    for name, command, about in (
        ("list", listed, "列出排队和进行中的对话：紧急的在前，隔夜的其次。"),
        ("online", online, "上线接单；名字是 --actor 给的。"),
        ("offline", offline, "下线。"),
        ("take", take, "接入一段对话。"),
        ("latest", latest, "接入最近的一段对话，不用查编号。"),
        ("say", say, "对家长说话。"),
        ("note", note, "写内部备注，家长看不到。"),
        ("transfer", transfer, "转给另一位在线坐席。"),
        ("snooze", snooze, "先放一放，到时或家长说话再继续。"),
        ("resolve", resolve, "办结。"),
        ("show", show, "看整段对话。"),
        ("tick", tick, "按给定时间做一次超时检查。"),
    ):
        commands.command(name, help=about)(command)


@dataclass(frozen=True)
class Row:
    """A hand-off on a line of the terminal."""

    id: int
    status: str
    reason: str
    urgent: bool
    wish: str
    agent: int | None
    minutes: int
    message: str | None
    phone: str | None
    due_at: datetime | None


def _row(item: Any) -> Row:
    return Row(
        item.id,
        item.status.value,
        item.reason.value,
        item.urgent,
        item.wish.value,
        item.agent_id,
        int(item.waiting.total_seconds() // 60),
        item.message,
        item.phone,
        item.due_at,
    )


def _name(actor: str) -> str:
    return actor.removeprefix("staff:")[:32]


def listed(ctx: typer.Context) -> None:
    """Show what is open."""
    from bot.rules.handoffs import HandOffState
    from bot.services import handoff_items

    desk = ctx.obj
    states = [state for state in HandOffState if state is not HandOffState.RESOLVED]
    found = handoff_items.items(desk.store, now=desk.now, states=states)
    desk.show([_row(item) for item in found])


def online(
    ctx: typer.Context,
    agent: Agent = 1,
    capacity: Annotated[int | None, typer.Option(help="同时最多接几段。")] = None,
) -> None:
    """Be there."""
    ctx.obj.show([_present(ctx, agent, "online", capacity)])


def offline(ctx: typer.Context, agent: Agent = 1) -> None:
    """Be gone."""
    ctx.obj.show([_present(ctx, agent, "offline", None)])


def _present(ctx: typer.Context, agent: int, status: str, capacity: int | None = None) -> Any:
    from bot.rules.handoffs import AgentStatus
    from bot.services import presence
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        return presence.set_presence(
            desk.store,
            agent_id=agent,
            name=_name(desk.actor),
            status=AgentStatus(status),
            capacity=capacity,
            now=desk.now,
        )


def take(ctx: typer.Context, handoff: Number, agent: Agent = 1) -> None:
    """Take a conversation."""
    _present(ctx, agent, "online")
    _do(ctx, "accept", handoff_id=handoff, agent_id=agent)


def latest(ctx: typer.Context, agent: Agent = 1) -> None:
    """Take the newest conversation that waits."""
    from bot.errors import OperatorError
    from bot.rules.handoffs import WAITING
    from bot.services import handoff_items

    desk = ctx.obj
    waiting = handoff_items.items(desk.store, now=desk.now, states=tuple(WAITING))
    live = [item for item in waiting if item.reason != "complaint"]
    if not live:
        raise OperatorError("现在没有人在等")
    take(ctx, max(item.id for item in live), agent)


def say(ctx: typer.Context, handoff: Number, words: Words, agent: Agent = 1) -> None:
    """Say something to the parent."""
    _live(ctx, "agent_message", handoff_id=handoff, agent_id=agent, text=words)


def note(ctx: typer.Context, handoff: Number, words: Words, agent: Agent = 1) -> None:
    """Write a note."""
    _live(ctx, "note", handoff_id=handoff, agent_id=agent, text=words)


def transfer(
    ctx: typer.Context,
    handoff: Number,
    to: Annotated[int, typer.Option(help="转给哪个坐席号。")],
    agent: Agent = 1,
) -> None:
    """Pass a conversation on."""
    _do(ctx, "transfer", handoff_id=handoff, agent_id=agent, to_agent_id=to)


def snooze(ctx: typer.Context, handoff: Number, until: Moment, agent: Agent = 1) -> None:
    """Put a conversation aside."""
    from bot.rules.calendar import TZ

    _do(ctx, "snooze", handoff_id=handoff, agent_id=agent, until=until.replace(tzinfo=TZ))


def resolve(ctx: typer.Context, handoff: Number, agent: Agent = 1) -> None:
    """End a conversation."""
    _do(ctx, "resolve", handoff_id=handoff, agent_id=agent)


def show(ctx: typer.Context, handoff: Number) -> None:
    """Show all that was said, masked."""
    from bot.services import handoff_items, transcripts
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        item = handoff_items.item(desk.store, handoff_id=handoff, now=desk.now)
        found = transcripts.transcript(desk.store, identity_id=item.identity_id, now=desk.now)
    desk.show(found.entries)


def tick(ctx: typer.Context, at: Moment) -> None:
    """Do what would be due at a time."""
    from bot.rules.calendar import TZ
    from bot.services import handoff_timers
    from bot.staff import out

    moved = handoff_timers.tick(ctx.obj.store, at.replace(tzinfo=TZ))
    out.print(f"动了 {moved} 条。")


def _do(ctx: typer.Context, name: str, **given: Any) -> None:
    from bot.services import handoff_desk
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        seen = getattr(handoff_desk, name)(desk.store, now=desk.now, **given)
    desk.show([_row(seen)])


def _live(ctx: typer.Context, name: str, **given: Any) -> None:
    from bot.services import live_chat
    from bot.staff import refusals

    desk = ctx.obj
    with refusals():
        seen = getattr(live_chat, name)(desk.store, now=desk.now, **given)
    desk.show([seen])
