"""``bot staff handoffs``: both sides of a conversation, on a store of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bot.cli import app
from bot.clock import TZ
from bot.services.handoffs import request_handoff
from bot.services.identity import identify
from bot.services.live_chat import route
from bot.store.models import OutboxMessage
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
Staff = Callable[..., tuple[int, str]]


@pytest.fixture
def store(command_store: Store) -> Store:
    return command_store


@pytest.fixture
def staff(store: Store) -> Staff:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["staff", "--actor", "小林", "handoffs", *words])
        return done.exit_code, done.output

    return run


@pytest.fixture
def item(store: Store) -> str:
    who = identify(store, "rest", "parent").id
    return str(request_handoff(store, identity_id=who, reason="asked", now=NOW).place.id)


def told(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [row.payload["reply"]["text"] for row in rows]


def test_taken_answered_noted_and_ended(staff: Staff, store: Store, item: str) -> None:
    status, said = staff("list")
    assert (status, re.match(rf"{item}  queued  asked", said) is not None) == (0, True)
    assert staff("take", item)[0] == 0
    assert staff("say", item, "您好")[0] == 0
    assert staff("note", item, "常客")[0] == 0
    who = identify(store, "rest", "parent").id
    route(store, identity_id=who, text="谢谢 13800000101", key=None, now=NOW)
    status, said = staff("show", item)
    assert status == 0
    assert "谢谢 138****0101" in said
    assert staff("resolve", item)[1].split()[1] == "resolved"
    assert [words[:5] for words in told(store)] == [
        "小林已接入",
        "您好",
        "人工服务已",
        "这次人工服",
    ]
    assert staff("list")[1].strip() == "没有。"


def test_passed_on_put_aside_and_checked(staff: Staff, item: str) -> None:
    assert staff("latest")[1].split()[:2] == [item, "human"]
    status, said = staff("transfer", item, "--to", "2")
    assert status != 0
    assert "不在线" in said
    assert staff("online", "--agent", "2", "--capacity", "1")[0] == 0
    assert staff("transfer", item, "--to", "2")[0] == 0
    assert staff("snooze", item, "--until", "2026-11-23 11:00", "--agent", "2")[0] == 0
    assert staff("tick", "--at", "2026-11-23 11:00")[1].strip().startswith("动了 1 条")
    assert staff("offline", "--agent", "2")[0] == 0


def test_as_json(store: Store, item: str) -> None:
    done = CliRunner().invoke(app, ["staff", "--json", "handoffs", "list"])
    found: list[dict[str, Any]] = json.loads(done.output)
    assert [(row["id"], row["status"], row["wish"]) for row in found] == [
        (int(item), "queued", "chat")
    ]


def test_what_is_not_there(staff: Staff) -> None:
    assert "没有人在等" in staff("latest")[1]
    assert "没有这个编号" in staff("take", "99")[1]
