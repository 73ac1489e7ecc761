"""Turns of the product and of a stock Rasa assistant, measured side by side.

Both have the same domain, training data and action server. The stock one has Rasa's default
pipeline and policies for Chinese (bench/stock.yml) and its default tracker store. They are sent
the same scripted conversations over REST, in turns, so that the machine's moods hit both.

    uv run python -m bench.turns                      # everything; trains both (minutes)
    uv run python -m bench.turns --epochs 5           # stock models of a quick, worse training
    uv run python -m bench.turns --work W --skip-train   # the models of an earlier run in W
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import httpx
import yaml
from rich.console import Console
from rich.table import Table

from bench.sides import Side, actions_server, product, stock
from bot.texts import texts

HERE = Path(__file__).parent
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
TURN_TIMEOUT_S = 120
# Turns compared at the two ends of the long conversation; one round of its ten messages.
SPAN = 10
# What the product aims at: (result, bound, is the bound a maximum); ratios are product / stock.
AIMS = (
    ("median_ratio", 0.5, True),
    ("growth", 1.2, True),
    ("throughput_ratio", 3.0, False),
    ("memory_ratio", 0.6, True),
    ("start_ratio", 0.6, True),
)


@dataclass
class Parent:
    """One chat account that sends a script."""

    side: Side
    client: httpx.Client
    sender: str = field(default_factory=lambda: f"bench-{uuid.uuid4().hex}")
    code: str = "000000"
    replies: list[str] = field(default_factory=list)

    def send(self, text: str) -> float:
        """Send a message; return how long the answer took (ms).

        Raises:
            httpx.HTTPError: The server refused or did not answer.
        """
        body = {"sender": self.sender, "message": text.replace("{code}", self.code)}
        began = perf_counter()
        answer = self.client.post(f"{self.side.url}/webhooks/rest/webhook", json=body)
        took = (perf_counter() - began) * 1000
        answer.raise_for_status()
        said = " ".join(str(reply.get("text")) for reply in answer.json())
        if not said or said.strip() == texts()["failure"].text.strip():
            self.side.failed.append(text)
        self.replies.append(CODE.sub("", said))
        found = CODE.search(said)
        self.code = found.group() if found else self.code
        return took


def short_conversations(
    sides: list[Side], scripts: dict[str, list[str]], rounds: int
) -> tuple[dict[str, list[float]], float]:
    """Send every script to every side in turns.

    Returns:
        The turns' times (ms) by side, and the share of turns that all sides answered alike: if
        it is low, a worse model took other ways, and the sides did not do the same work.
    """
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    alike: list[bool] = []
    with httpx.Client(timeout=TURN_TIMEOUT_S) as client:
        for number in range(rounds + 1):
            for script in scripts.values():
                parents = [Parent(side, client) for side in sides]
                for parent in parents:
                    took = [parent.send(text) for text in script]
                    # The first round warms both up: caches, lazy imports, connections.
                    if number:
                        times[parent.side.name] += took
                answers = zip(*(parent.replies for parent in parents), strict=True)
                alike += [len(set(said)) == 1 for said in answers]
    return times, sum(alike) / len(alike)


def long_conversations(sides: list[Side], script: list[str], turns: int) -> dict[str, list[float]]:
    """Hold one conversation of many turns with each side; return the times (ms) in order."""
    with httpx.Client(timeout=TURN_TIMEOUT_S) as client:
        parents = {side.name: Parent(side, client) for side in sides}
        times: dict[str, list[float]] = {name: [] for name in parents}
        for turn in range(turns):
            for name, parent in parents.items():
                times[name].append(parent.send(script[turn % len(script)]))
    return times


def throughput(
    sides: list[Side], scripts: dict[str, list[str]], parallel: int, rounds: int
) -> dict[str, float]:
    """Run conversations in parallel, one side at a time; return messages a second by side."""
    seconds = dict.fromkeys((side.name for side in sides), 0.0)
    sent = 0
    for turn in range(rounds):
        for side in sides:
            began = perf_counter()
            sent = parallel_conversations(side, scripts, parallel)
            # As at the short conversations, the first round warms up.
            if turn:
                seconds[side.name] += perf_counter() - began
    return {name: sent * (rounds - 1) / took for name, took in seconds.items()}


def parallel_conversations(side: Side, scripts: dict[str, list[str]], parallel: int) -> int:
    """Hold ``parallel`` conversations at a time; return how many messages were sent."""

    def one(number: int) -> int:
        script = list(scripts.values())[number % len(scripts)]
        with httpx.Client(timeout=TURN_TIMEOUT_S) as client:
            parent = Parent(side, client)
            return len([parent.send(text) for text in script])

    with ThreadPoolExecutor(parallel) as pool:
        return sum(pool.map(one, range(parallel)))


def results_of(
    side: Side, short: list[float], long: list[float], per_second: float, at_start: float
) -> dict[str, float]:
    """Put a side's figures together: times in ms, memory in MB, start and training in s."""
    early, late = median(long[:SPAN]), median(long[-SPAN:])
    figures = {
        "median_ms": median(short),
        "p95_ms": quantiles(short, n=20)[-1],
        "turn_10_ms": early,
        "turn_last_ms": late,
        "growth": late / early,
        "messages_per_s": per_second,
        "memory_start_mb": at_start,
        "memory_end_mb": side.memory_mb(),
        "start_s": side.start_s,
        "failed_turns": float(len(side.failed)),
    }
    return figures | ({"training_s": side.training_s} if side.training_s else {})


