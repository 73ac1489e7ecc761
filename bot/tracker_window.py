"""The part of a conversation that a turn needs: a few opening events and the last turns.

Rasa rebuilds a tracker from all events of a session, several times a turn. Here the events
before the last turns are replaced by *opening events* that lead to the same state: slots,
active loop with its flags, pause, latest action. Opening events are never stored as history.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from rasa.shared.core.constants import ACTION_LISTEN_NAME as LISTEN
from rasa.shared.core.constants import ACTION_SESSION_START_NAME as SESSION_START
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    ConversationPaused,
    Event,
    FollowupAction,
    LoopInterrupted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.rules.numbers import hide_numbers

# What is kept of a ranking after its turn: enough to see what else was likely.
RANKING_KEPT = 3


@dataclass(frozen=True)
class Window:
    """How a tracker's events relate to the stored ones.

    Attributes:
        opening: Number of opening events at the head of the tracker.
        ids: Keys of the stored events that follow; events after these are not stored yet.
        updated_at: Time of the stored state that the tracker was read from or written to
            (UTC); ``None`` before the first save. It is the state's version.
    """

    opening: int = 0
    ids: tuple[int, ...] = ()
    updated_at: datetime | None = None

    @property
    def saved(self) -> int:
        """Number of leading events that must not be stored again."""
        return self.opening + len(self.ids)


@dataclass(frozen=True)
class Trimmed:
    """Where a tracker is cut: events before ``cut`` are replaced by ``opening``."""

    cut: int
    opening: list[Any] = field(default_factory=list)


class WindowTracker(DialogueStateTracker):  # type: ignore[misc]
    """A tracker that copies its state instead of replaying its events.

    Rasa copies the tracker before every action of a turn.
    """

    window: Window = Window()

    @classmethod
    def of(cls, tracker: Any) -> WindowTracker:
        """Return a copy of ``tracker`` that shares its events and slot values, nothing else."""
        twin = cls(
            tracker.sender_id,
            (),
            tracker._max_event_history,
            tracker.sender_source,
            tracker.is_rule_tracker,
        )
        twin.slots = {name: copy.copy(slot) for name, slot in tracker.slots.items()}
        twin.events.extend(tracker.events)
        twin._paused = tracker._paused
        twin.followup_action = tracker.followup_action
        twin.latest_action = tracker.latest_action
        twin.latest_message = tracker.latest_message
        twin.latest_bot_utterance = tracker.latest_bot_utterance
        twin.active_loop = replace(tracker.active_loop) if tracker.active_loop else None
        twin.window = window_of(tracker)
        return twin

    def copy(self) -> WindowTracker:
        """Return an independent tracker in the same state."""
        return WindowTracker.of(self)


def window_of(tracker: Any) -> Window:
    """Return the tracker's window; an empty one if it was never stored."""
    window = getattr(tracker, "window", None)
    return window if isinstance(window, Window) else Window()


def unsaved_events(tracker: Any) -> list[Any]:
    """Return the events that are not stored yet, oldest first."""
    return list(islice(tracker.events, window_of(tracker).saved, None))


def opening_events(tracker: Any, timestamp: float) -> list[Any]:
    """Return a short list of events that leads a fresh tracker to this tracker's state.

    Args:
        tracker: Its slots, active loop, pause, latest message and latest action are taken.
        timestamp: Unix time (s) given to the events.
    """
    events: list[Any] = [
        SlotSet(name, slot.value, timestamp)
        for name, slot in tracker.slots.items()
        if slot.value != slot.initial_value
    ]
    action = tracker.latest_action
    if not action:
        return events
    # A form hides its own turns from policies, which see the message before it, even after the
    # form's last turn; so a form that is older than the window brings that message along.
    message = tracker.get_last_event_for(UserUttered)
    if message:
        events += [ActionExecuted(LISTEN, timestamp=timestamp), _without_ranking(message)]
        events[-1].timestamp = timestamp
    loop = tracker.active_loop if tracker.active_loop_name else None
    # Without a previous action the window would look like the start of a conversation, and
    # rules marked conversation_start would match.
    events.append(
        ActionExecuted(
            action.get("action_name"), timestamp=timestamp, action_text=action.get("action_text")
        )
    )
    if loop:
        events.append(ActiveLoop(loop.name, timestamp))
        events.append(LoopInterrupted(loop.is_interrupted, timestamp))
    if loop and loop.rejected:
        events.append(ActionExecutionRejected(loop.name, timestamp=timestamp))
    if tracker.is_paused():
        events.append(ConversationPaused(timestamp))
    if tracker.followup_action:
        events.append(FollowupAction(tracker.followup_action, timestamp))
    return events


