"""Embeddings are unit vectors, remembered, and kept between trainings."""

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.embedding import DIMENSION, Embedder, StoredEmbedder, Vectors, shared


class Counting(Embedder):
    """Counts the texts that are really embedded."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _encode(self, texts: list[str]) -> Vectors:
        self.asked += texts
        vectors = np.ones((len(texts), DIMENSION), dtype=np.float32)
        return vectors * np.array([[len(text)] for text in texts], dtype=np.float32)


def test_vectors_are_unit_length_and_near_for_like_meaning() -> None:
    balance, likewise, other = shared().many(["额度还剩多少", "还有多少额度可以用", "今天天气真好"])
    assert np.linalg.norm(balance) == pytest.approx(1, abs=1e-3)
    assert balance @ likewise > balance @ other


def test_a_text_is_embedded_once_and_the_order_kept() -> None:
    embedder = Counting()
    first = embedder.many(["长一点", "短", "长一点"])
    assert first[:, 0].tolist() == [3, 1, 3]
    embedder.one("短")
    assert sorted(embedder.asked) == ["短", "长一点"]


def test_stored_vectors_survive(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "vectors.npz"
    before = StoredEmbedder(Counting(), path)
    before.many(["一", "二二"])
    before.save()
    counting = Counting()
    again = StoredEmbedder(counting, path).many(["二二", "一"])
    assert again[:, 0].tolist() == [2, 1]
    assert counting.asked == []


def test_an_unreadable_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    path.write_bytes(b"no archive")
    assert StoredEmbedder(Counting(), path).many(["一"]).shape == (1, DIMENSION)
