"""Who is writing, and which policies that chat account has proven to be its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.services.errors import NotBound, NotFound
from bot.store import queries
from bot.store.models import ChatIdentity, Policy
from bot.store.session import Store


@dataclass(frozen=True)
class Identity:
    """A chat account. ``id`` is the row; it is no proof of anything by itself."""

    id: int
    channel: str
    account: str


@dataclass(frozen=True)
class PolicyChoice:
    """What is needed to ask "which child?"; validity in local days, both included."""

    number: str
    child: str
    plan: str
    born: date = field(default=date.min, compare=False)
    valid_from: date = field(default=date.min, compare=False)
    valid_to: date = field(default=date.max, compare=False)


def identify(store: Store, channel: str, account: str) -> Identity:
    """Return the identity of a chat account that has written, creating its row on first sight.

    Whoever had blocked the bot and writes again wants its messages again.
    """
    with store.read() as session:
        row = queries.identity_by(session, channel, account)
        if row is not None and row.blocked_at is None:
            return Identity(row.id, channel, account)
    with store.begin() as session:
        # Two first messages may race; the second finds the first one's row.
        row = queries.identity_by(session, channel, account)
        if row is None:
            row = ChatIdentity(channel=channel, account=account)
            session.add(row)
            session.flush()
        row.blocked_at = None
        return Identity(row.id, channel, account)


def bound_policies(session: Any, identity_id: int) -> list[Policy]:
    """Return the policies this identity may see, oldest binding first (手册·绑卡流程 E1)."""
    return queries.bound_policies(session, identity_id)


def policy_ids(session: Any, identity_id: int, number: str | None = None) -> list[int]:
    """Return the row ids of the policies this identity may see, or of the one ``number``."""
    policies = bound_policies(session, identity_id)
    return [p.id for p in policies if number is None or p.number == number]


def choices(store: Store, identity_id: int) -> list[PolicyChoice]:
    """Return the bound policies as choices; empty if nothing is bound."""
    with store.read() as session:
        return [
            PolicyChoice(
                p.number, p.child.name, p.plan.name, p.child.born, p.valid_from, p.valid_to
            )
            for p in bound_policies(session, identity_id)
        ]


def own_policy(session: Any, identity_id: int, number: str) -> Policy:
    """Return a policy if this identity is bound to it.

    Raises:
        NotBound: The identity has no binding at all.
        NotFound: The number is not among its policies; it is not said whether it exists.
    """
    policy = queries.policy_by_number(session, identity_id, number)
    if policy is not None:
        return policy
    if not bound_policies(session, identity_id):
        raise NotBound
    raise NotFound("policy")


def choose(store: Store, identity_id: int, number: str) -> PolicyChoice:
    """Make ``number`` the policy that this chat account talks about.

    Raises:
        NotBound, NotFound: as :func:`own_policy`.
    """
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        row = session.get(ChatIdentity, identity_id)
        if row is None:
            raise NotFound("policy")
        row.current_policy_id = policy.id
        return PolicyChoice(policy.number, policy.child.name, policy.plan.name)
