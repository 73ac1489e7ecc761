"""Rasa's tracker store on our own tables: bounded in time and memory, nothing lost.

``conversation`` holds the state at the start of the window (as opening events) and the key of
the window's first event; ``conversation_event`` holds every event once, in order. A turn reads
and writes a window, however long the conversation is. In ``endpoints.yml``::

    tracker_store:
      type: bot.tracker_store.WindowTrackerStore
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from sqlalchemy.exc import SQLAlchemyError

from bot import rasa_speed
from bot.settings import get_settings
from bot.store.models import Conversation, ConversationEvent, utcnow
from bot.store.session import Store, get_store
from bot.tracker_window import (
    Window,
    WindowTracker,
    apply_trim,
    conceal,
    rebuild,
    slim,
    trim,
    unsaved_events,
    window_of,
)

logger = logging.getLogger(__name__)

CACHED = 500
STATE_VERSION = 1

CONVERSATIONS: Any = Conversation.__table__
EVENTS: Any = ConversationEvent.__table__


@dataclass(frozen=True)
class Stored:
    """A conversation as read: state version, opening events, and the window's (key, event)."""

    updated_at: datetime
    opening: list[dict[str, Any]]
    events: list[tuple[int, dict[str, Any]]]


class WindowTrackerStore(TrackerStore):  # type: ignore[misc]
    """Keeps the last turns of a conversation at hand and all of its events for good.

    Database work runs in threads. Trackers handed out are copies, so a turn that fails leaves
    no trace. Turns of one conversation must not overlap (Rasa's lock store sees to it); another
    process writing the same conversation is noticed by the state's time.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        host: str | None = None,
        event_broker: EventBroker | None = None,
        *,
        store: Store | None = None,
        history_turns: int | None = None,
        cached: int = CACHED,
        **kwargs: Any,
    ) -> None:
        """Open the store.

        Args:
            domain: Domain of the model.
            host: ``url`` of ``endpoints.yml``: an SQLAlchemy URL; by default the settings' store.
            event_broker: Where new events are published as well.
            store: Takes precedence over ``host``.
            history_turns: Turns of the window; by default ``BOT_HISTORY_TURNS``.
            cached: Conversations kept in memory.
            **kwargs: Passed on to Rasa's base class.
        """
        # The one part of ours that every Rasa server loads, however it is started.
        rasa_speed.apply()
        self._cache: OrderedDict[str, WindowTracker] = OrderedDict()
        self._cached = cached
        self._store = store or (Store(host) if host else get_store())
        self._turns = history_turns or get_settings().history_turns
        # A cut replays what it drops; with some slack only every few turns pay for it.
        self._slack = max(1, self._turns // 4)
        super().__init__(domain, event_broker, **kwargs)

    @property
    def domain(self) -> Domain:
        """The domain whose slots new trackers get."""
        return self._domain

    @domain.setter
    def domain(self, domain: Domain | None) -> None:
        # Trackers in memory have the slots of the old domain.
        self._cache.clear()
        self._domain = domain or Domain.empty()

    async def retrieve(self, sender_id: str) -> WindowTracker | None:
        """Return the conversation's window, or ``None`` for an unknown conversation.

        Raises:
            SQLAlchemyError: The store cannot be read and the conversation is not in memory.
        """
        cached = self._cache.get(sender_id)
        known = cached.window.updated_at if cached else None
        try:
            found = await asyncio.to_thread(self._read_window, sender_id, known)
        except SQLAlchemyError:
            if cached is None:
                raise
            logger.exception("Cannot read a conversation; going on with the one in memory.")
            found = "unchanged"
        if cached and found == "unchanged":
            self._cache.move_to_end(sender_id)
            return cached.copy()
        if not isinstance(found, Stored):
            self._cache.pop(sender_id, None)
            return None
        tracker = self._rebuild(sender_id, found)
        self._remember(tracker)
        return tracker.copy()

    async def retrieve_full_tracker(self, conversation_id: str) -> WindowTracker | None:
        """Return all events of all sessions, or ``None`` for an unknown conversation.

        Takes time and memory in proportion to the conversation. Saving it would be wrong.
        """
        rows = await asyncio.to_thread(self._read_all, conversation_id)
        if not rows:
            return None
        return rebuild(self.init_tracker(conversation_id), [], [data for _, data in rows])

    async def exists(self, conversation_id: str) -> bool:
        """Tell whether the conversation is stored."""
        return await asyncio.to_thread(self._exists, conversation_id)

    async def keys(self) -> Iterable[str]:
        """Return the ids of all conversations."""
        return await asyncio.to_thread(self._keys)

    async def save(self, tracker: Any) -> None:
        """Store the events that are new, and the new state.

        A tracker that did not come from this store starts its conversation's window anew;
        stored events stay.

        Raises:
            SQLAlchemyError: Nothing was stored. The events are kept in memory and stored with
                the next turn.
        """
        new = unsaved_events(tracker)
        conceal(new)
        if self.event_broker is not None:
            await self._stream_new_events(self.event_broker, new, tracker.sender_id)
        slim(new)
        rows = [
            {
                "sender_id": tracker.sender_id,
                "at": datetime.fromtimestamp(event.timestamp, tz=UTC),
                "type_name": event.type_name,
                "data": event.as_dict(),
            }
            for event in new
        ]
        cut = trim(tracker, self._turns, self._slack)
        window = window_of(tracker)
        skip = max(0, cut.cut - window.opening) if cut else 0
        opening = [event.as_dict() for event in cut.opening] if cut else None
        try:
            ids, updated_at, agreed = await asyncio.to_thread(
                self._write, tracker.sender_id, window, rows, skip, opening
            )
        except SQLAlchemyError:
            self._remember(WindowTracker.of(tracker))
            raise
        if cut:
            apply_trim(tracker, cut)
        tracker.window = Window(
            len(cut.opening) if cut else window.opening, (*window.ids, *ids)[skip:], updated_at
        )
        if agreed:
            self._remember(WindowTracker.of(tracker))
        else:
            logger.warning("A conversation was changed by another process during a turn.")
            self._cache.pop(tracker.sender_id, None)

    def _remember(self, tracker: WindowTracker) -> None:
        self._cache[tracker.sender_id] = tracker
        self._cache.move_to_end(tracker.sender_id)
        while len(self._cache) > self._cached:
            self._cache.popitem(last=False)

    def _rebuild(self, sender_id: str, found: Stored) -> WindowTracker:
        tracker = rebuild(
            self.init_tracker(sender_id), found.opening, [data for _, data in found.events]
        )
        tracker.window = Window(
            tracker.window.opening, tuple(key for key, _ in found.events), found.updated_at
        )
        return tracker

    def _read_window(
        self, sender_id: str, known: datetime | None
    ) -> Stored | Literal["unchanged"] | None:
        table = CONVERSATIONS.c
        with self._store.read() as session:
            if known is not None:
                # The state is not read just to learn that it is the same.
                query = sa.select(table.updated_at).where(table.sender_id == sender_id)
                if session.execute(query).scalar() == known:
                    return "unchanged"
            query = sa.select(table.updated_at, table.state).where(table.sender_id == sender_id)
            row = session.execute(query).first()
            if row is None:
                return None
            first = row.state.get("first_event")
            events = [] if first is None else self._events(session, sender_id, first)
            return Stored(row.updated_at, row.state.get("opening", []), events)

    def _read_all(self, sender_id: str) -> list[tuple[int, dict[str, Any]]]:
        with self._store.read() as session:
            return self._events(session, sender_id, 0)

    @staticmethod
    def _events(session: Any, sender_id: str, first: int) -> list[tuple[int, dict[str, Any]]]:
        query = (
            sa.select(EVENTS.c.id, EVENTS.c.data)
            .where(EVENTS.c.sender_id == sender_id, EVENTS.c.id >= first)
            .order_by(EVENTS.c.id)
        )
        return [(row.id, row.data) for row in session.execute(query)]

    def _exists(self, sender_id: str) -> bool:
        query = sa.select(CONVERSATIONS.c.sender_id).where(CONVERSATIONS.c.sender_id == sender_id)
        with self._store.read() as session:
            return session.execute(query).first() is not None

    def _keys(self) -> list[str]:
        with self._store.read() as session:
            return list(session.execute(sa.select(CONVERSATIONS.c.sender_id)).scalars())

    def _write(
        self,
        sender_id: str,
        window: Window,
        rows: list[dict[str, Any]],
        skip: int,
        opening: list[dict[str, Any]] | None,
    ) -> tuple[list[int], datetime, bool]:
        """Append events and set the state in one transaction.

        Args:
            sender_id: The conversation.
            window: What the tracker was read as.
            rows: The new events.
            skip: Stored and new events that fall out of the window.
            opening: The new opening events, or ``None`` if they stay as they are.

        Returns:
            Keys of the new rows, the state's time, and whether nobody else wrote meanwhile.
        """
        updated_at = utcnow()
        with self._store.begin() as session:
            if rows:
                session.execute(sa.insert(EVENTS), rows)
            query = (
                sa.select(EVENTS.c.id)
                .where(EVENTS.c.sender_id == sender_id)
                .order_by(EVENTS.c.id.desc())
                .limit(len(rows))
            )
            ids = list(session.execute(query).scalars())[::-1] if rows else []
            kept = (*window.ids, *ids)[skip:]
            values: dict[str, Any] = {"updated_at": updated_at}
            if opening is not None or window.updated_at is None or not window.ids:
                values["state"] = _state(opening or [], kept[0] if kept else None)
            mine = sa.update(CONVERSATIONS).where(CONVERSATIONS.c.sender_id == sender_id)
            unchanged = mine.where(CONVERSATIONS.c.updated_at == window.updated_at)
            agreed = _changed(session, unchanged.values(**values))
            if not agreed:
                agreed = window.updated_at is None
                if not _changed(session, mine.values(**values)):
                    values.setdefault("state", _state([], ids[0] if ids else None))
                    session.execute(sa.insert(CONVERSATIONS).values(sender_id=sender_id, **values))
            return ids, updated_at, agreed


def _state(opening: list[dict[str, Any]], first_event: int | None) -> dict[str, Any]:
    return {"version": STATE_VERSION, "opening": opening, "first_event": first_event}


def _changed(session: Any, update: Any) -> bool:
    return bool(session.execute(update).rowcount)
