"""Custom actions on a store with the demonstration data, without a Rasa server or a model.

A tracker is made by hand for one turn; what the action says and the events that it returns are
what a test looks at.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import ServiceAction
from bot.clock import TZ
from bot.services.identity import identify
from bot.settings import get_settings
from bot.store.models import Binding, Household
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)  # a Monday


@dataclass(frozen=True)
class Reply:
    """What an action said, and the events that it returned."""

    messages: list[dict[str, Any]]
    events: list[dict[str, Any]]

    @property
    def texts(self) -> list[str]:
        """The texts said, in order."""
        return [message["text"] for message in self.messages]

    @property
    def text(self) -> str:
        """All that was said, a text a line."""
        return "\n".join(self.texts)

    @property
    def buttons(self) -> list[str]:
        """The payloads of all buttons."""
        return [b["payload"] for message in self.messages for b in message["buttons"]]

    @property
    def slots(self) -> dict[str, Any]:
        """The slots as they stand after the events."""
        return {e["name"]: e["value"] for e in self.events if e["event"] == "slot"}

    @property
    def followup(self) -> str | None:
        """The action that is to come next."""
        return next((e["name"] for e in self.events if e["event"] == "followup"), None)

    @property
    def loops(self) -> list[str | None]:
        """The forms opened, or ``None`` for one closed."""
        return [e["name"] for e in self.events if e["event"] == "active_loop"]


@pytest.fixture
def store(demo_store: Store) -> Store:
    return demo_store


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[datetime], None]]:
    """Set the clock; Monday, 2026-11-23 10:00 unless a test sets another time."""
    for name in list(os.environ):
        if name.startswith("BOT_"):
            monkeypatch.delenv(name)

    def turn_to(moment: datetime) -> None:
        monkeypatch.setenv("BOT_NOW", moment.isoformat())
        get_settings.cache_clear()

    turn_to(NOW)
    yield turn_to
    get_settings.cache_clear()


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reply]:
    """Run an action for one message."""
    monkeypatch.setattr("actions.turn.get_store", lambda: store)

    def one_turn(
        action: ServiceAction,
        text: str = "",
        intent: str = "inform",
        *,
        entities: Sequence[dict[str, Any]] = (),
        slots: dict[str, Any] | None = None,
        form: str | None = None,
        sender: str = "parent",
        after: Sequence[str] = (),
        ranking: Sequence[tuple[str, float]] = (),
        before: Sequence[dict[str, Any]] = (),
    ) -> Reply:
        """Run ``action``; ``after`` names the actions since the message, ``before`` what was."""
        message = {
            "text": text or f"/{intent}",
            "intent": {"name": intent, "confidence": 1.0},
            "entities": list(entities),
            "intent_ranking": [{"name": n, "confidence": c} for n, c in ranking],
        }
        events = [*before, {"event": "user", "input_channel": "rest", **message}]
        events += [{"event": "action", "name": name} for name in after]
        loop = {"name": form} if form else {}
        tracker = Tracker(sender, dict(slots or {}), message, events, False, None, loop, None)
        dispatcher = CollectingDispatcher()
        returned = asyncio.run(action.run(dispatcher, tracker, {}))
        return Reply(dispatcher.messages, returned)

    return one_turn


@pytest.fixture
def bind(store: Store) -> Callable[..., int]:
    """Bind a sender to the households of the phones given; return the account's id."""

    def account(*phones: str, sender: str = "parent") -> int:
        identity_id = identify(store, "rest", sender).id
        with store.begin() as session:
            for phone in phones:
                household = session.scalars(
                    sa.select(Household).where(Household.phone == phone)
                ).one()
                session.add(
                    Binding(identity_id=identity_id, household_id=household.id, verified_at=NOW)
                )
        return identity_id

    return account


@pytest.fixture
def entity() -> Callable[..., dict[str, Any]]:
    """Make an entity of a kind; with a text, placed where ``said`` stands in it."""

    def made(kind: str, value: Any, text: str = "", said: str = "") -> dict[str, Any]:
        if not text:
            return {"entity": kind, "value": value}
        start = text.index(said or str(value))
        return {
            "entity": kind,
            "value": value,
            "start": start,
            "end": start + len(said or str(value)),
        }

    return made


@pytest.fixture
def said_day(entity: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make a date entity: a day, perhaps with a clock time or a part of the day."""

    def made(
        text: str,
        said: str,
        day: str | None,
        *,
        time: str | None = None,
        part: str | None = None,
        past: str | None = None,
        flags: Sequence[str] = (),
    ) -> dict[str, Any]:
        value = {
            "date": day,
            "past": past or day,
            "time": time,
            "part": part,
            "flags": list(flags),
        }
        return entity("date", value, text, said)

    return made


@pytest.fixture
def count(store: Store) -> Callable[..., int]:
    """Return the number of rows of a table; ``count(Claim, status="draft")`` for some of them."""

    def rows(table: type, **equal: object) -> int:
        with store.read() as session:
            found: int = session.scalar(
                sa.select(sa.func.count()).select_from(table).filter_by(**equal)
            )
            return found

    return rows