def compared(measured: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the ratios that the aims are about, product to stock."""
    ours, theirs = measured["product"], measured["stock"]

    def ratio(key: str) -> float:
        return ours[key] / theirs[key]

    ratios = {
        "median_ratio": ratio("median_ms"),
        "p95_ratio": ratio("p95_ms"),
        "growth": ours["growth"],
        "stock_growth": theirs["growth"],
        "throughput_ratio": ratio("messages_per_s"),
        "memory_ratio": ratio("memory_end_mb"),
        "start_ratio": ratio("start_s"),
    }
    if "training_s" in ours and "training_s" in theirs:
        ratios["training_ratio"] = ratio("training_s")
    return ratios


def missed(ratios: dict[str, float]) -> list[str]:
    """Name the aims that the ratios miss."""
    return [
        name
        for name, bound, is_maximum in AIMS
        if (ratios[name] > bound if is_maximum else ratios[name] < bound)
    ]


def show(measured: dict[str, dict[str, float]], ratios: dict[str, float]) -> None:
    """Print the figures as a table, and the ratios with their aims."""
    console = Console()
    figures = Table("figure", *measured, title="bench/turns")
    for key in next(iter(measured.values())):
        figures.add_row(key, *(f"{side[key]:.2f}" for side in measured.values() if key in side))
    console.print(figures)
    if not ratios:
        return
    table = Table("ratio", "value", "aim", "")
    aims = {name: (bound, is_maximum) for name, bound, is_maximum in AIMS}
    failed = missed(ratios)
    for name, value in ratios.items():
        bound, is_maximum = aims.get(name, (None, True))
        aim = "" if bound is None else f"{'≤' if is_maximum else '≥'} {bound}"
        mark = "" if bound is None else ("missed" if name in failed else "met")
        table.add_row(name, f"{value:.2f}", aim, mark)
    console.print(table)


def measure(sides: list[Side], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Run all measurements against running sides."""
    scripts = yaml.safe_load(options.conversations.read_text(encoding="utf-8"))
    at_start = {side.name: side.memory_mb() for side in sides}
    short, alike = short_conversations(sides, scripts["short"], options.rounds)
    long = long_conversations(sides, scripts["long"], options.turns)
    per_second = throughput(sides, scripts["short"], options.parallel, options.parallel_rounds + 1)
    return {
        side.name: results_of(
            side, short[side.name], long[side.name], per_second[side.name], at_start[side.name]
        )
        | {"answered_alike": alike}
        for side in sides
    }


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.turns", description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=100, help="of the stock models")
    parser.add_argument("--skip-train", action="store_true", help="use the models in --work")
    parser.add_argument("--only", choices=["product", "stock"], help="one side, no ratios")
    parser.add_argument("--rounds", type=int, default=5, help="of the short conversations")
    parser.add_argument("--turns", type=int, default=300, help="of the long conversation")
    parser.add_argument("--parallel", type=int, default=10, help="conversations at a time")
    parser.add_argument("--parallel-rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="folder to keep models, stores and logs in")
    parser.add_argument("--conversations", type=Path, default=HERE / "conversations.yml")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--check", action="store_true", help="exit 1 if an aim is missed")
    options = parser.parse_args(arguments)
    if options.skip_train and options.work is None:
        parser.error("--skip-train needs the --work folder of an earlier run")
    if options.turns < 2 * SPAN:
        parser.error(f"--turns must be at least {2 * SPAN}")
    return options


def bench(options: argparse.Namespace, work: Path) -> int:
    """Train, start, measure and report; return the exit status."""
    sides = [
        side
        for side in (product(work), stock(work, options.epochs))
        if options.only in (None, side.name)
    ]
    with actions_server(work) as actions:
        try:
            for side in sides:
                if not options.skip_train:
                    side.train()
                # One after the other: each has the machine for itself while it starts.
                side.start(actions)
            measured = measure(sides, options)
        finally:
            for side in sides:
                side.stop()
    ratios = {} if options.only else compared(measured)
    failed = missed(ratios) if ratios else []
    # Times of turns that failed are no times of turns.
    failed += [f"{name}: failed turns" for name in measured if measured[name]["failed_turns"]]
    show(measured, ratios)
    if options.json:
        report = {"measured": measured, "ratios": ratios, "missed": failed}
        options.json.write_text(json.dumps(report, indent=2), encoding="utf-8")
    return int(bool(options.check and failed))


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; see ``--help``."""
    options = parse(arguments)
    # Ends by way of the finally clauses, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
        return bench(options, options.work.resolve())
    with tempfile.TemporaryDirectory() as folder:
        return bench(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
