"""A day's figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from bot.rules.calendar import TZ
from bot.rules.handoffs import AgentStatus, Wish
from bot.services import (
    complaints,
    figures,
    handoff_desk,
    handoff_timers,
    handoffs,
    live_chat,
    presence,
    ratings,
)
from bot.services.handoff_closing import rate_payload
from bot.store.models import ConversationEvent
from bot.store.session import Store

DAY = date(2026, 11, 23)
MINUTE = timedelta(minutes=1)


def there(store: Store, now: datetime, *numbers: int) -> None:
    for number in numbers:
        presence.set_presence(
            store, agent_id=number, name=f"坐席{number}", status=AgentStatus.ONLINE, now=now
        )


def wrote(store: Store, at: datetime, who: str, *kinds: str) -> None:
    with store.begin() as session:
        session.add_all(
            ConversationEvent(sender_id=who, at=at, type_name=kind, data={"text": "x"})
            for kind in kinds
        )


def of(store: Store, now: datetime, day: date = DAY) -> figures.Figures:
    return figures.figures(store, day=day, now=now)


def test_a_day_with_nothing(store: Store, now: datetime) -> None:
    found = of(store, now)
    assert (found.conversations, found.containment, found.handoffs) == (0, None, 0)
    assert found.accepted.wall.median is None
    assert len(found.hours) == 24
    with pytest.raises(ValueError, match="not come"):
        of(store, now, DAY + timedelta(days=1))


def test_a_conversation_from_asking_to_rating(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    there(store, now, 1, 2)
    who = new_identity("a")
    wrote(store, now, "a", "user", "bot", "user", "bot", "action")
    wrote(store, now, "b", "user", "bot")
    number = handoffs.request_handoff(store, identity_id=who, reason="asked", now=now).place.id
    handoff_desk.accept(store, handoff_id=number, agent_id=1, now=now + MINUTE)
    live_chat.agent_message(store, handoff_id=number, agent_id=1, text="好", now=now + 2 * MINUTE)
    live_chat.route(store, identity_id=who, text="谢", key="k", now=now + 3 * MINUTE)
    there(store, now + 4 * MINUTE, 1, 2)
    handoff_desk.transfer(store, handoff_id=number, agent_id=1, to_agent_id=2, now=now + 4 * MINUTE)
    handoff_desk.resolve(store, handoff_id=number, agent_id=2, now=now + 11 * MINUTE)
    with store.begin() as session:
        ratings.pressed(session, who, rate_payload(number, 4), now + 12 * MINUTE)
    found = of(store, now + 15 * MINUTE)
    assert (found.conversations, found.contained, found.containment) == (2, 1, 0.5)
    assert (found.messages_in, found.messages_out) == (4, 4)
    assert found.reasons == {"asked": 1}
    assert found.ends == {"resolved_by_agent": 1}
    assert found.accepted.wall.median == MINUTE
    assert found.first_answer.wall.median == 2 * MINUTE
    assert found.talk.wall.median == 10 * MINUTE
    assert (found.ratings.count, found.ratings.mean, found.ratings.good) == (1, 4, 1)
    assert (found.transfers, found.takeovers, found.abandoned) == (1, 0, 0)
    assert [(one.name, one.resolved) for one in found.agents] == [("坐席2", 1)]
    assert found.overdue["first_answer"] == figures.Overdue(0, 1, 0)
    assert (found.hours[10].messages, found.hours[10].handoffs) == (3, 1)
    assert found.hours[10].wait == MINUTE


def test_waits_in_office_hours_are_shorter(
    store: Store, new_identity: Callable[[str], int]
) -> None:
    evening = datetime(2026, 11, 22, 20, 58, tzinfo=TZ)
    morning = datetime(2026, 11, 23, 8, 1, tzinfo=TZ)
    number = handoffs.request_handoff(
        store, identity_id=new_identity("a"), reason="asked", now=evening
    ).place.id
    there(store, morning, 1)
    handoff_desk.accept(store, handoff_id=number, agent_id=1, now=morning)
    found = of(store, morning)
    assert found.accepted.wall.median == morning - evening
    assert found.accepted.office.median == 3 * MINUTE
    # It was asked for on the day before.
    assert found.handoffs == 0
    assert of(store, morning, DAY - timedelta(days=1)).handoffs == 1


def test_what_was_given_up_and_what_was_taken_away(
    store: Store, now: datetime, new_identity: Callable[[str], int]
) -> None:
    gone, kept = new_identity("a"), new_identity("b")
    handoffs.request_handoff(store, identity_id=gone, reason="asked", now=now)
    handoffs.give_up(store, identity_id=gone, now=now + MINUTE)
    there(store, now, 1)
    number = handoffs.request_handoff(
        store, identity_id=kept, reason="two_misses", now=now
    ).place.id
    handoff_desk.accept(store, handoff_id=number, agent_id=1, now=now)
    handoff_timers.tick(store, now + 6 * MINUTE)
    found = of(store, now + 6 * MINUTE)
    assert (found.abandoned, found.takeovers, found.waiting_now) == (1, 1, 1)
    assert found.overdue["first_answer"] == figures.Overdue(1, 0, 0)


def test_due_times(store: Store, now: datetime, new_identity: Callable[[str], int]) -> None:
    who = new_identity("a")
    complaints.file_complaint(store, identity_id=who, kind="complaint", text="慢", now=now)
    handoffs.leave_contact(store, identity_id=who, wish=Wish.MESSAGE, message="x", now=now)
    later = now + timedelta(days=30)
    found = of(store, later, later.date())
    assert found.overdue["complaints"].now == 1
    assert found.overdue["contacts"].now == 1
    (due,) = (one.due_at for one in complaints.open_complaints(store))
    assert of(store, later, due.date()).overdue["complaints"] == figures.Overdue(1, 0, 1)
    assert of(store, later, DAY).overdue["contacts"].missed == 1


def test_days_in_a_row(store: Store, now: datetime) -> None:
    rows = figures.figures_between(store, first=DAY - timedelta(days=30), last=DAY, now=now)
    assert [rows[0].day, rows[-1].day, len(rows)] == [DAY - timedelta(days=30), DAY, 31]
    for first, last in ((31, 0), (-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="days"):
            figures.figures_between(
                store,
                first=DAY - timedelta(days=first),
                last=DAY - timedelta(days=last),
                now=now,
            )
