"""Conversations with people: states, the queue, agents, timers, and what ends or rates one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import handoffs as rules
from bot.rules.calendar import TZ
from bot.rules.handoffs import (
    ACCEPT_WITHIN,
    AGENT_SILENT_AFTER,
    LONGEST_WAIT,
    MOST_TAKEOVERS,
    PARENT_LEFT_AFTER,
    AgentStatus,
    Candidate,
    EndReason,
    HandOffReason,
    HandOffState,
    Standing,
    Step,
    Wish,
    can_move,
    choose_agent,
    ends_talk,
    ends_wait,
    expected_wait,
    moves_from,
    priority_of,
    stars_said,
    step_due,
)
from bot.store.models import HANDOFF_ENDS, HANDOFF_REASONS, HANDOFF_STATES, HANDOFF_WISHES
from bot.store.models.live import AGENT_STATES

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
S = HandOffState
AGENTS = st.lists(
    st.builds(
        Candidate,
        agent_id=st.integers(1, 50),
        status=st.sampled_from(AgentStatus),
        open=st.integers(0, 5),
        capacity=st.integers(0, 5),
        idle_since=st.integers(0, 600).map(lambda n: NOW - timedelta(minutes=n)),
    ),
    unique_by=lambda c: c.agent_id,
)


def standing(state: HandOffState, **change: object) -> Standing:
    made = Standing(
        state=state,
        wish=Wish.CHAT,
        urgent=False,
        queued_at=NOW,
        assigned_at=NOW,
        parent_waits_since=None,
        agent_spoke_at=None,
        snoozed_until=None,
        takeovers=0,
    )
    return replace(made, **change)  # type: ignore[arg-type]


def test_the_words_are_those_of_the_store() -> None:
    assert tuple(HandOffState) == HANDOFF_STATES
    assert set(HandOffReason) == set(HANDOFF_REASONS)
    assert set(EndReason) == set(HANDOFF_ENDS)
    assert tuple(Wish) == HANDOFF_WISHES
    assert tuple(AgentStatus) == AGENT_STATES


# ---- moves


def test_every_state_is_reached_and_leads_to_the_end() -> None:
    reached = {S.REQUESTED}
    while more := {t for state in reached for t in moves_from(state)} - reached:
        reached |= more
    assert reached == set(S)
    assert all(can_move(state, S.RESOLVED) for state in S if state is not S.RESOLVED)
    assert moves_from(S.RESOLVED) == frozenset()
    assert not any(can_move(state, state) for state in S)


@given(st.lists(st.sampled_from(HandOffState), max_size=12))
def test_no_walk_leaves_the_table(wished: list[HandOffState]) -> None:
    state, seen = S.REQUESTED, [S.REQUESTED]
    for target in wished:
        if can_move(state, target):
            state = target
            seen.append(state)
    # Nobody talks who was not assigned first, and nothing follows the end.
    for before, after in itertools.pairwise(seen):
        assert before is not S.RESOLVED
        if after is S.HUMAN:
            assert before in {S.ASSIGNED, S.SNOOZED}
        if after is S.ASSIGNED:
            assert before in {S.QUEUED, S.HUMAN}
        if after is S.SNOOZED:
            assert before is S.HUMAN


def test_a_word_that_is_no_state_is_refused() -> None:
    with pytest.raises(ValueError, match="asleep"):
        moves_from("asleep")  # type: ignore[arg-type]


# ---- the queue


def test_emergencies_come_first_then_what_was_left_overnight() -> None:
    told = [
        priority_of(HandOffReason.EMERGENCY, overnight=True),
        priority_of(HandOffReason.EMERGENCY, overnight=False),
        priority_of(HandOffReason.ASKED, overnight=True),
        priority_of(HandOffReason.COMPLAINT, overnight=False),
    ]
    assert told == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("ahead", "agents", "minutes"), [(0, 1, 3), (0, 4, 3), (1, 1, 12), (3, 2, 12), (5, 1, 36)]
)
def test_how_long_somebody_waits(ahead: int, agents: int, minutes: int) -> None:
    assert expected_wait(ahead, agents) == timedelta(minutes=minutes)


def test_without_agents_nothing_is_promised() -> None:
    assert expected_wait(0, 0) is None
    with pytest.raises(ValueError, match="-1"):
        expected_wait(-1, 1)


@given(st.integers(0, 40), st.integers(1, 10), st.integers(1, 60))
def test_whoever_is_further_back_never_waits_less(ahead: int, agents: int, talk: int) -> None:
    length = timedelta(minutes=talk)
    near, far = expected_wait(ahead, agents, length), expected_wait(ahead + 1, agents, length)
    assert near is not None
    assert far is not None
    assert timedelta(minutes=1) <= near <= far
    more = expected_wait(ahead, agents + 1, length)
    assert more is not None
    assert more <= near


# ---- who gets it


def agent(number: int, **change: object) -> Candidate:
    made = Candidate(number, AgentStatus.ONLINE, 0, 3, NOW)
    return replace(made, **change)  # type: ignore[arg-type]


def test_the_one_with_the_fewest_then_the_longest_idle() -> None:
    idle = NOW - timedelta(minutes=5)
    assert choose_agent([agent(1, open=1), agent(2)]) == 2
    assert choose_agent([agent(1), agent(2, idle_since=idle)]) == 2
    assert choose_agent([agent(2), agent(1)]) == 1
    assert choose_agent([]) is None


def test_nobody_gets_more_than_there_is_room_for_but_an_emergency() -> None:
    full = [agent(1, open=3), agent(2, status=AgentStatus.BUSY), agent(3, status=AgentStatus.AWAY)]
    assert choose_agent(full) is None
    assert choose_agent(full, urgent=True) == 1
    assert choose_agent(full[1:], urgent=True) == 2
    assert choose_agent(full[2:], urgent=True) is None


def test_whoever_did_not_answer_gets_it_only_if_nobody_else_is_there() -> None:
    assert choose_agent([agent(1), agent(2, open=2)], avoid=(1,)) == 2
    assert choose_agent([agent(1)], avoid=(1,)) == 1


@given(AGENTS, st.booleans(), st.sets(st.integers(1, 50)))
def test_only_those_who_are_there_are_chosen(
    known: list[Candidate], urgent: bool, avoid: set[int]
) -> None:
    chosen = choose_agent(known, urgent=urgent, avoid=avoid)
    free = [c for c in known if c.status is AgentStatus.ONLINE and c.open < c.capacity]
    if chosen is None:
        assert not free
        return
    (found,) = (c for c in known if c.agent_id == chosen)
    assert found.status in {AgentStatus.ONLINE, AgentStatus.BUSY}
    if not urgent:
        assert found in free
    others = [c for c in free if c.agent_id not in avoid]
    if others:
        assert chosen not in avoid
        assert found.open == min(c.open for c in others)


# ---- timers


@pytest.mark.parametrize(
    ("item", "after", "open_now", "step"),
    [
        (standing(S.REQUESTED), timedelta(), False, None),
        (standing(S.REQUESTED), timedelta(), True, Step.QUEUE),
        (standing(S.REQUESTED, urgent=True), timedelta(), False, Step.QUEUE),
        (standing(S.QUEUED), LONGEST_WAIT - timedelta(seconds=1), True, None),
        (standing(S.QUEUED), LONGEST_WAIT, True, Step.END_WAIT),
        (standing(S.QUEUED), LONGEST_WAIT, False, None),
        (standing(S.QUEUED, urgent=True), LONGEST_WAIT * 9, True, None),
        (standing(S.QUEUED, wish=Wish.MESSAGE), LONGEST_WAIT * 9, True, None),
        (standing(S.ASSIGNED), ACCEPT_WITHIN, True, Step.TAKE_BACK),
        (standing(S.ASSIGNED), ACCEPT_WITHIN / 2, True, None),
        (standing(S.HUMAN, parent_waits_since=NOW), AGENT_SILENT_AFTER / 2, True, None),
        (standing(S.HUMAN, parent_waits_since=NOW), AGENT_SILENT_AFTER, True, Step.REASSIGN),
        (
            standing(S.HUMAN, parent_waits_since=NOW, takeovers=MOST_TAKEOVERS),
            AGENT_SILENT_AFTER,
            True,
            Step.END_SILENT,
        ),
        (
            standing(S.HUMAN, parent_waits_since=NOW, takeovers=9, urgent=True),
            AGENT_SILENT_AFTER,
            True,
            Step.REASSIGN,
        ),
        (standing(S.HUMAN, agent_spoke_at=NOW), PARENT_LEFT_AFTER, True, Step.END_LEFT),
        (standing(S.HUMAN, agent_spoke_at=NOW, urgent=True), PARENT_LEFT_AFTER, True, None),
        (standing(S.HUMAN, agent_spoke_at=NOW, wish=Wish.MESSAGE), LONGEST_WAIT, True, None),
        (standing(S.HUMAN, wish=Wish.MESSAGE, parent_waits_since=NOW), LONGEST_WAIT, True, None),
        (standing(S.SNOOZED, snoozed_until=NOW), timedelta(), True, Step.WAKE),
        (standing(S.SNOOZED, snoozed_until=NOW + LONGEST_WAIT), timedelta(), True, None),
        (standing(S.RESOLVED), timedelta(days=9), True, None),
    ],
)
def test_what_time_makes_due(
    item: Standing, after: timedelta, open_now: bool, step: Step | None
) -> None:
    assert step_due(item, NOW + after, open_now=open_now) is step


# ---- what parents say


@pytest.mark.parametrize(
    "text", ["/end", "／end", "不用了", "不用了，谢谢。", "结束人工", " 结束对话！"]
)
def test_what_ends_a_conversation(text: str) -> None:
    assert ends_talk(text)


@pytest.mark.parametrize(
    "text", ["不用了解这个", "结束了吗？我问下理赔", "", "药不用了吗", "end of"]
)
def test_what_does_not(text: str) -> None:
    assert not ends_talk(text)


def test_a_bare_no_does_not_give_up_the_place_in_the_queue() -> None:
    assert ends_wait("取消排队")
    assert ends_wait("不用人工了。")
    assert not ends_wait("不用了")
    assert not ends_wait("取消预约")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("5", (5, "")),
        ("５分", (5, "")),
        ("五星！", (5, "")),
        ("3 分，等得久", (3, "等得久")),
        ("两分 没人理", (2, "没人理")),
        ("4。", (4, "")),
        ("5颗星 谢谢", (5, "谢谢")),
        ("0分", None),
        ("6", None),
        ("10分", None),
        ("3号去行吗", None),
        ("5月的发票", None),
        ("一下午都没人", None),
        ("3.5", None),
        ("3,5", None),
        ("", None),
        ("你好", None),
    ],
)
def test_what_is_a_rating(text: str, read: tuple[int, str] | None) -> None:
    assert stars_said(text) == read


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    said = stars_said(text)
    assert said is None or (1 <= said[0] <= 5 and len(said[1]) <= rules.LONGEST_NOTE)
    ends_talk(text)
    ends_wait(text)
