"""The copy of one's data and the wish for erasure, in the chat."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from actions.my_data import (
    ActionAskEraseConfirm,
    ActionAskEraseSure,
    ActionAskExportConfirm,
    ActionCheckDataRequest,
    ActionEraseData,
    ActionExportData,
    ActionSubmitErase,
    ActionSubmitExport,
    EraseForm,
    ExportForm,
)
from bot.clock import TZ
from bot.services import data_requests
from bot.services.data_export import fetch_export
from bot.store.files import FileStore
from bot.store.models import Binding, DataRequest
from bot.store.session import Store

Run = Callable[..., Any]
Bind = Callable[..., int]
ONE = "13800000101"
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
SECRET = "demo-only-code-secret"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    made = FileStore(str(tmp_path / "files"), ["a key of the tests"])
    monkeypatch.setattr("actions.my_data.get_files", lambda: made)
    return made


# ---- the copy


def test_what_is_stored_is_told_in_kinds_and_numbers(run: Run, bind: Bind) -> None:
    assert run(ActionExportData(), "我的数据").followup == "export_form"
    bind(ONE)
    text = run(ActionAskExportConfirm()).text
    for part in ("聊天账号 1 条", "保单 1 条", "就诊 2 条", "预约 1 条", "额度使用 5 条"):
        assert part in text
    assert "理赔 " not in text


@pytest.mark.parametrize("text", ["导出", "导出吧", "发我一份", "好的，下载"])
def test_the_wish_said_once_more_makes_the_copy_whatever_it_looks_like(
    run: Run, bind: Bind, text: str
) -> None:
    bind(ONE)
    slots = {"requested_slot": "export_confirm"}
    reply = run(ExportForm(), text, "stop", form="export_form", slots=slots)
    assert reply.slots["export_confirm"] is True


def test_the_link_leads_to_the_file(run: Run, bind: Bind, store: Store, files: FileStore) -> None:
    bind(ONE)
    reply = run(ActionSubmitExport(), intent="affirm", slots={"export_confirm": True})
    link = re.search(r"http://127\.0\.0\.1:8080/data/(\S+)/", reply.text)
    assert link
    assert "编号 D10001" in reply.text
    assert "10:30 前有效" in reply.text
    _, content = fetch_export(store, files, SECRET, token=link.group(1), now=NOW)
    assert "王小满" in content.decode()


def test_the_link_begins_with_the_public_address(
    run: Run, monkeypatch: pytest.MonkeyPatch, clock: Callable[[datetime], None]
) -> None:
    monkeypatch.setenv("BOT_PUBLIC_URL", "https://bot.example/")
    clock(NOW)
    reply = run(ActionSubmitExport(), intent="affirm", slots={"export_confirm": True})
    assert "https://bot.example/data/" in reply.text


def test_a_no_makes_no_file(run: Run, files: FileStore, count: Callable[..., int]) -> None:
    run(ActionSubmitExport(), intent="deny", slots={"export_confirm": False})
    assert count(DataRequest) == 0
    assert list(files.stored()) == []


# ---- yes and no


@pytest.mark.parametrize(
    ("said", "intent", "answer"),
    [
        ("要", "affirm", True),
        ("确认导出", "inform", True),
        ("不要", "deny", False),
        ("不用了谢谢", "thank", False),
    ],
)
def test_a_yes_or_no_ends_the_form(run: Run, said: str, intent: str, answer: bool) -> None:
    slots = {"requested_slot": "export_confirm"}
    reply = run(ExportForm(), said, intent, form="export_form", slots=slots)
    assert reply.slots["export_confirm"] is answer
    assert reply.slots["requested_slot"] is None


def test_anything_else_is_an_aside(run: Run) -> None:
    slots = {"requested_slot": "export_confirm"}
    reply = run(ExportForm(), "电子卡有什么用", "faq", form="export_form", slots=slots)
    assert reply.slots == {}


def test_the_wish_said_again_is_no_answer(run: Run, entity: Callable[..., Any]) -> None:
    said = [entity("command", "erase_data")]
    slots = {"requested_slot": "erase_confirm"}
    reply = run(EraseForm(), "删除我的数据", form="erase_form", slots=slots, entities=said)
    assert reply.slots == {"requested_slot": "erase_confirm"}


def test_a_form_that_opens_asks_its_first_question(run: Run) -> None:
    reply = run(EraseForm(), "注销账号", form="erase_form", after=["action_erase_data"])
    assert reply.slots["requested_slot"] == "erase_confirm"


# ---- erasure


def test_it_is_said_what_stays_and_asked_twice(run: Run) -> None:
    opened = run(ActionEraseData(), "删除我的数据")
    assert opened.followup == "erase_form"
    assert "不能删：保单、就诊、理赔、付款和投诉的资料" in run(ActionAskEraseConfirm()).text
    slots = {"requested_slot": "erase_confirm"}
    first = run(EraseForm(), "要", "affirm", form="erase_form", slots=slots)
    assert first.slots["requested_slot"] == "erase_sure"
    assert "12月14日（周一） 23:59" in run(ActionAskEraseSure()).text
    slots = {"requested_slot": "erase_sure", "erase_confirm": True}
    second = run(EraseForm(), "确认", "affirm", form="erase_form", slots=slots)
    assert second.slots["requested_slot"] is None


def test_a_no_to_the_first_question_is_enough(run: Run) -> None:
    slots = {"requested_slot": "erase_confirm"}
    reply = run(EraseForm(), "不要", "deny", form="erase_form", slots=slots)
    assert reply.slots["requested_slot"] is None


@pytest.mark.parametrize("sure", [None, False])
def test_without_the_second_yes_nothing_is_noted(
    run: Run, count: Callable[..., int], sure: bool | None
) -> None:
    slots = {"erase_confirm": True, "erase_sure": sure}
    assert run(ActionSubmitErase(), slots=slots).text.startswith("好的，没有提交")
    assert count(DataRequest) == 0


def test_the_wish_is_noted_once_and_nothing_is_erased(
    run: Run, bind: Bind, count: Callable[..., int]
) -> None:
    bind(ONE)
    slots = {"erase_confirm": True, "erase_sure": True}
    first = run(ActionSubmitErase(), intent="affirm", slots=slots)
    assert "编号 D10001" in first.text
    assert "现在还什么都没删" in first.text
    assert "没有重复：编号 D10001" in run(ActionSubmitErase(), slots=slots).text
    again = run(ActionEraseData(), "删除我的数据")
    assert again.text.startswith("删除申请已经登记过了，没有重复：编号 D10001")
    assert again.loops == []
    assert (count(Binding), count(DataRequest)) == (1, 1)


# ---- how it stands


def test_each_request_is_told_with_its_state(run: Run, bind: Bind, store: Store) -> None:
    parent = bind(ONE)
    seen, _ = data_requests.request_erasure(store, identity_id=parent, now=NOW)
    text = run(ActionCheckDataRequest(), "D10001").text
    assert "· D10001（删除，11月23日（周一））：已登记，等同事核查，最晚 12月14日" in text
    data_requests.take_up(store, reference=seen.reference, actor="staff:lin", now=NOW)
    assert "同事正在核查" in run(ActionCheckDataRequest(), "D10001").text
    data_requests.refuse(
        store, reference=seen.reference, actor="staff:lin", reason="有理赔在办", now=NOW
    )
    assert "没有删除。说明：有理赔在办" in run(ActionCheckDataRequest(), "D10001").text


def test_a_copy_is_told_as_done(run: Run) -> None:
    run(ActionSubmitExport(), intent="affirm", slots={"export_confirm": True})
    assert "D10001（导出，11月23日（周一））：已办好" in run(ActionCheckDataRequest()).text


@pytest.mark.parametrize("said", ["D10001", "我删除数据的申请怎么样了"])
def test_nobody_sees_a_strangers_request(run: Run, bind: Bind, store: Store, said: str) -> None:
    stranger = bind(ONE, sender="stranger")
    data_requests.request_erasure(store, identity_id=stranger, now=NOW)
    assert run(ActionCheckDataRequest(), said).text.startswith("这个聊天账号没有这样的申请")
