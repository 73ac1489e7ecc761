"""Sparse features."""

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.ngrams import Counted, NgramVectorizer, char_grams, sound_grams, syllable


@pytest.mark.parametrize(("typed", "meant"), [("里赔", "理赔"), ("预月", "预约"), ("帮定", "绑定")])
def test_homophones_sound_alike(typed: str, meant: str) -> None:
    assert sound_grams(typed) == sound_grams(meant)


def test_syllables_are_slurred() -> None:
    assert syllable("是") == syllable("四")
    assert syllable("a") == "a"


def test_char_grams_know_the_edges() -> None:
    assert "^好" in char_grams("好的")
    assert "的$" in char_grams("好的")


def test_saved_vectorizer_gives_the_same_features(tmp_path: Path) -> None:
    texts = ["我要理赔", "我要预约", "理赔到哪了"]
    made = NgramVectorizer(min_count=1).fit(Counted(texts))
    made.save(tmp_path, "grams")
    loaded = NgramVectorizer.load(tmp_path, "grams")
    difference = made.transform(["要理赔"]) - loaded.transform(["要理赔"])
    assert abs(difference).max() < 1e-4
    assert made.transform(["要理赔"]).nnz > 0


def test_counted_texts_have_the_features_of_the_texts() -> None:
    texts = ["我要理赔", "我要我要预约", "理赔到哪了", "hello", "理"]
    counted = Counted(texts)
    made = NgramVectorizer(min_count=2).fit(counted)
    assert abs(made.transform(counted) - made.transform(texts)).max() < 1e-6
    some = made.transform(counted.rows(np.array([3, 1])))
    assert abs(some - made.transform([texts[3], texts[1]])).max() < 1e-6


def test_a_feature_stands_in_so_many_texts() -> None:
    made = NgramVectorizer(min_count=2).fit(Counted(["要要要", "理赔", "理赔"]))
    assert "理赔" in made.vocabularies[0]
    assert "要" not in made.vocabularies[0]
