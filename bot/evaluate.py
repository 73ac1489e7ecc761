"""How well the present model understands: ``bot evaluate FILE…``.

A file's rows decide what is measured: ``{"text", "intent"}`` the intents, ``{"text",
"emergency"}`` the emergency detector, and with ``--faq`` ``{"text", "must", "must_not"}`` (regular
expressions) the manual's answers. The figures are printed; nothing is asserted.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot import rasa_light
from bot.settings import get_settings
from bot.training import model_path

CONFIDENT = 0.7
EMERGENCY = "report_emergency"
OUT_OF_SCOPE = "out_of_scope"
# An unsure answer asks back or offers what the bot can do; it misleads nobody.
UNSURE = frozenset({OUT_OF_SCOPE, "nlu_fallback"})
BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)


@dataclass(frozen=True)
class Parsed:
    """What the model made of a text; ``reply`` is the manual's answer if it chose one."""

    intent: str
    confidence: float
    reply: str | None
    milliseconds: float


class Reader:
    """The trained pipeline alone, without dialogue and store."""

    def __init__(self, model: Path) -> None:
        """Load a model file."""
        rasa_light.for_serving(model)
        from rasa.core.agent import Agent

        self._agent = Agent.load(str(model))
        domain = self._agent.domain
        self._responses: dict[str, Any] = dict(domain.responses) if domain else {}

    def read(self, text: str) -> Parsed:
        """Parse one text."""
        begun = time.perf_counter()
        found = asyncio.run(self._agent.parse_message(text))
        spent = (time.perf_counter() - begun) * 1000
        intent = found["intent"]
        name = str(intent["name"]).split("/")[0]
        return Parsed(name, float(intent["confidence"]), self._reply(name, found), spent)

    def _reply(self, intent: str, found: dict[str, Any]) -> str | None:
        response = self._responses.get(f"utter_{intent}")
        if response:
            return str(response[0]["text"])
        if intent != "faq":
            return None
        chosen = found["response_selector"].get("faq") or found["response_selector"]["default"]
        action = chosen["response"]["utter_action"]
        return str(self._responses[action][0]["text"])


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return a JSONL file's rows."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def main(files: Iterable[Path], faq: Path | None = None) -> int:
    """Measure and print; return the exit status, 0 unless a file has rows of no known kind."""
    console = Console()
    reader = Reader(model_path(get_settings()))
    status = 0
    for file in files:
        rows = read_rows(file)
        console.print(f"\n[bold]{file.name}[/bold]: {len(rows)}")
        if rows and "emergency" in rows[0]:
            _emergencies(reader, rows, console)
        elif rows and "intent" in rows[0]:
            _intents(reader, rows, console)
        else:
            console.print("rows need text and intent, or text and emergency")
            status = 1
    if faq is not None:
        _faq(reader, read_rows(faq), console)
    return status


def _intents(reader: Reader, rows: list[dict[str, Any]], console: Console) -> None:
    parsed = [(row["text"], row["intent"].split("/")[0], reader.read(row["text"])) for row in rows]
    inside = [(t, i, p) for t, i, p in parsed if i != OUT_OF_SCOPE]
    outside = [(t, i, p) for t, i, p in parsed if i == OUT_OF_SCOPE]
    right = sum(p.intent == i for _, i, p in inside)
    console.print(f"in-scope accuracy {_share(right, len(inside))}")
    declined = sum(p.intent in UNSURE for _, _, p in outside)
    console.print(f"out-of-scope recall {_share(declined, len(outside))}")
    bad = [
        (t, i, p)
        for t, i, p in parsed
        if p.intent not in (i, *UNSURE) and p.confidence >= CONFIDENT
    ]
    console.print(f"wrong and confident (≥ {CONFIDENT}) {_share(len(bad), len(parsed))}")
    _latency([p for _, _, p in parsed], console)
    _per_intent(parsed, console)
    _reliability(parsed, console)
    for text, intent, p in parsed:
        if p.intent != intent:
            console.print(f"  {intent} → {p.intent} {p.confidence:.2f}  {text}", markup=False)


def _per_intent(parsed: list[tuple[str, str, Parsed]], console: Console) -> None:
    table = Table("intent", "right", "of", "taken for")
    confused: dict[str, Counter[str]] = defaultdict(Counter)
    for _, intent, p in parsed:
        confused[intent][p.intent] += 1
    for intent, counts in sorted(confused.items()):
        others = ", ".join(f"{n} {c}" for n, c in counts.most_common() if n != intent)
        table.add_row(intent, str(counts[intent]), str(sum(counts.values())), others)
    console.print(table)


def _reliability(parsed: list[tuple[str, str, Parsed]], console: Console) -> None:
    table = Table("confidence", "messages", "mean confidence", "right")
    for low, high in pairwise(BINS):
        inside = [(i, p) for _, i, p in parsed if low <= p.confidence < high]
        if inside:
            mean = statistics.mean(p.confidence for _, p in inside)
            right = sum(p.intent == i for i, p in inside)
            table.add_row(
                f"{low:.2f}–{min(high, 1):.2f}",
                str(len(inside)),
                f"{mean:.2f}",
                _share(right, len(inside)),
            )
    console.print(table)


def _emergencies(reader: Reader, rows: list[dict[str, Any]], console: Console) -> None:
    parsed = [(row["text"], bool(row["emergency"]), reader.read(row["text"])) for row in rows]
    real = [(t, p) for t, e, p in parsed if e]
    harmless = [(t, p) for t, e, p in parsed if not e]
    missed = [t for t, p in real if p.intent != EMERGENCY]
    alarms = [t for t, p in harmless if p.intent == EMERGENCY]
    console.print(f"recall {_share(len(real) - len(missed), len(real))}")
    console.print(f"false alarms {_share(len(alarms), len(harmless))}")
    for text in missed:
        console.print(f"  missed  {text}", markup=False)
    for text in alarms:
        console.print(f"  alarm  {text}", markup=False)


def _faq(reader: Reader, rows: list[dict[str, Any]], console: Console) -> None:
    wrong, elsewhere = [], 0
    for row in rows:
        p = reader.read(row["text"])
        reply = p.reply
        if reply is None:
            elsewhere += 1
        ok = reply is not None and all(re.search(m, reply) for m in row.get("must", []))
        ok = ok and not any(re.search(m, reply or "") for m in row.get("must_not", []))
        if reply is None and not row.get("must"):
            ok = True
        if not ok:
            wrong.append((row["text"], p.intent, reply))
    console.print(f"\n[bold]FAQ[/bold]: right {_share(len(rows) - len(wrong), len(rows))}")
    console.print(f"taken for a task, whose action answers: {elsewhere}")
    for text, intent, reply in wrong:
        console.print(f"  {text} → {intent}: {(reply or '').splitlines()[:1]}", markup=False)


def _latency(parsed: list[Parsed], console: Console) -> None:
    spent = sorted(p.milliseconds for p in parsed)
    console.print(
        f"milliseconds a message: median {statistics.median(spent):.1f}, "
        f"95th percentile {spent[int(len(spent) * 0.95)]:.1f}"
    )


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} = {100 * part / whole:.1f} %" if whole else "none"
