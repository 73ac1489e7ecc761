"""Amounts in yuan, and what only looks like one."""

from decimal import Decimal

import pytest

from bot.nlu.amounts import find_amounts, parse_number
from bot.nlu.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一千二", "1200"),
        ("1.2万", "12000"),
        ("1万2", "12000"),
        ("128块5", "128.5"),
        ("6000元", "6000"),
        ("¥1,580.00", "1580.00"),
        ("三百五十块", "350"),
        ("三百五", "350"),
        ("一万零五十元", "10050"),
        ("总共花了680", "680"),
        ("３８０块钱", "380"),
        ("两万多块", "20000"),
        ("12块3毛5", "12.35"),
        ("发票金额是1580.50", "1580.50"),
        ("rmb 500", "500"),
    ],
)
def test_amount(text: str, expected: str) -> None:
    assert [amount.value for amount in find_amounts(normalise(text).text)] == [Decimal(expected)]


@pytest.mark.parametrize(
    "text",
    [
        "13800000101",
        "12月5号",
        "孩子3岁",
        "烧到39.5度",
        "千万别取消",
        "一块去",
        "起了一块红疹",
        "三个工作日",
        "下午2点",
        "验证码111111",
        "A1001",
        "住了三天院",
    ],
)
def test_no_amount(text: str) -> None:
    assert find_amounts(normalise(text).text) == []


@pytest.mark.parametrize(("said", "value"), [("十二", 12), ("一百零二", 102), ("一百二", 120)])
def test_last_digit_counts_in_the_next_smaller_unit(said: str, value: int) -> None:
    assert parse_number(said) == value
