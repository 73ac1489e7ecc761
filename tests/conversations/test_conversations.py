"""Every scripted conversation, against really running bots and a really trained model."""

import importlib.util
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.settings import load_settings
from bot.store.demo.loader import reset
from bot.store.session import Store

_spec = importlib.util.spec_from_file_location("runner", Path(__file__).with_name("runner.py"))
assert _spec
assert _spec.loader
runner = importlib.util.module_from_spec(_spec)
sys.modules["runner"] = runner
_spec.loader.exec_module(runner)

CONVERSATIONS = sorted(runner.load(), key=lambda c: (c.now, c.file))
CLOCKS = {
    "2026-11-23T10:00:00+08:00",
    "2026-11-23T20:30:00+08:00",
    "2026-11-23T23:30:00+08:00",
}


@pytest.mark.parametrize(
    "conversation", CONVERSATIONS, ids=[f"{c.file}:{c.name}" for c in CONVERSATIONS]
)
def test_conversation(conversation: Any, start_bot: Callable[[str], Any]) -> None:
    bot = start_bot(conversation.now)
    # What one conversation books or claims is not there for the next.
    store = Store(load_settings({"BOT_VAR": str(bot.var), "BOT_NOW": conversation.now}).store_url)
    with store.begin() as session:
        reset(session, datetime.fromisoformat(conversation.now).date())
    store.dispose()
    runner.play(conversation, bot.rasa, bot.var)


def test_there_are_conversations_of_every_kind() -> None:
    assert len(CONVERSATIONS) >= 200
    counted = Counter(c.file for c in CONVERSATIONS)
    assert {file: n for file, n in counted.items() if n < 12} == {}
    assert {c.kind for c in CONVERSATIONS} <= runner.KINDS
    wanted = {"happy path", "correction", "digression", "cancellation", "negation", "invalid path"}
    assert wanted <= {c.kind for c in CONVERSATIONS}
    assert {c.now for c in CONVERSATIONS} <= CLOCKS


def test_names_are_unique() -> None:
    names = [(c.file, c.name) for c in CONVERSATIONS]
    assert len(names) == len(set(names))
