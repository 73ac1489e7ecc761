"""What the bot says outside Rasa's own responses: ``data/texts.yml``, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent.parent / "data" / "texts.yml"


@dataclass(frozen=True)
class Text:
    """A reply's text with ``{placeholders}`` and its buttons (title and payload)."""

    text: str
    buttons: tuple[dict[str, str], ...] = ()


@lru_cache(maxsize=1)
def texts() -> dict[str, Text]:
    """Return every text by name."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["texts"]
    return {
        name: Text(entry["text"], tuple(entry.get("buttons", ()))) for name, entry in loaded.items()
    }
