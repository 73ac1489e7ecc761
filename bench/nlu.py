"""Which intent classifier: cross-validates candidates on the same folds of the training data.

    nice python -m bench.nlu                            # the light heads, 3 folds
    nice -n 19 python -m bench.nlu --rasa --folds 1 --epochs 20 --minutes 30

Prints accuracy, macro-F1, out-of-scope recall, how far confidence is from the share that is right
(expected calibration error), wrong with a confidence of 0.7 or more, latency, training time and
peak memory of each. Every candidate runs in a process of its own, so its memory is its own. The
Rasa pipelines train for many minutes: ``--folds``, ``--epochs`` and ``--minutes`` bound them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import StratifiedKFold

from bot.nlu.augment import variants
from bot.nlu.classifier import TwoHeads
from bot.nlu.embedding import Embedder, StoredEmbedder, Vectors, shared
from bot.nlu.heads import LinearHead
from bot.nlu.ngrams import Counted, NgramVectorizer
from bot.nlu.normalise import plain

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "var/cache/embeddings.npz"
STOCK = Path(__file__).with_name("stock.yml")
OUT_OF_SCOPE = "out_of_scope"
CONFIDENT = 0.7
MISSPELT = 0.25
_NEIGHBOURS = 5
_TIMED = 60
_BINS = 10
# Whatever follows the intent in the stock pipeline is not measured here.
_AFTER_INTENT = frozenset({"EntitySynonymMapper", "ResponseSelector", "FallbackClassifier"})


@dataclass(frozen=True)
class Data:
    """Labelled texts: as typed, plain, embedded; with intents and topics."""

    raw: list[str]
    texts: list[str]
    vectors: Vectors
    intents: list[str]
    topics: list[str]

    def part(self, places: Sequence[int]) -> Data:
        """Return the examples at some places."""
        return Data(
            [self.raw[i] for i in places],
            [self.texts[i] for i in places],
            self.vectors[places],
            [self.intents[i] for i in places],
            [self.topics[i] for i in places],
        )


Guess = tuple[str, float]
Predict = Callable[[Data], list[Guess]]
Train = Callable[[Data], Predict]


def load() -> Data:
    """Return all training examples."""
    raw: list[str] = []
    topics: list[str] = []
    for path in [ROOT / "data/nlu.yml", *sorted((ROOT / "data/nlu").glob("*.yml"))]:
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = [line[2:].strip() for line in block["examples"].splitlines() if line.strip()]
            raw += lines
            topics += [block["intent"]] * len(lines)
    for topic in yaml.safe_load((ROOT / "data/faq.yml").read_text(encoding="utf-8"))["topics"]:
        raw += [str(question) for question in topic["questions"]]
        topics += [f"faq/{topic['id']}"] * len(topic["questions"])
    texts = [plain(text) for text in raw]
    vectors = _embedded(texts)
    return Data(raw, texts, vectors, [topic.split("/")[0] for topic in topics], topics)


def _embedded(texts: list[str]) -> Vectors:
    store = StoredEmbedder(shared(), CACHE)
    vectors = store.many(texts)
    store.save()
    return vectors


def _best(labels: Sequence[str], chances: Any) -> list[Guess]:
    return [(str(labels[row.argmax()]), float(row.max())) for row in np.asarray(chances)]


def two_heads(data: Data, share: float = 0.0) -> Predict:
    """Train what the product uses, on a share of misspelt variants, too."""
    slips = variants(data.texts, share)
    vectors = data.vectors
    if slips:
        vectors = np.vstack([vectors, vectors[[place for place, _ in slips]]])
    heads = TwoHeads().fit(
        [*data.texts, *(variant for _, variant in slips)],
        vectors,
        [*data.intents, *(data.intents[place] for place, _ in slips)],
        [*data.topics, *(data.topics[place] for place, _ in slips)],
    )
    return lambda asked: _best(heads.labels, heads.probabilities(asked.texts, asked.vectors))


def linear_svm(data: Data) -> Predict:
    """Train one linear SVM on both kinds of features."""
    head = LinearHead().fit(data.texts, data.vectors, data.intents)
    return lambda asked: _best(head.labels, head.probabilities(asked.texts, asked.vectors))


def logistic_regression(data: Data) -> Predict:
    """Train logistic regression on both kinds of features."""
    import scipy.sparse as sp

    grams = NgramVectorizer().fit(Counted(data.texts))

    def features(some: Data) -> Any:
        return sp.hstack([grams.transform(some.texts), sp.csr_matrix(some.vectors * 3)], "csr")

    model = LogisticRegression(C=3, max_iter=60, class_weight="balanced")
    model.fit(features(data), data.intents)
    return lambda asked: _best(model.classes_, model.predict_proba(features(asked)))


def nearest_neighbours(data: Data) -> Predict:
    """Vote among the nearest examples by cosine."""
    labels = sorted(set(data.intents))
    places = np.array([labels.index(intent) for intent in data.intents])

    def predict(asked: Data) -> list[Guess]:
        found = []
        for row in asked.vectors @ data.vectors.T:
            near = np.argpartition(-row, _NEIGHBOURS)[:_NEIGHBOURS]
            votes = np.bincount(places[near], np.exp(20 * row[near]), minlength=len(labels))
            found.append((labels[int(votes.argmax())], float(votes.max() / votes.sum())))
        return found

    return predict


def rasa_pipeline(components: list[dict[str, Any]]) -> Train:
    """Return a trainer of a Rasa pipeline."""

    def train(data: Data) -> Predict:
        from rasa.core.agent import load_agent
        from rasa.model_training import train_nlu

        folder = Path(tempfile.mkdtemp())
        blocks = [
            {
                "intent": intent,
                "examples": "".join(
                    f"- {text}\n"
                    for text, own in zip(data.raw, data.intents, strict=True)
                    if own == intent
                ),
            }
            for intent in sorted(set(data.intents))
        ]
        _write(folder / "nlu.yml", {"version": "3.1", "nlu": blocks})
        _write(
            folder / "config.yml",
            {"recipe": "default.v1", "language": "zh", "pipeline": components, "policies": []},
        )
        path = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
        loop = asyncio.new_event_loop()
        agent = loop.run_until_complete(load_agent(model_path=path))

        def predict(asked: Data) -> list[Guess]:
            found = [loop.run_until_complete(agent.parse_message(text)) for text in asked.raw]
            return [(str(p["intent"]["name"]), float(p["intent"]["confidence"])) for p in found]

        return predict

    return train


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def stock_pipeline(epochs: int) -> list[dict[str, Any]]:
    """Return Rasa's stock Chinese pipeline up to the intent, with so many epochs of DIET."""
    pipeline = yaml.safe_load(STOCK.read_text(encoding="utf-8"))["pipeline"]
    kept = [dict(component) for component in pipeline if component["name"] not in _AFTER_INTENT]
    return [
        {**one, "epochs": epochs, "entity_recognition": False}
        if one["name"] == "DIETClassifier"
        else one
        for one in kept
    ]


