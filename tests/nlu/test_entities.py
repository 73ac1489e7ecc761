"""Entities with their places in the original text."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu import entities
from bot.nlu.entities import TZ, Found, ServiceEntityExtractor, extract, set_clock

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=TZ)


def found(text: str, entity: str) -> list[Any]:
    return [one.value for one in extract(text, NOW) if one.entity == entity]


@pytest.fixture
def frozen() -> Iterator[None]:
    set_clock(lambda: NOW)
    yield
    set_clock(None)


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13800000101", "13800000101"),
        ("手机号１３８ ００００ ０１０１", "13800000101"),
        ("138-0000-0101", "13800000101"),
        ("+86 13800000101", "13800000101"),
        ("一三八零零零零零一零一", "13800000101"),
    ],
)
def test_phone(text: str, phone: str) -> None:
    assert found(text, "phone") == [phone]
    assert found(text, "amount") == []


def test_no_phone_in_a_longer_number() -> None:
    assert found("保单号138000001012", "phone") == []


@pytest.mark.parametrize(
    "text", ["123456", "１２３４５６", "验证码是123456", "123 456", "是123456吧"]
)
def test_code(text: str) -> None:
    assert found(text, "code") == ["123456"]


@pytest.mark.parametrize("text", ["花了123456元", "1234567", "邮编200000的那个医院在哪"])
def test_no_code(text: str) -> None:
    assert found(text, "code") == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("公立医院门诊", "public_outpatient"),
        ("上周看的急诊", "public_outpatient"),
        ("住院的钱", "public_inpatient"),
        ("线上复诊开的药", "internet"),
        ("在社区打疫苗的", "vaccination"),
        ("私立诊所看的门诊", "network_clinic"),
        ("不是住院,是门诊", "public_outpatient"),
    ],
)
def test_claim_kind_with_precedence_and_negation(text: str, kind: str) -> None:
    assert found(text, "claim_kind")[0] == kind


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("成长计划", "成长计划"),
        ("优享plus max", "优享PLUS MAX计划"),
        ("优享 PLUS计划", "优享PLUS计划"),
        ("優享MAX計劃", "优享MAX计划"),
        ("成长puls计划", "成长PLUS计划"),
        ("优享+", "优享PLUS计划"),
    ],
)
def test_plan(text: str, plan: str) -> None:
    assert found(text, "plan") == [plan]


@pytest.mark.parametrize("text", ["成长优享是什么保险", "优享小助手你好", "孩子的成长"])
def test_no_plan(text: str) -> None:
    assert found(text, "plan") == []


def test_treatment_and_reference() -> None:
    assert found("下周要做核磁和雾化器", "treatment") == ["核磁共振", "雾化器"]
    assert found("a1001改期", "reference") == ["A1001"]
    assert found("报名 L101", "reference") == ["L101"]
    assert found("取消r10001", "reference") == ["R10001"]
    assert found("A101和L12", "reference") == []


def test_date_is_read_in_both_directions() -> None:
    value = found("周五下午三点", "date")[0]
    assert value["date"] == "2026-11-27"
    assert value["past"] == "2026-11-20"
    assert value["time"] == "15:00"


def test_places_are_those_of_the_original() -> None:
    text = "😭😭總共花了１２８塊５,電話138 0000 0101"
    places = {one.entity: text[one.start : one.end] for one in extract(text, NOW)}
    assert places["amount"] == "１２８塊５"
    assert places["phone"] == "138 0000 0101"


@pytest.mark.usefixtures("frozen")
def test_component_writes_rasa_entities() -> None:
    message = Message.build("后天")
    ServiceEntityExtractor().process([message])
    (entity,) = message.get("entities")
    assert entity["entity"] == "date"
    assert entity["value"]["date"] == "2026-11-25"
    assert (entity["start"], entity["end"]) == (0, 2)
    assert entity["extractor"] == "ServiceEntityExtractor"


def test_clock_follows_bot_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_NOW", "2026-01-02T03:04:05+08:00")
    assert entities._system_clock() == datetime(2026, 1, 2, 3, 4, 5, tzinfo=TZ)


def test_found_is_comparable() -> None:
    assert Found("amount", "1", 0, 1) == Found("amount", "1", 0, 1)
