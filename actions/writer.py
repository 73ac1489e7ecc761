"""Who writes; and asking for a person in the writer's place when an action has failed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from rasa_sdk import Tracker

from bot import clock
from bot.services import handoffs
from bot.services import identity as identities
from bot.services.identity import Identity
from bot.store.session import Store


def who_writes(store: Store, tracker: Tracker) -> Identity:
    """Return the chat account of a conversation."""
    channel = tracker.get_latest_input_channel() or "rest"
    # Behind the inbox a conversation is named by its app and account, elsewhere by the account.
    account = str(tracker.sender_id).removeprefix(f"{channel}:")
    return identities.identify(store, channel, account)


def handed_over(open_store: Callable[[], Store], tracker: Tracker, reason: str) -> bool:
    """Ask for a person after a failure; return whether one is asked for now and was not before."""
    try:
        store = open_store()
        who = who_writes(store, tracker)
        asked = handoffs.request_handoff(store, identity_id=who.id, reason=reason, now=clock.now())
    except Exception:
        # Most likely for the same cause, which is in the log.
        return False
    return asked.new


def conversation_id(tracker: Tracker) -> str:
    """Return a stable id of a conversation that names nobody."""
    return hashlib.sha256(str(tracker.sender_id).encode()).hexdigest()[:16]
