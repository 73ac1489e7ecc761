"""Danger signs: found, denied, and the settings that make them harmless."""

import pytest

from bot.nlu.danger import read
from bot.nlu.emergency import EmergencyDetector, harmless_below


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("孩子喘不上气了", "breath"),
        ("嘴唇都紫了", "colour"),
        ("一直抽停不下来", "convulsion"),
        ("怎么叫都不醒", "unconscious"),
        ("果冻卡喉咙里了", "choking"),
        ("吞了一颗纽扣电池", "poison"),
        ("血一直往外冒", "bleeding"),
        ("从床上摔下来吐了三次", "injury"),
        ("过敏了嘴肿得喘", "allergy"),
        ("掉河里刚捞上来", "water_power"),
        ("开水浇在胸口", "burn"),
        ("她说不想活了", "self_harm"),
        ("被毒蛇咬了", "bite"),
        ("救命", "cry"),
    ],
)
def test_sign(text: str, sign: str) -> None:
    assert sign in read(text).signs


@pytest.mark.parametrize("text", ["没有抽搐", "不是窒息", "从来没有晕倒"])
def test_a_denied_sign_does_not_stand(text: str) -> None:
    reading = read(text)
    assert reading.signs == frozenset()
    assert reading.denied


@pytest.mark.parametrize(
    "text",
    [
        "去年抽搐过一次,现在要复查",
        "窒息住院的费用能报销吗",
        "如果孩子噎住了怎么办",
        "听说有个孩子吞了电池",
        "以为吞了硬币结果找到了",
        "我都要气晕了",
    ],
)
def test_harmless_settings_ask_for_more(text: str) -> None:
    assert harmless_below(text) > EmergencyDetector.get_default_config()["threshold"]


@pytest.mark.parametrize(
    "text",
    [
        "先别管理赔,孩子正在抽",
        "以前抽过,现在又抽起来了",
        "他吞了纽扣电池",
        "吃了花生满脸肿起来嗓子紧",
        "摔了头,吐了三次,越来越爱睡",
    ],
)
def test_what_is_happening_asks_for_no_more(text: str) -> None:
    assert harmless_below(text) == 0
