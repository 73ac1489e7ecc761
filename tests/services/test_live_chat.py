"""The conversation while a person has it, its end, and its rating."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from bot.rules.handoffs import AgentStatus, HandOffState, Wish
from bot.rules.messages import LONGEST_TEXT
from bot.services import chat_files, documents, handoff_desk, handoffs, links, live_chat, presence
from bot.services.errors import NotFound, Refused
from bot.services.live_chat import Routed, Standing, route, standing
from bot.store.files import FileStore
from bot.store.models import Conversation, HandOff, OutboxMessage
from bot.store.session import Store
from tests.pictures import fixture

LIN = 1


@pytest.fixture
def parent(new_identity: Callable[[str], int]) -> int:
    return new_identity("parent")


@pytest.fixture
def number(store: Store, now: datetime, parent: int) -> int:
    """A conversation that an agent has."""
    return taken(store, parent, now)


def taken(store: Store, parent: int, now: datetime, agent: int = LIN) -> int:
    presence.set_presence(store, agent_id=agent, name="小林", status=AgentStatus.ONLINE, now=now)
    place = handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now).place
    handoff_desk.accept(store, handoff_id=place.id, agent_id=agent, now=now)
    return place.id


def said(store: Store, number: int) -> list[tuple[str, str]]:
    return [(line.direction, line.text) for line in live_chat.lines(store, handoff_id=number)]


def sent(store: Store, parent: int, kind: str = "agent") -> list[dict[str, object]]:
    query = sa.select(OutboxMessage).where(
        OutboxMessage.identity_id == parent, OutboxMessage.kind == kind
    )
    with store.read() as session:
        rows = session.scalars(query.order_by(OutboxMessage.id))
        return [row.payload["reply"] for row in rows]


def handoff(store: Store, number: int) -> HandOff:
    with store.read() as session:
        row = session.get(HandOff, number)
        assert row is not None
        session.expunge(row)
        return row


def write(store: Store, parent: int, text: str, now: datetime, **more: object) -> Routed | None:
    key = more.pop("key", None)
    return route(store, identity_id=parent, text=text, key=key, now=now, **more)  # type: ignore[arg-type]


def end(store: Store, number: int, now: datetime) -> None:
    handoff_desk.resolve(store, handoff_id=number, agent_id=LIN, now=now)


# ---- who answers


def test_who_answers(store: Store, now: datetime, parent: int) -> None:
    assert standing(store, identity_id=parent) is Standing.BOT
    handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert standing(store, identity_id=parent) is Standing.WAITING
    # The bot goes on answering meanwhile.
    assert write(store, parent, "还剩多少额度", now) is None
    number = taken(store, parent, now)
    assert standing(store, identity_id=parent) is Standing.HUMAN
    end(store, number, now)
    assert standing(store, identity_id=parent) is Standing.RATING
    assert write(store, parent, "还剩多少额度", now) is None
    assert standing(store, identity_id=parent) is Standing.BOT


def test_lines_of_both_are_in_order_and_nobody_elses(
    store: Store, now: datetime, parent: int, number: int, new_identity: Callable[[str], int]
) -> None:
    other = new_identity("other")
    theirs = taken(store, other, now)
    assert write(store, parent, "一", now) == Routed()
    live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="二", now=now)
    assert write(store, other, "别家的事", now) == Routed()
    assert write(store, parent, "三", now) == Routed()
    assert said(store, number)[1:] == [("parent", "一"), ("agent", "二"), ("parent", "三")]
    assert said(store, theirs)[1:] == [("parent", "别家的事")]
    assert sent(store, parent) == [{"text": "二"}]
    assert sent(store, other) == []
    cursor = live_chat.lines(store, handoff_id=number)[2].seq
    assert [line.text for line in live_chat.lines(store, handoff_id=number, after=cursor)] == ["三"]


def test_an_update_that_comes_twice_is_written_once(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    for _ in range(2):
        assert write(store, parent, "在吗", now, key="inbox:7") == Routed()
    end(store, number, now)
    # And not taken for the bot's once the person is gone.
    assert write(store, parent, "在吗", now, key="inbox:7") == Routed()
    assert said(store, number).count(("parent", "在吗")) == 1


def test_an_agents_line_is_sent_once(store: Store, now: datetime, parent: int, number: int) -> None:
    lines = [
        live_chat.agent_message(
            store, handoff_id=number, agent_id=LIN, text="您好", now=now, key="a1"
        )
        for _ in range(2)
    ]
    assert lines[0] == lines[1]
    assert sent(store, parent) == [{"text": "您好"}]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{child} %s {0}", "\u202eabc\u202c", "一" * LONGEST_TEXT]
)
def test_words_stay_as_they_are(
    store: Store, now: datetime, parent: int, number: int, text: str
) -> None:
    write(store, parent, text, now)
    live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text=text, now=now)
    assert said(store, number)[1:] == [("parent", text), ("agent", text)]
    assert sent(store, parent) == [{"text": text}]


def test_a_hundred_kilobytes_are_cut(store: Store, now: datetime, parent: int, number: int) -> None:
    write(store, parent, "长\0" * 50_000, now)
    assert said(store, number)[-1] == ("parent", "长" * LONGEST_TEXT)


def test_what_agents_may_not_send(store: Store, now: datetime, number: int) -> None:
    for text, reason in ((" \n", "no_text"), ("\0", "no_text"), ("x" * 4001, "too_long")):
        with pytest.raises(Refused, match=reason):
            live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text=text, now=now)
        with pytest.raises(Refused, match=reason):
            live_chat.note(store, handoff_id=number, agent_id=LIN, text=text, now=now)
    with pytest.raises(Refused, match="not_yours"):
        live_chat.agent_message(store, handoff_id=number, agent_id=9, text="您好", now=now)
    end(store, number, now)
    with pytest.raises(Refused, match="state"):
        live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="您好", now=now)


def test_a_note_is_for_agents_alone(store: Store, now: datetime, parent: int, number: int) -> None:
    live_chat.note(store, handoff_id=number, agent_id=LIN, text="态度要好", now=now)
    assert said(store, number)[-1] == ("note", "态度要好")
    assert sent(store, parent) == []
    assert not [m for m in sent(store, parent, "handoff") if "态度" in str(m)]


def test_what_a_button_says_to_the_agent(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    write(store, parent, "/book_appointment", now)
    write(store, parent, "/unheard_of", now)
    assert [text for _, text in said(store, number)[1:]] == ["[预约就诊]", "[/unheard_of]"]


def test_how_long_the_parent_waits_for_an_answer(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    first = now + timedelta(minutes=1)
    assert handoff(store, number).parent_waits_since == now
    live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="您好", now=first)
    assert handoff(store, number).parent_waits_since is None
    assert handoff(store, number).first_reply_at == first
    for minutes in (2, 3):
        write(store, parent, "在吗", now + timedelta(minutes=minutes))
    assert handoff(store, number).parent_waits_since == now + timedelta(minutes=2)
    live_chat.agent_message(store, handoff_id=number, agent_id=LIN, text="在", now=now)
    assert handoff(store, number).first_reply_at == first


def test_an_emergency_is_answered_at_once_and_flagged(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    routed = write(store, parent, "孩子抽搐了", now, emergency=True)
    assert routed is not None
    assert [one.name for one in routed.says] == ["emergency"]
    row = handoff(store, number)
    assert (row.urgent, row.reason, row.priority, row.status) == (True, "emergency", 0, "human")
    assert ("parent", "孩子抽搐了") in said(store, number)


def test_an_emergency_that_no_person_has_is_the_bots_to_answer(
    store: Store, now: datetime, parent: int
) -> None:
    handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now)
    assert write(store, parent, "孩子抽搐了", now, emergency=True) is None


def test_the_parent_ends_it(store: Store, now: datetime, parent: int, number: int) -> None:
    assert write(store, parent, "不用了，谢谢", now) == Routed()
    row = handoff(store, number)
    assert (row.status, row.end_reason) == (HandOffState.RESOLVED, "ended_by_parent")
    told = [str(message["text"])[:5] for message in sent(store, parent, "handoff")]
    assert told == ["小林已接入", "好的，人工", "这次人工服"]


def test_giving_up_the_place_in_the_queue(store: Store, now: datetime, parent: int) -> None:
    handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now)
    routed = write(store, parent, "取消排队", now)
    assert routed is not None
    assert [one.name for one in routed.says] == ["handoff_given_up"]
    assert handoffs.place(store, identity_id=parent, now=now) is None
    assert sent(store, parent, "handoff") == []
    handoffs.request_handoff(store, identity_id=parent, reason="emergency", now=now)
    routed = write(store, parent, "取消排队", now)
    assert routed is not None
    assert [one.name for one in routed.says] == ["handoff_urgent_stays"]
    assert handoffs.place(store, identity_id=parent, now=now) is not None


def test_a_message_left_becomes_a_conversation_when_the_agent_writes(
    store: Store, now: datetime, parent: int
) -> None:
    left = handoffs.leave_contact(
        store, identity_id=parent, wish=Wish.MESSAGE, message="发票能寄回吗", now=now
    ).place
    presence.set_presence(store, agent_id=LIN, name="小林", status=AgentStatus.ONLINE, now=now)
    handoff_desk.accept(store, handoff_id=left.id, agent_id=LIN, now=now)
    assert standing(store, identity_id=parent) is Standing.BOT
    live_chat.agent_message(store, handoff_id=left.id, agent_id=LIN, text="可以", now=now)
    assert standing(store, identity_id=parent) is Standing.HUMAN
    assert [d for d, _ in said(store, left.id)] == ["parent", "system", "agent"]


# ---- files


def test_a_photo_of_the_parents(
    store: Store, now: datetime, parent: int, number: int, files: FileStore,
    new_identity: Callable[[str], int],
) -> None:  # fmt: skip
    content = fixture("invoice.jpg", 1)
    kept = documents.receive(
        store, files, identity_id=parent, content=content, filename="a.jpg", now=now
    )
    payload = f'/inform{{"document": "{kept.id}"}}'
    assert write(store, parent, payload, now, documents=[kept.id]) == Routed()
    line = live_chat.lines(store, handoff_id=number)[-1]
    assert (line.direction, line.media_type, line.document_id) == ("parent", "image/jpeg", kept.id)
    media_type, stored = chat_files.file_of(store, files, handoff_id=number, seq=line.seq)
    assert (media_type, stored[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    with pytest.raises(NotFound):
        chat_files.file_of(store, files, handoff_id=number, seq=1)
    other = new_identity("other")
    taken(store, other, now)
    with pytest.raises(NotFound):
        write(store, other, payload, now, documents=[kept.id])


def test_a_photo_for_the_parent_and_for_nobody_else(
    store: Store, now: datetime, parent: int, number: int, files: FileStore,
    new_identity: Callable[[str], int],
) -> None:  # fmt: skip
    content = fixture("invoice.jpg", 2)
    given = {"handoff_id": number, "agent_id": LIN, "content": content, "name": "回执.jpg"}
    for _ in range(2):
        chat_files.agent_file(store, files, now=now, key="f1", **given)  # type: ignore[arg-type]
    (message,) = sent(store, parent)
    assert message["text"] == "回执.jpg"
    token = urlsplit(str(message["image"])).path.rpartition("/")[2]
    line, account = links.chat_file_of(token, now)
    assert account == parent
    media_type, _ = chat_files.file_for_parent(store, files, line_id=line, identity_id=parent)
    assert media_type == "image/jpeg"
    with pytest.raises(NotFound):
        chat_files.file_for_parent(store, files, line_id=line, identity_id=new_identity("other"))
    with pytest.raises(Refused, match="link_over"):
        links.chat_file_of(token, now + timedelta(days=8))
    form = links.claim_form_link("C10001", parent, now).url.rpartition("/")[2]
    with pytest.raises(NotFound):
        links.chat_file_of(form, now)


def test_what_is_no_photo_is_not_sent(
    store: Store, now: datetime, parent: int, number: int, files: FileStore
) -> None:
    with pytest.raises(Refused, match="file_type"):
        chat_files.agent_file(
            store, files, handoff_id=number, agent_id=LIN, content=b"MZ", name="x.exe", now=now
        )
    content = fixture("invoice.jpg", 3)
    with pytest.raises(Refused, match="not_yours"):
        chat_files.agent_file(
            store, files, handoff_id=number, agent_id=9, content=content, name="x", now=now
        )
    assert sent(store, parent) == []
    assert list(files.stored()) == []


# ---- the end


def test_the_open_task_is_offered_again(
    store: Store, now: datetime, parent: int, number: int
) -> None:
    opening = [{"event": "active_loop", "name": "book_form"}]
    with store.begin() as session:
        state = {"version": 1, "opening": opening, "first_event": None}
        session.add(Conversation(sender_id="parent", state=state, updated_at=now))
    end(store, number, now)
    messages = sent(store, parent, "handoff")
    assert str(messages[2]["text"]).startswith("转人工前那件没办完的事")
    assert [b["title"] for b in messages[2]["buttons"]] == ["接着办", "不办了"]  # type: ignore[attr-defined]
