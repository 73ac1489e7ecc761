"""The detector overrides and clears the intent."""

from pathlib import Path
from typing import Any

import numpy as np
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.embedding import shared
from bot.nlu.emergency import DangerScore, EmergencyDetector

URGENT = [
    "孩子抽搐了",
    "喘不上气了",
    "叫不醒了快救命",
    "吞了纽扣电池",
    "血止不住",
    "掉水里没呼吸了",
]
CALM = ["我要理赔", "取消预约", "去年抽搐过,想报销", "你好", "额度还剩多少", "没有抽搐,谢谢"]


class FixedScore(DangerScore):
    """Gives one score to every text."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def scores(self, texts: Any, vectors: Any) -> Any:
        return np.full(len(texts), self.value)


def processed(text: str, score: float, *ranking: tuple[str, float]) -> Message:
    message = Message.build(text)
    entries = [{"name": name, "confidence": value} for name, value in ranking]
    message.set("intent", entries[0])
    message.set("intent_ranking", entries)
    config = EmergencyDetector.get_default_config()
    EmergencyDetector(config, None, None, FixedScore(score)).process([message])
    return message


def test_an_emergency_overrides_any_intent() -> None:
    message = processed("孩子抽搐了", 0.5, ("book_appointment", 0.99))
    assert message.get("intent") == {"name": "report_emergency", "confidence": 1.0}
    assert [one["name"] for one in message.get("intent_ranking")] == [
        "report_emergency",
        "book_appointment",
    ]


def test_a_harmless_setting_needs_a_higher_score() -> None:
    message = processed("去年抽搐的费用能报销吗", 0.4, ("check_coverage", 0.8))
    assert message.get("intent")["name"] == "check_coverage"


def test_what_is_no_emergency_takes_the_next_intent() -> None:
    message = processed("我要睡了", 0.01, ("report_emergency", 0.6), ("goodbye", 0.3))
    assert message.get("intent")["name"] == "goodbye"
    assert message.get("intent")["confidence"] > 0.7


def test_score_learns_and_is_the_same_when_loaded(tmp_path: Path) -> None:
    texts = URGENT + CALM
    vectors = shared().many(texts)
    score = DangerScore().fit(texts, vectors, [True] * 6 + [False] * 6)
    values = score.scores(texts, vectors)
    assert values[:6].min() > values[6:].max()
    score.save(tmp_path, "emergency")
    again = DangerScore.load(tmp_path, "emergency").scores(texts, vectors)
    assert np.allclose(values, again, atol=0.02)
