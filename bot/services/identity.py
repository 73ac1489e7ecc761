"""Who is writing, and which policies that chat account has proven to be its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.services.errors import NotBound, NotFound
from bot.store.models import Binding, ChatIdentity, Policy
from bot.store.session import Store


@dataclass(frozen=True)
class Identity:
    """A chat account. ``id`` is the row; it is no proof of anything by itself."""

    id: int
    channel: str
    account: str


@dataclass(frozen=True)
class PolicyChoice:
    """What is needed to ask "which child?"."""

    number: str
    child: str
    plan: str


def identify(store: Store, channel: str, account: str) -> Identity:
    """Return the identity of a chat account, creating its row on first sight."""
    where = (ChatIdentity.channel == channel, ChatIdentity.account == account)
    with store.begin() as session:
        row = session.scalar(sa.select(ChatIdentity).where(*where))
        if row is None:
            row = ChatIdentity(channel=channel, account=account)
            session.add(row)
            session.flush()
        return Identity(row.id, channel, account)


def bound_policies(session: Any, identity_id: int) -> list[Policy]:
    """Return the policies this identity may see, oldest binding first (手册·绑卡流程 E1)."""
    query = (
        sa.select(Policy)
        .join(Binding, Binding.household_id == Policy.household_id)
        .where(Binding.identity_id == identity_id)
        .order_by(Binding.id, Policy.number)
    )
    return list(session.scalars(query))


def choices(store: Store, identity_id: int) -> list[PolicyChoice]:
    """Return the bound policies as choices; empty if nothing is bound."""
    with store.begin() as session:
        return [
            PolicyChoice(p.number, p.child.name, p.plan.name)
            for p in bound_policies(session, identity_id)
        ]


def own_policy(session: Any, identity_id: int, number: str) -> Policy:
    """Return a policy if this identity is bound to it.

    Raises:
        NotBound: The identity has no binding at all.
        NotFound: The number is not among its policies; it is not said whether it exists.
    """
    policies = bound_policies(session, identity_id)
    if not policies:
        raise NotBound
    for policy in policies:
        if policy.number == number:
            return policy
    raise NotFound(number)


def choose(store: Store, identity_id: int, number: str) -> PolicyChoice:
    """Make ``number`` the policy that this chat account talks about.

    Raises:
        NotBound, NotFound: as :func:`own_policy`.
    """
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        row = session.get(ChatIdentity, identity_id)
        row.current_policy_id = policy.id
        return PolicyChoice(policy.number, policy.child.name, policy.plan.name)
