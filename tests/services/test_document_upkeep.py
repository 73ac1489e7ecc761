"""What is deleted by itself: files that nobody filed, copies that ended, leftovers; no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.rules.handoffs import AgentStatus
from bot.services import (
    chat_files,
    document_upkeep,
    documents,
    handoff_desk,
    handoffs,
    live_chat,
    presence,
)
from bot.services.data_export import request_export
from bot.store.files import FileStore, FileStoreError
from bot.store.session import Store
from tests.pictures import fixture

PHONE, LIN, DAY = "13800000101", 1, timedelta(days=1)


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(PHONE)


@pytest.fixture
def send(store: Store, files: FileStore, parent: int, now: datetime) -> Callable[[int], int]:
    """Send a picture; return its id. Another seed is another picture."""

    def sent(seed: int) -> int:
        got = documents.receive(
            store,
            files,
            identity_id=parent,
            content=fixture("scan.pdf", seed),
            filename=None,
            now=now,
        )
        return got.id

    return sent


@pytest.fixture
def purge(store: Store, files: FileStore, now: datetime) -> Callable[..., int]:
    """Look through the files so long after their business time and their writing."""

    def after(business: timedelta = timedelta(), machine: timedelta = timedelta()) -> int:
        written = max(at for _, at in files.stored())
        return document_upkeep.purge(store, files, now=now + business, wall=written + machine)

    return after


def stored(files: FileStore) -> set[str]:
    return {name for name, _ in files.stored()}


def test_what_nobody_filed_goes_after_thirty_days(
    store: Store,
    files: FileStore,
    parent: int,
    send: Callable[[int], int],
    claim: Callable[..., str],
    purge: Callable[..., int],
    now: datetime,
) -> None:
    left, kept = send(1), send(2)
    documents.label(
        store, identity_id=parent, ids=[left], kinds=["medical_record", "invoice"], now=now
    )
    documents.attach(store, files, identity_id=parent, ids=[kept], reference=claim(parent), now=now)
    assert purge(30 * DAY) == 0
    assert purge(30 * DAY + timedelta(seconds=1)) == 1
    assert documents.unfiled(store, identity_id=parent) == []
    assert documents.view(store, identity_id=parent, ids=[kept])
    assert len(stored(files)) == 1


def test_bytes_that_no_row_knows_go_after_a_day_of_the_machine(
    files: FileStore, send: Callable[[int], int], purge: Callable[..., int]
) -> None:
    send(1)
    left = files.put(b"left by a crash")
    assert purge(10 * DAY, timedelta(hours=23)) == 0
    assert purge(timedelta(), timedelta(hours=25)) == 1
    assert left not in stored(files)


@pytest.fixture
def talk(store: Store, parent: int, now: datetime) -> int:
    """A conversation that an agent has."""
    presence.set_presence(store, agent_id=LIN, name="小林", status=AgentStatus.ONLINE, now=now)
    place = handoffs.request_handoff(store, identity_id=parent, reason="asked", now=now).place
    handoff_desk.accept(store, handoff_id=place.id, agent_id=LIN, now=now)
    return place.id


def test_agents_files_and_copies_of_data_are_no_leftovers(
    store: Store,
    files: FileStore,
    parent: int,
    talk: int,
    purge: Callable[..., int],
    now: datetime,
) -> None:
    chat_files.agent_file(
        store,
        files,
        handoff_id=talk,
        agent_id=LIN,
        content=fixture("scan.pdf", 1),
        name="清单.pdf",
        now=now,
    )
    made = request_export(store, files, "secret", identity_id=parent, now=now)
    assert purge(timedelta(), 40 * DAY) == 0
    assert len(stored(files)) == 2
    # A copy ends with its link.
    assert purge(made.expires_at - now, timedelta()) == 1
    assert len(stored(files)) == 1


def test_a_photo_in_a_conversation_leaves_a_word(
    store: Store,
    files: FileStore,
    parent: int,
    talk: int,
    send: Callable[[int], int],
    purge: Callable[..., int],
    now: datetime,
) -> None:
    first, second = send(1), send(2)
    for document in (first, second):
        live_chat.route(store, identity_id=parent, text="", key=None, documents=[document], now=now)
    documents.remove(store, files, identity_id=parent, ids=[first], now=now)
    lines = [line for line in live_chat.lines(store, handoff_id=talk) if line.direction == "parent"]
    assert [(line.text, line.media_type) for line in lines] == [
        ("（文件已删除）", None),
        ("", "application/pdf"),
    ]
    assert purge(31 * DAY) == 1
    lines = [line for line in live_chat.lines(store, handoff_id=talk) if line.direction == "parent"]
    assert [line.text for line in lines] == ["（文件已删除）"] * 2
    assert stored(files) == set()


def test_a_photo_that_is_in_the_claim_already_stays_in_the_conversation(
    store: Store,
    files: FileStore,
    parent: int,
    talk: int,
    send: Callable[[int], int],
    claim: Callable[..., str],
    now: datetime,
) -> None:
    reference, filed = claim(parent), send(1)
    documents.attach(store, files, identity_id=parent, ids=[filed], reference=reference, now=now)
    again = send(1)
    live_chat.route(store, identity_id=parent, text="", key=None, documents=[again], now=now)
    done = documents.attach(
        store, files, identity_id=parent, ids=[again], reference=reference, now=now
    )
    assert done.duplicates == (again,)
    (line,) = [one for one in live_chat.lines(store, handoff_id=talk) if one.direction == "parent"]
    assert (line.document_id, line.media_type) == (filed, "application/pdf")


def test_a_database_that_knows_none_of_many_files_deletes_none(
    files: FileStore, purge: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(document_upkeep.FEW + 1):
        files.put(b"%d" % number)
    assert purge(timedelta(), 2 * DAY) == 0
    assert len(stored(files)) == document_upkeep.FEW + 1
    assert "is this the database of these files?" in caplog.text
    files.delete(min(stored(files)))
    assert purge(timedelta(), 2 * DAY) == document_upkeep.FEW


def test_what_cannot_be_deleted_now_goes_the_next_time(
    files: FileStore,
    send: Callable[[int], int],
    purge: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(1)
    with monkeypatch.context() as patch:

        def broken(_: str) -> None:
            raise FileStoreError("no disk")

        patch.setattr(files, "delete", broken)
        assert purge(31 * DAY) == 0
    assert len(stored(files)) == 1
    assert purge(31 * DAY, 2 * DAY) == 1
