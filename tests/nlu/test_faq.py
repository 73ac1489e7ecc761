"""FAQ data becomes Rasa data, typed once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.faq import NOT_STATED, FaqImporter, FaqSelector, faq_responses, sentences_of
from bot.nlu.heads import LinearHead

ROOT = Path(__file__).parents[2]
FAQ = """version: "3.1"
topics:
- id: direct
  section: 手册·直付
  questions: [直付是什么, 什么叫直付]
  answer: 保险和医院直接结。
  buttons:
  - {title: 查医院, intent: find_hospital}
- id: not_stated
  section: 手册·全文
  questions: [免赔额多少]
  answer: 手册没有写。
"""


@pytest.fixture
def importer(tmp_path: Path) -> FaqImporter:
    (tmp_path / "faq.yml").write_text(FAQ, encoding="utf-8")
    (tmp_path / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - 你好\n', encoding="utf-8"
    )
    domain = tmp_path / "domain.yml"
    domain.write_text('version: "3.1"\nintents: [greet, faq]\n', encoding="utf-8")
    return FaqImporter(None, str(domain), [str(tmp_path)])


def test_questions_become_examples_of_their_topics(importer: FaqImporter) -> None:
    data = importer.get_nlu_data()
    pairs = {(one.get("intent"), one.get("intent_response_key")) for one in data.intent_examples}
    assert pairs == {("greet", None), ("faq", "faq/direct"), ("faq", "faq/not_stated")}


def test_answers_become_responses_with_their_section(importer: FaqImporter) -> None:
    (response,) = importer.get_nlu_data().responses["utter_faq/direct"]
    assert response["text"] == "保险和医院直接结。\n（手册·直付）"
    assert response["buttons"] == [{"title": "查医院", "payload": "/find_hospital"}]


def test_an_answers_sentences_leave_out_its_section_and_scraps() -> None:
    said = {
        "text": "保险和医院直接结。好的！保障外的现场付；签字即可，別漏。\n（手册·直付（门诊））"
    }
    assert sentences_of([said]) == ["保险和医院直接结", "保障外的现场付", "签字即可,别漏"]
    assert sentences_of([{"text": "直接结就可以了\n（手册·直付）"}, {}]) == ["直接结就可以了"]
    assert sentences_of([]) == []


def test_every_topic_of_the_project_has_an_answer() -> None:
    importer = FaqImporter(None, None, [str(ROOT / "data")])
    responses = faq_responses(importer._topics())
    assert f"utter_{NOT_STATED}" in responses
    assert all(variants[0]["text"].strip() for variants in responses.values())


class FixedHead(LinearHead):
    """Gives one row of probabilities."""

    def __init__(self, row: list[float]) -> None:
        super().__init__()
        self.labels = ["faq/direct", "faq/card"]
        self.row = row

    def probabilities(self, texts: Any, vectors: Any) -> Any:
        return np.array([self.row] * len(texts))


def chosen(row: list[float], nearness: float, intent: tuple[str, float]) -> Message:
    message = Message.build("直付是什么")
    message.set("intent", {"name": intent[0], "confidence": intent[1]})
    message.set("intent_ranking", [{"name": intent[0], "confidence": intent[1]}])
    from bot.nlu.featurizer import sentence_vectors

    questions = sentence_vectors([message]) * nearness
    config = FaqSelector.get_default_config()
    selector = FaqSelector(config, None, None, FixedHead(row), questions)
    selector.process([message])
    return message


def topic(message: Message) -> str:
    return str(message.get("response_selector")["faq"]["response"]["intent_response_key"])


def test_a_near_question_gets_its_topic() -> None:
    message = chosen([0.8, 0.2], 1.0, ("faq", 0.9))
    assert topic(message) == "faq/direct"
    assert message.get("response_selector")["default"]["response"]["utter_action"] == (
        "utter_faq/direct"
    )


@pytest.mark.parametrize(("row", "nearness"), [([0.1, 0.09], 1.0), ([0.9, 0.1], 0.5)])
def test_a_far_question_gets_the_honest_answer(row: list[float], nearness: float) -> None:
    assert topic(chosen(row, nearness, ("faq", 0.9))) == NOT_STATED


def test_a_sure_topic_takes_an_unsure_task() -> None:
    assert chosen([0.99, 0.01], 1.0, ("pay_self_pay", 0.6)).get("intent")["name"] == "faq"
    assert chosen([0.99, 0.01], 1.0, ("pay_self_pay", 0.95)).get("intent")["name"] == "pay_self_pay"
    assert chosen([0.99, 0.01], 1.0, ("inform", 0.6)).get("intent")["name"] == "inform"
