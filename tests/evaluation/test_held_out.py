"""Evaluation data must stay apart from training data, and both must be as broad as promised."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from bot.nlu.normalise import plain

ROOT = Path(__file__).parents[2]
HELD_OUT = ["intents", "intents_second", "faq", "faq_second", "unanswerable", "emergencies"]
AT_LEAST = {"out_of_scope": 300, "report_emergency": 200, "ask_medical_advice": 150}


def examples() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in [ROOT / "data/nlu.yml", *sorted((ROOT / "data/nlu").glob("*.yml"))]:
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = [line[2:].strip() for line in block["examples"].splitlines() if line.strip()]
            found.setdefault(block["intent"], []).extend(lines)
    return found


def topics() -> list[dict[str, object]]:
    loaded = yaml.safe_load((ROOT / "data/faq.yml").read_text(encoding="utf-8"))
    return list(loaded["topics"])


def training_texts() -> list[str]:
    texts = [text for lines in examples().values() for text in lines]
    return texts + [str(q) for topic in topics() for q in topic["questions"]]  # type: ignore[union-attr]


def held_out(name: str) -> list[dict[str, object]]:
    path = Path(__file__).parent / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def allowed_distance(text: str) -> int:
    """Very short texts are said by everybody; longer ones may not be near copies."""
    return -1 if len(text) <= 4 else 0 if len(text) <= 6 else 1 if len(text) <= 12 else 2


@pytest.mark.parametrize("name", HELD_OUT)
def test_no_held_out_text_stands_in_the_training_data(name: str) -> None:
    known = sorted({plain(text) for text in training_texts()})
    texts = [plain(str(row["text"])) for row in held_out(name)]
    nearest = process.cdist(texts, known, scorer=Levenshtein.distance, score_cutoff=2)
    distances = nearest.min(axis=1)
    leaked = [
        (text, known[int(np.argmin(nearest[i]))])
        for i, text in enumerate(texts)
        if distances[i] <= allowed_distance(text)
    ]
    assert leaked == []


def test_the_check_finds_a_copy() -> None:
    text = training_texts()[0]
    assert Levenshtein.distance(plain(text + "！"), plain(text)) <= 2


def test_every_intent_has_its_examples() -> None:
    short = {i: len(t) for i, t in examples().items() if len(set(t)) < AT_LEAST.get(i, 100)}
    assert short == {}


def test_no_example_stands_under_two_intents() -> None:
    seen: dict[str, str] = {}
    for intent, lines in examples().items():
        for line in lines:
            text = plain(line)
            key = text if any(c.isalnum() for c in text) else line
            assert seen.setdefault(key, intent) == intent, line


def test_the_manual_is_covered_by_topics() -> None:
    found = topics()
    assert len(found) >= 90
    assert [t["id"] for t in found if len(t["questions"]) < 10] == []  # type: ignore[arg-type]
    assert len({t["id"] for t in found}) == len(found)


def test_held_out_sets_are_large_enough() -> None:
    assert len(held_out("intents")) >= 800
    assert len(held_out("faq")) >= 250
    assert len(held_out("unanswerable")) >= 80
    assert len(held_out("dates")) >= 300
    emergencies = [row["emergency"] for row in held_out("emergencies")]
    assert sum(map(bool, emergencies)) >= 150
    assert len(emergencies) - sum(map(bool, emergencies)) >= 300
