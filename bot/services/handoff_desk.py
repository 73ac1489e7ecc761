"""Agents' side of hand-offs: the queue, taking, passing on, putting aside, ending.

Every function takes the agent's number from the desk, which has checked who it is, and does
nothing if somebody else was faster (:class:`bot.services.errors.Conflict`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.rules.handoffs import (
    WITH_AGENT,
    EndReason,
    HandOffState,
    Wish,
    choose_agent,
)
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_closing import finish
from bot.services.handoff_items import Item, item_of
from bot.services.handoff_moves import (
    SYSTEM,
    add_line,
    agent_actor,
    agent_name,
    changing,
    move,
    tell,
)
from bot.services.presence import candidates, is_there, note_idle
from bot.store.models import AgentPresence, HandOff
from bot.store.session import Store

LONGEST_SNOOZE = timedelta(days=14)


def accept(
    store: Store, *, handoff_id: int, agent_id: int, now: datetime, version: int | None = None
) -> Item:
    """Take a conversation: the bot is silent from here on, and the parent is told who it is.

    From the queue, or as assigned to this agent, or one's own that was put aside. Again by the
    same agent changes nothing.

    Raises:
        NotFound: There is none, or the agent has never said to be there.
        Conflict: Another agent has it, or it was changed since ``version``.
        Refused: ``state``: it has ended.
    """
    with changing(store, handoff_id, version) as (session, row):
        if session.get(AgentPresence, agent_id) is None:
            raise NotFound("agent")
        _take(session, row, agent_id, now)
        session.flush()
        return item_of(session, row, now)


def _take(session: Session, row: HandOff, agent_id: int, now: datetime) -> None:
    actor = agent_actor(agent_id)
    if row.status in WITH_AGENT and row.agent_id != agent_id:
        raise Conflict(str(row.id))
    if row.status == HandOffState.HUMAN:
        return
    if row.status == HandOffState.SNOOZED:
        move(session, row, HandOffState.HUMAN, actor=actor, now=now, reason="woken")
        return
    if row.status == HandOffState.REQUESTED:
        move(session, row, HandOffState.QUEUED, actor=actor, now=now, reason="taken_early")
    if row.status == HandOffState.QUEUED:
        move(session, row, HandOffState.ASSIGNED, actor=actor, now=now, agent_id=agent_id)
    move(session, row, HandOffState.HUMAN, actor=actor, now=now)
    if row.wish == Wish.CHAT:
        introduce(session, row, now)


def introduce(session: Session, row: HandOff, now: datetime) -> None:
    """Tell the parent who has the conversation; once for each agent who takes it."""
    name = agent_name(session, row.agent_id)
    tell(session, row, "notify_handoff_taken", {"agent": name}, now=now)


def assign(session: Session, row: HandOff, now: datetime) -> int | None:
    """Offer a queued hand-off to an agent; the caller's transaction holds it.

    Returns:
        The agent; ``None`` if nobody has room.
    """
    avoid = () if row.avoid_agent_id is None else (row.avoid_agent_id,)
    chosen = choose_agent(candidates(session, now), urgent=row.urgent, avoid=avoid)
    if chosen is None:
        return None
    # Held, so that two items are not given to the last free place at once.
    session.get(AgentPresence, chosen, with_for_update=True, populate_existing=True)
    again = choose_agent(candidates(session, now), urgent=row.urgent, avoid=avoid)
    if again != chosen:
        return None
    move(
        session,
        row,
        HandOffState.ASSIGNED,
        actor=SYSTEM,
        now=now,
        reason="automatic",
        agent_id=chosen,
    )
    return chosen


def release(
    store: Store, *, handoff_id: int, agent_id: int, now: datetime, version: int | None = None
) -> Item:
    """Give an item that was offered back to the queue.

    Raises:
        NotFound, Conflict: as :func:`accept`.
        Refused: ``not_yours``; ``state``: it was taken up already.
    """
    with changing(store, handoff_id, version) as (session, row):
        _mine(row, agent_id)
        if row.status != HandOffState.ASSIGNED:
            raise Refused("state")
        row.avoid_agent_id = agent_id
        actor = agent_actor(agent_id)
        move(session, row, HandOffState.QUEUED, actor=actor, now=now, reason="released")
        session.flush()
        return item_of(session, row, now)


def transfer(
    store: Store,
    *,
    handoff_id: int,
    agent_id: int,
    to_agent_id: int,
    now: datetime,
    note: str = "",
    version: int | None = None,
    supervisor: bool = False,
) -> Item:
    """Pass a conversation on to an agent who is online; the parent is told who has it now.

    Args:
        store: The store.
        handoff_id: Which.
        agent_id: Who passes it on.
        to_agent_id: To whom; the bot stays silent meanwhile.
        now: Aware.
        note: For the colleague; the parent never sees it.
        version: As it was read.
        supervisor: Whether it may be somebody else's.

    Raises:
        NotFound: There is none.
        Conflict: It was changed since ``version``.
        Refused: ``not_yours``; ``agent_offline``: the colleague is not there; ``state``: no
            agent has it; ``same_agent``.
    """
    with changing(store, handoff_id, version) as (session, row):
        _mine(row, agent_id, supervisor=supervisor)
        if row.status not in (HandOffState.ASSIGNED, HandOffState.HUMAN, HandOffState.SNOOZED):
            raise Refused("state")
        if to_agent_id == row.agent_id:
            raise Refused("same_agent")
        if not is_there(session, to_agent_id, now):
            raise Refused("agent_offline")
        actor, before = agent_actor(agent_id), row.agent_id
        if note.strip():
            add_line(session, row, "note", note.strip(), author=actor, now=now)
        talking = row.status != HandOffState.ASSIGNED
        if row.status == HandOffState.SNOOZED:
            move(session, row, HandOffState.HUMAN, actor=actor, now=now, reason="woken")
        if not talking:
            move(session, row, HandOffState.QUEUED, actor=actor, now=now, reason="transfer")
        move(
            session,
            row,
            HandOffState.ASSIGNED,
            actor=actor,
            now=now,
            reason="transfer",
            agent_id=to_agent_id,
        )
        if talking:
            move(session, row, HandOffState.HUMAN, actor=actor, now=now, reason="transfer")
            if row.wish == Wish.CHAT:
                name = agent_name(session, to_agent_id)
                tell(session, row, "notify_handoff_transferred", {"agent": name}, now=now)
        note_idle(session, before, now)
        session.flush()
        return item_of(session, row, now)


def snooze(
    store: Store,
    *,
    handoff_id: int,
    agent_id: int,
    until: datetime,
    now: datetime,
    version: int | None = None,
) -> Item:
    """Put a conversation aside until a time, or until the parent writes.

    Raises:
        NotFound, Conflict: as :func:`accept`.
        Refused: ``not_yours``; ``state``: it is not being talked in; ``until``: the time is past
            or more than 14 days ahead.
    """
    with changing(store, handoff_id, version) as (session, row):
        _mine(row, agent_id)
        if not now < until <= now + LONGEST_SNOOZE:
            raise Refused("until")
        actor = agent_actor(agent_id)
        move(session, row, HandOffState.SNOOZED, actor=actor, now=now, until=until)
        session.flush()
        return item_of(session, row, now)


def resolve(
    store: Store,
    *,
    handoff_id: int,
    agent_id: int,
    now: datetime,
    note: str = "",
    version: int | None = None,
    supervisor: bool = False,
) -> Item:
    """End a conversation; the parent is told, asked for a rating, and has the bot back.

    Args:
        store: The store.
        handoff_id: Which.
        agent_id: Who ends it.
        now: Aware.
        note: What was done, for colleagues.
        version: As it was read.
        supervisor: Whether it may be somebody else's, or nobody's yet.

    Raises:
        NotFound, Conflict: as :func:`accept`.
        Refused: ``not_yours``; ``state``: it has ended already.
    """
    with changing(store, handoff_id, version) as (session, row):
        _mine(row, agent_id, supervisor=supervisor)
        actor = agent_actor(agent_id)
        if note.strip():
            add_line(session, row, "note", note.strip(), author=actor, now=now)
        finish(session, row, EndReason.RESOLVED_BY_AGENT, actor=actor, now=now)
        session.flush()
        return item_of(session, row, now)


def _mine(row: HandOff, agent_id: int, *, supervisor: bool = False) -> None:
    if row.agent_id != agent_id and not supervisor:
        raise Refused("not_yours")