def trim(tracker: Any, turns: int, slack: int = 0) -> Trimmed | None:
    """Find where to cut the tracker so that its last ``turns`` turns stay.

    Events before the latest session start are always cut: Rasa never looks behind it.

    Args:
        tracker: It is not changed.
        turns: Turns to keep, at least 1; a turn starts with the parent's message.
        slack: Turns that may be kept beyond that, so that not every turn is a cut.

    Returns:
        The cut, or ``None`` if there is nothing to cut.
    """
    events = list(tracker.events)
    session = _session_start(events)
    opening = window_of(tracker).opening
    first = max(session, opening)
    starts = [
        index
        for index, event in enumerate(events)
        if isinstance(event, UserUttered) and index >= first
    ]
    cut = session
    if len(starts) > turns + slack:
        cut = _with_listen(events, starts[-turns])
    if cut <= opening:
        return None
    if cut == session:
        return Trimmed(cut)
    before = tracker.init_copy()
    for event in events[:cut]:
        before.update(event)
    return Trimmed(cut, opening_events(before, events[cut].timestamp))


def apply_trim(tracker: Any, trimmed: Trimmed) -> None:
    """Cut the tracker's events; its state stays as it is."""
    rest = islice(tracker.events, trimmed.cut, None)
    tracker.events = deque([*trimmed.opening, *rest], tracker._max_event_history)


def slim(events: Iterable[Any]) -> None:
    """Shorten the rankings in parents' messages; they are most of a message's bytes."""
    for event in events:
        if isinstance(event, UserUttered):
            event.parse_data = _slim_parse(event.parse_data)


def conceal(events: Iterable[Any]) -> None:
    """Star the numbers of bank cards and identities in parents' messages, once they are served."""
    for event in events:
        if not isinstance(event, UserUttered) or not event.text:
            continue
        text = hide_numbers(event.text)
        if text != event.text:
            event.text = text
            event.entities = [_concealed(entity) for entity in event.entities]
            entities = [_concealed(e) for e in event.parse_data.get("entities") or ()]
            event.parse_data = event.parse_data | {"text": text, "entities": entities}


def _concealed(entity: dict[str, Any]) -> dict[str, Any]:
    value = entity.get("value")
    return entity | {"value": hide_numbers(value)} if isinstance(value, str) else entity


def rebuild(
    tracker: Any, opening: list[dict[str, Any]], events: list[dict[str, Any]]
) -> WindowTracker:
    """Replay stored events on a fresh tracker.

    Args:
        tracker: A fresh tracker with the domain's slots.
        opening: Serialised opening events. Slots that the domain no longer has are left out.
        events: Serialised events after them.
    """
    built = WindowTracker.of(tracker)
    for data in opening:
        if data.get("event") == "slot" and data.get("name") not in built.slots:
            continue
        built.update(Event.from_parameters(data))
    built.window = Window(opening=len(built.events))
    for data in events:
        built.update(Event.from_parameters(data))
    return built


def _session_start(events: list[Any]) -> int:
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if isinstance(event, ActionExecuted) and event.action_name == SESSION_START:
            return index
    return 0


def _with_listen(events: list[Any], start: int) -> int:
    previous = events[start - 1] if start else None
    listens = isinstance(previous, ActionExecuted) and previous.action_name == LISTEN
    return start - 1 if listens else start


def _without_ranking(message: Any) -> Any:
    parse = {"intent": message.intent, "entities": message.entities, "text": message.text}
    return UserUttered(
        message.text,
        message.intent,
        message.entities,
        parse,
        input_channel=message.input_channel,
        message_id=message.message_id,
        use_text_for_featurization=message.use_text_for_featurization,
    )


def _slim_parse(parse: dict[str, Any]) -> dict[str, Any]:
    slimmed = dict(parse)
    if "intent_ranking" in slimmed:
        slimmed["intent_ranking"] = slimmed["intent_ranking"][:RANKING_KEPT]
    selectors = slimmed.get("response_selector")
    if isinstance(selectors, dict):
        slimmed["response_selector"] = {
            name: {**value, "ranking": value["ranking"][:RANKING_KEPT]}
            if isinstance(value, dict) and "ranking" in value
            else value
            for name, value in selectors.items()
        }
    return slimmed
