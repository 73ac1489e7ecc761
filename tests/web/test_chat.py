"""What the page sends and fetches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.services import web_chat
from bot.settings import Settings, load_settings
from bot.store.models import InboundUpdate
from bot.store.session import Store
from bot.web.app import create_app
from tests.web.conftest import OURS, account_of, name

Say = Callable[..., int]


def updates(store: Store) -> list[tuple[str, str, str | None]]:
    with store.read() as session:
        rows = session.scalars(sa.select(InboundUpdate).order_by(InboundUpdate.id)).all()
    return [(row.account, row.kind, row.payload["text"]) for row in rows]


def post(client: TestClient, headers: dict[str, str] | None = None, **body: Any) -> Any:
    given = OURS if headers is None else headers
    return client.post("/chat/messages", json={"name": name()} | body, headers=given)


def history(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = client.get("/chat/history", params=query).json()["lines"]
    return lines


def test_a_text_is_taken_and_shown(client: TestClient, account: str, store: Store) -> None:
    answer = post(client, text="还剩多少额度")
    assert (answer.status_code, answer.json()) == (202, {"new": True})
    assert answer.headers["cache-control"] == "no-store"
    assert updates(store) == [(account, "text", "还剩多少额度")]
    (line,) = history(client)
    assert (line["side"], line["text"]) == ("me", "还剩多少额度")
    assert line["at"].endswith("+08:00")


def test_the_same_message_again_is_the_same(client: TestClient, store: Store) -> None:
    same = name()
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: post(client, name=same, text="确认").json(), range(10)))
    assert sorted(one["new"] for one in found) == [False] * 9 + [True]
    assert len(updates(store)) == len(history(client)) == 1


def test_two_sessions_may_call_their_messages_alike(
    app: Starlette, client: TestClient, store: Store
) -> None:
    same = name()
    other = TestClient(app)
    other.get("/")
    assert post(client, name=same, text="我").json() == {"new": True}
    other.app.state.client = app.state.client
    assert post(other, name=same, text="她").json() == {"new": True}
    assert [text for _, _, text in updates(store)] == ["我", "她"]
    assert [line["text"] for line in history(other)] == ["她"]


def test_typed_slashes_never_become_a_payload(client: TestClient, store: Store) -> None:
    for text in ("/affirm", ' /inform{"phone": "1"}', "\0/deny"):
        assert post(client, text=text).status_code == 202
    assert [text[:1] for _, _, text in updates(store) if text] == ["／"] * 3


def test_a_bank_card_is_shown_by_its_end(client: TestClient) -> None:
    post(client, text="卡号 6222 0212 3456 7890 128 工行")
    assert "•••• 0128 工行" in history(client)[0]["text"]
    assert "6222" not in history(client)[0]["text"]


@pytest.mark.parametrize("text", ["", "  ", "\0\0"])
def test_nothing_is_no_message(client: TestClient, text: str, store: Store) -> None:
    assert post(client, text=text).status_code == 422
    assert updates(store) == []


def test_a_button_that_was_offered(client: TestClient, bot_says: Say, store: Store) -> None:
    line = bot_says("提交吗？", ("确认", "/affirm"), ("不要", "/deny"))
    assert history(client)[0]["buttons"][0] == {
        "title": "确认", "payload": "/affirm", "answer": True,
    }  # fmt: skip
    same = name()
    assert post(client, name=same, payload="/affirm", line=line).status_code == 202
    assert updates(store)[0][1:] == ("button", "/affirm")
    shown = history(client)[1]
    assert (shown["text"], shown["line"]) == ("确认", line)
    assert post(client, name=same, payload="/affirm", line=line).json() == {"new": False}


def test_a_button_is_pressed_once(client: TestClient, bot_says: Say, store: Store) -> None:
    line = bot_says("几点？", ("看预约", "/check_appointment"), ("取消", "/cancel_appointment"))
    assert post(client, payload="/check_appointment", line=line).status_code == 202
    for payload in ("/check_appointment", "/cancel_appointment"):
        answer = post(client, payload=payload, line=line)
        assert (answer.status_code, answer.json()["error"]) == (422, "used")
    assert len(updates(store)) == 1


def test_pressed_in_two_windows_at_once_it_counts_once(
    client: TestClient, bot_says: Say, store: Store
) -> None:
    line = bot_says("提交吗？", ("确认", "/affirm"), ("不要", "/deny"))
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: post(client, payload="/affirm", line=line).status_code, range(8))
    assert sorted(found) == [202] + [422] * 7
    assert len(updates(store)) == 1


def test_an_answer_means_nothing_after_something_else_was_said(
    client: TestClient, bot_says: Say
) -> None:
    line = bot_says("提交吗？", ("确认", "/affirm"), ("看预约", "/check_appointment"))
    post(client, text="等等，还剩多少额度")
    bot_says("剩 3 次。取消刚才的预约吗？", ("确认", "/affirm"))
    assert post(client, payload="/affirm", line=line).json()["error"] == "used"
    # A request by itself means the same later.
    assert post(client, payload="/check_appointment", line=line).status_code == 202


def test_buttons_that_were_not_offered(client: TestClient, bot_says: Say, store: Store) -> None:
    line = bot_says("提交吗？", ("确认", "/affirm"))
    theirs = bot_says("提交吗？", ("批准", "/inform"), to="somebody-else")
    mine = [line for line in history(client)]
    assert len(mine) == 1
    for wish in (
        {"payload": "/deny", "line": line},
        {"payload": '/inform{"claim_task": "submit"}', "line": line},
        {"payload": "/inform", "line": theirs},
        {"payload": "/affirm", "line": line + 100},
        {"payload": "/affirm"},
        {"payload": "/affirm", "line": None},
        {"payload": "/restart"},
        {"payload": '/bind_card{"phone": "13800000101"}'},
    ):
        answer = post(client, **wish)
        assert (answer.status_code, answer.json()) == (422, {"error": "not_offered"}), wish
    assert updates(store) == []


def test_the_menu_may_always_be_pressed(client: TestClient, store: Store) -> None:
    for button in web_chat.menu()[:3]:
        assert post(client, payload=button["payload"], line=None).status_code == 202
        assert post(client, payload=button["payload"]).status_code == 202
    assert len(updates(store)) == 6
    assert history(client)[0]["text"] == web_chat.menu()[0]["title"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Youxiang": "1"},
        {"Origin": "http://testserver"},
        {"Origin": "http://evil.example", "X-Youxiang": "1"},
        {"Origin": "http://testserver.evil.example", "X-Youxiang": "1"},
        {"Origin": "null", "X-Youxiang": "1"},
        {"Origin": "http://[", "X-Youxiang": "1"},
        {"Origin": "file://testserver", "X-Youxiang": "1"},
    ],
)
def test_another_site_changes_nothing(
    client: TestClient, store: Store, headers: dict[str, str]
) -> None:
    assert post(client, headers, text="你好").status_code == 403
    assert client.post("/chat/files", params={"name": name()}, headers=headers).status_code == 403
    assert client.post("/chat/leave", headers=headers).status_code == 403
    assert updates(store) == []


def test_behind_a_proxy_only_the_public_address_is_ours(tmp_path: Any) -> None:
    settings = load_settings({"BOT_VAR": str(tmp_path), "BOT_PUBLIC_URL": "https://bot.example/"})
    with TestClient(create_app(settings), base_url="https://127.0.0.1:8080") as client:
        client.get("/")
        inner = {"Origin": "https://127.0.0.1:8080", "X-Youxiang": "1"}
        assert post(client, inner, text="你好").status_code == 403
        outer = {"Origin": "https://bot.example", "X-Youxiang": "1"}
        # As far as the body, which names nothing.
        assert post(client, outer, name=None).json() == {"error": "name"}


def test_without_a_session_there_is_nothing(app: Starlette) -> None:
    with TestClient(app) as client:
        for path in ("/chat/history", "/chat/lines", "/chat/events"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()) == (401, {"error": "session"})
        assert post(client, text="你好").status_code == 401


def test_lines_after_a_cursor(client: TestClient, bot_says: Say) -> None:
    first, second = bot_says("一"), bot_says("二")
    told = client.get("/chat/lines", params={"after": first}).json()
    assert [line["id"] for line in told["lines"]] == [second]
    assert told["typing"] is False
    post(client, text="在吗")
    assert client.get("/chat/lines", params={"after": second}).json()["typing"] is True


def test_history_goes_back_in_pages(client: TestClient, bot_says: Say) -> None:
    ids = [bot_says(str(number)) for number in range(web_chat.PAGE + 3)]
    told = client.get("/chat/history").json()
    assert [line["id"] for line in told["lines"]] == ids[3:]
    assert told["more"] is True
    before = client.get("/chat/history", params={"before": ids[3]}).json()
    assert [line["id"] for line in before["lines"]] == ids[:3]
    assert before["more"] is False


def test_leaving_ends_the_session_here(
    client: TestClient, settings: Settings, bot_says: Say
) -> None:
    bot_says("王小满的额度……")
    before = account_of(client, settings)
    assert client.post("/chat/leave", json={}, headers=OURS).status_code == 204
    assert client.get("/chat/history").status_code == 401
    client.get("/")
    assert account_of(client, settings) != before
    assert history(client) == []


def test_who_sends_too_much_is_asked_to_wait(client: TestClient, store: Store) -> None:
    found = [post(client, text=str(number)) for number in range(20)]
    refused = [answer for answer in found if answer.status_code == 429]
    assert 1 <= len(refused) <= 8
    assert refused[0].json() == {"error": "slow_down"}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert len(updates(store)) == 20 - len(refused)


def test_a_message_kept_too_long_is_an_old_one(client: TestClient, store: Store) -> None:
    post(client, text="刚说的", waited=1.5)
    post(client, text="昨天说的", waited=90_000)
    with store.read() as session:
        rows = session.scalars(sa.select(InboundUpdate).order_by(InboundUpdate.id)).all()
    ages = [(row.received_at - row.said_at).total_seconds() for row in rows]
    assert ages == [1.5, 90_000]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"text": "' + b"x" * 20_000 + b'"}', 413),
        ("application/json", b"[" * 15_000, 400),
        ("application/json", b"[]", 400),
        ("application/json", b"\xff", 400),
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"text=1", 415),
    ],
)
def test_what_is_no_message(client: TestClient, kind: str, body: bytes, status: int) -> None:
    headers = OURS | {"Content-Type": kind}
    assert client.post("/chat/messages", content=body, headers=headers).status_code == status


def test_a_store_out_of_reach_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("select", {}, OSError("locked"))

    monkeypatch.setattr(web_chat, "say", fail)
    answer = post(client, text="你好")
    assert (answer.status_code, answer.json()) == (503, {"error": "later"})
    assert answer.headers["retry-after"]
