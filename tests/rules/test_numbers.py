"""Bank cards (C6) and couriers' numbers (C2): what is taken, what is questioned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.numbers import (
    NoCard,
    find_branch,
    find_card,
    find_tracking,
    hide_numbers,
    is_id_number,
    is_tracking,
    names_branch,
    passes_luhn,
)

CARD = "6222021234567890128"


def check_digit(digits: str) -> str:
    return next(d for d in "0123456789" if passes_luhn(digits + d))


@given(st.text("0123456789", min_size=15, max_size=18), st.integers(1, 9))
def test_c6_one_wrong_digit_is_always_noticed(digits: str, change: int) -> None:
    number = digits + check_digit(digits)
    for place in range(len(number)):
        other = str((int(number[place]) + change) % 10)
        assert not passes_luhn(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        f"卡号是{CARD}，招商银行",
        "6222 0212 3456 7890 128",
        "6222-0212-3456-7890-128",
        "６２２２０２１２３４５６７８９０１２８",
        f"电话13800000101，卡{CARD}",
    ],
)
def test_c6_a_card_is_found_however_it_is_written(text: str) -> None:
    card = find_card(text)
    assert card is not None
    assert (card.digits, card.wrong, card.tail) == (CARD, None, "0128")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("6222021234567890127", NoCard.CHECK),
        ("0000000000000000", NoCard.CHECK),
        ("622202123456789", NoCard.LENGTH),
        ("62220212345678901281", NoCard.LENGTH),
        ("110101199003074512", NoCard.CHECK),
    ],
)
def test_c6_what_is_no_card_is_told_why(text: str, wrong: NoCard) -> None:
    card = find_card(text)
    assert card is not None
    assert card.wrong is wrong


@pytest.mark.parametrize(
    "text", ["110101199003074477", "身份证11010119900307109X", "11010119900307109x"]
)
def test_c6_an_identity_number_is_no_card(text: str) -> None:
    card = find_card(text)
    assert card is not None
    assert card.wrong is NoCard.ID_NUMBER


def test_an_identity_number_has_a_day_and_a_check_digit() -> None:
    assert is_id_number("110101199003074477")
    assert not is_id_number("110101199003074478")
    assert not is_id_number("110101199013074477")
    assert not is_id_number("11010119900307")


@pytest.mark.parametrize("text", ["13800000101", "SF1234567890123456", "C10005", "580元", ""])
def test_c6_other_numbers_are_no_card(text: str) -> None:
    assert find_card(text) is None


@pytest.mark.parametrize(
    ("text", "branch", "whole"),
    [
        ("招商银行上海徐家汇支行", "招商银行上海徐家汇支行", True),
        ("开户行是中国工商银行上海市徐汇支行", "中国工商银行上海市徐汇支行", True),
        ("卡号，建设银行浦东分行营业部吧", "建设银行浦东分行营业部", True),
        ("我的是招商银行的", "招商银行", False),
        ("嘉定农村信用社", "嘉定农村信用社", True),
    ],
)
def test_c6_the_bank_is_read_with_its_branch(text: str, branch: str, whole: bool) -> None:
    assert find_branch(text) == branch
    assert names_branch(branch) is whole


@pytest.mark.parametrize("text", ["银行", "不知道", "", "工行徐汇"])
def test_c6_no_bank_is_read_where_there_is_none(text: str) -> None:
    assert find_branch(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("快递单号SF1234567890123", "SF1234567890123"),
        ("顺丰 sf 1234 5678 9012 3", "SF1234567890123"),
        ("圆通YT1234567890123寄出了", "YT1234567890123"),
        ("EMS EA123456789CN", "EA123456789CN"),
        ("JD0012345678901", "JD0012345678901"),
        ("中通 73123456789012", "73123456789012"),
        ("ＳＦ１２３４５６７８９０１２３", "SF1234567890123"),
    ],
)
def test_c2_a_couriers_number_is_found(text: str, number: str) -> None:
    assert find_tracking(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "SF123",
        "SF12345678901234567",
        "13800000101",
        "1111111111111",
        "SF1111111111111",
        CARD,
        "C10005",
        "123456",
        "",
    ],
)
def test_c2_what_is_no_couriers_number(text: str) -> None:
    assert find_tracking(text) is None
    assert not is_tracking(text)


def test_long_numbers_are_starred_and_keep_their_length() -> None:
    said = f"卡{CARD} 身份证11010119900307109X 单号SF1234567890123456 电话13800000101"
    hidden = hide_numbers(said)
    assert len(hidden) == len(said)
    assert hidden == (
        "卡***************0128 身份证*************7109X 单号SF1234567890123456 电话13800000101"
    )
