"""What admins manage."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.services import api_keys, staff_users
from bot.store.session import Store
from tests.desk.console.conftest import NOW, Staff

SECRET = re.compile(r"<code>([^<]+)</code>")


def test_an_account_from_the_first_password_on(
    admin: Staff, open_desk: Callable[[], Staff], demo_store: Store
) -> None:
    made = admin.post("/desk/staff/create", login="wang", name="小王", role="agent")
    found = SECRET.search(made.text)
    assert found
    assert found[1] not in admin.get("/desk/staff").text
    wang = open_desk()
    assert wang.sign_in("wang", found[1]).json() == {"to": "/desk/password"}
    user = next(one for one in staff_users.staff(demo_store) if one.login == "wang")
    change = {"name": "王老师", "role": "supervisor", "version": str(user.version)}
    admin.does(f"/desk/staff/{user.id}/change", **change)
    assert "刚被别人改过" in admin.refused(f"/desk/staff/{user.id}/change", **change)
    after = next(one for one in staff_users.staff(demo_store) if one.login == "wang")
    reset = admin.post(f"/desk/staff/{user.id}/reset", version=str(after.version))
    again = SECRET.search(reset.text)
    assert again
    assert again[1] != found[1]
    assert wang.get("/desk/password").status_code == 303
    closed = {"name": "王老师", "role": "agent", "disabled": "1", "version": str(after.version + 1)}
    admin.does(f"/desk/staff/{user.id}/change", **closed)
    assert wang.sign_in("wang", again[1]).status_code == 422


def test_what_is_refused(admin: Staff) -> None:
    assert "用户名要" in admin.refused("/desk/staff/create", login="小王", name="x", role="agent")
    assert "已经有人用" in admin.refused("/desk/staff/create", login="lin", name="x", role="agent")
    assert "选一个角色" in admin.refused("/desk/staff/create", login="w2", name="x", role="king")
    own = {"name": "x", "role": "agent", "version": "1"}
    assert "不能改自己" in admin.refused("/desk/staff/4/change", **own)
    assert "不能改自己" in admin.refused("/desk/staff/4/reset", version="1")


def test_what_was_filled_in_comes_back(admin: Staff) -> None:
    admin.headers.pop("X-Youxiang")
    page = admin.post("/desk/staff/create", login="小王", name='"><b>', role="supervisor")
    assert page.status_code == 422
    assert "用户名要" in page.text
    assert 'value="小王"' in page.text
    assert 'value="&#34;&gt;&lt;b&gt;"' in page.text
    assert page.text.rindex('value="supervisor" selected') > page.text.index('value="小王"')
    page = admin.post("/desk/keys/create", name="长" * 41, scope="claims:read")
    assert page.status_code == 422
    assert "名称要" in page.text
    assert 'value="claims:read" checked' in page.text


def test_keys(admin: Staff, demo_store: Store) -> None:
    assert "至少要选一项" in admin.refused("/desk/keys/create", name="core")
    given = {"name": "core", "scope": "claims:read"}
    assert "时间已经过去" in admin.refused("/desk/keys/create", until="2026-11-22", **given)
    made = admin.post("/desk/keys/create", until="2026-12-31", **given)
    found = SECRET.search(made.text)
    assert found
    partner = api_keys.authenticate(demo_store, found[1], now=NOW)
    assert partner is not None
    assert partner.scopes == {"claims:read"}
    assert found[1] not in admin.get("/desk/keys").text
    assert "看理赔" in admin.read("/desk/keys")
    assert "这个名称用过了" in admin.refused("/desk/keys/create", **given)
    admin.does("/desk/keys/revoke", name="core")
    assert api_keys.authenticate(demo_store, found[1], now=NOW) is None
    assert "已经停用" in admin.refused("/desk/keys/revoke", name="core")


def test_the_audit_trail(admin: Staff, agent: Staff) -> None:
    agent.does("/desk/presence", status="online")
    agent.does("/desk/presence", status="busy")
    page = " ".join(admin.read("/desk/audit?action=presence.").split())
    assert "小林 presence.set agent:1 status=busy" in page
    assert page.index("status=busy") < page.index("status=online")
    assert "presence" not in admin.read("/desk/audit?actor=agent:4").split("细节")[1]
    assert "没有这样的记录" in admin.read("/desk/audit?day=2026-11-22")
    assert "没有这样的记录" in admin.read("/desk/audit?subject=%25")
    assert admin.get("/desk/audit?day=x").status_code == 422
    assert admin.get(f"/desk/audit?before={'9' * 30}").status_code == 200


def test_the_audit_trail_page_by_page(admin: Staff, agent: Staff) -> None:
    for _ in range(51):
        agent.does("/desk/presence", status="online")
        agent.does("/desk/presence", status="busy")
    first = admin.get("/desk/audit?action=presence.").text
    assert first.count("presence.set") == 100
    more = re.search(r'href="(/desk/audit\?[^"]*before=\d+)"', first)
    assert more
    assert admin.get(more[1].replace("&amp;", "&")).text.count("presence.set") == 2
