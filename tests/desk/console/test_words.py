"""Every sentence that the desk's pages name is there."""

from __future__ import annotations

import re

import pytest

from bot.settings import ROOT
from bot.texts import texts

PAGES = sorted((ROOT / "bot" / "desk" / "console").glob("*.py"))
SERVICES = sorted((ROOT / "bot" / "services").glob("*.py"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_was_done(path: object) -> None:
    source = path.read_text("utf-8")  # type: ignore[attr-defined]
    said = set(re.findall(r'(?:done|_done)\([^()]*(?:\([^()]*\)[^()]*)*, "(\w+)"\)', source))
    assert {name for name in said if f"desk_said_{name}" not in texts()} == set()


@pytest.mark.parametrize("path", [*PAGES, *SERVICES], ids=lambda path: path.name)
def test_what_is_refused(path: object) -> None:
    source = path.read_text("utf-8")  # type: ignore[attr-defined]
    named = set(re.findall(r'Refused\("(\w+)"\)', source))
    missing = {
        name
        for name in named
        if f"desk_refused_{name}" not in texts() and f"line_refused_{name}" not in texts()
    }
    # Of the chat, the page, and partners' programs: nothing at the desk asks for these.
    assert missing - {"resolved", "empty", "used", "idempotency_key", "too_many", "url"} == set()
