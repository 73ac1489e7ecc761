"""One conversation at the desk: seen masked, talked in, passed on, put aside, ended."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bot.rules.handoffs import AgentStatus, HandOffState
from bot.services import (
    canned_replies,
    documents,
    handoff_items,
    handoffs,
    live_chat,
    presence,
)
from bot.services.handoff_items import Item
from bot.store.files import FileStore
from bot.store.models import AuditEntry, Binding, OutboxMessage, Policy
from bot.store.session import Store
from tests import pictures
from tests.desk.console.conftest import Clock, Staff

PHONE = "13800000101"


@pytest.fixture
def number(agent: Staff, demo_store: Store, parent: int, moment: Clock) -> int:
    """A conversation that the agent has taken."""
    found = handoffs.request_handoff(
        demo_store, identity_id=parent, reason="asked", now=moment.now
    ).place.id
    agent.does(f"/desk/conversations/{found}/accept")
    return found


def bind(store: Store, parent: int, moment: Clock) -> None:
    with store.begin() as session:
        policy = session.scalar(sa.select(Policy).where(Policy.number == "YX2026-000101"))
        assert policy is not None
        session.add(
            Binding(identity_id=parent, household_id=policy.household_id, verified_at=moment.now)
        )


def sent(store: Store) -> list[str]:
    """Return the texts on their way to parents."""
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [json.dumps(row.payload, ensure_ascii=False) for row in rows]


def item(store: Store, number: int, moment: Clock) -> Item:
    return handoff_items.item(store, handoff_id=number, now=moment.now)


def test_both_ways(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    page = f"/desk/conversations/{number}"
    seq = agent.post(f"{page}/say", text=" 您好，请讲 ", key="one").json()["seq"]
    assert agent.post(f"{page}/say", text=" 您好，请讲 ", key="one").json() == {"seq": seq}
    assert sum("您好，请讲" in text for text in sent(demo_store)) == 1
    live_chat.route(demo_store, identity_id=parent, text="在吗", key="k", now=moment.now)
    told = agent.get(f"{page}/news?after={seq}").json()
    assert "在吗" in told["lines"]
    assert "您好" not in told["lines"]
    assert told["last"] == seq + 1
    assert agent.get(f"{page}/news?after={seq + 1}").json()["lines"].strip() == ""
    assert "您好，请讲" in agent.get(f"{page}/news?after=x").json()["lines"]
    # Without scripts the page comes back.
    del agent.headers["X-Youxiang"]
    assert agent.post(f"{page}/say", text="还在吗").headers["location"] == page


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ call.csrf }} {% raw %}",
        "&lt;b&gt;",
    ],
)
def test_what_parents_write_is_text(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int, said: str
) -> None:
    live_chat.route(demo_store, identity_id=parent, text=said, key="k", now=moment.now)
    page = f"/desk/conversations/{number}"
    for body in (agent.get(page).text, agent.get(f"{page}/news").json()["lines"]):
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert "<b>" not in body
    assert said in agent.read(page)


def test_marks_that_turn_the_direction_are_shown(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    said = "付款给\u202e654321\u202c吧\u0007"
    live_chat.route(demo_store, identity_id=parent, text=said, key="k", now=moment.now)
    assert "付款给⟨202E⟩654321⟨202C⟩吧⟨0007⟩" in agent.read(f"/desk/conversations/{number}")


def test_a_very_long_message(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    said = "长" * 100_000
    live_chat.route(demo_store, identity_id=parent, text=said, key="k", now=moment.now)
    assert "长" * 1_000 in agent.read(f"/desk/conversations/{number}")


def test_masked_until_revealed_and_each_time_is_written_down(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    bind(demo_store, parent, moment)
    said = f"王小满的电话{PHONE}"
    live_chat.route(demo_store, identity_id=parent, text=said, key="k", now=moment.now)
    page = f"/desk/conversations/{number}"
    private = (PHONE, "王小满", "YX2026-000101", "¥")
    for body in (agent.read(page), agent.get(f"{page}/news").json()["lines"]):
        assert [one for one in private if one in body] == []
        assert "王**的电话138****0101" in body
    assert "为什么要看" in agent.refused(f"{page}/reveal", reason=" ")
    body = agent.post(f"{page}/reveal", reason="核对收款人").text
    assert [one for one in private if one not in body] == []
    # Reading the page again masks it again.
    assert PHONE not in agent.read(page)
    agent.post(f"{page}/reveal", reason="再看一次")
    with demo_store.read() as session:
        rows = list(
            session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "transcript.reveal"))
        )
    assert [(row.actor, row.subject, row.detail["reason"]) for row in rows] == [
        ("agent:1", f"identity:{parent}", "核对收款人"),
        ("agent:1", f"identity:{parent}", "再看一次"),
    ]


def test_what_is_known_of_the_parent(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    bind(demo_store, parent, moment)
    page = agent.get(f"/desk/conversations/{number}").text
    assert '<a href="/desk/appointments/A' in page
    assert "还没有绑定保单" not in page


def test_files_both_ways(
    agent: Staff,
    demo_store: Store,
    parent: int,
    moment: Clock,
    number: int,
    files: FileStore,
) -> None:
    page = f"/desk/conversations/{number}"
    photo = pictures.jpeg(pictures.page())
    answer = agent.post(f"{page}/send", files={"file": ("a.jpg", photo, "image/jpeg")}, key="f")
    seq = answer.json()["seq"]
    shown = agent.get(f"{page}/files/{seq}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["content-security-policy"] == "sandbox"
    kept = documents.receive(
        demo_store, files, identity_id=parent, content=photo, filename=None, now=moment.now
    )
    live_chat.route(
        demo_store, identity_id=parent, text="/inform", key="k", now=moment.now, documents=[kept.id]
    )
    body = agent.get(f"{page}/news?after={seq}").json()["lines"]
    assert f'<img src="{page}/files/{seq + 1}"' in body
    assert agent.get(f"{page}/files/{seq + 1}").status_code == 200
    assert agent.get(f"{page}/files/{seq + 2}").status_code == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"<html>", "不是照片或 PDF"), (b"", "文件是空的"), (None, "还没有选文件")],
)
def test_files_that_are_refused(
    agent: Staff, number: int, content: bytes | None, sentence: str
) -> None:
    given = None if content is None else {"file": ("a.jpg", content, "image/jpeg")}
    answer = agent.post(f"/desk/conversations/{number}/send", files=given)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_notes_are_for_agents_alone(
    agent: Staff, demo_store: Store, number: int, moment: Clock
) -> None:
    before = sent(demo_store)
    agent.post(f"/desk/conversations/{number}/note", text="家长很急")
    assert "家长很急" in agent.read(f"/desk/conversations/{number}")
    assert sent(demo_store) == before


def test_ready_replies_are_filled_in(
    agent: Staff, demo_store: Store, parent: int, moment: Clock, number: int
) -> None:
    bind(demo_store, parent, moment)
    canned_replies.save(
        demo_store,
        code="hi",
        text="我是{agent}，{child}的事我来办。",
        actor="a",
        now=moment.now,
    )
    page = f"/desk/conversations/{number}"
    assert "hi ·" in agent.read(page)
    found = agent.get(f"{page}/canned?code=hi").json()
    assert found == {"text": "我是小林，王小满的事我来办。"}
    assert agent.get(f"{page}/canned?code=none").status_code == 404


def test_passed_on_only_to_those_who_are_there(
    agent: Staff,
    enter: Callable[[str], Staff],
    demo_store: Store,
    moment: Clock,
    number: int,
) -> None:
    page = f"/desk/conversations/{number}"
    presence.set_presence(
        demo_store, agent_id=2, name="小周", status=AgentStatus.AWAY, now=moment.now
    )
    assert "没有别人在线" in agent.read(page)
    assert "不在线" in agent.refused(f"{page}/transfer", to="2")
    presence.set_presence(
        demo_store, agent_id=2, name="小周", status=AgentStatus.ONLINE, now=moment.now
    )
    assert "小周（手上 0）" in agent.read(page)
    agent.does(f"{page}/transfer", to="2", note="请接着办")
    assert "不在您手上" in agent.refused(f"{page}/say", text="还有")
    zhou = enter("zhou")
    assert "请接着办" in zhou.read(page)
    zhou.does(f"{page}/accept")
    assert zhou.post(f"{page}/say", text="我来").status_code == 200
    assert any("小周" in text for text in sent(demo_store))


def test_put_aside(agent: Staff, demo_store: Store, number: int, moment: Clock) -> None:
    page = f"/desk/conversations/{number}"
    for wrong in ("0", "99999999", "昨天", ""):
        assert "14 天以内" in agent.refused(f"{page}/snooze", until=wrong)
    assert agent.does(f"{page}/snooze", until="tomorrow") == "/desk/queue?said=snoozed"
    found = item(demo_store, number, moment)
    assert found.status is HandOffState.SNOOZED
    assert f"{found.snoozed_until:%m-%d %H:%M}" == "11-24 09:00"
    agent.does(f"{page}/accept")
    assert item(demo_store, number, moment).status is HandOffState.HUMAN


def test_the_end(
    agent: Staff, enter: Callable[[str], Staff], demo_store: Store, number: int, moment: Clock
) -> None:
    page = f"/desk/conversations/{number}"
    assert "不在您手上" in enter("zhou").refused(f"{page}/resolve", note="")
    agent.does(f"{page}/resolve", note="已解释")
    assert item(demo_store, number, moment).status is HandOffState.RESOLVED
    assert "状态已经变了" in agent.refused(f"{page}/say", text="还有")
    after = agent.read(page)
    assert "已解释" in after
    assert "补一条内部备注" in after
    assert "已结束" in after


def test_supervisors_may_end_and_take_over(
    supervisor: Staff, demo_store: Store, number: int, moment: Clock
) -> None:
    page = f"/desk/conversations/{number}"
    supervisor.does("/desk/presence", status="online")
    supervisor.does(f"{page}/transfer", to="3", note="我来")
    assert item(demo_store, number, moment).agent_id == 3
    supervisor.does(f"{page}/accept")
    supervisor.does(f"{page}/resolve")
    assert item(demo_store, number, moment).status is HandOffState.RESOLVED
