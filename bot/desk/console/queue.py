"""The queue, one's own conversations, and whether one is there."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.rules.handoffs import AgentStatus, HandOffState, Wish
from bot.rules.sla import ANSWER_WITHIN, Level, level, waiting_level
from bot.rules.staff import Role
from bot.services import handoff_desk, handoff_items, office_hours, presence
from bot.services.handoff_items import Item
from bot.services.presence import AgentView

_S = HandOffState
OPEN = (_S.REQUESTED, _S.QUEUED, _S.ASSIGNED, _S.HUMAN, _S.SNOOZED)
ENDED_SHOWN = 30


def queue(call: Call) -> Response:
    """Show the page."""
    return call.show("queue.html", **_lists(call))


def lists(call: Call) -> Response:
    """Show the lists alone, to take the place of those that a page has."""
    return call.show("queue_lists.html", **_lists(call))


def own_presence(call: Call) -> AgentView | None:
    """Return whether who asks is there; ``None`` if that was never said."""
    return next((a for a in presence.agents(call.store, now=call.now) if _is(a, call)), None)


def wait_level(item: Item, call: Call) -> Level:
    """Say how near a conversation is to its goal: the first answer, or the next."""
    if item.status in (_S.HUMAN, _S.SNOOZED):
        if item.unanswered_since is None:
            return Level.GOOD
        return level(call.now - item.unanswered_since, ANSWER_WITHIN)
    return waiting_level(
        wish=item.wish,
        urgent=item.urgent,
        waited=item.waiting,
        office_waited=item.office_waiting,
        due_at=item.due_at,
        requested_at=item.requested_at,
        now=call.now,
    )


def set_presence(call: Call) -> Response:
    """Say whether one is there, and how many conversations one takes at once."""
    presence.set_presence(
        call.store,
        agent_id=call.user.id,
        name=call.user.name,
        status=AgentStatus(call.text("status")),
        capacity=call.whole("capacity") if call.text("capacity") else None,
        now=call.now,
    )
    back = call.text("back")
    return call.done(back if back.startswith("/desk/") else "/desk/queue", "presence")


def accept(call: Call) -> Response:
    """Take a conversation; whoever takes one is there."""
    if own_presence(call) is None:
        presence.set_presence(
            call.store,
            agent_id=call.user.id,
            name=call.user.name,
            status=AgentStatus.ONLINE,
            now=call.now,
        )
    number = call.number("id")
    handoff_desk.accept(call.store, handoff_id=number, agent_id=call.user.id, now=call.now)
    return call.done(f"/desk/conversations/{number}")


def release(call: Call) -> Response:
    """Give an offered conversation back."""
    handoff_desk.release(
        call.store, handoff_id=call.number("id"), agent_id=call.user.id, now=call.now
    )
    return call.done("/desk/queue", "released")


def _is(agent: AgentView, call: Call) -> bool:
    return agent.agent_id == call.user.id


def _lists(call: Call) -> dict[str, Any]:
    found = handoff_items.items(call.store, now=call.now, states=OPEN)
    # A complaint is answered in its own list, where its answer is kept.
    found = tuple(item for item in found if item.reason != "complaint" or item.wish == Wish.CHAT)
    me = call.user.id
    everybody = presence.agents(call.store, now=call.now)
    ended: tuple[Item, ...] = ()
    if call.may(Role.SUPERVISOR):
        ended = handoff_items.ended(call.store, now=call.now, limit=ENDED_SHOWN)
    return {
        "offered": [i for i in found if i.status == _S.ASSIGNED and i.agent_id == me],
        "waiting": [i for i in found if i.status in (_S.QUEUED, _S.REQUESTED)],
        "mine": [i for i in found if i.status in (_S.HUMAN, _S.SNOOZED) and i.agent_id == me],
        "others": [i for i in found if i.agent_id not in (None, me)],
        "ended": ended,
        "agents": everybody,
        "names": {agent.agent_id: agent.name for agent in everybody},
        "presence": next((agent for agent in everybody if _is(agent, call)), None),
        "office": office_hours.status(call.store, now=call.now),
        "level": lambda item: wait_level(item, call),
    }


ROUTES = (
    door("/queue", queue),
    door("/queue/lists", lists),
    door("/presence", set_presence, post=True),
    door("/conversations/{id:int}/accept", accept, post=True),
    door("/conversations/{id:int}/release", release, post=True),
)