def candidates(epochs: int, *, rasa: bool) -> dict[str, Train]:
    """Return the trainers by name."""
    light: dict[str, Train] = {
        "two heads, misspelt too": lambda data: two_heads(data, MISSPELT),
        "two heads": two_heads,
        "linear SVM": linear_svm,
        "logistic regression": logistic_regression,
        "nearest neighbours": nearest_neighbours,
    }
    if not rasa:
        return light
    ours = [
        {"name": "bot.nlu.tokenizer.ServiceTokenizer"},
        {"name": "bot.nlu.featurizer.SentenceEmbedder", "cache": str(CACHE)},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": epochs, "entity_recognition": False},
    ]
    return {
        **light,
        f"DIET on our features, {epochs} epochs": rasa_pipeline(ours),
        f"Rasa's stock pipeline, {epochs} epochs": rasa_pipeline(stock_pipeline(epochs)),
    }


def calibration_error(right: Sequence[bool], confidences: Sequence[float]) -> float:
    """Return the mean distance between confidence and the share that is right, over tenths."""
    hits, sure = np.array(right, dtype=float), np.array(confidences)
    places = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(hits[places == place].mean() - sure[places == place].mean()) * (places == place).sum()
        for place in range(_BINS)
        if (places == place).any()
    ]
    return float(sum(gaps) / len(sure))


