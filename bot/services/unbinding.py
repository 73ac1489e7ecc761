"""Taking a chat account's bindings back (手册·绑卡流程 E1): its own, and nobody else's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.services import audit
from bot.services.data_export import revoke_exports
from bot.services.identity import bound_policies
from bot.store.files import FileStore
from bot.store.models import Binding, ChatIdentity, OutboxMessage, Policy
from bot.store.session import Store


@dataclass(frozen=True)
class BoundHousehold:
    """All that one binding opens: the policies bought with one phone, and their children."""

    numbers: tuple[str, ...]
    children: tuple[str, ...]


@dataclass(frozen=True)
class Unbound:
    """The children that the account no longer sees, and those that it still does."""

    children: tuple[str, ...]
    left: tuple[str, ...]


def households(store: Store, *, identity_id: int) -> tuple[BoundHousehold, ...]:
    """Return what a chat account is bound to, oldest binding first; empty if to nothing."""
    with store.read() as session:
        groups: dict[int, list[Policy]] = {}
        for policy in bound_policies(session, identity_id):
            groups.setdefault(policy.household_id, []).append(policy)
        return tuple(
            BoundHousehold(tuple(p.number for p in group), _children(group))
            for group in groups.values()
        )


def unbind(
    store: Store,
    files: FileStore,
    *,
    identity_id: int,
    numbers: Collection[str] | None,
    now: datetime,
) -> Unbound:
    """Take back the bindings to the households of these policies; what is not bound is passed over.

    Other accounts of the household stay bound, and the policies are as they were. Messages about
    them that wait to be sent to this account are dropped, copies of its data withdrawn.

    Args:
        store: The store.
        files: Where copies of the data lie.
        identity_id: Whose bindings.
        numbers: Policies, one of each household is enough; ``None`` for all.
        now: Aware.
    """
    with store.begin() as session:
        before = bound_policies(session, identity_id)
        ids = {p.household_id for p in before if numbers is None or p.number in numbers}
        gone = [p for p in before if p.household_id in ids]
        left = [p for p in before if p.household_id not in ids]
        keys = remove_bindings(session, identity_id, gone, now) if gone else []
    for key in keys:
        files.delete(key)
    return Unbound(_children(gone), _children(left))


def remove_bindings(
    session: Any, identity_id: int, policies: Iterable[Policy], now: datetime
) -> list[str]:
    """Remove the bindings that open these policies, inside a transaction; see :func:`unbind`.

    Returns:
        Names of files to delete once the transaction is committed.
    """
    gone = {p.id: p.household_id for p in policies}
    actor = audit.identity_actor(identity_id)
    for household_id in sorted(set(gone.values())):
        session.execute(
            sa.delete(Binding).where(
                Binding.identity_id == identity_id, Binding.household_id == household_id
            )
        )
        subject = f"household:{household_id}"
        audit.record(session, at=now, actor=actor, action="unbind", subject=subject)
    row = session.get(ChatIdentity, identity_id)
    if row is not None and row.current_policy_id in gone:
        row.current_policy_id = None
    session.execute(
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.identity_id == identity_id,
            OutboxMessage.status == "pending",
            OutboxMessage.policy_id.in_(list(gone)),  # type: ignore[union-attr]
        )
        .values(status="dropped", reason="unbound")
        .execution_options(synchronize_session="fetch")
    )
    return revoke_exports(session, identity_id, now)


def _children(policies: Iterable[Policy]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(p.child.name for p in policies))
