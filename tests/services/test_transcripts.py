"""What agents read: all that was said in order, masked until it is revealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.handoffs import AgentStatus
from bot.services import handoff_desk, handoffs, live_chat, presence
from bot.services.errors import NotFound
from bot.services.transcripts import mask, reveal, transcript
from bot.store.models import AuditEntry, Conversation, ConversationEvent
from bot.store.session import Store

PHONE = "13800000101"
NUMBER = "YX2026-000101"


@pytest.fixture
def parent(store: Store, now: datetime, bound: Callable[..., int]) -> int:
    """A bound parent who has talked to the bot and then to a person."""
    who = bound(PHONE)
    events: list[tuple[str, dict[str, Any]]] = [
        ("user", {"event": "user", "text": f"我是王小满妈妈 {PHONE}"}),
        ("slot", {"event": "slot", "name": "policy", "value": NUMBER}),
        ("slot", {"event": "slot", "name": "bind_phone", "value": PHONE}),
        ("slot", {"event": "slot", "name": "misses", "value": None}),
        ("active_loop", {"event": "active_loop", "name": "book_form"}),
        ("slot", {"event": "slot", "name": "requested_slot", "value": "book_date"}),
        ("bot", {"event": "bot", "text": "小满想哪天去？"}),
        ("user", {"event": "user", "text": "/talk_to_human"}),
    ]
    before = datetime.now(UTC) - timedelta(minutes=5)
    with store.begin() as session:
        for n, (kind, data) in enumerate(events):
            session.add(
                ConversationEvent(
                    sender_id="parent",
                    at=before + timedelta(seconds=n),
                    type_name=kind,
                    data=data,
                )
            )
        session.flush()
        first = session.scalar(sa.select(sa.func.min(ConversationEvent.id)))
        state = {"version": 1, "opening": [], "first_event": first}
        session.add(Conversation(sender_id="parent", state=state, updated_at=now))
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)
    item = handoffs.request_handoff(store, identity_id=who, reason="asked", now=now).place.id
    handoff_desk.accept(store, handoff_id=item, agent_id=1, now=now)
    live_chat.route(store, identity_id=who, text="卡号 6222021234567890128", key=None, now=now)
    live_chat.note(store, handoff_id=item, agent_id=1, text="已核对", now=now)
    return who


def test_both_conversations_in_one_order(store: Store, now: datetime, parent: int) -> None:
    found = reveal(store, identity_id=parent, actor="user:7", reason="核对", now=now)
    assert [(e.direction, e.text) for e in found.entries if e.direction != "system"] == [
        ("parent", f"我是王小满妈妈 {PHONE}"),
        ("bot", "小满想哪天去？"),
        ("parent", "[转人工]"),
        ("parent", "卡号 6222021234567890128"),
        ("note", "已核对"),
    ]
    assert found.slots == {"policy": NUMBER, "bind_phone": PHONE}
    assert (found.form, found.asked, found.masked) == ("book_form", "book_date", False)
    (card,) = found.cards
    assert (card.child, card.phone) == ("王小满", PHONE)
    assert card.policy is not None
    assert card.policy.benefits


def test_masked_until_it_is_revealed(store: Store, now: datetime, parent: int) -> None:
    found = transcript(store, identity_id=parent, now=now)
    shown = repr(found)
    for secret in (PHONE, NUMBER, "小满", "6222021234567890128"):
        assert secret not in shown
    assert found.masked
    assert "138****0101" in shown
    assert found.cards[0].policy is None
    with store.read() as session:
        trail = session.scalars(sa.select(AuditEntry.action)).all()
    assert "transcript.reveal" not in trail


def test_every_reveal_is_in_the_audit(
    store: Store, now: datetime, parent: int, count: Callable[..., int]
) -> None:
    for _ in range(2):
        reveal(store, identity_id=parent, actor="user:7", reason="核对身份", now=now)
    assert count(AuditEntry, action="transcript.reveal", subject=f"identity:{parent}") == 2


def test_links_to_what_is_the_accounts_own(
    store: Store, now: datetime, parent: int, claim: Callable[..., str]
) -> None:
    reference = claim(parent)
    found = transcript(store, identity_id=parent, now=now)
    assert ("claim", reference, "draft") in [
        (r.kind, r.reference, r.status) for r in found.references
    ]


def test_an_account_that_is_bound_to_nothing(
    store: Store, now: datetime, parent: int, new_identity: Callable[[str], int]
) -> None:
    found = transcript(store, identity_id=new_identity("stranger"), now=now)
    assert (found.entries, found.slots, found.cards, found.references) == ((), {}, (), ())
    with pytest.raises(NotFound):
        transcript(store, identity_id=9999, now=now)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("138 0000 0101", "138****0101"),
        ("身份证31010120190520123X", "身份证310****123X"),
        ("花了12,888.80元", "花了12,888.80元"),
        ("12月31日 16:00", "12月31日 16:00"),
        ("A10002 和 C10001", "A10002 和 C10001"),
        ("王小满和满满", "王**和满满"),
        ("小满咳嗽", "**咳嗽"),
    ],
)
def test_what_is_masked(text: str, shown: str) -> None:
    assert mask(text, {"王小满"}) == shown
