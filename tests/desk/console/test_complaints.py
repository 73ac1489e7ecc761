"""Complaints at the desk: in whose hands, by when, the answer, and who talks to the parent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.services import complaints as service
from bot.services import handoffs
from bot.store.models import OutboxMessage
from bot.store.session import Store
from tests.desk.console.conftest import NOW, NUMBER, Clock, Staff

HOSTILE = "<script>alert(1)</script>\u202e电话 13800000101"
File = Callable[..., str]


@pytest.fixture
def file(demo_store: Store, parent: int) -> File:
    """File a complaint; return its page."""

    def write(
        text: str = "太慢了", who: int = parent, kind: str = "complaint", days: int = 0
    ) -> str:
        made, _ = service.file_complaint(
            demo_store,
            identity_id=who,
            kind=kind,
            text=text,
            number=NUMBER,
            now=NOW - timedelta(days=days),
        )
        return f"/desk/complaints/{made.reference}"

    return write


def seen(agent: Staff, page: str) -> str:
    """Return the version that a page shows."""
    return agent.get(page).text.split('name="version" value="')[1].split('"')[0]


def answers(store: Store) -> list[tuple[int, str]]:
    with store.read() as session:
        rows = session.scalars(
            sa.select(OutboxMessage)
            .where(OutboxMessage.kind == "complaint_answered")
            .order_by(OutboxMessage.id)
        )
        return [(row.identity_id, row.payload["values"]["answer"]) for row in rows]


def test_it_is_taken_up_and_answered_word_for_word(
    agent: Staff, demo_store: Store, parent: int, file: File
) -> None:
    page = file()
    assert "受理" in agent.read("/desk/complaints")
    assert agent.does(f"{page}/take-up", version=seen(agent, page)).startswith(page)
    listed = agent.read("/desk/complaints")
    assert "小林" in listed
    assert "受理" not in listed
    words = "抱歉 <b>让您久等</b>。\r\n已加快处理"
    agent.does(f"{page}/answer", version=seen(agent, page), answer=f"  {words} ")
    assert answers(demo_store) == [(parent, words)]
    assert "没有要答复的" in agent.read("/desk/complaints")
    shown = agent.read(page)
    assert "抱歉 <b>让您久等</b>" in shown
    assert "小林：答复" in shown
    assert "原样发给家长" not in shown


def test_a_stale_page_changes_nothing(
    agent: Staff, enter: Callable[[str], Staff], demo_store: Store, file: File
) -> None:
    page = file()
    before = seen(agent, page)
    enter("zhou").does(f"{page}/take-up", version=before)
    answer = agent.post(f"{page}/take-up", version=before)
    assert (answer.status_code, "刚被别人改过" in answer.json()["error"]) == (409, True)
    assert "刚被别人改过" in agent.refused(f"{page}/answer", version=before, answer="好")
    assert answers(demo_store) == []
    assert "小周" in agent.read("/desk/complaints")


def test_what_is_not_taken_up_is_not_answered(agent: Staff, demo_store: Store, file: File) -> None:
    page = file()
    refused = agent.refused(f"{page}/answer", version=seen(agent, page), answer="好")
    assert "状态已经变了" in refused
    # Nothing of conversations, for this is none.
    assert "对话" not in refused
    assert answers(demo_store) == []


@pytest.mark.parametrize(("typed", "said"), [(" ", "还没有写内容"), ("长" * 1_001, "太长")])
def test_an_answer_has_1_to_1000_characters(
    agent: Staff, demo_store: Store, file: File, typed: str, said: str
) -> None:
    page = file()
    agent.does(f"{page}/take-up", version=seen(agent, page))
    assert said in agent.refused(f"{page}/answer", version=seen(agent, page), answer=typed)
    agent.does(f"{page}/answer", version=seen(agent, page), answer="长" * 1_000)
    assert len(answers(demo_store)) == 1


def test_what_is_due_first_comes_first_and_answered_ones_are_found(
    agent: Staff, file: File, mother: int
) -> None:
    fresh, late = file("新的"), file("旧的", who=mother, days=6)
    text = agent.get("/desk/complaints").text
    assert text.index(late) < text.index(fresh)
    assert "已超时" in agent.read(late)
    agent.does(f"{late}/take-up", version=seen(agent, late))
    agent.does(f"{late}/answer", version=seen(agent, late), answer="好")
    assert late not in agent.get("/desk/complaints").text
    for query in ("state=resolved", "q=王小满", f"q={late[-6:]}", f"q={NUMBER.lower()}"):
        found = agent.get(f"/desk/complaints?{query}").text
        assert (late in found, fresh in found) == (True, False)
    assert "已超时" not in agent.read(late)


def test_whose_it_is_and_what_was_added(
    agent: Staff, demo_store: Store, file: File, mother: int, moment: Clock
) -> None:
    page = file(who=mother)
    moment.go(hours=2)
    service.add_to_complaint(
        demo_store,
        identity_id=mother,
        reference=page.rsplit("/", 1)[1],
        text="还是没人",
        now=moment.now,
    )
    shown = " ".join(agent.read(page).split())
    assert "王小满 · YX2026-000101" in shown
    assert "11-23 12:05 补充 还是没人" in shown
    assert "补充 1 次" in agent.read("/desk/complaints")


def test_a_complaint_of_nobody_who_is_bound(agent: Staff, file: File) -> None:
    assert "没有绑定" in agent.read(file())


def test_it_leads_to_the_accounts_open_conversation_and_to_no_other(
    agent: Staff, demo_store: Store, parent: int, mother: int, file: File
) -> None:
    page = file(kind="suggestion")
    assert "/desk/conversations/" not in agent.get(page).text
    handoffs.request_handoff(demo_store, identity_id=mother, reason="asked", now=NOW)
    assert "/desk/conversations/" not in agent.get(page).text
    handoffs.request_handoff(demo_store, identity_id=parent, reason="asked", now=NOW)
    address = agent.get(page).text.split('<a href="/desk/conversations/')[1].split('"')[0]
    assert "家长要人工 · 排队" in agent.read(page)
    assert "家长要人工" in agent.read(f"/desk/conversations/{address}")


def test_what_parents_write_is_text_and_phones_are_masked_in_the_list(
    agent: Staff, file: File
) -> None:
    page = file(HOSTILE)
    for path in ("/desk/complaints", page):
        assert "<script>alert" not in agent.get(path).text
        assert "<script>alert(1)</script>⟨202E⟩" in agent.read(path)
    assert "13800000101" not in agent.get("/desk/complaints").text
    assert "13800000101" in agent.read(page)


def test_there_is_no_such_complaint(agent: Staff) -> None:
    assert agent.get("/desk/complaints/F99999").status_code == 404
    assert agent.post("/desk/complaints/F99999/take-up", version="1").status_code == 404
