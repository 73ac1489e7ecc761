"""What a topic of ``data/faq.yml`` tells; light, for the actions load no Rasa."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def answer_of(topic: Mapping[str, Any]) -> str:
    """Return a topic's answer; it ends with the section of the manual that it comes from."""
    section = topic.get("section")
    text = str(topic["answer"]).strip()
    return f"{text}\n（{section}）" if section else text
