"""Which intent classifier: cross-validates candidates on the same folds of the training data.

    nice python -m bench.nlu                       # the light heads, 3 folds
    nice python -m bench.nlu --rasa --folds 1      # also DIET, and Rasa's stock Chinese pipeline

Prints accuracy, macro-F1, out-of-scope recall, latency, training time and memory of each. The
Rasa pipelines train for many minutes: ``--folds 1`` and ``--epochs`` keep them bearable. Memory
is the process's peak so far, so give ``--only`` one name where it matters.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
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

from bot.nlu.classifier import TwoHeads
from bot.nlu.embedding import StoredEmbedder, Vectors, shared
from bot.nlu.heads import LinearHead
from bot.nlu.ngrams import NgramVectorizer
from bot.nlu.normalise import plain

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "var/cache/embeddings.npz"
OUT_OF_SCOPE = "out_of_scope"
_NEIGHBOURS = 5
_TIMED = 60


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


Predict = Callable[[Data], list[str]]


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
    store = StoredEmbedder(shared(), CACHE)
    vectors = store.many(texts)
    store.save()
    return Data(raw, texts, vectors, [topic.split("/")[0] for topic in topics], topics)


def two_heads(data: Data) -> Predict:
    """Train what the product uses."""
    heads = TwoHeads().fit(data.texts, data.vectors, data.intents, data.topics)
    return lambda asked: [
        heads.labels[place]
        for place in heads.probabilities(asked.texts, asked.vectors).argmax(axis=1)
    ]


def linear_svm(data: Data) -> Predict:
    """Train one linear SVM on both kinds of features."""
    head = LinearHead().fit(data.texts, data.vectors, data.intents)
    return lambda asked: [
        head.labels[place] for place in head.margins(asked.texts, asked.vectors).argmax(axis=1)
    ]


def logistic_regression(data: Data) -> Predict:
    """Train logistic regression on both kinds of features."""
    import scipy.sparse as sp

    grams = NgramVectorizer().fit(data.texts)

    def features(some: Data) -> Any:
        return sp.hstack([grams.transform(some.texts), sp.csr_matrix(some.vectors * 3)], "csr")

    model = LogisticRegression(C=3, max_iter=60, class_weight="balanced")
    model.fit(features(data), data.intents)
    return lambda asked: [str(name) for name in model.predict(features(asked))]


def nearest_neighbours(data: Data) -> Predict:
    """Vote among the nearest examples by cosine."""
    labels = sorted(set(data.intents))
    places = np.array([labels.index(intent) for intent in data.intents])

    def predict(asked: Data) -> list[str]:
        likeness = asked.vectors @ data.vectors.T
        found = []
        for row in likeness:
            near = np.argpartition(-row, _NEIGHBOURS)[:_NEIGHBOURS]
            votes = np.bincount(places[near], np.exp(20 * row[near]), minlength=len(labels))
            found.append(labels[int(votes.argmax())])
        return found

    return predict


def rasa_pipeline(components: list[dict[str, Any]]) -> Callable[[Data], Predict]:
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

        def predict(asked: Data) -> list[str]:
            return [
                str(loop.run_until_complete(agent.parse_message(text))["intent"]["name"])
                for text in asked.raw
            ]

        return predict

    return train


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def candidates(epochs: int, *, rasa: bool) -> dict[str, Callable[[Data], Predict]]:
    """Return the trainers by name."""
    light: dict[str, Callable[[Data], Predict]] = {
        "two heads": two_heads,
        "linear SVM": linear_svm,
        "logistic regression": logistic_regression,
        "nearest neighbours": nearest_neighbours,
    }
    if not rasa:
        return light
    diet = {"name": "DIETClassifier", "epochs": epochs, "entity_recognition": False}
    counts = {"name": "CountVectorsFeaturizer"}
    return {
        **light,
        "DIET on our features": rasa_pipeline(
            [
                {"name": "bot.nlu.tokenizer.ServiceTokenizer"},
                {"name": "bot.nlu.featurizer.SentenceEmbedder", "cache": str(CACHE)},
                {**counts, "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
                diet,
            ]
        ),
        "stock: Jieba, counts, DIET": rasa_pipeline([{"name": "JiebaTokenizer"}, counts, diet]),
    }


def measure(train: Callable[[Data], Predict], data: Data, folds: int) -> list[str]:
    """Cross-validate a candidate and return its row of the table."""
    splitter = StratifiedKFold(max(folds, 3), shuffle=True, random_state=1)
    truths: list[str] = []
    guesses: list[str] = []
    training: list[float] = []
    latency: list[float] = []
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
            predict(one)
            latency.append(time.perf_counter() - start)
    strange = [truth == OUT_OF_SCOPE for truth in truths]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    right = np.mean([a == b for a, b in zip(truths, guesses, strict=True)])
    recall = recall_score(strange, [guess == OUT_OF_SCOPE for guess in guesses])
    return [
        f"{right:.1%}",
        f"{f1_score(truths, guesses, average='macro'):.3f}",
        f"{recall:.1%}",
        f"{statistics.median(latency) * 1000:.1f} ms",
        f"{statistics.fmean(training):.0f} s",
        f"{peak:.0f} MB",
    ]


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="bench.nlu", description=__doc__)
    parser.add_argument("--folds", type=int, default=3, help="how many of the folds to run")
    parser.add_argument("--epochs", type=int, default=50, help="of DIET")
    parser.add_argument("--rasa", action="store_true", help="also the Rasa pipelines")
    parser.add_argument("--only", help="a part of the name of the candidates to run")
    given = parser.parse_args()
    data = load()
    table = Table("classifier", "accuracy", "macro-F1", "oos recall", "latency", "training", "peak")
    for name, train in candidates(given.epochs, rasa=given.rasa).items():
        if not given.only or given.only in name:
            table.add_row(name, *measure(train, data, given.folds))
    console = Console()
    console.print(f"{len(data.texts)} examples, {len(set(data.intents))} intents")
    console.print("Latency is without the embedding, but for the Rasa pipelines (whole parse).")
    console.print(table)


if __name__ == "__main__":
    main()
