from __future__ import annotations

import pytest

from bot.store.references import new_reference


@pytest.mark.parametrize(
    ("prefix", "row_id", "reference"),
    [("A", 1, "A10001"), ("C", 4321, "C14321"), ("P", 99_999, "P109999")],
)
def test_reference(prefix: str, row_id: int, reference: str) -> None:
    assert new_reference(prefix, row_id) == reference


@pytest.mark.parametrize(
    ("prefix", "row_id"),
    [("a", 1), ("", 1), ("约", 1), ("A1", 1), ("ABCD", 1), ("A", 0), ("A", -1)],
)
def test_refuses_what_nobody_could_read_out(prefix: str, row_id: int) -> None:
    with pytest.raises(ValueError, match=r"reference|key"):
        new_reference(prefix, row_id)
