"""Measures what a trained model understands (``bot evaluate``).

Reads JSON lines of ``{"text", "intent"}``, ``{"text", "emergency"}`` and, for questions about
the manual, ``{"text", "must", "must_not"}`` (regular expressions that the reply must and must
not match). Those questions are really asked, actions included (:mod:`bot.replies`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from bot.settings import Settings

OUT_OF_SCOPE = "out_of_scope"
EMERGENCY = "report_emergency"
FALLBACK = "nlu_fallback"
CONFIDENT = 0.7
_BINS = 10
_SHOWN = 100
# Who asks: what a stranger and what a parent with a policy is told may differ.
PARENTS = {"a stranger": None, "a parent": "13800000101"}

Parse = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """One text, what it means, and what the model made of it.

    Attributes:
        text: The message.
        truth: The right intent.
        guess: The intent that the bot acts upon; ``nlu_fallback`` when it asks back.
        likeliest: The most likely intent, whether or not the bot asks back.
        confidence: Of the likeliest intent, 0 to 1.
    """

    text: str
    truth: str
    guess: str
    likeliest: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the likeliest intent is the right one."""
        return self.likeliest == self.truth

    @property
    def misled(self) -> bool:
        """Whether the bot acts upon a wrong intent, and with confidence."""
        return not self.right and self.guess == self.likeliest and self.confidence >= CONFIDENT


def judge(row: Row, parse: Parse) -> Judged:
    """Compare a parsed message with its label."""
    guess = str(parse["intent"]["name"])
    ranking = [one for one in parse.get("intent_ranking", []) if one["name"] != FALLBACK]
    first = ranking[0] if guess == FALLBACK and ranking else parse["intent"]
    return Judged(
        str(row["text"]),
        str(row["intent"]),
        guess,
        str(first["name"]),
        float(first["confidence"]),
    )


def share(part: int, whole: int) -> float:
    """Return a proportion; 1 of nothing."""
    return part / whole if whole else 1.0


def intent_figures(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the figures of a set of judged messages, each between 0 and 1."""
    known = [one for one in judged if one.truth != OUT_OF_SCOPE]
    strange = [one for one in judged if one.truth == OUT_OF_SCOPE]
    return {
        "in-scope accuracy": share(sum(one.right for one in known), len(known)),
        "out-of-scope recall": share(
            sum(one.guess in {OUT_OF_SCOPE, FALLBACK} for one in strange), len(strange)
        ),
        "wrong and confident": share(sum(one.misled for one in judged), len(judged) or 1)
        if judged
        else 0.0,
        "asked back": sum(one.guess == FALLBACK for one in judged) / max(len(judged), 1),
    }


def reliability(judged: Sequence[Judged]) -> list[tuple[float, float, int]]:
    """Return for each tenth of confidence: its mean, the share that was right, the count."""
    rows = []
    for number in range(_BINS):
        inside = [one for one in judged if min(int(one.confidence * _BINS), _BINS - 1) == number]
        if inside:
            mean = statistics.fmean(one.confidence for one in inside)
            rows.append((mean, share(sum(one.right for one in inside), len(inside)), len(inside)))
    return rows


def emergency_figures(rows: Sequence[Row], parses: Sequence[Parse]) -> dict[str, float]:
    """Return recall and false alarms of rows ``{"text", "emergency"}``."""
    alarms = [parse["intent"]["name"] == EMERGENCY for parse in parses]
    real = [alarm for row, alarm in zip(rows, alarms, strict=True) if row["emergency"]]
    none = [alarm for row, alarm in zip(rows, alarms, strict=True) if not row["emergency"]]
    return {
        "emergency recall": share(sum(real), len(real)),
        "false alarms": sum(none) / max(len(none), 1),
    }


def answer_fits(row: Row, answer: str) -> bool:
    """Tell whether an answer matches all of ``must`` and none of ``must_not``."""
    return all(re.search(one, answer) for one in row.get("must", [])) and not any(
        re.search(one, answer) for one in row.get("must_not", [])
    )


def invented(row: Row, answer: str) -> bool:
    """Tell whether an answer says what it must not."""
    return any(re.search(one, answer) for one in row.get("must_not", []))


def answer_figures(rows: Sequence[Row], answers: Sequence[str]) -> dict[str, float]:
    """Return how many answers hold all facts, how many a wrong one, and how many neither."""
    right = [answer_fits(*pair) for pair in zip(rows, answers, strict=True)]
    wrong = [invented(*pair) for pair in zip(rows, answers, strict=True)]
    return {
        "facts right": share(sum(right), len(rows)),
        "a wrong fact": sum(wrong) / max(len(rows), 1),
        "no such fact": share(
            sum(not (a or b) for a, b in zip(right, wrong, strict=True)), len(rows)
        )
        if rows
        else 0.0,
    }


class Model:
    """A trained model that parses messages."""

    def __init__(self, path: Path) -> None:
        """Load a model file.

        Raises:
            ValueError: The file holds no usable model.
        """
        # Rasa takes seconds to import; reading this module's figures must not.
        from bot import rasa_light

        rasa_light.for_serving(path)
        import structlog
        from rasa.core.agent import load_agent

        # Rasa tells each message at the level of debugging.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

        self._loop = asyncio.new_event_loop()
        self._agent: Any = self._loop.run_until_complete(load_agent(model_path=str(path)))
        if not self._agent.is_ready():
            raise ValueError(f"no usable model in {path}")

    def parse(self, text: str) -> Parse:
        """Return Rasa's reading of a message."""
        parsed: Parse = self._loop.run_until_complete(self._agent.parse_message(text))
        return parsed


def present_model(settings: Settings) -> Path:
    """Return the model of the data as they are now, else the newest that there is.

    Raises:
        FileNotFoundError: There is none.
    """
    from bot import training

    path = training.model_path(settings)
    return path if path.exists() else newest_model(settings.models)


def newest_model(folder: Path) -> Path:
    """Return the newest model file of a folder.

    Raises:
        FileNotFoundError: There is none.
    """
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise FileNotFoundError(f"no model in {folder}: run `bot train` first")
    return models[-1]


def read_rows(path: Path) -> list[Row]:
    """Return the objects of a JSON-lines file.

    Raises:
        ValueError: A line is no JSON object with a text; the message names it.
    """
    rows: list[Row] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict) or "text" not in row:
            raise ValueError(f"{path}, line {number}: expected an object with a text")
        rows.append(row)
    return rows


