"""What is bound, and unbinding, in the chat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions.account import (
    ActionAskUnbindConfirm,
    ActionAskUnbindWhich,
    ActionListPolicies,
    ActionSubmitUnbind,
    ActionUnbind,
    UnbindForm,
)
from bot.store.files import FileStore
from bot.store.models import Binding

Run = Callable[..., Any]
Bind = Callable[..., int]
ONE, TWO, FIVE = "13800000101", "13800000201", "13800000501"
XIAOMAN, MUCHEN, MUYAO, ZIMO = "YX2026-000101", "YX2026-000201", "YX2026-000202", "YX2026-000501"
FORM = "unbind_form"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    made = FileStore(str(tmp_path / "files"), ["a key of the tests"])
    monkeypatch.setattr("actions.account.get_files", lambda: made)
    return made


# ---- what is bound


def test_the_policies_are_listed_with_their_state(run: Run, bind: Bind) -> None:
    bind(ONE, FIVE, "13800000401")
    text = run(ActionListPolicies(), slots={"policy": ZIMO}).text
    assert "· 王小满·优享PLUS计划（YX2026-000101）：正常，到 2027年5月6日" in text
    assert "· 周子墨·优享计划（YX2026-000501）：电子卡已置灰" in text
    assert "· 赵可心·优享计划（YX2026-000401）：已到期，到 7月11日" in text
    assert text.count("现在说的是这份") == 1
    assert text.splitlines()[2].endswith("（现在说的是这份）")


def test_one_policy_needs_no_switching(run: Run, bind: Bind) -> None:
    bind(ONE)
    reply = run(ActionListPolicies(), slots={"policy": XIAOMAN})
    assert "现在说的是" not in reply.text
    assert "/switch_policy" not in reply.buttons


def test_nothing_is_bound(run: Run) -> None:
    assert run(ActionListPolicies()).buttons == ["/bind_card"]
    reply = run(ActionUnbind(), "解绑")
    assert reply.text.startswith("这个聊天账号没有绑定任何保单")
    assert reply.loops == []


# ---- unbinding


def test_one_household_is_not_asked_for(run: Run, bind: Bind) -> None:
    bind(TWO)
    reply = run(ActionUnbind(), "解绑")
    assert (reply.slots["unbind_which"], reply.followup) == (MUCHEN, FORM)


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ("解绑", None),
        ("解绑沐瑶那份", MUYAO),
        ("解绑王小满", XIAOMAN),
        ("全部解绑", "all"),
        ("都给我解绑", "all"),
    ],
)
def test_of_several_the_one_named_is_taken(
    run: Run, bind: Bind, said: str, which: str | None
) -> None:
    bind(ONE, TWO)
    assert run(ActionUnbind(), said).slots["unbind_which"] == which


def test_each_household_is_offered(run: Run, bind: Bind) -> None:
    bind(ONE, TWO)
    reply = run(ActionAskUnbindWhich())
    titles = [b["title"] for b in reply.messages[0]["buttons"]]
    assert titles == ["王小满", "李沐宸、李沐瑶", "全部解绑"]


@pytest.mark.parametrize(
    "said",
    ["把我前夫手机上的卡解绑", "阿姨辞职了把她那边解绑", "帮我老婆解绑", "想unbind我ex那边的卡"],
)
def test_only_the_own_account_is_unbound(run: Run, bind: Bind, said: str) -> None:
    bind(ONE)
    reply = run(ActionUnbind(), said)
    assert reply.text.startswith("别人手机或账号上的绑定")
    assert reply.loops == []


def test_the_own_account_is_meant_though_others_are_named(run: Run, bind: Bind) -> None:
    bind(ONE)
    assert run(ActionUnbind(), "卡给老公绑了，把我自己的解绑").followup == FORM


@pytest.mark.parametrize(
    ("said", "entity_value", "which"),
    [("第二个", None, MUCHEN), ("王小满的", None, XIAOMAN), ("", "all", "all"), ("", MUYAO, MUYAO)],
)
def test_the_household_is_chosen_by_name_place_or_button(
    run: Run,
    bind: Bind,
    entity: Callable[..., Any],
    said: str,
    entity_value: str | None,
    which: str,
) -> None:
    bind(ONE, TWO)
    found = [entity("policy", entity_value)] if entity_value else []
    slots = {"requested_slot": "unbind_which"}
    reply = run(UnbindForm(), said, "inform", entities=found, form=FORM, slots=slots)
    assert reply.slots["unbind_which"] == which
    assert reply.slots["requested_slot"] == "unbind_confirm"


@pytest.mark.parametrize(
    ("said", "intent", "confirmed"),
    [
        ("好", "affirm", True),
        ("确认解绑", "inform", True),
        ("解绑吧", "nlu_fallback", True),
        ("不要", "deny", False),
        ("不解绑了", "stop_or_so", False),
        ("还是留着吧", "inform", False),
    ],
)
def test_a_yes_or_no_at_the_summary(
    run: Run, bind: Bind, said: str, intent: str, confirmed: bool
) -> None:
    bind(ONE)
    slots = {"requested_slot": "unbind_confirm", "unbind_which": XIAOMAN}
    reply = run(UnbindForm(), said, intent, form=FORM, slots=slots)
    assert reply.slots["unbind_confirm"] is confirmed


def test_a_question_at_the_summary_is_no_yes(run: Run, bind: Bind) -> None:
    bind(ONE)
    slots = {"requested_slot": "unbind_confirm", "unbind_which": XIAOMAN}
    said = "解绑了还能理赔吗"
    assert run(UnbindForm(), said, "faq", form=FORM, slots=slots).slots == {}


@pytest.mark.parametrize(
    ("which", "told"),
    [
        (XIAOMAN, "看不到王小满的保单，"),
        (MUYAO, "看不到李沐宸、李沐瑶的保单（会一起解）"),
        ("all", "王小满、李沐宸、李沐瑶"),
    ],
)
def test_the_summary_names_all_who_are_no_longer_seen(
    run: Run, bind: Bind, which: str, told: str
) -> None:
    bind(ONE, TWO)
    assert told in run(ActionAskUnbindConfirm(), slots={"unbind_which": which}).text


def test_all_that_the_conversation_knew_is_forgotten(
    run: Run, bind: Bind, count: Callable[..., int]
) -> None:
    bind(ONE)
    slots = {
        "unbind_which": XIAOMAN,
        "unbind_confirm": True,
        "policy": XIAOMAN,
        "book_hospital": "新华医院",
        "paused_forms": ["book_form"],
        "pending_task": "action_check_balance",
    }
    reply = run(ActionSubmitUnbind(), intent="affirm", slots=slots)
    assert reply.text.startswith("已解绑：王小满。")
    assert all(reply.slots[name] is None for name in slots)
    assert (reply.loops, reply.followup) == ([None], "action_listen")
    assert count(Binding) == 0


def test_a_task_about_another_household_goes_on(
    run: Run, bind: Bind, count: Callable[..., int]
) -> None:
    bind(ONE, TWO)
    slots = {
        "unbind_which": MUYAO,
        "unbind_confirm": True,
        "policy": XIAOMAN,
        "paused_forms": ["book_form"],
    }
    reply = run(ActionSubmitUnbind(), intent="affirm", slots=slots)
    assert "已解绑：李沐宸、李沐瑶。还绑着：王小满。" in reply.text
    assert reply.followup == "book_form"
    assert "policy" not in reply.slots
    assert count(Binding) == 1


def test_a_no_unbinds_nothing(run: Run, bind: Bind, count: Callable[..., int]) -> None:
    bind(ONE)
    slots = {"unbind_which": XIAOMAN, "unbind_confirm": False, "policy": XIAOMAN}
    reply = run(ActionSubmitUnbind(), intent="deny", slots=slots)
    assert reply.text.startswith("好的，没有提交")
    assert "policy" not in reply.slots
    assert count(Binding) == 1
