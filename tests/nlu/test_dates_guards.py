"""What the date reader must not take for a date."""

from datetime import datetime

import pytest

from bot.nlu.dates import TZ, Flag, resolve

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=TZ)


def day(text: str) -> str | None:
    """Return the date that ``text`` gives."""
    found = resolve(text, NOW)
    return found.date.isoformat() if found and found.date else None


@pytest.mark.parametrize(
    "text",
    [
        "我家住2号楼",
        "五一路那家",
        "3-5岁能打吗",
        "血压120/80",
        "体重12.5公斤",
        "有一点儿咳嗽",
        "13812345678",
        "021-80209058",
        "龙华中路596号",
        "3号诊室",
        "2号线",
        "21号染色体",
        "体温38.5",
        "吃1/2片",
        "一日三次",
        "一周两次",
        "每周三都有吗",
        "每月15号扣费吗",
        "周一到周五几点上班",
        "孕12周三天",
        "《明日之后》",
        "以前天天咳",
        "192.168.1.12",
        "吃药两小时后吐了",
        "出院三天后能报吗",
        "手术前三天",
        "I may be late",
    ],
)
def test_numbers_and_words_that_are_no_date(text: str) -> None:
    assert day(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "过几天",
        "过两天",
        "这两天",
        "下周",
        "下个月",
        "周末",
        "国庆期间",
        "三四天后",
        "八九号",
        "明后天",
    ],
)
def test_rather_no_date_than_a_near_one(text: str) -> None:
    assert day(text) is None


@pytest.mark.parametrize(
    "text", ["2月30号", "11月31号下午", "13月5号", "2027年2月29日", "2026-02-30", "Feb 30"]
)
def test_an_impossible_date_is_flagged(text: str) -> None:
    found = resolve(text, NOW)
    assert found is not None
    assert found.date is None
    assert Flag.IMPOSSIBLE_DATE in found.flags
