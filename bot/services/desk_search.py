"""Finding a family's things at the desk."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.store.models import Child, Policy

MOST = 200


def matching(query: Any, table: Any, text: str) -> Any:
    """Narrow a query of a table with a reference and a policy to what ``text`` is part of.

    Args:
        query: Of ``table``.
        table: Has ``reference`` and ``policy_id``.
        text: Of its number, the policy's, or the child's name; empty for all.
    """
    if not text:
        return query
    return (
        # What belongs to no policy is found by its own number.
        query.outerjoin(Policy, Policy.id == table.policy_id)
        .outerjoin(Child, Child.id == Policy.child_id)
        .where(
            sa.or_(
                table.reference.contains(text.upper(), autoescape=True),
                Policy.number.contains(text.upper(), autoescape=True),  # type: ignore[attr-defined]
                Child.name.contains(text, autoescape=True),  # type: ignore[attr-defined]
            )
        )
    )
