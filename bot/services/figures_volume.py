"""How much was said on a day, by whom: counted by the database, for lines are many.

What a parent and the bot say to each other stands in the dialogue, by the machine's clock; what is
said to and by a person stands with the hand-off. An account that was erased leaves no lines.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.services.dialogues import sender_of
from bot.store.models import ChatIdentity, ConversationEvent, HandOff, HandOffMessage

HOURS = range(24)
PARENT, REPLY = "parent", "reply"
_EVENTS: Any = ConversationEvent.__table__
_LINES: Any = HandOffMessage.__table__
_HANDOFFS: Any = HandOff.__table__
_ACCOUNTS: Any = ChatIdentity.__table__
_KINDS = {"user": PARENT, "bot": REPLY, "parent": PARENT, "agent": REPLY}


@dataclass(frozen=True)
class Volume:
    """A day's messages.

    Attributes:
        parents: Messages of parents by hour (Asia/Shanghai).
        replies: Messages of the bot and of agents by hour.
        senders: The conversations in which a parent wrote, by the tracker store's names.
        with_people: Those in which a parent wrote to a person.
    """

    parents: Counter[int]
    replies: Counter[int]
    senders: frozenset[str]
    with_people: frozenset[str]


def volume(session: Session, first: datetime, after: datetime) -> Volume:
    """Count the messages from ``first``, the beginning of a local day, until before ``after``."""
    said = sa.and_(_EVENTS.c.at >= first, _EVENTS.c.at < after)
    # What a parent leaves before anybody has taken it is said to the bot, and counted there.
    live = sa.and_(
        _LINES.c.at >= first,
        _LINES.c.at < after,
        sa.or_(_LINES.c.direction == "agent", _LINES.c.at >= _HANDOFFS.c.accepted_at),
    )
    joined = _LINES.join(_HANDOFFS, _HANDOFFS.c.id == _LINES.c.handoff_id)
    counts: dict[str, Counter[int]] = {PARENT: Counter(), REPLY: Counter()}
    for table, kind, at, where in (
        (_EVENTS, _EVENTS.c.type_name, _EVENTS.c.at, said),
        (joined, _LINES.c.direction, _LINES.c.at, live),
    ):
        for name, hour, count in session.execute(_by_hour(table, kind, at, where, first)):
            counts[_KINDS[name]][int(hour)] += int(count)
    to_people = session.execute(
        sa.select(_ACCOUNTS.c.channel, _ACCOUNTS.c.account)
        .select_from(joined.join(_ACCOUNTS, _ACCOUNTS.c.id == _HANDOFFS.c.identity_id))
        .where(live, _LINES.c.direction == "parent")
        .distinct()
    )
    with_people = frozenset(sender_of(channel, account) for channel, account in to_people)
    to_bot = session.scalars(
        sa.select(_EVENTS.c.sender_id).where(said, _EVENTS.c.type_name == "user").distinct()
    )
    return Volume(counts[PARENT], counts[REPLY], with_people.union(to_bot), with_people)


def _by_hour(table: Any, kind: Any, at: Any, where: Any, first: datetime) -> Any:
    # Bounds and no date functions, of which each database has its own.
    ends = [(at < first + timedelta(hours=hour + 1), hour) for hour in HOURS[:-1]]
    rows = (
        sa.select(kind.label("kind"), sa.case(*ends, else_=HOURS[-1]).label("hour"))
        .select_from(table)
        .where(where, kind.in_(_KINDS))
        .subquery()
    )
    return sa.select(rows.c.kind, rows.c.hour, sa.func.count()).group_by(rows.c.kind, rows.c.hour)
