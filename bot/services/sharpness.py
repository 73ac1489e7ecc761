"""Whether a photo of a paper is in focus, by the variance of its second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

LONG_SIDE = 1200
TILE = 48
# Drawn pages (28 px type on 1600 px) in nine looks, as JPEG of quality 30 and up, with noise:
# readable ones measure 0.058 or more (out of focus by a radius of 1.5 px, or shaken by 8 px, they
# are still readable), unreadable ones 0.046 or less, but faint grey print with strong noise.
BLURRY_BELOW = 0.05
# Keeps the ratio of an empty tile, which is all noise, near nothing.
FLAT = 25.0


def is_blurry(picture: Image.Image) -> bool:
    """Tell whether a photo of a paper is too blurred to read, or shows nothing at all."""
    return sharpness(picture) < BLURRY_BELOW


def sharpness(picture: Image.Image) -> float:
    """Return how sharp the strokes in a picture are: 0 not at all, about 1 as printed.

    The picture is looked at in tiles; the tenth with the most contrast, where the writing is,
    counts. The variance of the second derivative is taken across and down, and the lesser counts:
    a shaken photo is sharp in one direction. It is set against the contrast, so that faint print
    is not taken for blurred; what the flattest tiles have of it is noise and is taken off.
    """
    grey = picture.convert("L")
    scale = LONG_SIDE / max(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.LANCZOS)
    levels = np.asarray(grey, dtype=np.float32)
    if min(levels.shape) < TILE + 2:
        return 0.0
    middle = levels[1:-1, 1:-1]
    across = levels[1:-1, 2:] + levels[1:-1, :-2] - 2 * middle
    down = levels[2:, 1:-1] + levels[:-2, 1:-1] - 2 * middle
    contrast = _tiles(middle).var(axis=1)
    written = np.argsort(contrast)[-max(1, len(contrast) // 10) :]
    return min(_ratio(_tiles(d).var(axis=1), contrast, written) for d in (across, down))


def _ratio(derivative: Any, contrast: Any, written: Any) -> float:
    noise = np.percentile(derivative, 5)
    strokes = np.maximum(derivative[written] - noise, 0.0)
    return float(np.median(strokes / (contrast[written] + FLAT)))


def _tiles(values: Any) -> Any:
    rows, columns = (side // TILE for side in values.shape)
    whole = values[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    return whole.swapaxes(1, 2).reshape(-1, TILE * TILE)
