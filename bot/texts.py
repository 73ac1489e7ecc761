"""What the bot says outside Rasa's own responses: ``data/texts/*.yml``, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent / "data" / "texts"


@dataclass(frozen=True)
class Text:
    """A reply's text with ``{placeholders}`` and its buttons (title and payload)."""

    text: str
    buttons: tuple[dict[str, str], ...] = ()


@lru_cache(maxsize=1)
def texts() -> dict[str, Text]:
    """Return every text by name.

    Raises:
        ValueError: Two files give a text or a set of buttons the same name.
        KeyError: A text names a set of buttons that there is not.
    """
    entries: dict[str, Any] = {}
    shared: dict[str, list[dict[str, str]]] = {}
    for path in sorted(FOLDER.glob("*.yml")):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        for kind, into in (("texts", entries), ("buttons", shared)):
            found = loaded.get(kind, {})
            twice = found.keys() & into.keys()
            if twice:
                raise ValueError(f"{path.name}: given twice: {', '.join(sorted(twice))}")
            into.update(found)
    return {name: Text(entry["text"], _buttons(entry, shared)) for name, entry in entries.items()}


def _buttons(entry: Any, shared: dict[str, list[dict[str, str]]]) -> tuple[dict[str, str], ...]:
    given = entry.get("buttons", ())
    return tuple(shared[given] if isinstance(given, str) else given)