def measure(name: str, train: Train, data: Data, folds: int) -> dict[str, float]:
    """Cross-validate a candidate and return its figures."""
    splitter = StratifiedKFold(max(folds, 3), shuffle=True, random_state=1)
    truths: list[str] = []
    guesses: list[Guess] = []
    training: list[float] = []
    latency: list[float] = []
    own_embedding = "DIET" in name or "Rasa" in name
    for number, (learn, check) in enumerate(splitter.split(data.texts, data.intents)):
        if number == folds:
            break
        start = time.perf_counter()
        predict = train(data.part(learn))
        training.append(time.perf_counter() - start)
        asked = data.part(check)
        truths += asked.intents
        guesses += predict(asked)
        for place in check[:_TIMED]:
            one = data.part([int(place)])
            start = time.perf_counter()
            if not own_embedding:
                # A new message's embedding is part of what a parent waits for.
                Embedder.many(shared(), [f"{one.texts[0]} "])
            predict(one)
            latency.append(time.perf_counter() - start)
    names = [guess for guess, _ in guesses]
    right = [a == b for a, b in zip(truths, names, strict=True)]
    sure = [confidence for _, confidence in guesses]
    strange = [truth == OUT_OF_SCOPE for truth in truths]
    return {
        "accuracy": float(np.mean(right)),
        "f1": float(f1_score(truths, names, average="macro")),
        "oos": float(recall_score(strange, [one == OUT_OF_SCOPE for one in names])),
        "calibration": calibration_error(right, sure),
        "misled": float(
            np.mean([not r and c >= CONFIDENT for r, c in zip(right, sure, strict=True)])
        ),
        "latency": statistics.median(latency) * 1000,
        "training": statistics.fmean(training),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _row(figures: dict[str, float]) -> list[str]:
    return [
        f"{figures['accuracy']:.1%}",
        f"{figures['f1']:.3f}",
        f"{figures['oos']:.1%}",
        f"{figures['calibration']:.3f}",
        f"{figures['misled']:.1%}",
        f"{figures['latency']:.1f} ms",
        f"{figures['training']:.0f} s",
        f"{figures['peak']:.0f} MB",
    ]


def _alone(name: str, given: argparse.Namespace) -> list[str]:
    """Run one candidate in a process of its own; return its row."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.nlu", "--arm", name]
    command += ["--folds", str(given.folds), "--epochs", str(given.epochs)]
    environ = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "RASA_TELEMETRY_ENABLED": "false"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, timeout=given.minutes * 60
        )
    except subprocess.TimeoutExpired:
        return [f"not done in {given.minutes} min"]
    if done.returncode:
        return [done.stderr.decode(errors="replace").strip().splitlines()[-1]]
    return _row(json.loads(done.stdout.decode().strip().splitlines()[-1]))


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="bench.nlu", description=__doc__)
    parser.add_argument("--folds", type=int, default=3, help="how many of the folds to run")
    parser.add_argument("--epochs", type=int, default=50, help="of DIET")
    parser.add_argument("--minutes", type=int, default=30, help="at most so long a candidate")
    parser.add_argument("--rasa", action="store_true", help="also the Rasa pipelines")
    parser.add_argument("--only", help="a part of the name of the candidates to run")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.arm:
        train = candidates(given.epochs, rasa=True)[given.arm]
        print(json.dumps(measure(given.arm, train, load(), given.folds)))
        return
    console = Console(width=140)
    data = load()
    console.print(f"{len(data.texts)} examples, {len(set(data.intents))} intents")
    columns = ("classifier", "accuracy", "macro-F1", "oos recall", "calibration error",
               "wrong and sure", "latency", "training", "peak")  # fmt: skip
    table = Table(*columns)
    for name in candidates(given.epochs, rasa=given.rasa):
        if not given.only or given.only in name:
            row = _alone(name, given)
            console.print(name, *row, highlight=False)
            table.add_row(name, *row)
    console.print(table)


if __name__ == "__main__":
    main()
