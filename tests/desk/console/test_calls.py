"""What every request to the desk goes through; every role at every door."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from starlette.routing import Route

from bot.desk.console import app, pages, queue
from bot.rules.staff import Role, covers
from tests.desk.console.conftest import OURS, Staff

DOORS = [
    (method, f"/desk{route.path}", route.endpoint.role)  # type: ignore[attr-defined]
    for route in app.PAGES
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
]
TABLE = Path(__file__).parents[3] / "docs" / "desk-roles.md"
# Streams do not end by themselves.
ENDLESS = {"/desk/events"}


def filled(path: str) -> str:
    """Give an address of something that there is not."""
    for name, value in (("id", "999999"), ("seq", "1"), ("page", "1"), ("reference", "X99999")):
        for kind in ("", ":int", ":str"):
            path = path.replace("{" + name + kind + "}", value)
    assert "{" not in path, path
    return path


def outcome(staff: Staff, method: str, path: str) -> str:
    """Ask; say whether the door was opened, whatever lies behind."""
    if method == "GET":
        answer = staff.get(filled(path), headers={"X-Youxiang": "1"})
    else:
        answer = staff.post(filled(path))
    assert answer.status_code < 500, (method, path, answer.text)
    if answer.status_code == 401:
        return "sign in"
    return "refused" if answer.status_code == 403 else "allowed"


def table_of(found: dict[tuple[str, str], dict[str, str]]) -> str:
    columns = ["anybody", *(role.value for role in Role)]
    lines = [
        "# Who may do what at the desk",
        "",
        "Tried by `tests/desk/console/test_calls.py`, which compares this table with what happens",
        "(`DESK_ROLES=write` writes it anew).",
        "",
        f"| | {' | '.join(columns)} |",
        "|---|" + "---|" * len(columns),
    ]
    for (method, path), row in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        lines.append(f"| `{method} {path}` | {' | '.join(row[one] for one in columns)} |")
    return "\n".join(lines) + "\n"


def test_every_role_at_every_door(
    open_desk: Callable[[], Staff], enter: Callable[[str], Staff]
) -> None:
    logins = {Role.AGENT: "lin", Role.SUPERVISOR: "chen", Role.ADMIN: "admin"}
    browsers = {"anybody": open_desk()} | {role: enter(login) for role, login in logins.items()}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for who, (method, path, needed) in itertools.product(["anybody", *Role], DOORS):
        row = found.setdefault((method, path), {})
        staff = browsers[who]
        if path in ENDLESS or path == "/desk/sign-out":
            # Tried in their own tests; the same function opens all doors.
            row[who] = "sign in" if who == "anybody" else "allowed"
            continue
        row[who] = outcome(staff, method, path)
        if needed is None:
            expected = "allowed"
        elif who == "anybody":
            expected = "sign in"
        else:
            expected = "allowed" if covers(Role(who), needed) else "refused"
        assert row[who] == expected, (method, path, who)
    if os.environ.get("DESK_ROLES") == "write":
        TABLE.write_text(table_of(found))
    assert TABLE.read_text() == table_of(found), "run this test with DESK_ROLES=write"


def test_the_ranks() -> None:
    above = {Role.AGENT: 1, Role.SUPERVISOR: 2, Role.ADMIN: 3}
    for have, needed in itertools.product(Role, Role):
        assert covers(have, needed) is (above[have] >= above[needed])


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({"Origin": "https://evil.example"}, None),
        (OURS, ""),
        (OURS, "0" * 64),
    ],
)
def test_forms_of_others_do_nothing(
    agent: Staff, headers: dict[str, str], token: str | None
) -> None:
    agent.headers = headers
    agent.csrf = agent.csrf if token is None else token
    assert agent.post("/desk/presence", status="online").status_code == 403
    agent.headers = dict(OURS)
    assert "还没有人上线" in agent.read("/desk/queue")


def test_one_sessions_token_is_not_anothers(enter: Callable[[str], Staff]) -> None:
    first, second = enter("lin"), enter("lin")
    first.csrf = second.csrf
    assert first.post("/desk/presence", status="online").status_code == 403


def test_too_large_a_form(agent: Staff) -> None:
    answer = agent.post("/desk/presence", status="x" * 1_000_001)
    assert answer.status_code == 413
    assert "太大" in answer.json()["error"]


def test_what_goes_wrong_is_a_sentence_and_a_line_in_the_log(
    agent: Staff, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OperationalError("select secret", {}, Exception("no disk"))

    monkeypatch.setattr(queue.presence, "set_presence", broken)
    answer = agent.post("/desk/presence", status="online")
    assert (answer.status_code, answer.json()) == (
        503,
        {"error": "系统暂时没有响应，这次没有办成，请稍后再试。"},
    )
    assert "the desk could not answer" in caplog.text


def test_wrong_values(agent: Staff) -> None:
    assert "填的内容不对" in agent.refused("/desk/presence", status="asleep")
    assert "数字没有填对" in agent.refused("/desk/presence", status="online", capacity="三")
    assert "填的内容不对" in agent.refused("/desk/presence", status="online", capacity="99")
    assert agent.get("/desk/conversations/12").status_code == 404
    assert agent.get("/desk/nothing").status_code == 404


def test_nothing_is_kept_or_framed(agent: Staff) -> None:
    headers = agent.get("/desk/queue").headers
    assert headers["cache-control"] == "no-store, private"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("你好\n世界\t👨‍👩‍👧", "你好\n世界\t👨‍👩‍👧"),
        ("a\u202eb\u2066c\u200bd\x00\x1b[31m", "a⟨202E⟩b⟨2066⟩c⟨200B⟩d⟨0000⟩⟨001B⟩[31m"),
    ],
)
def test_invisible_signs_are_shown(said: str, shown: str) -> None:
    assert pages.plain(said) == shown


def test_durations() -> None:
    seconds = [0, 59, 61, 600, 3600, 3661, 90_000]
    said = [pages.duration(timedelta(seconds=one)) for one in seconds]
    assert said == ["0 秒", "59 秒", "1 分 1 秒", "10 分", "1 小时", "1 小时 1 分", "1 天 1 小时"]
