"""Replies that agents write with one click."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from bot.rules.handoffs import AgentStatus
from bot.services import canned_replies as service
from bot.services import handoffs, presence
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.identity import choose
from bot.store.session import Store

BOSS = "user:7"


def save(store: Store, now: datetime, text: str, version: int | None = None) -> service.Canned:
    return service.save(store, code="hi", text=text, actor=BOSS, now=now, version=version)


def test_filled_in_for_a_conversation(
    store: Store, now: datetime, bound: Callable[..., int], new_identity: Callable[[str], int]
) -> None:
    save(store, now, "我是{agent}，{child}的{plan}问题我来查，热线 {hotline}，{{原样}}")
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)
    parent = bound("13800000101")
    choose(store, parent, "YX2026-000101")
    item = handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now).place.id
    told = service.rendered(store, code="hi", handoff_id=item, agent_id=1)
    assert told.startswith("我是小林，王小满的优享")
    assert told.endswith("热线 021-80209058，{原样}")
    other = new_identity("other")
    item = handoffs.request_handoff(store, identity_id=other, reason="asked", now=now).place.id
    assert service.rendered(store, code="hi", handoff_id=item, agent_id=9).startswith(
        "我是人工同事，孩子的您的计划问题"
    )


@pytest.mark.parametrize(
    "text", ["{name}", "{", "{agent.__class__}", "{0}", "{}", "{agent!r}", "{agent:>9}"]
)
def test_braces_that_name_nothing_known(store: Store, now: datetime, text: str) -> None:
    with pytest.raises(Refused, match="placeholder"):
        save(store, now, text)
    assert service.canned_replies(store) == ()


def test_changed_by_one_at_a_time(store: Store, now: datetime) -> None:
    first = save(store, now, "您好")
    with pytest.raises(Conflict):
        save(store, now, "别的")
    second = save(store, now, "您好！", version=first.version)
    with pytest.raises(Conflict):
        save(store, now, "旧的", version=first.version)
    assert service.canned_replies(store) == (second,)
    with pytest.raises(Conflict):
        service.remove(store, code="hi", actor=BOSS, now=now, version=first.version)
    service.remove(store, code="hi", actor=BOSS, now=now, version=second.version)
    with pytest.raises(NotFound):
        service.remove(store, code="hi", actor=BOSS, now=now)
    with pytest.raises(NotFound):
        service.rendered(store, code="hi", handoff_id=1, agent_id=1)


def test_what_is_too_long_or_empty(store: Store, now: datetime) -> None:
    for text, reason in (("  ", "no_text"), ("长" * 1001, "too_long")):
        with pytest.raises(Refused, match=reason):
            save(store, now, text)
