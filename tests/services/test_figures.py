"""A day's figures, from what parents, agents and time have done on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.figures import Ratings, Spread
from bot.rules.handoffs import LONGEST_WAIT, AgentStatus, Wish
from bot.services import handoff_desk as desk
from bot.services import handoff_timers, handoffs, live_chat, office_hours, presence
from bot.services.figures import Figures, figures, figures_between
from bot.services.handoff_closing import rate_payload
from bot.store.models import ConversationEvent, HandOff
from bot.store.session import Store

DAY = date(2026, 11, 23)
LIN, WU = 1, 2
NAMES = {LIN: "小林", WU: "小吴"}
NOTHING = Spread(0, None, None)


def clock(hours: int, minutes: int = 0, seconds: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hours, minutes, seconds, tzinfo=TZ)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


class Floor:
    """Parents and agents of a day."""

    def __init__(self, store: Store, new_identity: Callable[[str], int]) -> None:
        self.store, self.identity = store, new_identity

    def online(self, agent: int, at: datetime) -> None:
        presence.set_presence(
            self.store, agent_id=agent, name=NAMES[agent], status=AgentStatus.ONLINE, now=at
        )

    def write(self, account: str, at: datetime, *answers: datetime) -> None:
        """Write to the bot, which answers at these times."""
        self.identity(account)
        lines = [(at, "user"), *((answer, "bot") for answer in answers), (at, "action")]
        with self.store.begin() as session:
            for moment, kind in lines:
                session.add(
                    ConversationEvent(sender_id=account, at=moment, type_name=kind, data={})
                )

    def ask(self, account: str, at: datetime, reason: str = "asked") -> int:
        who = self.identity(account)
        found = handoffs.request_handoff(self.store, identity_id=who, reason=reason, now=at)
        return found.place.id

    def leave(self, account: str, at: datetime) -> int:
        who = self.identity(account)
        return handoffs.leave_contact(
            self.store, identity_id=who, wish=Wish.MESSAGE, message="发票丢了", now=at
        ).place.id

    def accept(self, number: int, agent: int, at: datetime) -> None:
        self.online(agent, at)
        desk.accept(self.store, handoff_id=number, agent_id=agent, now=at)

    def say(self, number: int, agent: int, at: datetime, text: str = "您好") -> None:
        live_chat.agent_message(self.store, handoff_id=number, agent_id=agent, text=text, now=at)

    def tell(self, account: str, at: datetime, text: str = "在吗") -> None:
        """Say something while a person has the conversation."""
        who = self.identity(account)
        assert live_chat.route(self.store, identity_id=who, text=text, key=None, now=at)

    def resolve(self, number: int, agent: int, at: datetime) -> None:
        desk.resolve(self.store, handoff_id=number, agent_id=agent, now=at)

    def rate(self, account: str, number: int, stars: int, at: datetime) -> None:
        self.tell(account, at, rate_payload(number, stars))

    def tick(self, at: datetime) -> None:
        handoff_timers.tick(self.store, at)

    def served(self, account: str, at: datetime, agent: int = LIN) -> int:
        """Ask, be answered two minutes later, be done after another ten."""
        number = self.ask(account, at)
        self.accept(number, agent, at + minutes(1))
        self.say(number, agent, at + minutes(2))
        self.resolve(number, agent, at + minutes(11))
        return number

    def figures(self, now: datetime | None = None, day: date = DAY) -> Figures:
        return figures(self.store, day=day, now=now or clock(23))


@pytest.fixture
def floor(store: Store, new_identity: Callable[[str], int]) -> Floor:
    return Floor(store, new_identity)


def test_a_day_with_nothing(floor: Floor) -> None:
    found = floor.figures()
    assert (found.conversations, found.containment) == (0, None)
    assert (found.messages_in, found.messages_out, found.handoffs) == (0, 0, 0)
    assert (found.reasons, found.ends, found.agents, found.waiting_now) == ({}, {}, (), 0)
    for waits in (found.accepted, found.first_answer, found.talk):
        assert (waits.wall, waits.office) == (NOTHING, NOTHING)
    assert found.ratings == Ratings(0, None, None)
    assert [hour.hour for hour in found.hours] == list(range(24))
    assert not any(hour.messages or hour.handoffs or hour.wait for hour in found.hours)


def test_days_that_cannot_be_told(store: Store, now: datetime) -> None:
    tomorrow = DAY + timedelta(days=1)
    with pytest.raises(ValueError, match="not come yet"):
        figures(store, day=tomorrow, now=now)
    for first, last in (
        (DAY, tomorrow),
        (DAY, DAY - timedelta(days=1)),
        (DAY - timedelta(days=31), DAY),
    ):
        with pytest.raises(ValueError, match="days up to"):
            figures_between(store, first=first, last=last, now=now)


def test_messages_and_conversations(floor: Floor) -> None:
    floor.write("alone", clock(9), clock(9), clock(9, 1))
    floor.write("alone", clock(9, 59, 59), clock(10))
    floor.write("helped", clock(10, 30))
    number = floor.ask("helped", clock(10, 31))
    floor.accept(number, LIN, clock(10, 32))
    floor.tell("helped", clock(11))
    floor.say(number, LIN, clock(11, 1))
    # What was said yesterday evening is yesterday's.
    floor.write("late", clock(23, 59, 59, day=DAY - timedelta(days=1)))
    found = floor.figures()
    assert (found.messages_in, found.messages_out) == (4, 4)
    assert (found.conversations, found.contained, found.containment) == (2, 1, 0.5)
    assert {h.hour: h.messages for h in found.hours if h.messages} == {9: 2, 10: 1, 11: 1}


def test_who_goes_on_with_a_person_was_not_served_by_the_bot(floor: Floor) -> None:
    number = floor.ask("parent", clock(20, 50, day=DAY - timedelta(days=1)))
    floor.accept(number, LIN, clock(20, 51, day=DAY - timedelta(days=1)))
    floor.tell("parent", clock(8))
    found = floor.figures()
    assert (found.conversations, found.contained, found.handoffs) == (1, 0, 0)


def test_a_message_left_is_one_message(floor: Floor) -> None:
    floor.write("parent", clock(10), clock(10))
    number = floor.leave("parent", clock(10))
    floor.accept(number, LIN, clock(10, 5))
    found = floor.figures()
    assert (found.messages_in, found.conversations, found.contained) == (1, 1, 0)


def test_midnight_is_that_of_shanghai(floor: Floor) -> None:
    # 16:00 UTC is the next day's beginning.
    before, after = (
        datetime(2026, 11, 22, 15, 59, tzinfo=UTC),
        datetime(2026, 11, 22, 16, tzinfo=UTC),
    )
    for account, at in (("before", before), ("after", after)):
        floor.write(account, at, at)
        floor.ask(account, at)
    yesterday, today = figures_between(
        floor.store, first=DAY - timedelta(days=1), last=DAY, now=clock(12)
    )
    for found, hour in ((yesterday, 23), (today, 0)):
        assert (found.conversations, found.messages_out, found.handoffs) == (1, 1, 1)
        (only,) = (h for h in found.hours if h.messages)
        assert (only.hour, only.handoffs) == (hour, 1)


def test_waits_by_the_clock_and_in_office_hours(floor: Floor) -> None:
    # The office opens at eight.
    number = floor.ask("early", clock(7, 50), "two_misses")
    floor.accept(number, LIN, clock(8, 4))
    floor.say(number, LIN, clock(8, 6))
    floor.resolve(number, LIN, clock(8, 30))
    floor.served("second", clock(9))
    found = floor.figures()
    assert found.accepted.wall == Spread(2, minutes(7.5), minutes(14))
    assert found.accepted.office == Spread(2, minutes(2.5), minutes(4))
    assert found.first_answer.wall == Spread(2, minutes(9), minutes(16))
    assert found.first_answer.office == Spread(2, minutes(4), minutes(6))
    assert found.talk.wall == Spread(2, minutes(18), minutes(26))
    assert found.talk.office == found.talk.wall
    assert found.reasons == {"asked": 1, "two_misses": 1}
    assert found.ends == {"resolved_by_agent": 2}
    assert {h.hour: h.wait for h in found.hours if h.wait} == {8: minutes(14), 9: minutes(1)}


def test_office_hours_are_those_in_force(floor: Floor, store: Store) -> None:
    office_hours.set_day(store, day=DAY, spans=[], actor="user:7", now=clock(6))
    number = floor.ask("parent", clock(9))
    floor.accept(number, LIN, clock(9, 4))
    found = floor.figures()
    assert (found.accepted.wall.median, found.accepted.office.median) == (minutes(4), timedelta())


def test_a_wait_belongs_to_the_day_on_which_it_ends(floor: Floor) -> None:
    yesterday = DAY - timedelta(days=1)
    number = floor.ask("parent", clock(23, day=yesterday))
    floor.accept(number, LIN, clock(8, 1))
    before, today = figures_between(floor.store, first=yesterday, last=DAY, now=clock(12))
    assert (before.handoffs, before.accepted.wall.count) == (1, 0)
    assert (today.handoffs, today.accepted.wall.median) == (0, minutes(9 * 60 + 1))
    assert today.accepted.office.median == minutes(1)


def test_waiting_and_given_up(floor: Floor, store: Store) -> None:
    waits, gone = floor.ask("waits", clock(10)), floor.ask("gone", clock(10))
    floor.ask("complaint", clock(10), "complaint")
    assert floor.figures(clock(10)).waiting_now == 2
    assert handoffs.give_up(store, identity_id=floor.identity("gone"), now=clock(10, 3))
    # To end a conversation is not to give up waiting for it.
    floor.accept(waits, LIN, clock(10, 4))
    floor.tell("waits", clock(10, 5), "结束人工")
    found = floor.figures()
    assert (found.waiting_now, found.abandoned) == (0, 1)
    assert found.ends == {"ended_by_parent": 2}
    assert gone != waits


def test_given_up_after_the_agent_fell_silent(floor: Floor, store: Store) -> None:
    number = floor.ask("parent", clock(10))
    floor.accept(number, LIN, clock(10, 1))
    floor.tick(clock(10, 7))
    assert handoffs.give_up(store, identity_id=floor.identity("parent"), now=clock(10, 8))
    found = floor.figures()
    assert (found.takeovers, found.abandoned) == (1, 1)
    # The agent had it, and did not end it.
    assert [(a.accepted, a.resolved) for a in found.agents] == [(1, 0)]


def test_nobody_came_and_the_place_is_kept_is_one_wish(floor: Floor) -> None:
    floor.write("parent", clock(10))
    floor.ask("parent", clock(10))
    floor.tick(clock(10) + LONGEST_WAIT)
    left = rows(floor.store)[-1]
    floor.accept(left.id, LIN, clock(11))
    found = floor.figures()
    assert (found.handoffs, found.reasons) == (1, {"asked": 1})
    assert found.ends == {"assignment_timeout": 1}
    assert found.accepted.wall == Spread(1, minutes(60), minutes(60))


def rows(store: Store) -> list[HandOff]:
    with store.read() as session:
        return list(session.scalars(sa.select(HandOff).order_by(HandOff.id)))


def test_passed_on_and_taken_back(floor: Floor, store: Store) -> None:
    talking, offered = floor.ask("talking", clock(10)), floor.ask("offered", clock(10))
    floor.accept(talking, LIN, clock(10, 1))
    floor.say(talking, LIN, clock(10, 2))
    floor.online(WU, clock(10, 2))
    desk.transfer(store, handoff_id=talking, agent_id=LIN, to_agent_id=WU, now=clock(10, 3))
    floor.online(LIN, clock(10, 3))
    floor.tick(clock(10, 3))
    (held,) = (row.agent_id for row in rows(store) if row.id == offered)
    floor.online(3 - held, clock(10, 3))
    desk.transfer(store, handoff_id=offered, agent_id=held, to_agent_id=3 - held, now=clock(10, 3))
    found = floor.figures()
    assert (found.transfers, found.takeovers) == (2, 0)
    # To be offered an item is not to have it.
    assert {a.name: a.accepted for a in found.agents} == {"小林": 1, "小吴": 1}
    floor.tick(clock(10, 6))
    assert floor.figures().takeovers == 1


def test_given_up_while_offered_is_nobodys_work(floor: Floor, store: Store) -> None:
    floor.online(LIN, clock(10))
    floor.ask("parent", clock(10))
    floor.tick(clock(10))
    assert [row.agent_id for row in rows(store)] == [LIN]
    assert handoffs.give_up(store, identity_id=floor.identity("parent"), now=clock(10, 1))
    found = floor.figures()
    assert (found.abandoned, found.agents) == (1, ())


def test_each_agents_day(floor: Floor, store: Store) -> None:
    first, second = floor.served("first", clock(9)), floor.served("second", clock(10), WU)
    floor.rate("first", first, 5, clock(9, 20))
    floor.rate("second", second, 3, clock(10, 20))
    third = floor.ask("third", clock(11))
    floor.accept(third, LIN, clock(11, 1))
    floor.say(third, LIN, clock(11, 4))
    floor.online(WU, clock(11, 5))
    desk.transfer(store, handoff_id=third, agent_id=LIN, to_agent_id=WU, now=clock(11, 5))
    floor.resolve(third, WU, clock(11, 9))
    lin, wu = floor.figures().agents
    assert (lin.name, lin.accepted, lin.resolved) == ("小林", 2, 1)
    assert (wu.name, wu.accepted, wu.resolved) == ("小吴", 2, 2)
    # The first word of the third was 小林's, whoever ended it.
    assert lin.first_answer == Spread(2, minutes(3), minutes(4))
    assert wu.first_answer == Spread(1, minutes(2), minutes(2))
    assert (lin.ratings, wu.ratings) == (Ratings(1, 5, 1), Ratings(1, 3, 0))
    assert floor.figures().ratings == Ratings(2, 4, 0.5)


def test_a_rating_of_the_next_day_is_the_next_days(floor: Floor) -> None:
    yesterday = DAY - timedelta(days=1)
    number = floor.served("parent", clock(20, day=yesterday))
    floor.rate("parent", number, 4, clock(8))
    (agent,) = floor.figures().agents
    assert (agent.accepted, agent.ratings) == (0, Ratings(1, 4, 1))
    before = floor.figures(day=yesterday)
    assert before.ratings.count == before.agents[0].ratings.count == 0


def test_days_in_a_row_are_the_days(floor: Floor) -> None:
    floor.served("one", clock(9, day=DAY - timedelta(days=30)))
    floor.served("two", clock(9))
    found = figures_between(floor.store, first=DAY - timedelta(days=30), last=DAY, now=clock(12))
    assert [one.day for one in found] == [DAY - timedelta(days=n) for n in range(30, -1, -1)]
    assert [one.handoffs for one in found] == [1] + [0] * 29 + [1]
    assert found[-1] == figures(floor.store, day=DAY, now=clock(12))
    # Of the same day a month ago all is the same but the date.
    same = replace(found[0], day=DAY, overdue={})
    assert same == replace(found[-1], overdue={})
