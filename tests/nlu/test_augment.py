"""Misspelt variants of training examples."""

from bot.nlu.augment import homophones, misspelt, traditional, variants
from bot.nlu.ngrams import syllable
from bot.nlu.normalise import plain


def test_a_slip_keeps_the_sound_and_the_length() -> None:
    text = "我想报销上周门诊的费用"
    variant = misspelt(text)
    assert variant is not None
    assert variant != text
    assert [syllable(char) for char in variant] == [syllable(char) for char in text]


def test_a_variant_is_the_same_at_every_training() -> None:
    text = "查一下还剩多少额度"
    assert misspelt(text) == misspelt(text)
    assert len({misspelt(text, seed) for seed in range(8)}) > 1


def test_long_texts_get_more_slips() -> None:
    text = "孩子昨天在儿童医学中心看了门诊医生开了药和检查单我想问问能不能报销多少钱"
    variant = misspelt(text)
    assert variant is not None
    assert sum(a != b for a, b in zip(variant, text, strict=True)) > 1


def test_what_has_no_chinese_or_is_too_short_stays() -> None:
    assert misspelt("hello there") is None
    assert misspelt("理赔") is None


def test_only_characters_in_use_are_put_in() -> None:
    assert "赔" in homophones()["pei"]
    assert all(len(chars) <= 20 for chars in homophones().values())


def test_a_share_of_the_texts_gets_variants() -> None:
    texts = [f"第{number}个孩子的理赔进度" for number in range(400)]
    assert variants(texts, 0) == []
    assert 60 < len(variants(texts, 0.25)) < 140
    assert len(variants(texts, 1)) > 390
    place, variant = variants(texts, 0.25)[0]
    assert len(variant) == len(texts[place])


def test_traditional_variants_would_teach_nothing() -> None:
    text = "请问门诊报销要准备什么材料"
    assert traditional(text) != text
    assert plain(traditional(text)) == plain(text)
