"""``bot staff users``: how a deployment gets its first admin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.clock import TZ
from bot.services import staff_sessions
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
Run = Callable[..., tuple[int, str]]
PASSWORD = re.compile(r"密码（只显示这一次）：(\S+)")


@pytest.fixture
def store(command_store: Store) -> Store:
    return command_store


@pytest.fixture
def run(store: Store) -> Run:
    def users(*words: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["staff", *before, "users", *words])
        return done.exit_code, done.output

    return users


def test_the_first_admin(run: Run, store: Store) -> None:
    assert run("list") == (0, "没有。\n")
    status, said = run("add", "boss", "--name", "老板", "--role", "admin")
    password = PASSWORD.search(said)
    assert status == 0
    assert password
    user, _ = staff_sessions.sign_in(store, login="boss", password=password[1], now=NOW, wall=NOW)
    assert (user.name, user.role, user.must_change) == ("老板", "admin", True)
    _, listed = run("list", before=("--json",))
    assert [one["login"] for one in json.loads(listed)] == ["boss"]
    _, told = run("reset", "boss", before=("--json",))
    (given,) = json.loads(told)
    staff_sessions.sign_in(store, login="boss", password=given["password"], now=NOW, wall=NOW)
    status, said = run("reset", "BOSS")
    again = PASSWORD.search(said)
    assert again
    assert again[1] != password[1]
    staff_sessions.sign_in(store, login="boss", password=again[1], now=NOW, wall=NOW)


def test_what_is_refused(run: Run) -> None:
    run("add", "boss", "--name", "老板")
    for words, sentence in (
        (("add", "boss", "--name", "x"), "已经有人用了"),
        (("add", "老板", "--name", "x"), "用户名要"),
        (("add", "b2", "--name", "x", "--role", "king"), "角色要是 agent、supervisor、admin 之一"),
        (("reset", "nobody"), "没有这个用户名"),
    ):
        status, said = run(*words)
        assert status == 1
        assert sentence in said
