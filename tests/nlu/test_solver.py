"""Linear SVMs, trained here or in processes."""

import numpy as np
import pytest
import scipy.sparse as sp

from bot.nlu import solver

NAMES = np.array(["a", "b", "c", "d", "e"] * 12)
WEIGHTS = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 1.0, "e": 1.0}


def features() -> sp.csr_matrix:
    generator = np.random.default_rng(1)
    centres = {name: generator.normal(size=6) for name in "abcde"}
    rows = [centres[name] + generator.normal(size=6) for name in NAMES.tolist()]
    return sp.csr_matrix(np.array(rows))


def test_processes_solve_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver.os, "cpu_count", lambda: 2)
    columns, bias = solver.solve(features(), NAMES, 0.3, WEIGHTS)
    with solver.processes(solver.WORTH_PROCESSES) as pool:
        assert pool is not None
        shared = solver.solve(features(), NAMES, 0.3, WEIGHTS, pool)
    # The order of the random draws is another one.
    assert shared[0] == pytest.approx(columns, abs=2e-3)
    assert shared[1] == pytest.approx(bias, abs=2e-3)


def test_little_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with solver.processes(solver.WORTH_PROCESSES - 1) as pool:
        assert pool is None
    monkeypatch.setattr(solver.os, "cpu_count", lambda: 1)
    with solver.processes(solver.WORTH_PROCESSES) as pool:
        assert pool is None
