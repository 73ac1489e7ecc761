"""The figures of ``bot evaluate``."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot import evaluate, training
from bot.settings import load_settings


def parse(name: str, confidence: float = 0.9, second: str | None = None) -> dict[str, Any]:
    ranking = [{"name": name, "confidence": confidence}]
    if second:
        ranking.append({"name": second, "confidence": 0.3})
    return {"intent": ranking[0], "intent_ranking": ranking}


def judged(truth: str, name: str, confidence: float = 0.9, second: str | None = None) -> Any:
    return evaluate.judge({"text": "t", "intent": truth}, parse(name, confidence, second))


def test_intent_figures() -> None:
    rows = [
        judged("greet", "greet"),
        judged("greet", "thank"),
        judged("greet", "nlu_fallback", 0.4, "greet"),
        judged("out_of_scope", "nlu_fallback", 0.4, "greet"),
    ]
    figures = evaluate.intent_figures(rows)
    assert figures["in-scope accuracy"] == pytest.approx(2 / 3)
    assert figures["out-of-scope recall"] == 1
    assert figures["wrong and confident"] == 0.25
    assert figures["asked back"] == 0.5


def test_an_unsure_error_is_not_a_confident_one() -> None:
    assert not judged("greet", "thank", 0.5).misled


def test_reliability_groups_by_tenths() -> None:
    rows = [judged("greet", "greet", 0.95), judged("greet", "thank", 0.97)]
    ((mean, right, count),) = evaluate.reliability(rows)
    assert mean == pytest.approx(0.96)
    assert (right, count) == (0.5, 2)


def test_emergency_figures() -> None:
    rows = [{"text": "a", "emergency": True}, {"text": "b", "emergency": False}]
    parses = [parse("report_emergency"), parse("report_emergency")]
    assert evaluate.emergency_figures(rows, parses) == {"emergency recall": 1, "false alarms": 1}


def test_answer_figures() -> None:
    rows = [{"text": "a", "must": ["8"], "must_not": ["9"]}, {"text": "b", "must": ["x"]}]
    figures = evaluate.answer_figures([*rows, rows[0]], ["8 点", "y", "9 点"])
    assert figures == {
        "facts right": pytest.approx(1 / 3),
        "a wrong fact": pytest.approx(1 / 3),
        "no such fact": pytest.approx(1 / 3),
    }


def test_rows_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "a"}) + "\n\n[1]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3"):
        evaluate.read_rows(path)


def test_the_model_of_the_present_data_goes_before_a_newer_one(tmp_path: Path) -> None:
    settings = load_settings({"BOT_VAR": str(tmp_path)})
    settings.models.mkdir(parents=True)
    present, other = training.model_path(settings), settings.models / "other.tar.gz"
    other.touch()
    assert evaluate.present_model(settings) == other
    present.touch()
    os.utime(present, (1, 1))
    assert evaluate.present_model(settings) == present


def test_newest_model_of_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="bot train"):
        evaluate.newest_model(tmp_path)
