"""The trained linear models."""

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.classifier import TwoHeads
from bot.nlu.embedding import shared
from bot.nlu.heads import LinearHead, softmax

TEXTS = [
    "我要理赔",
    "想报销发票",
    "帮我报销",
    "取消预约",
    "不去看了取消",
    "退掉那个号",
    "直付是什么",
    "什么叫直付",
]
INTENTS = ["claim"] * 3 + ["cancel"] * 3 + ["faq"] * 2
TOPICS = ["claim"] * 3 + ["cancel"] * 3 + ["faq/direct"] * 2


def test_softmax_rows_sum_to_one() -> None:
    assert softmax(np.array([[1000.0, 0.0], [1.0, 1.0]])) == pytest.approx(
        np.array([[1.0, 0.0], [0.5, 0.5]])
    )


def test_head_learns_and_is_the_same_when_loaded(tmp_path: Path) -> None:
    vectors = shared().many(TEXTS)
    head = LinearHead().fit(TEXTS, vectors, INTENTS, folds=2)
    asked = ["发票怎么报销"]
    chances = head.probabilities(asked, shared().many(asked))
    assert head.labels[int(chances.argmax())] == "claim"
    head.save(tmp_path, "head")
    loaded = LinearHead.load(tmp_path, "head")
    assert loaded.probabilities(asked, shared().many(asked)) == pytest.approx(chances, abs=0.02)


def test_two_classes_have_two_columns() -> None:
    head = LinearHead().fit(TEXTS[:6], shared().many(TEXTS[:6]), INTENTS[:6], folds=0)
    chances = head.probabilities(TEXTS[:1], shared().many(TEXTS[:1]))
    assert chances.shape == (1, 2)
    assert head.labels[int(chances.argmax())] == "claim"


def test_two_heads_fold_topics_into_one_intent(tmp_path: Path) -> None:
    heads = TwoHeads().fit(TEXTS, shared().many(TEXTS), INTENTS, TOPICS, folds=0)
    heads.save(tmp_path)
    loaded = TwoHeads.load(tmp_path)
    chances = loaded.probabilities(["直付是啥"], shared().many(["直付是啥"]))
    assert loaded.labels == ["cancel", "claim", "faq"]
    assert chances.sum() == pytest.approx(1)
    assert loaded.labels[int(chances.argmax())] == "faq"
