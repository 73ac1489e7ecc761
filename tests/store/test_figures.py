"""The queries of the day's figures, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoffs, live_chat, presence
from bot.services.figures import figures, figures_between
from bot.services.figures_due import Overdue
from bot.services.identity import identify
from bot.store.demo.loader import load_demo
from bot.store.models import ConversationEvent
from bot.store.session import Store

DAY = date(2026, 11, 23)
# Eight hours behind Shanghai: the day's last hours and its first.
FIRST, SECOND, LAST = (
    datetime(2026, 11, 22, 16, tzinfo=UTC),
    datetime(2026, 11, 22, 16, 1, tzinfo=UTC),
    datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC),
)


def test_a_day_on_either_database(any_store: Store) -> None:
    with any_store.begin() as session:
        load_demo(session, DAY)
        for at in (FIRST, LAST, datetime(2026, 11, 23, 16, tzinfo=UTC)):
            session.add(ConversationEvent(sender_id="parent", at=at, type_name="user", data={}))
    who = identify(any_store, "rest", "parent").id
    number = handoffs.request_handoff(
        any_store, identity_id=who, reason="emergency", now=FIRST
    ).place.id
    presence.set_presence(any_store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=SECOND)
    handoff_desk.accept(any_store, handoff_id=number, agent_id=1, now=SECOND)
    live_chat.agent_message(any_store, handoff_id=number, agent_id=1, text="在", now=SECOND)
    found = figures(any_store, day=DAY, now=LAST)
    assert (found.messages_in, found.messages_out, found.conversations) == (2, 1, 1)
    assert [h.hour for h in found.hours if h.messages] == [0, 23]
    assert (found.contained, found.overdue["first_answer"]) == (0, Overdue(0, 1, 0))
    assert [(a.name, a.accepted, a.first_answer.count) for a in found.agents] == [("小林", 1, 1)]
    days = figures_between(any_store, first=date(2026, 11, 22), last=DAY, now=LAST)
    assert (days[0].messages_in, days[1]) == (0, found)
