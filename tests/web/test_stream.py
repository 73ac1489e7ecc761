"""The stream: every line once, at once, in order, however often the connection breaks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from bot.clock import TZ
from bot.rules.messages import InboundKind
from bot.services import inbox, mailbox, web_chat
from bot.services.identity import identify
from bot.services.inbox import InboundMessage
from bot.store.session import Store
from bot.web import stream
from bot.web.stream import MOST_OF_ONE, Streams

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


def say(store: Store, text: str, account: str = "me") -> int:
    who = identify(store, "web", account)
    with store.begin() as session:
        return mailbox.append(session, identity_id=who.id, message={"text": text}, at=NOW).id


async def heard(events: AsyncIterator[bytes], kind: str = "line") -> Any:
    """Return the data of the next event of a kind."""
    async with asyncio.timeout(5):
        async for event in events:
            fields = dict(row.split(": ", 1) for row in event.decode().strip().split("\n"))
            if fields.get("event") == kind:
                return json.loads(fields["data"])
    return None


async def test_what_is_there_comes_first_then_what_is_said(store: Store) -> None:
    first, second = say(store, "一"), say(store, "二\n\n三: 四")
    events = Streams(lambda: store).events("me", first)
    line = await heard(events)
    assert (line["id"], line["text"], line["side"]) == (second, "二\n\n三: 四", "bot")
    assert await heard(events, "typing") is False
    third = await asyncio.to_thread(say, store, "五")
    assert (await heard(events))["id"] == third
    await events.aclose()


async def test_it_comes_within_a_fifth_of_a_second(store: Store) -> None:
    streams = Streams(lambda: store)
    events = streams.events("me", 0)
    await heard(events, "typing")
    slowest = 0.0
    for number in range(5):
        waiting = asyncio.create_task(heard(events))
        await asyncio.sleep(0.03)
        await asyncio.to_thread(say, store, str(number))
        said = time.monotonic()
        assert (await waiting)["text"] == str(number)
        slowest = max(slowest, time.monotonic() - said)
    assert slowest < 0.5
    await events.aclose()


async def test_nobody_hears_another_parents_chat(store: Store) -> None:
    streams = Streams(lambda: store)
    mine, theirs = streams.events("me", 0), streams.events("you", 0)
    await heard(mine, "typing")
    await heard(theirs, "typing")
    say(store, "给你的", "you")
    say(store, "给我的", "me")
    assert (await heard(mine))["text"] == "给我的"
    assert (await heard(theirs))["text"] == "给你的"
    await mine.aclose()
    await theirs.aclose()


async def test_breaking_off_loses_and_doubles_nothing(store: Store) -> None:
    streams, got = Streams(lambda: store), list[str]()
    after = 0
    for number in range(30):
        await asyncio.to_thread(say, store, str(number))
        if number % 3:
            continue
        events = streams.events("me", after)
        line = await heard(events)
        # The page knows this one; the connection breaks here.
        got.append(line["text"])
        after = line["id"]
        await events.aclose()
    events = streams.events("me", after)
    while len(got) < 30:
        got.append((await heard(events))["text"])
    await events.aclose()
    assert got == [str(number) for number in range(30)]
    assert streams._listeners == {}


async def test_more_than_a_page_comes_at_once(store: Store) -> None:
    ids = [say(store, str(number)) for number in range(mailbox.MOST + 20)]
    events = Streams(lambda: store).events("me", 0)
    assert [(await heard(events))["id"] for _ in ids] == ids
    await events.aclose()


async def test_it_tells_that_an_answer_is_on_its_way(store: Store) -> None:
    streams = Streams(lambda: store)
    message = InboundMessage("web", "me", "me:1", InboundKind.TEXT, NOW, "你好")
    inbox.accept(store, message, now=NOW)
    events = streams.events("me", 0)
    assert await heard(events, "typing") is True
    claimed = inbox.claim(store, owner="rasa", now=NOW)
    assert claimed
    inbox.finish(
        store, claimed, [{"text": "您好"}], owner="rasa", now=NOW, due_at=NOW, fetched=True
    )
    assert (await heard(events))["text"] == "您好"
    assert await heard(events, "typing") is False
    await events.aclose()


async def test_the_oldest_window_gives_way(store: Store) -> None:
    streams = Streams(lambda: store)
    windows = [streams.events("me", 0) for _ in range(MOST_OF_ONE + 1)]
    for window in windows:
        await heard(window, "typing")
    assert await heard(windows[0], "ping") is None
    say(store, "在")
    for window in windows[1:]:
        assert (await heard(window))["text"] == "在"
        await window.aclose()


async def test_closing_ends_all_at_once(store: Store) -> None:
    streams = Streams(lambda: store)
    events = streams.events("me", 0)
    await heard(events, "typing")
    ended = asyncio.create_task(heard(events, "line"))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    streams.close()
    assert await ended is None
    assert time.monotonic() - began < 1
    assert streams.is_full()


async def test_a_store_that_fails_for_a_while_ends_no_stream(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream, "PAUSE_S", 0.05)
    works = mailbox.ends
    failures = iter([True, True])

    def fails(*args: Any, **given: Any) -> Any:
        if next(failures, False):
            raise OSError("gone")
        return works(*args, **given)

    monkeypatch.setattr(stream.mailbox, "ends", fails)
    events = Streams(lambda: store).events("me", 0)
    await heard(events, "typing")
    say(store, "回来了")
    assert (await heard(events))["text"] == "回来了"
    assert "cannot look" in caplog.text
    await events.aclose()


async def test_the_parents_own_lines_come_too(store: Store) -> None:
    events = Streams(lambda: store).events("me", 0)
    await heard(events, "typing")
    for name in ("1", "1"):
        await asyncio.to_thread(
            lambda name=name: web_chat.say(
                store,
                account="me",
                name=name,
                text="在另一个窗口",
                waited=NOW - NOW,
                now=NOW,
                wall=NOW,
            )
        )
    line = await heard(events)
    assert (line["side"], line["name"]) == ("me", "1")
    await events.aclose()
