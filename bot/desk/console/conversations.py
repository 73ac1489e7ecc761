"""One conversation: what was said, what is known of the parent, and talking."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from bot.desk.console import pages
from bot.desk.console.calls import LARGEST_UPLOAD, Call, door
from bot.desk.console.queue import wait_level
from bot.rules.calendar import TZ
from bot.rules.handoffs import AgentStatus, HandOffState
from bot.rules.staff import Role
from bot.services import (
    canned_replies,
    chat_files,
    handoff_desk,
    handoff_items,
    live_chat,
    presence,
    transcripts,
)
from bot.services.errors import Refused
from bot.services.handoff_items import Item
from bot.services.transcripts import Transcript
from bot.store.files import get_files
from bot.texts import texts

LONGEST_KEY = 64
# A photo or PDF that was sent is shown, and runs nothing.
FILE_HEADERS = pages.NO_STORE | {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
}


def conversation(call: Call) -> Response:
    """Show the page; personal data are masked."""
    item = _item(call)
    seen = transcripts.transcript(call.store, identity_id=item.identity_id, now=call.now)
    return call.show("conversation.html", **_shown(call, item, seen))


def reveal(call: Call) -> Response:
    """Show the same unmasked, this once; that and why is written down."""
    item = _item(call)
    if not call.text("reason"):
        raise Refused("reveal_reason")
    seen = transcripts.reveal(
        call.store,
        identity_id=item.identity_id,
        actor=call.actor,
        reason=call.text("reason"),
        now=call.now,
    )
    return call.show("conversation.html", **_shown(call, item, seen))


def news(call: Call) -> Response:
    """Answer with the lines beyond a cursor, and how the conversation stands."""
    item = _item(call)
    after = call.query("after", "0")
    found = transcripts.lines_after(
        call.store, handoff_id=item.id, after=int(after) if after.isdecimal() else 0
    )
    template = pages.environment().get_template("lines.html")
    head = pages.environment().get_template("conversation_head.html")
    told = {
        "lines": template.render(entries=found, item=item, names=_names(call)),
        "head": head.render(call=call, item=item, level=wait_level(item, call), names=_names(call)),
        "last": max([item.last_seq, *(entry.seq or 0 for entry in found)]),
        "version": item.version,
    }
    return JSONResponse(told, headers=pages.NO_STORE)


def say(call: Call) -> Response:
    """Say something; the same ``key`` again is said once."""
    line = live_chat.agent_message(
        call.store,
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        text=call.text("text"),
        now=call.now,
        key=_key(call),
    )
    return _said(call, line.seq)


def send_file(call: Call) -> Response:
    """Send a photo or a PDF; the same ``key`` again is sent once."""
    file = call.file("file")
    if file is None:
        raise Refused("no_file")
    line = chat_files.agent_file(
        call.store,
        get_files(),
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        content=file.file.read(),
        name=file.filename or "",
        now=call.now,
        key=_key(call),
    )
    return _said(call, line.seq)


def write_note(call: Call) -> Response:
    """Write a note that parents do not see."""
    line = live_chat.note(
        call.store,
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        text=call.text("text"),
        now=call.now,
    )
    return _said(call, line.seq)


def file(call: Call) -> Response:
    """Answer with a line's file."""
    media_type, content = chat_files.file_of(
        call.store, get_files(), handoff_id=call.number("id"), seq=call.number("seq")
    )
    return Response(content, media_type=media_type, headers=FILE_HEADERS)


def canned(call: Call) -> Response:
    """Answer with a ready reply, filled in for this conversation."""
    text = canned_replies.rendered(
        call.store, code=call.query("code"), handoff_id=call.number("id"), agent_id=call.user.id
    )
    return JSONResponse({"text": text}, headers=pages.NO_STORE)


def transfer(call: Call) -> Response:
    """Pass it on to a colleague who is there."""
    handoff_desk.transfer(
        call.store,
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        to_agent_id=call.whole("to"),
        note=call.text("note"),
        now=call.now,
        supervisor=call.may(Role.SUPERVISOR),
    )
    return call.done("/desk/queue", "transferred")


def snooze(call: Call) -> Response:
    """Put it aside until a time."""
    handoff_desk.snooze(
        call.store,
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        until=_until(call.text("until"), call.now),
        now=call.now,
    )
    return call.done("/desk/queue", "snoozed")


def resolve(call: Call) -> Response:
    """End it; the parent is asked for a rating and has the bot back."""
    handoff_desk.resolve(
        call.store,
        handoff_id=call.number("id"),
        agent_id=call.user.id,
        note=call.text("note"),
        now=call.now,
        supervisor=call.may(Role.SUPERVISOR),
    )
    return call.done("/desk/queue", "resolved")


def _item(call: Call) -> Item:
    return handoff_items.item(call.store, handoff_id=call.number("id"), now=call.now)


def _names(call: Call) -> dict[str, str]:
    agents = presence.agents(call.store, now=call.now)
    return {f"agent:{agent.agent_id}": agent.name for agent in agents}


def _shown(call: Call, item: Item, seen: Transcript) -> dict[str, Any]:
    agents = presence.agents(call.store, now=call.now)
    free = [a for a in agents if a.status is AgentStatus.ONLINE and a.agent_id != item.agent_id]
    own = [e.seq or 0 for e in seen.entries if e.handoff_id == item.id]
    return {
        "item": item,
        "seen": seen,
        "entries": seen.entries,
        "slots": {n: v for n, v in seen.slots.items() if f"desk_slot_{n}" in texts()},
        "last": max([0, *own]),
        "level": wait_level(item, call),
        "history": handoff_items.history(call.store, handoff_id=item.id),
        "free": free,
        "names": _names(call),
        "canned": canned_replies.canned_replies(call.store),
        "can_talk": item.agent_id == call.user.id and item.status != HandOffState.RESOLVED,
    }


def _said(call: Call, seq: int) -> Response:
    if call.by_script:
        return JSONResponse({"seq": seq}, headers=pages.NO_STORE)
    return call.done(f"/desk/conversations/{call.number('id')}")


def _key(call: Call) -> str | None:
    return call.text("key")[:LONGEST_KEY] or None


def _until(wanted: str, now: datetime) -> datetime:
    if wanted.isdecimal():
        return now + timedelta(minutes=int(wanted))
    if wanted == "tomorrow":
        return datetime.combine(now.astimezone(TZ).date() + timedelta(days=1), time(9), TZ)
    try:
        return datetime.fromisoformat(wanted).replace(tzinfo=TZ)
    except ValueError as error:
        raise Refused("until") from error


_ONE = "/conversations/{id:int}"
ROUTES = (
    door(_ONE, conversation),
    door(f"{_ONE}/reveal", reveal, post=True),
    door(f"{_ONE}/news", news),
    door(f"{_ONE}/say", say, post=True),
    door(f"{_ONE}/send", send_file, post=True, largest=LARGEST_UPLOAD),
    door(f"{_ONE}/note", write_note, post=True),
    door(_ONE + "/files/{seq:int}", file),
    door(f"{_ONE}/canned", canned),
    door(f"{_ONE}/transfer", transfer, post=True),
    door(f"{_ONE}/snooze", snooze, post=True),
    door(f"{_ONE}/resolve", resolve, post=True),
)
