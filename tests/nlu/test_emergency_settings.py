"""Fear and money come in one message: talk of cover, papers or the past never hides danger."""

import pytest

from bot.nlu.emergency import done, harmless_below
from bot.nlu.normalise import plain


@pytest.mark.parametrize(
    ("text", "at_most"),
    [
        ("孩子掉下去不动了，急救的钱保险管不管", 0.25),
        ("头破了血按不住，哪家能直付", 0.25),
        ("要是再不送医院他就没气了", 0.5),
        ("小时候抽过", 0.5),
    ],
)
def test_a_tame_setting_asks_for_little_certainty(text: str, at_most: float) -> None:
    assert harmless_below(plain(text)) <= at_most


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("小的把电池吞了，拍片子要多少钱，保险出吗", True),
        ("喝了一口洁厕灵，急诊要授权吗", True),
        ("咬了电线，看急诊要什么手续", True),
        ("食物中毒看急诊怎么报销", False),
        ("怎么预防孩子吞电池", False),
        ("上个月吞了电池，已经取出来了，现在要理赔", False),
        ("吃了两次美林了，能报销吗", False),
    ],
)
def test_what_has_got_at_a_child_is_told_from_talk_of_it(text: str, expected: bool) -> None:
    assert done(plain(text)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "以为他吃了药片，数了一遍一颗没少",
        "如何预防宝宝噎住",
        "孩子笑得也太可爱，可爱到爆炸",
        "醒了现在起来玩积木了，您放心",
    ],
)
def test_what_came_to_nothing_asks_for_much_certainty(text: str) -> None:
    assert harmless_below(plain(text)) >= 0.95


@pytest.mark.parametrize(
    "text",
    [
        "以为吞了扣子，找到了一个，可是他还在咳脸发紫",
        "怎么预防我不管，他现在就噎住了",
        "以为睡着了，结果叫不醒",
        "现在起来玩了，但还在吐，不用急吗",
    ],
)
def test_what_goes_on_asks_for_little(text: str) -> None:
    assert harmless_below(plain(text)) <= 0.5
