from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.store.models import ChatIdentity, Complaint
from bot.store.references import add_numbered, new_reference
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


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


def test_rows_are_numbered_by_their_keys(any_store: Store) -> None:
    with any_store.begin() as session:
        session.add(ChatIdentity(channel="rest", account="a"))
        session.flush()
        for text in ("慢", "更慢"):
            add_numbered(session, Complaint(identity_id=1, text=text, received_at=NOW), "F")
    with any_store.read() as session:
        found = session.scalars(sa.select(Complaint).order_by(Complaint.id)).all()
    assert [row.reference for row in found] == [new_reference("F", row.id) for row in found]
