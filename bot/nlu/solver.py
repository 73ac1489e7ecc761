"""One-against-rest linear SVMs, their classes shared out among processes.

A class is told from the rest without regard to the other classes, so any group of classes can be
trained apart from the others. Processes, not threads: liblinear draws from one random number
generator a process, and a training must give the same model every time.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.svm import LinearSVC

_SEED = 20261123
_PR_SET_PDEATHSIG = 1
# In no intent's and no topic's name.
_REST = "(rest)"
_NEXT_TO_NOTHING = 1e-6
# Below so many examples times classes, starting processes takes longer than the training.
WORTH_PROCESSES = 100_000

Solution = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@contextmanager
def processes(work: int) -> Iterator[Executor | None]:
    """Give processes to train in while the block lasts; ``None`` where they are not worth it.

    Args:
        work: The number of examples times the number of classes.
    """
    count = os.cpu_count() or 1
    if count < 2 or work < WORTH_PROCESSES:
        yield None
        return
    # Not forked: this process has run the embedding's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        count, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        yield pool


def end_with(parent: int) -> None:
    """End this process as soon as its parent, given by its number, ends (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def solve(
    features: sp.csr_matrix,
    names: npt.NDArray[np.str_],
    strength: float,
    weights: Mapping[str, float],
    pool: Executor | None = None,
) -> Solution:
    """Train one SVM a class.

    Args:
        features: A row an example.
        names: The examples' classes, two or more.
        strength: The SVMs' C.
        weights: The weight of each class's own examples.
        pool: Where to train; ``None`` trains here.

    Returns:
        Weights (a column a class, in the order of the sorted names) and bias.
    """
    labels = np.unique(names)
    parts = min(os.cpu_count() or 1, len(labels) // 2) if pool is not None else 1
    if pool is None or parts < 2:
        return _solve(features, names, labels, strength, weights)
    groups = [labels[part::parts] for part in range(parts)]
    coming = [
        pool.submit(_solve, features, names, group, strength, dict(weights)) for group in groups
    ]
    columns = np.zeros((features.shape[1], len(labels)), dtype=np.float32)
    bias = np.zeros(len(labels), dtype=np.float32)
    for part, solved in enumerate(coming):
        columns[:, part::parts], bias[part::parts] = solved.result()
    return columns, bias


def _solve(
    features: sp.csr_matrix,
    names: npt.NDArray[np.str_],
    labels: npt.NDArray[np.str_],
    strength: float,
    weights: Mapping[str, float],
) -> Solution:
    """Train the SVMs of some of the classes."""
    kept = set(labels.tolist())
    targets = np.array([name if name in kept else _REST for name in names.tolist()])
    # The rest is told from these classes, too, which nobody asked for and which is the hardest
    # of all: next to no weight ends it soon.
    own = {name: weight for name, weight in weights.items() if name in kept}
    if len(kept) < len(set(names.tolist())):
        own[_REST] = _NEXT_TO_NOTHING
    model = LinearSVC(C=strength, class_weight=own, random_state=_SEED)
    model.fit(features, targets)
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.vstack([-coefficients, coefficients])
        bias = np.concatenate([-bias, bias])
    places = [place for place, name in enumerate(model.classes_.tolist()) if name in kept]
    return coefficients[places].astype(np.float32).T.copy(), bias[places].astype(np.float32)
