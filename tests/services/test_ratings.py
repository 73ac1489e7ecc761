"""One rating of a conversation with a person, and a line about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoffs, presence
from bot.services.handoff_closing import note_payload, rate_payload
from bot.services.live_chat import Routed, Standing, route, standing
from bot.store.models import HandOff, OutboxMessage
from bot.store.session import Store

LIN = 1


@pytest.fixture
def parent(new_identity: Callable[[str], int]) -> int:
    return new_identity("parent")


@pytest.fixture
def number(store: Store, now: datetime, parent: int) -> int:
    """A conversation that an agent has."""
    presence.set_presence(store, agent_id=LIN, name="小林", status=AgentStatus.ONLINE, now=now)
    place = handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now).place
    handoff_desk.accept(store, handoff_id=place.id, agent_id=LIN, now=now)
    return place.id


def asked(store: Store, parent: int) -> list[str]:
    """Return what the last message's buttons send."""
    query = sa.select(OutboxMessage).where(OutboxMessage.identity_id == parent)
    with store.read() as session:
        last = session.scalars(query.order_by(sa.desc(OutboxMessage.id))).first()
    assert last is not None
    return [button["payload"] for button in last.payload["reply"]["buttons"]]


def write(
    store: Store, parent: int, text: str, now: datetime, *, emergency: bool = False
) -> Routed | None:
    return route(store, identity_id=parent, text=text, key=None, now=now, emergency=emergency)


def end(store: Store, number: int, now: datetime) -> None:
    handoff_desk.resolve(store, handoff_id=number, agent_id=LIN, now=now)


def rated(store: Store, number: int) -> tuple[int | None, str | None]:
    with store.read() as session:
        row = session.get(HandOff, number)
        assert row is not None
        return row.rating, row.rating_note


def test_rated_with_a_line(store: Store, now: datetime, parent: int, number: int) -> None:
    end(store, number, now)
    assert asked(store, parent) == [rate_payload(number, n) for n in (5, 4, 3, 2, 1)]
    routed = write(store, parent, "4分，就是等得久", now)
    assert routed is not None
    assert [one.name for one in routed.says] == ["handoff_rated"]
    assert rated(store, number) == (4, "就是等得久")
    # Asked for once: the next number is an ordinary message.
    assert write(store, parent, "5", now) is None


def test_rated_by_button_then_a_line(store: Store, now: datetime, parent: int, number: int) -> None:
    end(store, number, now)
    for _ in range(2):
        routed = write(store, parent, rate_payload(number, 1), now)
        assert routed is not None
        assert [one.name for one in routed.says] == ["handoff_rated_poor"]
    assert routed is not None
    assert routed.says[0].buttons[0]["payload"] == note_payload(number)
    write(store, parent, note_payload(number), now)
    assert standing(store, identity_id=parent) is Standing.RATING
    noted = write(store, parent, "没人理我", now)
    assert noted is not None
    assert [one.name for one in noted.says] == ["handoff_rate_noted"]
    assert rated(store, number) == (1, "没人理我")
    assert write(store, parent, "没人理我", now) is None


def test_a_rating_that_is_ignored_stands_in_nobodys_way(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    end(store, number, now)
    assert write(store, parent, "帮我约明天", now) is None
    assert write(store, parent, "3", now) is None
    assert rated(store, number) == (None, None)
    # Its buttons go on working.
    assert write(store, parent, rate_payload(number, 3), now) is not None
    assert rated(store, number) == (3, None)


def test_an_emergency_instead_of_a_line(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    end(store, number, now)
    write(store, parent, rate_payload(number, 5), now)
    write(store, parent, note_payload(number), now)
    assert write(store, parent, "孩子抽搐了", now, emergency=True) is None
    assert write(store, parent, "怎么办", now) is None
    assert rated(store, number) == (5, None)


@pytest.mark.parametrize(
    "payload",
    ['/rate{"handoff": 1, "stars": 6}', '/rate{"handoff": 1, "stars": 0}', "/rate{", "/rate{}",
     '/rate{"handoff": "1", "stars": 5}', '/rate{"handoff": 1, "stars": true}',
     '/rate{"handoff": 1, "note": true}', '/rate{"handoff": 99, "stars": 5}'],
)  # fmt: skip
def test_what_is_no_rating(
    store: Store, now: datetime, parent: int, number: int, payload: str
) -> None:
    end(store, number, now)
    routed = write(store, parent, payload, now)
    assert routed is not None
    assert [one.name for one in routed.says] == ["handoff_rate_gone"]
    assert rated(store, number) == (None, None)


def test_nobody_rates_anothers_conversation_nor_an_open_one(
    store: Store, now: datetime, parent: int, number: int, new_identity: Callable[[str], int]
) -> None:
    write(store, parent, rate_payload(number, 5), now)
    assert rated(store, number) == (None, None)
    end(store, number, now)
    write(store, new_identity("other"), rate_payload(number, 5), now)
    assert rated(store, number) == (None, None)
