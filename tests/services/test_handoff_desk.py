"""Agents' side of hand-offs: taking, passing on, putting aside, ending; what parents hear."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clock import TZ
from bot.rules.handoffs import AgentStatus, EndReason, HandOffState, Wish, can_move
from bot.services import handoff_desk as desk
from bot.services import handoff_items, handoff_timers, handoffs, live_chat, presence
from bot.services.errors import Conflict, NotFound, Refused, ServiceError
from bot.store.models import AuditEntry, HandOff, HandOffEvent, OutboxMessage
from bot.store.session import Store

S = HandOffState
LIN, WU = 1, 2


@pytest.fixture
def agents(store: Store, now: datetime) -> None:
    """Two agents, both there."""
    for number, name in ((LIN, "小林"), (WU, "小吴")):
        online(store, number, now, name)


def online(store: Store, number: int, now: datetime, name: str = "小林") -> None:
    presence.set_presence(store, agent_id=number, name=name, status=AgentStatus.ONLINE, now=now)


@pytest.fixture
def asked(store: Store, now: datetime, new_identity: Callable[[str], int]) -> Callable[..., int]:
    """Ask for a person; return the hand-off's number. Every call is another parent's."""
    numbers = iter(range(100))

    def ask(reason: str = "asked", at: datetime = now) -> int:
        who = new_identity(f"parent-{next(numbers)}")
        return handoffs.request_handoff(store, identity_id=who, reason=reason, now=at).place.id

    return ask


def row(store: Store, number: int) -> HandOff:
    with store.read() as session:
        found = session.get(HandOff, number)
        assert found is not None
        session.expunge(found)
        return found


def told(store: Store, number: int) -> list[str]:
    """Return what the parent of a hand-off was told, in order."""
    with store.read() as session:
        query = (
            sa.select(OutboxMessage)
            .join(HandOff, HandOff.identity_id == OutboxMessage.identity_id)
            .where(HandOff.id == number)
            .order_by(OutboxMessage.id)
        )
        return [message.payload["reply"]["text"] for message in session.scalars(query)]


def test_taken_by_one_agent_and_by_nobody_else(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    seen = desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    assert (seen.status, seen.agent_id) == (S.HUMAN, LIN)
    # Again by the same agent changes nothing, and tells nothing twice.
    again = desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    assert again.version == seen.version
    with pytest.raises(Conflict):
        desk.accept(store, handoff_id=number, agent_id=WU, now=now)
    (words,) = told(store, number)
    assert words.startswith("小林已接入")
    moves = [(m.before, m.after) for m in handoff_items.history(store, handoff_id=number)]
    assert moves == [
        ("bot", "requested"),
        ("requested", "queued"),
        ("queued", "assigned"),
        ("assigned", "human"),
    ]


def test_only_a_known_agent_takes_what_there_is(
    store: Store, now: datetime, asked: Callable[..., int]
) -> None:
    with pytest.raises(NotFound):
        desk.accept(store, handoff_id=asked(), agent_id=99, now=now)
    online(store, LIN, now)
    with pytest.raises(NotFound):
        desk.accept(store, handoff_id=12345, agent_id=LIN, now=now)
    with pytest.raises(NotFound):
        handoff_items.item(store, handoff_id=12345, now=now)


def test_an_older_version_changes_nothing(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    seen = handoff_items.item(store, handoff_id=number, now=now)
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now, version=seen.version)
    with pytest.raises(Conflict):
        desk.resolve(store, handoff_id=number, agent_id=LIN, now=now, version=seen.version)
    assert row(store, number).status == S.HUMAN


def test_ended_by_the_agent_who_has_it_or_a_supervisor(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    with pytest.raises(Refused, match="not_yours"):
        desk.resolve(store, handoff_id=number, agent_id=WU, now=now)
    done = desk.resolve(store, handoff_id=number, agent_id=WU, now=now, supervisor=True)
    assert (done.status, done.end_reason) == (S.RESOLVED, EndReason.RESOLVED_BY_AGENT)
    assert [words[:6] for words in told(store, number)[1:]] == ["人工服务已结", "这次人工服务"]
    with pytest.raises(Refused, match="state"):
        desk.resolve(store, handoff_id=number, agent_id=LIN, now=now)


def test_passed_on_only_to_somebody_who_is_there(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    with pytest.raises(Refused, match="same_agent"):
        desk.transfer(store, handoff_id=number, agent_id=LIN, to_agent_id=LIN, now=now)
    later = now + timedelta(minutes=2)
    with pytest.raises(Refused, match="agent_offline"):
        # Nothing was heard of the colleague for two minutes.
        desk.transfer(store, handoff_id=number, agent_id=LIN, to_agent_id=WU, now=later)
    presence.beat(store, agent_id=WU, now=later)
    with pytest.raises(Refused, match="not_yours"):
        desk.transfer(store, handoff_id=number, agent_id=WU, to_agent_id=WU, now=later)
    seen = desk.transfer(
        store, handoff_id=number, agent_id=LIN, to_agent_id=WU, now=later, note="看理赔"
    )
    assert (seen.status, seen.agent_id) == (S.HUMAN, WU)
    assert told(store, number)[-1].startswith("已转给小吴")
    assert not [words for words in told(store, number) if "看理赔" in words]
    with pytest.raises(Refused, match="not_yours"):
        live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="我", now=later)


def test_given_back_and_offered_to_somebody_else(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    handoff_timers.tick(store, now)
    first = row(store, number).agent_id
    assert first is not None
    with pytest.raises(Refused, match="not_yours"):
        desk.release(store, handoff_id=number, agent_id=3 - first, now=now)
    desk.release(store, handoff_id=number, agent_id=first, now=now)
    handoff_timers.tick(store, now)
    assert row(store, number).agent_id == 3 - first


def test_put_aside_until_the_parent_writes(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    for until in (now, now + timedelta(days=15)):
        with pytest.raises(Refused, match="until"):
            desk.snooze(store, handoff_id=number, agent_id=LIN, until=until, now=now)
    until = now + timedelta(hours=3)
    seen = desk.snooze(store, handoff_id=number, agent_id=LIN, until=until, now=now)
    assert (seen.status, seen.snoozed_until) == (S.SNOOZED, until)
    parent = row(store, number).identity_id
    routed = live_chat.route(store, identity_id=parent, text="在吗", key=None, now=now)
    assert routed == live_chat.Routed()
    assert (row(store, number).status, row(store, number).snoozed_until) == (S.HUMAN, None)


def test_the_queue_is_in_order(store: Store, now: datetime, asked: Callable[..., int]) -> None:
    night = datetime(2026, 11, 22, 23, 30, tzinfo=TZ)
    ordinary, left = asked(), asked(at=night)
    urgent, complaint = asked("emergency"), asked("complaint")
    handoff_timers.tick(store, now)
    found = handoff_items.items(store, now=now)
    assert [item.id for item in found] == [urgent, left, ordinary, complaint]
    assert [item.urgent for item in found] == [True, False, False, False]
    waited = found[1]
    assert waited.waiting == timedelta(hours=10, minutes=30)
    assert waited.office_waiting == timedelta(hours=2)
    places = [
        handoffs.place(store, identity_id=row(store, n).identity_id, now=now)
        for n in (urgent, left, ordinary)
    ]
    assert [p.position if p else None for p in places] == [1, 2, 3]


def test_an_urgent_one_taken_in_the_night(store: Store, asked: Callable[..., int]) -> None:
    night = datetime(2026, 11, 23, 23, 30, tzinfo=TZ)
    online(store, LIN, night)
    urgent, other = asked("emergency", at=night), asked(at=night)
    handoff_timers.tick(store, night)
    assert row(store, urgent).agent_id == LIN
    assert row(store, other).status == S.REQUESTED


def test_what_was_left_is_dealt_with_without_silencing_the_bot(
    store: Store, now: datetime, agents: None, new_identity: Callable[[str], int]
) -> None:
    parent = new_identity("parent")
    left = handoffs.leave_contact(
        store,
        identity_id=parent,
        wish=Wish.CALL_BACK,
        message="发票",
        phone="13800009999",
        now=now,
    )
    number = left.place.id
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    assert told(store, number) == []
    assert live_chat.standing(store, identity_id=parent) is live_chat.Standing.BOT
    desk.resolve(store, handoff_id=number, agent_id=LIN, now=now)
    assert told(store, number)[0].startswith("您留给人工的请求")


def test_every_move_is_in_the_audit(
    store: Store, now: datetime, agents: None, asked: Callable[..., int]
) -> None:
    number = asked()
    desk.accept(store, handoff_id=number, agent_id=LIN, now=now)
    desk.resolve(store, handoff_id=number, agent_id=LIN, now=now)
    with store.read() as session:
        query = sa.select(AuditEntry).where(AuditEntry.subject == f"handoff:{number}")
        trail = [(e.actor, e.action) for e in session.scalars(query.order_by(AuditEntry.id))]
    parent = row(store, number).identity_id
    assert trail == [
        (f"identity:{parent}", "handoff.request"),
        (f"identity:{parent}", "handoff.queued"),
        (f"agent:{LIN}", "handoff.assigned"),
        (f"agent:{LIN}", "handoff.human"),
        (f"agent:{LIN}", "handoff.resolved"),
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ask", "urgent", "leave", "accept", "say", "release", "transfer", "snooze", "resolve",
             "write", "end", "give_up", "tick", "away"]
        ),
        st.sampled_from([LIN, WU]),
        st.integers(0, 40),
    ),
    max_size=25,
)  # fmt: skip


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_no_sequence_of_calls_makes_an_illegal_move(
    store: Store,
    now: datetime,
    new_identity: Callable[[str], int],
    steps: list[tuple[str, int, int]],
) -> None:
    with store.begin() as session:
        first = session.scalar(sa.select(sa.func.max(HandOff.id))) or 0
    parent = new_identity(f"walk-{first}")
    moment = now
    for name, number in ((LIN, "小林"), (WU, "小吴")):
        online(store, name, moment, number)
    for what, agent, minutes in steps:
        moment += timedelta(minutes=minutes)
        place = handoffs.place(store, identity_id=parent, now=moment)
        try:
            _step(store, what, parent, place.id if place else first, agent, moment)
        except ServiceError:
            continue
    with store.read() as session:
        mine = sa.select(HandOff).where(HandOff.identity_id == parent)
        rows = session.scalars(mine).all()
        assert sum(r.status != S.RESOLVED and r.open_key is not None for r in rows) <= 1
        for one in rows:
            events = session.scalars(
                sa.select(HandOffEvent)
                .where(HandOffEvent.handoff_id == one.id)
                .order_by(HandOffEvent.id)
            ).all()
            assert events[0].from_status == "bot"
            assert events[-1].to_status == one.status
            for before, after in itertools.pairwise(events):
                assert after.from_status == before.to_status
                assert can_move(S(after.from_status), S(after.to_status))
            assert (one.status == S.RESOLVED) == (one.ended_at is not None)
            assert (one.status == S.RESOLVED) == (one.end_reason is not None)


def _step(store: Store, what: str, parent: int, number: int, agent: int, moment: datetime) -> None:
    given = {"handoff_id": number, "agent_id": agent, "now": moment}
    match what:
        case "ask" | "urgent":
            reason = "asked" if what == "ask" else "emergency"
            handoffs.request_handoff(store, identity_id=parent, reason=reason, now=moment)
        case "leave":
            handoffs.leave_contact(
                store, identity_id=parent, wish=Wish.MESSAGE, message="请回复", now=moment
            )
        case "say":
            live_chat.agent_message(store, text="您好", **given)  # type: ignore[arg-type]
        case "transfer":
            desk.transfer(store, to_agent_id=3 - agent, **given)  # type: ignore[arg-type]
        case "snooze":
            until = moment + timedelta(minutes=30)
            desk.snooze(store, until=until, **given)  # type: ignore[arg-type]
        case "write" | "end":
            text = "在吗" if what == "write" else "结束人工"
            live_chat.route(store, identity_id=parent, text=text, key=None, now=moment)
        case "give_up":
            handoffs.give_up(store, identity_id=parent, now=moment)
        case "tick":
            handoff_timers.tick(store, moment)
        case "away":
            presence.set_presence(
                store, agent_id=agent, name="x", status=AgentStatus.AWAY, now=moment
            )
        case _:
            getattr(desk, what)(store, **given)
