"""Signing in and out, locks, passwords that are to be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.desk.console import sign_in
from bot.rules.outbox import Rate
from bot.rules.staff import LOCKED_FOR, SESSION_IDLE, SESSION_LIVES
from bot.services import staff_users
from bot.settings import load_settings
from bot.store.session import Store
from tests.desk.console.conftest import NOW, OURS, Clock, Staff

Open = Callable[[], Staff]


def test_in_and_out(open_desk: Open) -> None:
    staff = open_desk()
    answer = staff.get("/desk/queue?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/sign-in?next=/desk/queue%3Fx%3D1"
    page = staff.read(answer.headers["location"])
    assert "演示账号" in page
    assert staff.sign_in(" LIN ").json() == {"to": "/desk/queue"}
    assert "小林 · 坐席" in " ".join(staff.read("/desk/queue").split())
    assert staff.get("/desk/sign-in").headers["location"] == "/desk/queue"
    cookie = staff.client.cookies["desk"]
    assert staff.does("/desk/sign-out") == "/desk/sign-in?said=signed_out"
    staff.client.cookies.set("desk", cookie)
    assert staff.get("/desk/queue").status_code == 303


def test_without_scripts_it_works_too(open_desk: Open) -> None:
    staff = open_desk()
    del staff.headers["X-Youxiang"]
    answer = staff.client.post(
        "/desk/sign-in", data={"login": "lin", "password": "no"}, headers=staff.headers
    )
    assert answer.status_code == 422
    assert "用户名或密码不对" in answer.text
    assert 'value="lin"' in answer.text
    filled = {
        "login": "lin",
        "password": sign_in.DEMO_PASSWORD,
        "next": "/desk/queue?said=presence",
    }
    answer = staff.client.post("/desk/sign-in", data=filled, headers=staff.headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/queue?said=presence")
    set_cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=Lax" in set_cookie


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/desk/\\evil", "/", "/desk/sign-out", "/desk/\nx"],
)
def test_the_way_on_stays_in_the_desk(open_desk: Open, wanted: str) -> None:
    staff = open_desk()
    filled = {"login": "lin", "password": sign_in.DEMO_PASSWORD, "next": wanted}
    answer = staff.client.post("/desk/sign-in", data=filled, headers=OURS)
    assert answer.json() == {"to": "/desk/queue"}


@pytest.mark.parametrize("login", ["lin", "nobody"])
def test_wrong_passwords_lock_known_and_unknown_alike(
    open_desk: Open, moment: Clock, login: str
) -> None:
    staff = open_desk()
    said = [staff.sign_in(login, f"wrong {n}") for n in range(6)]
    told = ["输错太多次" in one.text for one in said]
    assert told == [False, False, False, False, True, True]
    assert "输错太多次" in staff.sign_in(login).text
    moment.go(seconds=LOCKED_FOR.total_seconds() + 1)
    assert staff.sign_in(login).status_code == (200 if login == "lin" else 422)


def test_a_right_password_forgets_the_wrong_ones(open_desk: Open) -> None:
    staff = open_desk()
    for _ in range(2):
        for n in range(4):
            assert "用户名或密码不对" in staff.sign_in("lin", f"wrong {n}").text
        assert staff.sign_in("lin").status_code == 200
        staff.does("/desk/sign-out")


def test_one_address_cannot_try_all_accounts(
    open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "TRIES", Rate(0.2, 3))
    staff = open_desk()
    assert [staff.sign_in(f"user{n}").status_code for n in range(4)] == [422, 422, 422, 429]


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_another_sites_form_signs_nobody_in(open_desk: Open, headers: dict[str, str]) -> None:
    staff = open_desk()
    staff.headers = headers
    assert staff.sign_in("lin").status_code == 403


def test_sessions_end(agent: Staff, moment: Clock) -> None:
    for _ in range(5):
        moment.go(seconds=SESSION_IDLE.total_seconds() - 1)
        assert agent.get("/desk/queue").status_code == 200
    moment.go(seconds=SESSION_LIVES.total_seconds() - 5 * SESSION_IDLE.total_seconds() + 6)
    assert agent.get("/desk/queue").status_code == 303


def test_nobody_at_the_desk_ends_a_session(agent: Staff, moment: Clock) -> None:
    moment.go(seconds=SESSION_IDLE.total_seconds() - 1)
    # A page that looks by itself is not somebody at the desk.
    assert agent.get("/desk/queue/lists", headers=OURS).status_code == 200
    moment.go(seconds=2)
    answer = agent.post("/desk/presence", status="online")
    assert answer.status_code == 401
    assert answer.json() == {"error": "登录已过期，请重新登录。", "to": "/desk/sign-in"}


def test_a_password_given_by_another_is_changed_first(open_desk: Open, demo_store: Store) -> None:
    _, given = staff_users.create(
        demo_store, login="wang", name="小王", role="agent", actor="test", now=NOW
    )
    staff = open_desk()
    assert staff.sign_in("wang", given).json() == {"to": "/desk/password"}
    assert staff.get("/desk/queue").headers["location"] == "/desk/password"
    other = open_desk()
    other.sign_in("wang", given)
    filled = {"old": given, "new": "一个很长的新密码不会忘", "again": "一个很长的新密码不会忘"}
    assert staff.post("/desk/password", **(filled | {"again": "x"})).status_code == 422
    assert "至少要 12" in staff.post("/desk/password", **filled).text
    filled["new"] = filled["again"] = "一个很长的新密码不会忘掉"
    assert staff.does("/desk/password", **filled) == "/desk/queue?said=password"
    assert staff.get("/desk/queue").status_code == 200
    # What was begun with the old password is over.
    assert other.get("/desk/queue").headers["location"].startswith("/desk/sign-in")


def test_production_shows_no_accounts(open_desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = open_desk()
    production = load_settings({}).model_copy(update={"env": "production"})
    monkeypatch.setattr(staff.client.app.state, "settings", production)  # type: ignore[attr-defined]
    page = staff.get("/desk/sign-in").text
    assert "演示" not in page
    assert sign_in.DEMO_PASSWORD not in page
