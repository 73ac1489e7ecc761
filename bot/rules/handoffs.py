"""Conversations with people: states, who gets which, how long to wait, when to step in.

A conversation without an open hand-off is the bot's. With one it moves::

    requested → queued → assigned → human ⇄ snoozed → resolved

and back: to ``queued`` when an agent does not take it up or falls silent, to ``assigned`` when it
is passed on. Only in ``human`` and ``snoozed`` is the bot silent.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class HandOffState(StrEnum):
    """Where a conversation stands between the parent, the queue and an agent."""

    REQUESTED = "requested"  # taken outside office hours; queued when people are back
    QUEUED = "queued"
    ASSIGNED = "assigned"  # offered to an agent who has not taken it up yet
    HUMAN = "human"
    SNOOZED = "snoozed"  # the agent is to look at it again later, or the parent writes
    RESOLVED = "resolved"


class HandOffReason(StrEnum):
    """Why a person is needed."""

    ASKED = "asked"
    TWO_MISSES = "two_misses"
    EMERGENCY = "emergency"
    COMPLAINT = "complaint"
    BOT_FAILURE = "bot_failure"
    RULE = "rule"


class EndReason(StrEnum):
    """Why a conversation with a person ended."""

    RESOLVED_BY_AGENT = "resolved_by_agent"
    ENDED_BY_PARENT = "ended_by_parent"
    PARENT_LEFT = "parent_left"
    ASSIGNMENT_TIMEOUT = "assignment_timeout"
    AGENT_SILENT = "agent_silent"
    INTERNAL_ERROR = "internal_error"
    ANSWERED = "answered"  # a complaint, from its own list


class Wish(StrEnum):
    """How the parent wants to be helped: now in the chat, or later."""

    CHAT = "chat"
    MESSAGE = "message"
    CALL_BACK = "call_back"


class AgentStatus(StrEnum):
    """What an agent says of himself or herself."""

    ONLINE = "online"
    BUSY = "busy"
    AWAY = "away"
    OFFLINE = "offline"


_S = HandOffState
HANDOFF_MOVES: Mapping[HandOffState, frozenset[HandOffState]] = MappingProxyType(
    {
        _S.REQUESTED: frozenset({_S.QUEUED, _S.RESOLVED}),
        _S.QUEUED: frozenset({_S.ASSIGNED, _S.RESOLVED}),
        _S.ASSIGNED: frozenset({_S.HUMAN, _S.QUEUED, _S.RESOLVED}),
        _S.HUMAN: frozenset({_S.SNOOZED, _S.ASSIGNED, _S.QUEUED, _S.RESOLVED}),
        _S.SNOOZED: frozenset({_S.HUMAN, _S.QUEUED, _S.RESOLVED}),
        _S.RESOLVED: frozenset(),
    }
)
WAITING = frozenset({_S.REQUESTED, _S.QUEUED, _S.ASSIGNED})
WITH_AGENT = frozenset({_S.ASSIGNED, _S.HUMAN, _S.SNOOZED})
SILENCES_BOT = frozenset({_S.HUMAN, _S.SNOOZED})

# Smaller is earlier in the queue; within one priority the one that has waited longest.
URGENT, OVERNIGHT, ORDINARY = 0, 1, 2

# Goals of our own; the manual states none.
ACCEPT_WITHIN = timedelta(minutes=2)
AGENT_SILENT_AFTER = timedelta(minutes=5)
PARENT_LEFT_AFTER = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=30)
MOST_TAKEOVERS = 2
PRESENCE_LOST_AFTER = timedelta(seconds=90)
CONTACT_WITHIN = timedelta(hours=2)
# How long one conversation takes, until there are enough to count with.
TALK_TIME = timedelta(minutes=6)
LEAST_WAIT = timedelta(minutes=1)
SHOWN_WAIT = timedelta(hours=1)

LEAST_STARS, MOST_STARS = 1, 5
LONGEST_NOTE = 200
# The kinds of messages that leave at any hour: the parent is in the middle of a conversation.
AGENT_MESSAGE = "agent"
HANDOFF_MESSAGE = "handoff"
LIVE_KINDS = (AGENT_MESSAGE, HANDOFF_MESSAGE)

_STRIP = " \t\r\n。.!！~～,，、?？"
# Said to a person, each ends the conversation; only the whole message counts.
_END = frozenset(
    "/end end 不用了 不用了谢谢 不用了谢谢您 谢谢不用了 好的不用了 不需要了 不需要人工了 结束 "
    "结束人工 结束人工服务 结束对话 结束会话 结束聊天 退出人工 转回机器人 转回小助手 "
    "回到小助手".split()
)
# Said while waiting; a bare "不用了" may be the answer to a question of the bot.
_END_WAIT = frozenset(
    "/end 结束人工 不用人工了 不要人工了 不用人工 不需要人工了 取消人工 取消转人工 不用转了 "
    "不用转人工了 不转了 不转人工了 取消排队 不排了 不排队了 不等了 不等人工了 退出排队 退出人工 "
    "结束排队".split()
)
_STARS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_STAR_WORDS = ("分", "星", "颗星")


def moves_from(state: HandOffState) -> frozenset[HandOffState]:
    """Give the states that a hand-off can move to. Raises ValueError for anything but a state."""
    return HANDOFF_MOVES[HandOffState(state)]


def can_move(current: HandOffState, target: HandOffState) -> bool:
    """Say whether a hand-off may move so; staying is no move. Raises ValueError as `moves_from`."""
    return HandOffState(target) in moves_from(current)


def priority_of(reason: HandOffReason, *, overnight: bool) -> int:
    """Give the place in the queue: emergencies, then what was left overnight, then the rest."""
    if reason is HandOffReason.EMERGENCY:
        return URGENT
    return OVERNIGHT if overnight else ORDINARY


def expected_wait(ahead: int, agents: int, talk_time: timedelta = TALK_TIME) -> timedelta | None:
    """Give how long somebody with `ahead` others before him waits, in whole minutes.

    Args:
        ahead: How many are before in the queue.
        agents: How many agents are there; none means that nothing can be said (None).
        talk_time: How long one conversation takes.

    Raises:
        ValueError: Below zero.
    """
    if ahead < 0 or agents < 0:
        msg = f"{ahead} before, {agents} agents"
        raise ValueError(msg)
    if not agents:
        return None
    rounds = ahead // agents + 1
    wait = talk_time * rounds / 2 if ahead < agents else talk_time * rounds
    minutes = -(-wait // timedelta(minutes=1))
    return max(timedelta(minutes=minutes), LEAST_WAIT)


@dataclass(frozen=True)
class Candidate:
    """An agent as the assignment sees one: items at hand, room, and idle since when (aware)."""

    agent_id: int
    status: AgentStatus
    open: int
    capacity: int
    idle_since: datetime


def choose_agent(
    candidates: Iterable[Candidate], *, urgent: bool = False, avoid: Collection[int] = ()
) -> int | None:
    """Give the agent to offer a conversation to: fewest at hand, then the longest idle.

    Args:
        candidates: Those whose presence is fresh.
        urgent: An emergency goes beyond capacity, and to the busy if nobody is online.
        avoid: Those who did not take it up or fell silent; only if nobody else is there.

    Returns:
        None if nobody may get it.
    """
    known = list(candidates)
    free = [c for c in known if c.status is AgentStatus.ONLINE and c.open < c.capacity]
    if urgent and not free:
        free = [c for c in known if c.status is AgentStatus.ONLINE]
        free = free or [c for c in known if c.status is AgentStatus.BUSY]
    others = [c for c in free if c.agent_id not in avoid] or free
    best = min(others, key=lambda c: (c.open, c.idle_since, c.agent_id), default=None)
    return None if best is None else best.agent_id


class Step(StrEnum):
    """What time has made due in a hand-off."""

    QUEUE = "queue"  # people are back
    TAKE_BACK = "take_back"  # not taken up
    REASSIGN = "reassign"  # the agent is silent
    WAKE = "wake"
    END_WAIT = "end_wait"  # nobody took it: the message stays, the waiting ends
    END_SILENT = "end_silent"  # agent after agent was silent
    END_LEFT = "end_left"  # the parent is gone


@dataclass(frozen=True)
class Standing:
    """What a hand-off's timers look at; moments are aware."""

    state: HandOffState
    wish: Wish
    urgent: bool
    queued_at: datetime | None
    assigned_at: datetime | None
    parent_waits_since: datetime | None  # the first line of the parent without an answer
    agent_spoke_at: datetime | None
    snoozed_until: datetime | None
    takeovers: int


