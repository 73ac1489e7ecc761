"""Which agents are there, and how much each can take.

The desk calls :func:`beat` every few seconds while an agent's page is open; without it an agent is
gone after :data:`bot.rules.handoffs.PRESENCE_LOST_AFTER`. Agents are named by the number that the
desk knows them by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.calendar import local
from bot.rules.handoffs import PRESENCE_LOST_AFTER, AgentStatus, Candidate, HandOffState
from bot.services import audit
from bot.services.errors import NotFound
from bot.services.handoff_moves import agent_actor
from bot.store.models import AgentPresence, HandOff
from bot.store.session import Store

MOST_CAPACITY = 20
AT_HAND = (HandOffState.ASSIGNED.value, HandOffState.HUMAN.value)


@dataclass(frozen=True)
class AgentView:
    """An agent: ``status`` is ``offline`` if nothing was heard lately, whatever was said before.

    ``open`` counts the items at hand; ``last_seen`` is in Asia/Shanghai.
    """

    agent_id: int
    name: str
    status: AgentStatus
    capacity: int
    open: int
    last_seen: datetime


def set_presence(
    store: Store,
    *,
    agent_id: int,
    name: str,
    status: AgentStatus,
    now: datetime,
    capacity: int | None = None,
) -> AgentView:
    """Note what an agent says of himself or herself.

    Args:
        store: The store.
        agent_id: The desk's number of the agent.
        name: What parents are told, 32 characters at most.
        status: Whether new items may come.
        now: Aware.
        capacity: How many at once, 0 to 20; without it as before, or 3.

    Raises:
        ValueError: The capacity or the name is not allowed.
    """
    if capacity is not None and not 0 <= capacity <= MOST_CAPACITY:
        msg = f"capacity {capacity}"
        raise ValueError(msg)
    if not name.strip() or len(name) > 32:
        msg = f"no name for parents: {name!r}"
        raise ValueError(msg)
    with store.begin() as session:
        row = session.get(AgentPresence, agent_id, with_for_update=True)
        if row is None:
            row = AgentPresence(agent_id=agent_id, name=name, idle_since=now, last_seen=now)
            row.status = AgentStatus.OFFLINE.value
            session.add(row)
        if row.status != AgentStatus(status).value:
            audit.record(
                session,
                at=now,
                actor=agent_actor(agent_id),
                action="presence.set",
                subject=f"agent:{agent_id}",
                status=status.value,
            )
        row.name, row.status, row.last_seen = name.strip(), status.value, now
        if capacity is not None:
            row.capacity = capacity
        session.flush()
        return _view(row, open_items(session).get(agent_id, 0), now)


def beat(store: Store, *, agent_id: int, now: datetime) -> None:
    """Note that an agent's page is open.

    Raises:
        NotFound: The agent has never said whether he or she is there.
    """
    with store.begin() as session:
        done = session.execute(
            sa.update(AgentPresence).where(AgentPresence.agent_id == agent_id).values(last_seen=now)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            raise NotFound("agent")


def agents(store: Store, *, now: datetime) -> tuple[AgentView, ...]:
    """Return all agents ever seen, by number."""
    with store.read() as session:
        at_hand = open_items(session)
        rows = session.scalars(sa.select(AgentPresence).order_by(AgentPresence.agent_id))
        return tuple(_view(row, at_hand.get(row.agent_id, 0), now) for row in rows)


def is_there(session: Session, agent_id: int, now: datetime) -> bool:
    """Say whether an agent takes conversations at ``now`` (aware)."""
    row = session.get(AgentPresence, agent_id)
    return row is not None and effective(row, now) is AgentStatus.ONLINE


def candidates(session: Session, now: datetime) -> list[Candidate]:
    """Return who is there, as the assignment sees them."""
    at_hand = open_items(session)
    rows = session.scalars(sa.select(AgentPresence).order_by(AgentPresence.agent_id))
    return [
        Candidate(row.agent_id, status, at_hand.get(row.agent_id, 0), row.capacity, row.idle_since)
        for row in rows
        if (status := effective(row, now)) is not AgentStatus.OFFLINE
    ]


def effective(row: AgentPresence, now: datetime) -> AgentStatus:
    """Return an agent's status, ``offline`` once nothing was heard for too long."""
    lost = now - row.last_seen > PRESENCE_LOST_AFTER
    return AgentStatus.OFFLINE if lost else AgentStatus(row.status)


def open_items(session: Session) -> dict[int, int]:
    """Return how many items each agent has at hand."""
    query = (
        sa.select(HandOff.agent_id, sa.func.count())
        .where(HandOff.status.in_(AT_HAND))  # type: ignore[attr-defined]
        .group_by(HandOff.agent_id)
    )
    return {int(agent): int(number) for agent, number in session.execute(query)}


def note_idle(session: Session, agent_id: int | None, now: datetime) -> None:
    """Note that an agent has put an item away; whoever has been idle longest gets the next."""
    row = session.get(AgentPresence, agent_id) if agent_id is not None else None
    if row is not None:
        row.idle_since = now


def _view(row: AgentPresence, at_hand: int, now: datetime) -> AgentView:
    return AgentView(
        row.agent_id, row.name, effective(row, now), row.capacity, at_hand, local(row.last_seen)
    )
