"""Two thousand malformed and hostile requests: none breaks anything, the conversation goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.channels.inbox import InboxConsumer
from bot.rules.outbox import Rate
from bot.services import mailbox
from bot.services.identity import identify
from bot.store.models import InboundUpdate, OutboxMessage
from bot.store.session import Store
from bot.web.guard import Limits
from tests.web.conftest import NOW, OURS, name

TIMES = 2000
HOSTILE = (
    "<script>alert(1)</script>", "' OR 1=1 --", "/affirm", '/inform{"phone": "13800000101"}', "\0",
    "\ud800", "\u202e\u200b", "A" * 5000, "{{7*7}}", "%n%s", "../../etc/passwd", "🧒" * 500, "",
    "/bind_card", "／／", "\r\nSet-Cookie: youxiang=x", "\N{COMBINING ACUTE ACCENT}" * 3000,
)  # fmt: skip

texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -1, 2**63, 1e308]),
    st.builds(name),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
# Half of the messages are nearly right.
messages = st.fixed_dictionaries(
    {"name": st.one_of(st.builds(name), values)},
    optional={
        "text": st.one_of(texts, values),
        "payload": st.one_of(texts, values),
        "line": st.one_of(st.integers(-2, 5), values),
        "waited": values,
    },
)
bodies = st.one_of(
    st.builds(lambda told: json.dumps(told).encode("utf-8", "surrogatepass"), messages),
    st.builds(lambda told: json.dumps(told).encode("utf-8", "surrogatepass"), values),
    st.binary(max_size=200),
    st.sampled_from([b"[" * 15_000, b'{"a":' * 3_000, b"9" * 19_000, b"x" * 30_000, b"\xff\xfe"]),
)
parts = st.builds(
    lambda head, content, end: b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n--b" + end,
    st.one_of(
        st.binary(max_size=80),
        st.sampled_from(
            [
                b'Content-Disposition: form-data; name="file"; filename="x.jpg"',
                b'Content-Disposition: form-data; filename="\xff\xfe/../../x"',
                b"content-disposition: filename",
                b"Content-Disposition: " + b"a" * 5000,
            ]
        ),
    ),
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from([b"\xff\xd8\xff\xe0" + b"\0" * 50, b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n"]),
    ),
    st.sampled_from([b"--\r\n", b"\r\n", b""]),
)
words = st.one_of(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
garbage = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST"] * 6 + ["GET"] * 4 + ["PUT", "HEAD", "OPTIONS", "BREW"]),
        "path": st.sampled_from(
            ["/chat/messages"] * 6
            + ["/chat/files"] * 4
            + ["/chat/lines", "/chat/history", "/chat/events", "/", "/page/..%2f", "/chat/"]
        ),
        "query": st.dictionaries(
            st.sampled_from(["after", "before", "name"]),
            st.one_of(words, st.builds(name)),
            max_size=2,
        ),
        "kind": st.sampled_from(
            ["application/json"] * 4
            + ["multipart/form-data; boundary=b"] * 4
            + ["text/plain", "multipart/form-data; boundary=" + "b" * 300, ""]
        ),
        "extra": st.dictionaries(
            st.sampled_from(
                ["Last-Event-ID", "Content-Length", "X-Forwarded-For", "If-None-Match", "Range"]
            ),
            words,
            max_size=1,
        ),
        "ours": st.sampled_from([True] * 9 + [False]),
        "body": st.one_of(bodies, parts),
    }
)

nearly = st.fixed_dictionaries(
    {
        "method": st.just("POST"),
        "path": st.just("/chat/messages"),
        "query": st.just({}),
        "kind": st.just("application/json"),
        "extra": st.just({}),
        "ours": st.just(True),
        "body": st.builds(
            lambda told: json.dumps(told).encode("utf-8", "surrogatepass"),
            st.fixed_dictionaries(
                {"name": st.builds(name)},
                optional={
                    "text": texts,
                    "payload": st.sampled_from(
                        ["/affirm", "/deny", "/bind_card", "/check_balance"]
                    ),
                    "line": st.integers(0, 4),
                    "waited": st.floats(0, 1e9),
                },
            ),
        ),
    }
)
requests = st.one_of(garbage, garbage, nearly)


class Echo:
    """In place of Rasa's agent."""

    tracker_store: Any = None

    async def parse_message(self, message_data: str) -> dict[str, Any]:
        return {"text": message_data}

    async def handle_message(self, message: Any) -> None:
        await message.output_channel.send_text_message(message.sender_id, "听到")


@pytest.fixture
def hostile(app: Starlette) -> Iterator[TestClient]:
    free = Rate(1e9, 10**9)
    app.state.limits = Limits()
    app.state.limits.check = lambda *_: free

    async def events(_account: str, after: int) -> AsyncIterator[bytes]:
        yield f"data: {after}\n\n".encode()

    app.state.streams.events = events
    with TestClient(app) as client:
        client.get("/")
        yield client


def test_nothing_breaks_and_the_conversation_goes_on(
    hostile: TestClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    session = hostile.cookies["youxiang"]
    account = session.split(".")[0]
    who = identify(store, "web", account)
    offered = {"text": "提交吗？", "buttons": [{"title": "确认", "payload": "/affirm"}]}
    with store.begin() as opened:
        for _ in range(3):
            mailbox.append(opened, identity_id=who.id, message=offered, at=NOW)
    counted: dict[int, int] = {}

    @seed(20261123)
    @settings(
        max_examples=TIMES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def attack(given: dict[str, Any]) -> None:
        headers = {"Content-Type": given["kind"]} | given["extra"]
        if given["ours"]:
            headers = OURS | headers
        answer = hostile.request(
            given["method"],
            given["path"],
            params=given["query"],
            content=given["body"],
            headers=headers,
        )
        counted[answer.status_code] = counted.get(answer.status_code, 0) + 1
        assert answer.status_code < 500

    attack()
    assert sum(counted.values()) >= TIMES
    # Not all of it was turned away at the door.
    assert counted[202] >= 100
    refused = {status for status in counted if 400 <= status < 500}
    assert refused >= {400, 403, 404, 405}, counted
    assert hostile.cookies["youxiang"] == session

    last = name()
    sent = hostile.post("/chat/messages", json={"name": last, "text": "还在吗"}, headers=OURS)
    assert sent.json() == {"new": True}
    asyncio.run(InboxConsumer(store, Echo(), lambda: NOW, lambda: NOW).drain())
    with store.read() as opened:
        states = set(opened.scalars(sa.select(InboundUpdate.status)))
        sent_states = set(opened.scalars(sa.select(OutboxMessage.status)))
    assert (states, sent_states) == ({"processed"}, {"sent"})
    told = hostile.get("/chat/history").json()["lines"]
    assert [line["side"] for line in told].count("bot") >= 1
    assert told[-1]["text"] == "听到"
    assert "Traceback" not in caplog.text
