"""Wishes for a day and a time: which of several is meant, and which name no day at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn
from actions.wishes import NoDay, OpenDay, offered_day, propose, read_day, read_time
from bot.clock import TZ
from bot.services.identity import identify
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)  # a Monday
Said = Callable[..., dict[str, Any]]
MakeTurn = Callable[..., Turn]


@pytest.fixture
def turn(store: Store) -> MakeTurn:
    """Make the turn of one message; ``before`` are earlier events."""

    def made(text: str, *dates: dict[str, Any], intent: str = "inform", before: Any = ()) -> Turn:
        message = {"text": text, "intent": {"name": intent}, "entities": list(dates)}
        events = [*before, {"event": "user", **message}]
        tracker = Tracker("parent", {}, message, events, False, None, {}, None)
        who = identify(store, "rest", "parent")
        return Turn(CollectingDispatcher(), tracker, store, who, NOW)

    return made


@pytest.mark.parametrize(
    ("flag", "stretch"),
    [
        ("before", OpenDay(NOW.date(), date(2026, 12, 10))),
        ("after", OpenDay(date(2026, 12, 11), None)),
        ("approximate", OpenDay(date(2026, 12, 10), None)),
    ],
)
def test_a_bound_is_not_taken_for_the_day(
    turn: MakeTurn, said_day: Said, flag: str, stretch: OpenDay
) -> None:
    text = "12月10号之前"
    day = said_day(text, "12月10号", "2026-12-10", flags=[flag])
    assert read_day(turn(text, day), asked=True) == stretch


def test_a_range_ends_with_its_second_day(turn: MakeTurn, said_day: Said) -> None:
    text = "下周三到周五都行"
    days = [
        said_day(text, "下周三", "2026-12-02", flags=["range"]),
        said_day(text, "周五", "2026-11-27"),
    ]
    expected = OpenDay(date(2026, 12, 2), date(2026, 12, 4))
    assert read_day(turn(text, *days), asked=True) == expected


def test_a_bound_on_the_clock_leaves_the_day(turn: MakeTurn, said_day: Said) -> None:
    text = "12月10号下午三点以后"
    said = said_day(text, "12月10号下午三点", "2026-12-10", time="15:00", flags=["after"])
    assert read_day(turn(text, said), asked=True) == "2026-12-10"
    assert read_time(turn(text, said), asked=True) == "15:00"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("不是12月8号，是12月9号", "2026-12-09"),
        ("12月8号改成12月9号", "2026-12-09"),
        ("12月8号不行，12月9号", "2026-12-09"),
        ("12月8号最好，12月9号也行", "2026-12-08"),
    ],
)
def test_of_two_days_the_one_meant_counts(
    turn: MakeTurn, said_day: Said, text: str, meant: str
) -> None:
    days = [said_day(text, "12月8号", "2026-12-08"), said_day(text, "12月9号", "2026-12-09")]
    assert read_day(turn(text, *days), asked=True) == meant


def test_a_day_that_is_only_refused_is_none(turn: MakeTurn, said_day: Said) -> None:
    text = "12月8号不行"
    day = said_day(text, "12月8号", "2026-12-08")
    assert read_day(turn(text, day), asked=True) == NoDay(impossible=False)


def test_a_day_of_last_week_is_not_next_years(turn: MakeTurn, said_day: Said) -> None:
    day = said_day("11月20号", "11月20号", "2027-11-20", past="2026-11-20")
    assert read_day(turn("11月20号", day), asked=True) == "2026-11-20"
    text = "2027年11月20号"
    written = said_day(text, text, "2027-11-20", past="2026-11-20")
    assert read_day(turn(text, written), asked=True) == "2027-11-20"


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("越快越好", OpenDay(NOW.date(), None)),
        ("下周哪天都行", OpenDay(date(2026, 11, 30), date(2026, 12, 6))),
        ("12月中旬", OpenDay(date(2026, 12, 11), None)),
        ("1月上旬", OpenDay(date(2027, 1, 1), None)),
        ("下个月", OpenDay(date(2026, 12, 1), None)),
        ("周末", "2026-11-28"),
        ("不知道", None),
    ],
)
def test_wishes_without_a_day_count_only_where_a_day_is_asked(
    turn: MakeTurn, text: str, stretch: OpenDay | str | None
) -> None:
    assert read_day(turn(text), asked=True) == stretch
    assert read_day(turn(text), asked=False) is None


@pytest.mark.parametrize(
    ("text", "said", "flags", "expected"),
    [
        ("十点半之前", "十点半", ["before"], "morning"),
        ("十点半以后", "十点半", ["after"], "10:30"),
        ("十点半", "十点半", [], "10:30"),
    ],
)
def test_a_clock_that_is_a_bound(
    turn: MakeTurn, said_day: Said, text: str, said: str, flags: list[str], expected: str
) -> None:
    clock = said_day(text, said, None, time="10:30", part="morning", flags=flags)
    assert read_time(turn(text, clock), asked=True) == expected


def test_any_time_will_do_only_where_a_time_is_asked(turn: MakeTurn) -> None:
    assert read_time(turn("都行"), asked=True) == "any"
    assert read_time(turn("都行"), asked=False) is None


def test_a_yes_takes_the_day_proposed(turn: MakeTurn) -> None:
    proposal = {"event": "bot", "data": {"buttons": [{"payload": "2026年11月30日"}]}}
    yes = turn("可以", intent="affirm", before=[{"event": "user"}, proposal])
    assert read_day(yes, asked=True) == "2026-11-30"
    older = turn("可以", before=[proposal, {"event": "user"}])
    assert offered_day(older) is None


@pytest.mark.parametrize("text", ["周二周四都行", "周二或者周四", "周二、周四都可以"])
def test_of_several_days_that_would_do_one_is_asked_for(
    turn: MakeTurn, said_day: Said, text: str
) -> None:
    days = [said_day(text, "周二", "2026-11-24"), said_day(text, "周四", "2026-11-26")]
    made = turn(text, *days)
    wish = read_day(made, asked=True)
    both = (date(2026, 11, 24), date(2026, 11, 26))
    assert wish == OpenDay(*both, both)
    assert isinstance(wish, OpenDay)
    propose(made, wish)
    (said,) = made.dispatcher.messages
    assert "11月24日" in said["text"]
    assert "11月26日" in said["text"]
    assert len(said["buttons"]) == 2


def test_a_second_thought_about_the_day_is_no_choice(turn: MakeTurn, said_day: Said) -> None:
    text = "不是周二，周四都可以"
    days = [said_day(text, "周二", "2026-11-24"), said_day(text, "周四", "2026-11-26")]
    assert read_day(turn(text, *days), asked=True) == "2026-11-26"


def test_a_day_that_is_not_meant_is_none(turn: MakeTurn, said_day: Said) -> None:
    text = "不是周三"
    made = turn(text, said_day(text, "周三", "2026-11-25"))
    assert made.day() is None
    assert made.days() == []
    text = "不是周三是周四"
    days = [said_day(text, "周三", "2026-11-25"), said_day(text, "周四", "2026-11-26")]
    assert turn(text, *days).day() == date(2026, 11, 26)


def test_a_day_without_a_month_is_of_the_month_before_it(turn: MakeTurn, said_day: Said) -> None:
    text = "12月28号29号都行"
    days = [said_day(text, "12月28号", "2026-12-28"), said_day(text, "29号", "2026-11-29")]
    both = (date(2026, 12, 28), date(2026, 12, 29))
    assert read_day(turn(text, *days), asked=True) == OpenDay(*both, both)
    text = "12月30号或者1号"
    days = [said_day(text, "12月30号", "2026-12-30"), said_day(text, "1号", "2026-12-01")]
    both = (date(2026, 12, 30), date(2027, 1, 1))
    assert read_day(turn(text, *days), asked=True) == OpenDay(*both, both)
