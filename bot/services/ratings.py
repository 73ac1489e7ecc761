"""One rating of a conversation with a person: 1 to 5, and a line about it if the parent likes.

It is asked for once. The next message is the rating if it reads like one, else it is an ordinary
message and nothing more is asked; the buttons go on working.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.handoffs import LEAST_STARS, LONGEST_NOTE, MOST_STARS, HandOffState, stars_said
from bot.services import audit
from bot.services.handoff_closing import RATE, note_payload
from bot.store.models import HandOff
from bot.texts import texts

# With so few stars or fewer, a complaint is offered.
POOR = 2
_OPEN_STEPS = ("asked", "note")


@dataclass(frozen=True)
class Said:
    """What to answer: the name of a text, its values, and further buttons."""

    name: str
    values: dict[str, str]
    buttons: tuple[dict[str, str], ...] = ()


def pending(session: Session, identity_id: int, *, hold: bool = False) -> HandOff | None:
    """Return the ended conversation whose rating the account's next message may be."""
    query = (
        sa.select(HandOff)
        .where(HandOff.identity_id == identity_id)
        .where(HandOff.rating_step.in_(_OPEN_STEPS))  # type: ignore[attr-defined]
        .order_by(sa.desc(HandOff.id))
        .limit(1)
    )
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    row: HandOff | None = session.scalar(query)
    return row


def is_press(text: str) -> bool:
    """Say whether a message is a button of a rating."""
    return text.startswith(RATE + "{")


def pressed(session: Session, identity_id: int, text: str, now: datetime) -> Said:
    """Take a rating's button; one of another account's conversation is none."""
    given = _payload(text)
    row = None
    if isinstance(given.get("handoff"), int):
        row = session.get(HandOff, given["handoff"], with_for_update=True)
    if row is None or row.identity_id != identity_id or row.status != HandOffState.RESOLVED:
        return Said("handoff_rate_gone", {})
    if given.get("note") is True and row.rating is not None:
        row.rating_step = "note"
        return Said("handoff_rate_note", {})
    stars = given.get("stars")
    # True is a number to Python.
    if type(stars) is not int or not LEAST_STARS <= stars <= MOST_STARS:
        return Said("handoff_rate_gone", {})
    return _rate(session, row, stars, "", now)


def read(session: Session, row: HandOff, text: str, now: datetime) -> Said | None:
    """Take a message for a rating or the line about one, if it is; else ask no more.

    Returns:
        The answer; ``None`` if the message is an ordinary one.
    """
    if row.rating_step == "note" and text and not text.startswith("/"):
        row.rating_note, row.rating_step = text[:LONGEST_NOTE], "closed"
        _record(session, row, now)
        return Said("handoff_rate_noted", {})
    said = stars_said(text) if row.rating is None else None
    if said is None:
        row.rating_step = "closed"
        return None
    return _rate(session, row, *said, now)


def _rate(session: Session, row: HandOff, stars: int, note: str, now: datetime) -> Said:
    again = row.rating == stars
    row.rating, row.rated_at, row.rating_step = stars, now, "closed"
    row.rating_note = note or row.rating_note
    if not again:
        _record(session, row, now)
    name = "handoff_rated_poor" if stars <= POOR else "handoff_rated"
    if row.rating_note:
        return Said(name, {})
    title = texts()["word_rate_note"].text
    return Said(name, {}, ({"title": title, "payload": note_payload(row.id)},))


def _record(session: Session, row: HandOff, now: datetime) -> None:
    audit.record(
        session,
        at=now,
        actor=audit.identity_actor(row.identity_id),
        action="handoff.rate",
        subject=f"handoff:{row.id}",
        rating=row.rating,
    )


def _payload(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text.removeprefix(RATE))
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
