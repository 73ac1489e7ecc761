"""What an agent reads before answering: all that was said, the slots, the policies, what is open.

Personal data are masked until they are revealed, and each time they are is written to the audit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.services import audit
from bot.services.dialogues import dialogue_lines, dialogue_state
from bot.services.errors import NotFound
from bot.services.identity import bound_policies
from bot.services.policies import PolicyView, view
from bot.store.models import (
    Appointment,
    Authorization,
    ChatIdentity,
    Claim,
    HandOff,
    HandOffMessage,
    Policy,
)
from bot.store.session import Store

CHILD_NAME = "bind_child_name"
# Digits of a phone, an identity card, a bank card or a policy, but for their ends.
_NUMBER = re.compile(r"(?<!\d)(\d{3})\d{4,13}([\dXx]{4})(?!\d)")
_SPACED = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
_POLICY = re.compile(r"(?i)\b(YX\d{0,4})-?\d+(\d{2})\b")


@dataclass(frozen=True)
class Entry:
    """A line: of ``parent``, ``bot``, ``agent``, ``system`` or a ``note``; ``at`` is aware.

    The time is the machine's, by which both conversations are in one order. ``handoff_id`` and
    ``seq`` are set on lines of a conversation with a person.
    """

    at: datetime
    direction: str
    text: str
    author: str | None = None
    handoff_id: int | None = None
    seq: int | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class Reference:
    """Something of the account's policies that an agent may open: kind, number, state."""

    kind: str
    reference: str
    status: str


@dataclass(frozen=True)
class Card:
    """A bound policy: for whom, which plan, until when, how its card stands, what is left."""

    number: str
    child: str
    plan: str
    phone: str
    policy: PolicyView | None


@dataclass(frozen=True)
class Transcript:
    """What an agent sees of a chat account; ``masked`` unless it was revealed."""

    identity_id: int
    channel: str
    masked: bool
    entries: tuple[Entry, ...]
    slots: dict[str, Any]
    form: str | None
    asked: str | None
    cards: tuple[Card, ...]
    references: tuple[Reference, ...]


def transcript(store: Store, *, identity_id: int, now: datetime) -> Transcript:
    """Return everything of a chat account's conversations, masked.

    Raises:
        NotFound: There is no such account.
    """
    with store.read() as session:
        return _masked(_collect(session, identity_id, now))


def reveal(store: Store, *, identity_id: int, actor: str, reason: str, now: datetime) -> Transcript:
    """Return the same unmasked; who looked, when and why is written to the audit first.

    Raises:
        NotFound: There is no such account.
    """
    with store.begin() as session:
        found = _collect(session, identity_id, now)
        audit.record(
            session,
            at=now,
            actor=actor,
            action="transcript.reveal",
            subject=f"identity:{identity_id}",
            reason=reason[:200],
        )
        return found


def lines_after(store: Store, *, handoff_id: int, after: int) -> tuple[Entry, ...]:
    """Return the lines of a conversation with a person beyond a cursor (``seq``), masked.

    Raises:
        NotFound: There is no such conversation.
    """
    with store.read() as session:
        handoff = session.get(HandOff, handoff_id)
        if handoff is None:
            raise NotFound("handoff")
        query = (
            sa.select(HandOffMessage)
            .where(HandOffMessage.handoff_id == handoff_id, HandOffMessage.seq > after)
            .order_by(HandOffMessage.seq)
        )
        names = {policy.child.name for policy in bound_policies(session, handoff.identity_id)}
        return tuple(_hidden(_entry(row), names) for row in session.scalars(query))


def _collect(session: Session, identity_id: int, now: datetime) -> Transcript:
    identity = session.get(ChatIdentity, identity_id)
    if identity is None:
        raise NotFound("identity")
    state = dialogue_state(session, identity)
    said = [Entry(line.at, line.direction, line.text) for line in dialogue_lines(session, identity)]
    people = sa.select(HandOffMessage).join(HandOff, HandOff.id == HandOffMessage.handoff_id)
    rows = session.scalars(people.where(HandOff.identity_id == identity_id))
    said += [_entry(row) for row in rows]
    policies = bound_policies(session, identity_id)
    return Transcript(
        identity_id=identity_id,
        channel=identity.channel,
        masked=False,
        entries=tuple(sorted(said, key=lambda e: (e.at, e.handoff_id or 0, e.seq or 0))),
        slots=state.slots,
        form=state.form,
        asked=state.asked,
        cards=tuple(_card(session, policy, now) for policy in policies),
        references=_references(session, [policy.id for policy in policies]),
    )


def _entry(row: HandOffMessage) -> Entry:
    return Entry(
        row.written_at,
        row.direction,
        row.text,
        row.author,
        row.handoff_id,
        row.seq,
        row.media_type,
    )


def _hidden(entry: Entry, names: set[str]) -> Entry:
    return replace(entry, text=mask(entry.text, names))


def _card(session: Session, policy: Policy, now: datetime) -> Card:
    return Card(
        policy.number,
        policy.child.name,
        policy.plan.name,
        policy.household.phone,
        view(session, policy, now),
    )


def _references(session: Session, policies: list[int]) -> tuple[Reference, ...]:
    found = []
    tables: tuple[tuple[str, Any], ...] = (
        ("appointment", Appointment),
        ("authorization", Authorization),
        ("claim", Claim),
    )
    for kind, table in tables:
        query = (
            sa.select(table.reference, table.status)
            .where(table.policy_id.in_(policies))
            .order_by(sa.desc(table.id))
        )
        found += [Reference(kind, name, status) for name, status in session.execute(query)]
    return tuple(found)


def _masked(full: Transcript) -> Transcript:
    names = {card.child for card in full.cards}
    # Said before anything was bound.
    names |= {said for said in [full.slots.get(CHILD_NAME)] if isinstance(said, str) and said}
    return Transcript(
        identity_id=full.identity_id,
        channel=full.channel,
        masked=True,
        entries=tuple(_hidden(entry, names) for entry in full.entries),
        slots={name: _mask_value(value, names) for name, value in full.slots.items()},
        form=full.form,
        asked=full.asked,
        cards=tuple(
            Card(mask(c.number), mask(c.child, names), c.plan, mask(c.phone), None)
            for c in full.cards
        ),
        references=full.references,
    )


def mask(text: str, names: set[str] | frozenset[str] = frozenset()) -> str:
    """Return a text without phones, numbers of identity and bank cards, policies, and ``names``."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, name[:1] + "*" * (len(name) - 1))
        if len(name) > 2:
            text = text.replace(name[1:], "*" * (len(name) - 1))
    text = _SPACED.sub(r"\1****\2", text)
    text = _NUMBER.sub(r"\1****\2", text)
    return _POLICY.sub(r"\1****\2", text)


def _mask_value(value: Any, names: set[str]) -> Any:
    if isinstance(value, str):
        return mask(value, names)
    if isinstance(value, dict):
        return {key: _mask_value(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mask_value(inner, names) for inner in value]
    return value
