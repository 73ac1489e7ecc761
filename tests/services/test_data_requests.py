"""Erasure: noted once, checked, refused with a reason or done; what must stay stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.clock import TZ
from bot.rules.handoffs import AgentStatus, Wish
from bot.rules.notifications import NotificationKind
from bot.services import data_requests as service
from bot.services import mailbox, presence
from bot.services.chat_files import agent_file
from bot.services.complaints import file_complaint
from bot.services.data_export import request_export, stored_about
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_desk import accept
from bot.services.handoffs import leave_contact, request_handoff
from bot.services.identity import choices, identify
from bot.services.live_chat import note
from bot.services.notifications import notify_account
from bot.store.files import FileStore, FileStoreError
from bot.store.models import (
    AuditEntry,
    Binding,
    ChatIdentity,
    ChatMessage,
    Claim,
    Complaint,
    Conversation,
    ConversationEvent,
    HandOff,
    HandOffMessage,
    InboundUpdate,
    OutboxMessage,
    Visit,
)
from bot.store.session import Store
from tests.pictures import fixture

ONE = "13800000101"
STAFF = "staff:lin"
Bound = Callable[..., int]


def requested(store: Store, identity_id: int, now: datetime) -> str:
    seen, _ = service.request_erasure(store, identity_id=identity_id, now=now)
    return seen.reference


def talk(store: Store, sender: str, now: datetime) -> None:
    """Say hello from an account, behind the inbox and without it."""
    with store.begin() as session:
        for name in (sender, f"rest:{sender}"):
            session.add(Conversation(sender_id=name, state={}, updated_at=now))
            session.add(
                ConversationEvent(sender_id=name, at=now, type_name="user", data={"text": "你好"})
            )
        for status in ("processed", "received"):
            session.add(
                InboundUpdate(
                    channel="rest",
                    update_id=f"{sender}:{status}",
                    account=sender,
                    said_at=now,
                    payload={"text": "你好"},
                    status=status,
                    received_at=now,
                    processed_at=now if status == "processed" else None,
                )
            )


def test_the_wish_is_noted_with_a_due_time_and_once_and_nothing_is_erased(
    store: Store, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE)
    first, new = service.request_erasure(store, identity_id=parent, now=now)
    again, second = service.request_erasure(store, identity_id=parent, now=now)
    assert (new, second, again) == (True, False, first)
    assert (first.reference, first.kind, first.status) == ("D10001", "erasure", "received")
    assert first.due_at == datetime(2026, 12, 14, 23, 59, 59, tzinfo=TZ)
    assert service.own_requests(store, identity_id=parent) == (first,)
    assert service.open_requests(store) == (first,)
    assert count(Binding) == 1


def test_received_checking_done(
    store: Store,
    files: FileStore,
    now: datetime,
    bound: Bound,
    count: Callable[..., int],
) -> None:
    parent, father = bound(ONE), bound(ONE, account="father")
    for sender in ("parent", "father"):
        talk(store, sender, now)
    file_complaint(store, identity_id=parent, kind="complaint", text="太慢", now=now)
    request_export(store, files, "secret", identity_id=parent, now=now)
    with store.begin() as session:
        notify_account(
            session,
            identity_id=parent,
            kind=NotificationKind.COMPLAINT_ANSWERED,
            text="notify_complaint_answered",
            values={"reference": "F1", "answer": "好"},
            key="complaint:1",
            due_at=now,
        )
    with store.begin() as session:
        told = session.scalars(sa.select(OutboxMessage.id)).first()
        for owner, outbox in ((parent, told), (parent, None), (father, None)):
            mailbox.append(
                session, identity_id=owner, message={"text": "好"}, at=now, outbox_id=outbox
            )
    kept = {table: count(table) for table in (Claim, Visit, Complaint)}
    reference = requested(store, parent, now)
    seen = service.take_up(store, reference=reference, actor=STAFF, now=now)
    assert seen.status == "checking"
    done = service.erase(store, files, reference=reference, actor=STAFF, now=now)
    assert done.status == "done"
    assert service.open_requests(store) == ()
    assert (count(Conversation), count(ConversationEvent)) == (2, 2)
    assert count(InboundUpdate, account="parent", status="received") == 1
    assert (count(OutboxMessage), count(ChatMessage)) == (0, 1)
    assert list(files.stored()) == []
    assert [c.child for c in choices(store, father)] == ["王小满"]
    assert {table: count(table) for table in kept} == kept
    with store.read() as session:
        account = session.get(ChatIdentity, parent)
        assert account.account == f"erased:{parent}"
        mine = sa.select(InboundUpdate).where(InboundUpdate.account == f"erased:{parent}")
        assert session.scalars(mine).one().payload == {}
        trail = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert trail[-3:] == ["data.take_up", "unbind", "data.erase"]
    newcomer = identify(store, "rest", "parent")
    assert newcomer.id != parent
    assert choices(store, newcomer.id) == []


def test_a_conversation_that_two_channels_share_stays(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE)
    identify(store, "telegram", "parent")
    talk(store, "parent", now)
    reference = requested(store, parent, now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    service.erase(store, files, reference=reference, actor=STAFF, now=now)
    assert count(ConversationEvent, sender_id="parent") == 1
    assert count(ConversationEvent, sender_id="rest:parent") == 0
    assert choices(store, parent) == []


def test_received_checking_refused_with_a_reason(
    store: Store, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent = bound(ONE)
    reference = requested(store, parent, now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    with pytest.raises(Refused, match="answer"):
        service.refuse(store, reference=reference, actor=STAFF, reason=" ", now=now)
    seen = service.refuse(
        store, reference=reference, actor=STAFF, reason="有理赔在办，办完再删", now=now
    )
    assert (seen.status, seen.answer) == ("refused", "有理赔在办，办完再删")
    assert count(Binding) == 1
    assert requested(store, parent, now) == "D10002"


def test_nothing_is_erased_unchecked_or_twice(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    reference = requested(store, bound(ONE), now)
    for _ in range(2):
        with pytest.raises(Refused, match="state"):
            service.erase(store, files, reference=reference, actor=STAFF, now=now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    service.erase(store, files, reference=reference, actor=STAFF, now=now)
    with pytest.raises(Refused, match="state"):
        service.erase(store, files, reference=reference, actor=STAFF, now=now)


def test_a_file_that_cannot_be_deleted_keeps_nothing_back(
    store: Store,
    files: FileStore,
    now: datetime,
    bound: Bound,
    count: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parent = bound(ONE)
    request_export(store, files, "secret", identity_id=parent, now=now)
    reference = requested(store, parent, now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)

    def broken(_: str) -> None:
        raise FileStoreError("no disk")

    monkeypatch.setattr(files, "delete", broken)
    seen = service.erase(store, files, reference=reference, actor=STAFF, now=now)
    assert seen.status == "done"
    assert count(Binding) == 0
    assert "must be deleted by hand" in caplog.text


def test_who_read_an_older_version_is_told(store: Store, now: datetime, bound: Bound) -> None:
    parent = bound(ONE)
    seen, _ = service.request_erasure(store, identity_id=parent, now=now)
    service.take_up(store, reference=seen.reference, actor=STAFF, now=now, version=seen.version)
    with pytest.raises(Conflict):
        service.refuse(
            store,
            reference=seen.reference,
            actor=STAFF,
            reason="重复",
            now=now,
            version=seen.version,
        )


def test_a_copy_is_no_wish_for_erasure(
    store: Store, files: FileStore, now: datetime, bound: Bound
) -> None:
    parent = bound(ONE)
    made = request_export(store, files, "secret", identity_id=parent, now=now)
    with pytest.raises(NotFound):
        service.take_up(store, reference=made.reference, actor=STAFF, now=now)
    (seen,) = service.own_requests(store, identity_id=parent)
    assert (seen.kind, seen.status, seen.due_at) == ("export", "done", None)
    assert service.open_requests(store) == ()


def test_what_was_said_to_people_is_erased_and_that_it_was_said_stays(
    store: Store, files: FileStore, now: datetime, bound: Bound, count: Callable[..., int]
) -> None:
    parent, father = bound(ONE), bound(ONE, account="father")
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)
    items = []
    for who in (parent, father):
        leave_contact(
            store, identity_id=who, wish=Wish.CALL_BACK, message="发票", phone=ONE, now=now
        )
        item = request_handoff(store, identity_id=who, reason="asked", now=now).place.id
        accept(store, handoff_id=item, agent_id=1, now=now)
        content = fixture("invoice.jpg", who)
        agent_file(
            store, files, handoff_id=item, agent_id=1, content=content, name="a.jpg", now=now
        )
        items.append(item)
    assert len(list(files.stored())) == 2
    about = stored_about(store, identity_id=parent, now=now)
    assert next(line["text"] for line in about["handoff_message"]) == "发票"
    reference = requested(store, parent, now)
    service.take_up(store, reference=reference, actor=STAFF, now=now)
    service.erase(store, files, reference=reference, actor=STAFF, now=now)
    assert count(HandOffMessage, handoff_id=items[0]) == 0
    assert count(HandOffMessage, handoff_id=items[1]) > 0
    assert len(list(files.stored())) == 1
    with store.read() as session:
        row = session.get(HandOff, items[0])
        assert (row.status, row.message, row.phone, row.wish) == ("resolved", None, None, "chat")


def test_notes_of_agents_are_in_no_copy(store: Store, now: datetime, bound: Bound) -> None:
    parent = bound(ONE)
    presence.set_presence(store, agent_id=1, name="小林", status=AgentStatus.ONLINE, now=now)
    item = request_handoff(store, identity_id=parent, reason="asked", now=now).place.id
    accept(store, handoff_id=item, agent_id=1, now=now)
    note(store, handoff_id=item, agent_id=1, text="此人难缠", now=now)
    about = stored_about(store, identity_id=parent, now=now)
    assert "难缠" not in json.dumps(about, ensure_ascii=False)
    assert "handoff_event" not in about
    assert not [key for key in about["handoff"][0] if "agent" in key or "priority" in key]
