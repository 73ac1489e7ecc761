"""Amounts as staff type them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.rules.amounts import amount_typed


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("0", "0"),
        ("1234.5", "1234.5"),
        ("1,234.50", "1234.50"),
        ("¥ 12，345，678.09 元", "12345678.09"),
        ("１２００．５", "1200.5"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_read_exactly(typed: str, amount: str) -> None:
    assert amount_typed(typed) == Decimal(amount)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "元",
        "-1",
        "+1",
        "1e3",
        "1.234",
        "1,23",
        "12,34,567",
        "1 000",
        "nan",
        "0x10",
        "1.",
        "一百",
    ],
)
def test_anything_else_is_none(typed: str) -> None:
    assert amount_typed(typed) is None
