"""The trained part of classifier and FAQ selector: linear models on both kinds of features.

Compared with others by ``bench/nlu.py``. A head is saved as plain arrays, so a model file holds no code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize_scalar
from sklearn.model_selection import StratifiedKFold

from bot.nlu.embedding import Vectors
from bot.nlu.ngrams import Counted, NgramVectorizer
from bot.nlu.solver import solve

Probabilities = npt.NDArray[np.float64]
_SEED = 20261123


def softmax(margins: npt.NDArray[np.float64]) -> Probabilities:
    """Return row-wise probabilities that are proportional to ``exp(margins)``."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    result: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return result


class LinearHead:
    """One-against-rest linear SVM on n-grams and embedding, with calibrated probabilities."""

    def __init__(self, *, strength: float = 0.3, dense_weight: float = 1.0, balance: float = 0.5):
        """Make an untrained head.

        Args:
            strength: The SVM's C.
            dense_weight: Length of the embedding beside the two unit-length n-gram halves.
            balance: 0 takes every example alike, 1 every class; between, a power of the count.
        """
        self.strength = strength
        self.dense_weight = dense_weight
        self.balance = balance
        self.labels: list[str] = []
        self.temperature = 5.0
        self.grams = NgramVectorizer()
        self.mean = np.zeros(0, dtype=np.float32)
        self.scale = 1.0
        self.weights = np.zeros((0, 0), dtype=np.float32)
        self.bias = np.zeros(0, dtype=np.float32)

    def fit(
        self,
        texts: Sequence[str] | Counted,
        vectors: Vectors,
        labels: Sequence[str],
        *,
        folds: int = 3,
        pool: Executor | None = None,
    ) -> LinearHead:
        """Train, and calibrate on a held-out part.

        Args:
            texts: Plain texts (see :func:`bot.nlu.normalise.plain`), counted already or not.
            vectors: Their embeddings.
            labels: Their classes.
            folds: One part in so many is held out; 0 keeps the temperature as it is.
            pool: Processes to train in (see :mod:`bot.nlu.solver`).
        """
        names = np.array(labels)
        counted = texts if isinstance(texts, Counted) else Counted(texts)
        if folds:
            self.temperature = self._calibrate(counted, vectors, names, folds, pool)
        self._fit(counted, vectors, names, pool)
        return self

    def _fit(
        self,
        texts: Counted,
        vectors: Vectors,
        names: npt.NDArray[np.str_],
        pool: Executor | None,
    ) -> None:
        self.grams = NgramVectorizer().fit(texts)
        self.mean = vectors.mean(axis=0)
        centred = vectors - self.mean
        self.scale = float(1 / max(np.sqrt((centred**2).sum(axis=1).mean()), 1e-9))
        counts = Counter(names.tolist())
        usual = float(np.median(list(counts.values())))
        weights = {name: (usual / count) ** self.balance for name, count in counts.items()}
        self.labels = sorted(counts)
        features = self._features(texts, vectors)
        self.weights, self.bias = solve(features, names, self.strength, weights, pool)

    def _calibrate(
        self,
        texts: Counted,
        vectors: Vectors,
        names: npt.NDArray[np.str_],
        folds: int,
        pool: Executor | None,
    ) -> float:
        smallest = min(Counter(names.tolist()).values())
        if smallest < 2:
            return self.temperature
        splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=_SEED)
        # One of the folds is enough for one number; each further one costs a training.
        learn, check = next(splitter.split(np.zeros(len(names)), names))
        self._fit(texts.rows(learn), vectors[learn], names[learn], pool)
        margin = self.margins(texts.rows(check), vectors[check])
        places = {label: place for place, label in enumerate(self.labels)}
        truth = np.array([places[name] for name in names[check].tolist()])

        def loss(temperature: float) -> float:
            chosen = softmax(margin * temperature)[np.arange(len(truth)), truth]
            return float(-np.log(np.maximum(chosen, 1e-12)).mean())

        return float(minimize_scalar(loss, bounds=(0.5, 20), method="bounded").x)

    def _features(self, texts: Counted, vectors: Vectors) -> sp.csr_matrix:
        dense = (vectors - self.mean) * (self.scale * self.dense_weight)
        return sp.hstack(
            [self.grams.transform(texts), sp.csr_matrix(dense)], format="csr", dtype=np.float32
        )

    def margins(self, texts: Sequence[str] | Counted, vectors: Vectors) -> npt.NDArray[np.float64]:
        """Return the distance to each class's border, columns in the order of ``labels``."""
        split = self.weights.shape[0] - len(self.mean)
        dense = (vectors - self.mean) * (self.scale * self.dense_weight)
        result = self.grams.transform(texts) @ self.weights[:split]
        return np.asarray(result + dense @ self.weights[split:] + self.bias, dtype=np.float64)

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> Probabilities:
        """Return calibrated probabilities, columns in the order of ``labels``."""
        return softmax(self.margins(texts, vectors) * self.temperature)

    def save(self, folder: Path, name: str) -> None:
        """Write the head into a folder as ``<name>.npz`` and JSON files."""
        self.grams.save(folder, f"{name}-grams")
        np.savez_compressed(
            folder / f"{name}.npz",
            mean=self.mean,
            weights=self.weights.astype(np.float16),
            bias=self.bias,
        )
        facts = {
            "labels": self.labels,
            "temperature": self.temperature,
            "scale": self.scale,
            "dense_weight": self.dense_weight,
        }
        (folder / f"{name}.json").write_text(
            json.dumps(facts, ensure_ascii=False), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path, name: str) -> LinearHead:
        """Read what :meth:`save` wrote."""
        facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        head = cls(dense_weight=facts["dense_weight"])
        head.labels = facts["labels"]
        head.temperature = facts["temperature"]
        head.scale = facts["scale"]
        head.grams = NgramVectorizer.load(folder, f"{name}-grams")
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            head.mean = arrays["mean"]
            head.weights = arrays["weights"].astype(np.float32)
            head.bias = arrays["bias"]
        return head