def main(
    files: Sequence[Path],
    faq: Path | None = None,
    *,
    model: Path | None = None,
    console: Console | None = None,
) -> int:
    """Evaluate a model on files and print the figures.

    Args:
        files: JSON-lines files with intents, emergencies or questions.
        faq: A JSON-lines file of questions about the manual.
        model: The model; by default that of the present data, else the newest.
        console: Where to print.

    Returns:
        0, the exit status.

    Raises:
        FileNotFoundError: There is no model.
        ValueError: A file or the model is not readable.
    """
    from bot.settings import get_settings

    out = console or Console()
    path_of_model = model or present_model(get_settings())
    loaded = Model(path_of_model)
    asked = [faq] if faq is not None else []
    for path in files:
        rows = read_rows(path)
        parses, milliseconds = _timed(loaded.parse, rows)
        out.rule(f"{path.name}: {len(rows)}, median {milliseconds:.1f} ms")
        if rows and "emergency" in rows[0]:
            _print_figures(out, emergency_figures(rows, parses))
            _print_mistaken_alarms(out, rows, parses)
        elif rows and "intent" in rows[0]:
            _print_intents(out, [judge(*pair) for pair in zip(rows, parses, strict=True)])
        else:
            asked.append(path)
    if asked:
        _ask(out, asked, path_of_model)
    return 0


def _ask(out: Console, files: Sequence[Path], model: Path) -> None:
    """Ask the questions of files, as a stranger and as a parent, and print how it went."""
    from bot import replies

    with replies.running(model) as bot:
        for path in files:
            rows = read_rows(path)
            for who, phone in PARENTS.items():
                answers = [bot.ask(str(row["text"]), phone=phone) for row in rows]
                out.rule(f"{path.name}: {len(rows)} real replies to {who}")
                _print_answers(out, rows, answers)


def _timed(parse: Callable[[str], Parse], rows: Sequence[Row]) -> tuple[list[Parse], float]:
    parses: list[Parse] = []
    times: list[float] = []
    for row in rows:
        start = time.perf_counter()
        parses.append(parse(str(row["text"])))
        times.append(time.perf_counter() - start)
    return parses, statistics.median(times) * 1000 if times else 0.0


def _print_figures(out: Console, figures: dict[str, float]) -> None:
    for name, value in figures.items():
        out.print(f"{name:>22}  {value:7.2%}", highlight=False)


def _print_intents(out: Console, judged: Sequence[Judged]) -> None:
    _print_figures(out, intent_figures(judged))
    table = Table("intent", "count", "right", "taken for")
    for intent in sorted({one.truth for one in judged}):
        mine = [one for one in judged if one.truth == intent]
        wrong = Counter(one.likeliest for one in mine if not one.right)
        taken = ", ".join(f"{name} {count}" for name, count in wrong.most_common(4))
        right = share(sum(one.right for one in mine), len(mine))
        table.add_row(intent, str(len(mine)), f"{right:.0%}", taken)
    out.print(table)
    bins = Table("confidence", "right", "count", title="reliability")
    for mean, right, count in reliability(judged):
        bins.add_row(f"{mean:.2f}", f"{right:.2f}", str(count))
    out.print(bins)


def _print_mistaken_alarms(out: Console, rows: Sequence[Row], parses: Sequence[Parse]) -> None:
    for row, parse in zip(rows, parses, strict=True):
        alarm = parse["intent"]["name"] == EMERGENCY
        if alarm != row["emergency"]:
            kind = "false alarm" if alarm else "MISSED"
            out.print(f"{kind}: {row['text']}", highlight=False, markup=False)


def _print_answers(out: Console, rows: Sequence[Row], answers: Sequence[str]) -> None:
    _print_figures(out, answer_figures(rows, answers))
    for row, answer in zip(rows, answers, strict=True):
        if not answer_fits(row, answer):
            kind = "WRONG" if invented(row, answer) else "no fact"
            told = answer.replace("\n", " ")[:_SHOWN]
            out.print(f"{kind}: {row['text']} → {told}", highlight=False, markup=False)
