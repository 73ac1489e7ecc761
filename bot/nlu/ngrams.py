"""Sparse features: character n-grams, and n-grams of toneless, slurred pinyin.

The pinyin half makes 里赔 and 理赔, 预月 and 预约 the same: most typing errors of Chinese
input methods and of dictation keep the sound.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pypinyin import Style, lazy_pinyin

Analyzer = Callable[[str], list[str]]

# zh/z, ch/c, sh/s and ng/n sound alike to half of the country, and so to its keyboards.
_SLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"))


@lru_cache(maxsize=30_000)
def syllable(char: str) -> str:
    """Return how a character sounds, without tone and slurred; other signs stay as they are."""
    sound: str = lazy_pinyin(char, style=Style.NORMAL)[0]
    if sound == char:
        return char
    for full, short in _SLURRED:
        if sound.startswith(full):
            sound = short + sound[2:]
    if sound.endswith("ng"):
        sound = sound[:-1]
    return sound


def char_grams(text: str) -> list[str]:
    """Return the character 1- to 4-grams of a text, its edges marked."""
    marked = f"^{text}$"
    return [
        marked[place : place + size]
        for size in (1, 2, 3, 4)
        for place in range(len(marked) - size + 1)
    ]


def sound_grams(text: str) -> list[str]:
    """Return the 1- to 3-grams of the syllables of a text."""
    sounds = [syllable(char) for char in text]
    return [
        "_".join(sounds[place : place + size])
        for size in (1, 2, 3)
        for place in range(len(sounds) - size + 1)
    ]


ANALYZERS: tuple[Analyzer, ...] = (char_grams, sound_grams)


class Counted:
    """Texts with their n-grams counted, so that several heads can learn from one count."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the n-grams of the texts."""
        self.grams: list[list[str]] = []
        self.counts: list[sp.csr_matrix] = []
        for analyzer in ANALYZERS:
            numbers: dict[str, int] = {}
            columns: list[int] = []
            ends = [0]
            for text in texts:
                columns.extend(numbers.setdefault(gram, len(numbers)) for gram in analyzer(text))
                ends.append(len(columns))
            ones = np.ones(len(columns), dtype=np.float32)
            counts = sp.csr_matrix((ones, columns, ends), shape=(len(texts), len(numbers)))
            counts.sum_duplicates()
            self.grams.append(list(numbers))
            self.counts.append(counts)

    def __len__(self) -> int:
        """Return the number of texts."""
        return int(self.counts[0].shape[0])

    def rows(self, places: npt.NDArray[np.int64]) -> Counted:
        """Return some of the texts."""
        some = Counted([])
        some.grams = self.grams
        some.counts = [counts[places] for counts in self.counts]
        return some


class NgramVectorizer:
    """TF-IDF over both kinds of n-grams; each half has unit length."""

    def __init__(self, min_count: int = 2) -> None:
        """Make an unfitted vectorizer.

        Args:
            min_count: In how many training texts an n-gram must stand to become a feature.
        """
        self.min_count = min_count
        self.vocabularies: list[dict[str, int]] = []
        self.weights: list[npt.NDArray[np.float32]] = []

    def fit(self, texts: Counted) -> NgramVectorizer:
        """Learn the vocabularies and the inverse document frequencies."""
        self.vocabularies, self.weights = [], []
        for grams, counts in zip(texts.grams, texts.counts, strict=True):
            found = np.bincount(counts.indices, minlength=len(grams))
            kept = sorted(
                (grams[place], found[place]) for place in np.flatnonzero(found >= self.min_count)
            )
            rarity = [np.log((1 + len(texts)) / (1 + count)) + 1 for _, count in kept]
            self.vocabularies.append({gram: number for number, (gram, _) in enumerate(kept)})
            self.weights.append(np.array(rarity, dtype=np.float32))
        return self

    def transform(self, texts: Sequence[str] | Counted) -> sp.csr_matrix:
        """Return the features, one row a text."""
        if isinstance(texts, Counted):
            halves = [
                self._counted_half(*half)
                for half in zip(
                    texts.grams, texts.counts, self.vocabularies, self.weights, strict=True
                )
            ]
        else:
            halves = [
                self._half(texts, *half)
                for half in zip(ANALYZERS, self.vocabularies, self.weights, strict=True)
            ]
        return sp.hstack(halves, format="csr", dtype=np.float32)

    @staticmethod
    def _counted_half(
        grams: list[str],
        counts: sp.csr_matrix,
        vocabulary: dict[str, int],
        weights: npt.NDArray[np.float32],
    ) -> sp.csr_matrix:
        place_of = {gram: place for place, gram in enumerate(grams)}
        half = counts[:, [place_of[gram] for gram in vocabulary]]
        half.data = (1 + np.log(half.data)) * weights[half.indices]
        lengths = np.sqrt(np.asarray(half.multiply(half).sum(axis=1)).ravel())
        scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        half.data *= np.repeat(scale, np.diff(half.indptr)).astype(np.float32)
        return half.astype(np.float32)

    @staticmethod
    def _half(
        texts: Sequence[str],
        analyzer: Analyzer,
        vocabulary: dict[str, int],
        weights: npt.NDArray[np.float32],
    ) -> sp.csr_matrix:
        columns: list[int] = []
        values: list[npt.NDArray[np.float32]] = []
        ends = [0]
        for text in texts:
            counts = Counter(vocabulary[gram] for gram in analyzer(text) if gram in vocabulary)
            numbers = list(counts)
            row = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * weights[
                numbers
            ]
            length = float(np.sqrt((row**2).sum()))
            columns.extend(numbers)
            values.append(row / length if length else row)
            ends.append(len(columns))
        data = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
        return sp.csr_matrix(
            (data.astype(np.float32), columns, ends), shape=(len(texts), len(vocabulary))
        )

    def save(self, folder: Path, name: str) -> None:
        """Write the vectorizer as ``<name>.json`` into a folder."""
        content = {
            "vocabularies": [list(vocabulary) for vocabulary in self.vocabularies],
            "weights": [[round(float(w), 5) for w in weights] for weights in self.weights],
        }
        (folder / f"{name}.json").write_text(
            json.dumps(content, ensure_ascii=False), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path, name: str) -> NgramVectorizer:
        """Read what :meth:`save` wrote."""
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        vectorizer = cls()
        vectorizer.vocabularies = [
            {gram: number for number, gram in enumerate(grams)} for grams in content["vocabularies"]
        ]
        vectorizer.weights = [np.array(w, dtype=np.float32) for w in content["weights"]]
        return vectorizer
