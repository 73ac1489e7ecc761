"""Replies that agents write with one click: ``{child}``, ``{agent}`` and such are filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from string import Formatter

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.consultations import HOTLINE
from bot.services import audit, wording
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_moves import agent_name
from bot.services.identity import bound_policies
from bot.store.models import CannedReply, ChatIdentity, HandOff, Policy
from bot.store.session import Store

# What a reply may name; anything else in braces is refused when it is saved.
VARIABLES = frozenset({"agent", "child", "plan", "hotline"})
LONGEST = 1000


@dataclass(frozen=True)
class Canned:
    """A reply as it is kept."""

    code: str
    text: str
    version: int


def canned_replies(store: Store) -> tuple[Canned, ...]:
    """Return all of them, by code."""
    with store.read() as session:
        rows = session.scalars(sa.select(CannedReply).order_by(CannedReply.code))
        return tuple(Canned(row.code, row.text, row.version) for row in rows)


def save(
    store: Store,
    *,
    code: str,
    text: str,
    actor: str,
    now: datetime,
    version: int | None = None,
) -> Canned:
    """Add or change a reply.

    Args:
        store: The store.
        code: What agents type to find it, 32 characters at most.
        text: With ``{placeholders}`` of :data:`VARIABLES`.
        actor: Who, for the audit.
        now: Aware.
        version: As it was read; ``None`` for a new one.

    Raises:
        Refused: ``no_text``; ``too_long``; ``placeholder``: braces that name nothing known.
        Conflict: There is one of this code already, or it was changed meanwhile.
    """
    code, text = code.strip(), text.strip()
    if not code or not text:
        raise Refused("no_text")
    if len(code) > 32 or len(text) > LONGEST:
        raise Refused("too_long")
    _check(text)
    try:
        with store.begin() as session:
            row = session.scalar(sa.select(CannedReply).where(CannedReply.code == code))
            if (None if row is None else row.version) != version:
                raise Conflict(code)
            if row is None:
                row = CannedReply(code=code)
                session.add(row)
            row.text = text
            audit.record(session, at=now, actor=actor, action="canned.save", subject=code)
            session.flush()
            return Canned(row.code, row.text, row.version)
    except StaleDataError as error:
        raise Conflict(code) from error


def remove(
    store: Store, *, code: str, actor: str, now: datetime, version: int | None = None
) -> None:
    """Remove a reply.

    Args:
        store: The store.
        code: Which.
        actor: Who, for the audit.
        now: Aware.
        version: As it was read; whichever if not given.

    Raises:
        NotFound: There is none.
        Conflict: It was changed since ``version``.
    """
    with store.begin() as session:
        row = session.scalar(sa.select(CannedReply).where(CannedReply.code == code))
        if row is None:
            raise NotFound("canned")
        if version is not None and row.version != version:
            raise Conflict(code)
        session.delete(row)
        audit.record(session, at=now, actor=actor, action="canned.remove", subject=code)


def preview(text: str, *, agent: str) -> str:
    """Return a reply that was saved as ``agent`` would send it to a parent made up for it."""
    return text.format(**example(agent))


def example(agent: str) -> dict[str, str]:
    """Return what stands for each of :data:`VARIABLES` in a preview."""
    return _values(agent, wording.line("example_child"), wording.line("example_plan"))


def rendered(store: Store, *, code: str, handoff_id: int, agent_id: int) -> str:
    """Return a reply filled in for a conversation; what is not known gets a general word.

    The agent reads it before it is sent; nothing is sent here.

    Raises:
        NotFound: There is no such reply or conversation.
    """
    with store.read() as session:
        row = session.scalar(sa.select(CannedReply).where(CannedReply.code == code))
        handoff = session.get(HandOff, handoff_id)
        if row is None or handoff is None:
            raise NotFound("canned")
        identity = session.get(ChatIdentity, handoff.identity_id)
        about = handoff.policy_id or (identity.current_policy_id if identity else None)
        policy = session.get(Policy, about) if about is not None else None
        if policy is None:
            bound = bound_policies(session, handoff.identity_id)
            policy = bound[0] if len({one.child_id for one in bound}) == 1 else None
        values = _values(
            agent_name(session, agent_id),
            policy.child.name if policy is not None else wording.line("some_child"),
            policy.plan.name if policy is not None else wording.line("some_plan"),
        )
        return str(row.text).format(**values)


def _values(agent: str, child: str, plan: str) -> dict[str, str]:
    return {"agent": agent, "child": child, "plan": plan, "hotline": HOTLINE}


def _check(text: str) -> None:
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text)]
    except ValueError as error:
        raise Refused("placeholder") from error
    for name, spec, conversion in fields:
        if name is not None and (name not in VARIABLES or spec or conversion):
            raise Refused("placeholder")
