"""What comes in from a messaging app: its kinds, and when it is too old to be acted on."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

# What was written longer ago is answered with a question, not acted on: a "确认" of yesterday
# may no longer be meant.
STALE_AFTER = timedelta(hours=24)
LONGEST_TEXT = 4000


class InboundKind(StrEnum):
    """The kinds of messages that a channel takes in."""

    TEXT = "text"
    BUTTON = "button"
    FILE = "file"
    CONTACT = "contact"
    LOCATION = "location"
    VOICE = "voice"
    EDITED = "edited"
    OTHER = "other"


# What the dialogue reads; the rest gets a fixed answer.
READABLE = frozenset({InboundKind.TEXT, InboundKind.BUTTON, InboundKind.FILE, InboundKind.CONTACT})


def is_stale(said_at: datetime, received_at: datetime) -> bool:
    """Say whether a message reached us too late to be acted on; both times aware.

    A platform's clock that is ahead of ours makes nothing stale.
    """
    return received_at - said_at > STALE_AFTER


def typed(text: str) -> str:
    """Return what a parent typed so that it can never be read as a button's payload.

    Rasa takes a text that begins with a slash for an intent with its entities; only our own
    buttons may say such things. Cut to `LONGEST_TEXT` characters.
    """
    text = text.replace("\0", "").strip()[:LONGEST_TEXT]
    return "／" + text[1:] if text.startswith("/") else text


# What a button says of the question above it; said later, it might answer another question.
_ANSWERS = frozenset({"affirm", "deny", "inform", "stop"})
_INTENT = re.compile(r"/(\w+)")


def is_answer(payload: str) -> bool:
    """Say whether a button's payload only means something right after the message it stands under.

    The others ask for something by themselves and may be pressed later. Plain words are an answer.
    """
    found = _INTENT.match(payload)
    return found is None or found[1] in _ANSWERS