def step_due(item: Standing, now: datetime, *, open_now: bool) -> Step | None:
    """Say what is to be done with a hand-off at `now` (aware), if anything.

    An emergency is never given up, and what was left for later waits as long as it takes.
    """
    live = item.wish is Wish.CHAT
    match item.state:
        case _S.REQUESTED:
            return Step.QUEUE if open_now or item.urgent else None
        case _S.QUEUED:
            long = (
                live and open_now and not item.urgent and _past(item.queued_at, LONGEST_WAIT, now)
            )
            return Step.END_WAIT if long else None
        case _S.ASSIGNED:
            return Step.TAKE_BACK if _past(item.assigned_at, ACCEPT_WITHIN, now) else None
        case _S.HUMAN if live:
            return _silence(item, now)
        case _S.SNOOZED:
            return Step.WAKE if _past(item.snoozed_until, timedelta(), now) else None
    return None


def _silence(item: Standing, now: datetime) -> Step | None:
    if item.parent_waits_since is not None:
        if not _past(item.parent_waits_since, AGENT_SILENT_AFTER, now):
            return None
        gave_up = item.takeovers >= MOST_TAKEOVERS and not item.urgent
        return Step.END_SILENT if gave_up else Step.REASSIGN
    left = not item.urgent and _past(item.agent_spoke_at, PARENT_LEFT_AFTER, now)
    return Step.END_LEFT if left else None


def _past(since: datetime | None, limit: timedelta, now: datetime) -> bool:
    return since is not None and now - since >= limit


def ends_talk(text: str) -> bool:
    """Say whether a parent's whole message to a person ends the conversation ("/end", "不用了")."""
    return _bare(text) in _END


def ends_wait(text: str) -> bool:
    """Say whether a parent's whole message gives up waiting for a person ("取消排队")."""
    return _bare(text) in _END_WAIT


def stars_said(text: str) -> tuple[int, str] | None:
    """Read a rating with its line ("5分，很耐心"), or None if the message is none.

    Returns:
        The stars, 1 to 5, and the rest of the message, which may be empty.
    """
    said = unicodedata.normalize("NFKC", text).strip()
    number = _STARS.get(said[:1]) or (int(said[0]) if said[:1] in set("12345") else None)
    if number is None:
        return None
    rest, named = said[1:].lstrip(), False
    for word in _STAR_WORDS:
        if rest.startswith(word):
            rest, named = rest.removeprefix(word), True
            break
    note = rest.strip(_STRIP)
    # "3号去" and "5月" are no ratings; without the word, a line must be set apart.
    if note and not named:
        return None
    return number, note[:LONGEST_NOTE]


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if sign not in _STRIP)
