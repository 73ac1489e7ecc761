"""Answers from the manual: training data out of ``data/faq.yml``, and the choice of a topic.

Each topic of that file becomes a retrieval intent ``faq/<id>`` and a response
``utter_faq/<id>``; nothing is typed twice. The topic ``not_stated`` holds questions about the
insurance that the manual leaves open, and its answer says so. It is also given whenever no
other topic is near enough: no answer is better than the nearest wrong one.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import (
    RESPONSE_SELECTOR_PREDICTION_KEY,
    RESPONSE_SELECTOR_PROPERTY_NAME,
    RESPONSE_SELECTOR_RANKING_KEY,
    RESPONSE_SELECTOR_RESPONSES_KEY,
    RESPONSE_SELECTOR_UTTER_ACTION_KEY,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.importers.utils import story_graph_from_paths
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    INTENT_RESPONSE_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_yaml_file

from bot.nlu import embedding
from bot.nlu.answers import answer_of
from bot.nlu.embedding import StoredEmbedder, Vectors
from bot.nlu.featurizer import CACHE, sentence_vectors
from bot.nlu.heads import LinearHead
from bot.nlu.normalise import plain
from bot.nlu.unstated import asks_for_the_unstated

logger = logging.getLogger(__name__)

# Rasa looks for its own ResponseSelector by name; FaqSelector stands in its place.
warnings.filterwarnings(
    "ignore", message="You have defined training data with examples for training"
)

FAQ = "faq"
NOT_STATED = f"{FAQ}/not_stated"
NEARNESS, UNSTATED = "nearness", "unstated"
# Topics that say themselves what the manual leaves open.
_OPEN = frozenset({f"{FAQ}/not_stated", f"{FAQ}/waiting_period", f"{FAQ}/plan_amounts_unstated"})
_FILE = "faq.yml"
_NAME = "topics"
_RANKING = 5
_SECTION = re.compile(r"\n（.*）\s*$")
_SENTENCE_END = re.compile(r"[。！？；\n]")
_SHORTEST = 6
# How one's own request stands is no question about the manual: none of those was, in
# cross-validation.
_NEVER_SETTLED = frozenset(
    {"report_emergency", "out_of_scope", "check_prior_authorization", "check_claim_status"}
)
_NEVER_CLAIMED = _NEVER_SETTLED | {"inform", "ask_claim_documents"}


class FaqImporter(RasaFileImporter):  # type: ignore[misc]
    """Rasa's file importer, which also reads ``faq.yml`` in the training data's folders."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        """Find the files (see the parent class)."""
        super().__init__(config_file, domain_path, training_data_paths)
        given = (
            [training_data_paths]
            if isinstance(training_data_paths, str)
            else list(training_data_paths or [])
        )
        self._faq_files = sorted({file for path in given for file in _faq_files(Path(path))})
        self._read: list[dict[str, Any]] | None = None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Return the files' examples and each question under its topic."""
        examples = [
            Message.build(text=str(question), intent=f"{FAQ}/{topic['id']}")
            for topic in self._topics()
            for question in topic["questions"]
        ]
        data = super().get_nlu_data(language)
        return data.merge(
            TrainingData(training_examples=examples, responses=faq_responses(self._topics()))
        )

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """Return the stories; they may name the retrieval intent, which no domain file lists."""
        domain = self.get_domain().merge(Domain.from_dict({"intents": [FAQ]}))
        return story_graph_from_paths(self._story_files, domain, exclusion_percentage)

    def _topics(self) -> list[dict[str, Any]]:
        # Rasa asks several times in one training, and reading takes a second.
        if self._read is None:
            self._read = [topic for file in self._faq_files for topic in read_topics(file)]
        return self._read


def _faq_files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file.resolve() for file in path.rglob(_FILE)]
    return [path.resolve()] if path.name == _FILE and path.exists() else []


def read_topics(file: Path) -> list[dict[str, Any]]:
    """Return the topics of a file: ``id``, ``section``, ``questions``, ``answer``, ``buttons``.

    Raises:
        rasa.shared.exceptions.RasaException: The file is not readable as YAML.
        KeyError: It holds no ``topics``.
    """
    content = read_yaml_file(file)
    topics: list[dict[str, Any]] = content["topics"]
    return topics


def sentences_of(responses: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the sentences of a topic's answer, plain, without those of a few characters."""
    # The section that it comes from is no part of what it tells.
    said = "\n".join(_SECTION.sub("", str(one.get(TEXT) or "")) for one in responses)
    found = (plain(part.strip()) for part in _SENTENCE_END.split(said))
    return [sentence for sentence in found if len(sentence) >= _SHORTEST]


def faq_responses(topics: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return Rasa responses by name; an answer ends with the section that it comes from."""
    responses: dict[str, list[dict[str, Any]]] = {}
    for topic in topics:
        response: dict[str, Any] = {TEXT: answer_of(topic)}
        buttons = [
            {"title": button["title"], "payload": f"/{button['intent']}"}
            for button in topic.get("buttons") or []
        ]
        if buttons:
            response["buttons"] = buttons
        responses[f"utter_{FAQ}/{topic['id']}"] = [response]
    return responses


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class FaqSelector(GraphComponent):  # type: ignore[misc]
    """Chooses the topic that a question is about; writes what Rasa's ResponseSelector writes."""

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        head: LinearHead | None = None,
        questions: Vectors | None = None,
    ) -> None:
        """Make a selector; without a head it leaves messages as they are."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self.head = head
        self.questions = questions

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults.

        Below ``threshold`` (confidence) or ``nearness`` (cosine to the nearest training
        question) the honest answer is given, and to what asks for a thing that the manual never
        mentions below ``stated_threshold``. From ``sure_threshold`` and ``sure_nearness`` on
        the question is taken for one about the manual after all, unless the classifier is as
        sure of its intent as ``intent_sure``. Where it is less sure than ``unsure_intent`` and
        gives ``unsure_share`` to such questions, a topic from ``unsure_threshold`` on is enough:
        an answer from the manual beats asking back. All were chosen on ``tests/evaluation``, and
        ``stated_threshold`` by cross-validation on the training questions.
        """
        return {
            "strength": 0.3,
            "dense_weight": 1.5,
            "balance": 0.5,
            "folds": 3,
            "threshold": 0.15,
            "nearness": 0.86,
            "stated_threshold": 0.98,
            "sure_threshold": 0.95,
            "sure_nearness": 0.95,
            "intent_sure": 0.9,
            "unsure_threshold": 0.6,
            "unsure_share": 0.33,
            "unsure_intent": 0.6,
            CACHE: "var/cache/embeddings.npz",
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FaqSelector:
        """Create an untrained component (see the parent class)."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FaqSelector:
        """Load a trained component (see the parent class)."""
        try:
            with model_storage.read_from(resource) as folder:
                head = LinearHead.load(folder, _NAME)
                with np.load(folder / "questions.npz", allow_pickle=False) as arrays:
                    questions: Vectors = arrays["questions"].astype(np.float32)
        except (ValueError, FileNotFoundError):
            logger.warning("The FAQ selector is not trained; it chooses no topics.")
            return cls(config, model_storage, resource)
        return cls(config, model_storage, resource, head, questions)

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the questions of all topics (see the parent class)."""
        examples = [
            example
            for example in training_data.intent_examples
            if example.get(INTENT) == FAQ and example.get(INTENT_RESPONSE_KEY)
        ]
        topics = [str(example.get(INTENT_RESPONSE_KEY)) for example in examples]
        if len(set(topics)) < 2:
            logger.warning("The FAQ selector needs two topics; not trained.")
            return self._resource
        vectors = sentence_vectors(examples)
        # Whoever asks says much of what the answer says: its sentences are examples, too.
        told = [
            (topic, sentence)
            for topic in sorted(set(topics))
            for sentence in sentences_of(training_data.responses.get(f"utter_{topic}", []))
        ]
        self.head = LinearHead(
            strength=self._config["strength"],
            dense_weight=self._config["dense_weight"],
            balance=self._config["balance"],
        ).fit(
            [plain(example.get(TEXT)) for example in examples] + [text for _, text in told],
            np.vstack([vectors, self._embedded([text for _, text in told])]),
            topics + [topic for topic, _ in told],
            folds=self._config["folds"],
        )
        self.questions = vectors
        with self._model_storage.write_to(self._resource) as folder:
            self.head.save(folder, _NAME)
            np.savez_compressed(folder / "questions.npz", questions=vectors.astype(np.float16))
        return self._resource

    def _embedded(self, texts: list[str]) -> Vectors:
        cache = self._config[CACHE]
        store = StoredEmbedder(embedding.shared(), Path(cache) if cache else None)
        vectors = store.many(texts)
        store.save()
        return vectors

    def process(self, messages: list[Message]) -> list[Message]:
        """Write ``response_selector`` into each message that has a text."""
        spoken = [message for message in messages if message.get(TEXT)]
        if self.head is None or self.questions is None or not spoken:
            return messages
        vectors = sentence_vectors(spoken)
        texts = [plain(message.get(TEXT)) for message in spoken]
        chances = self.head.probabilities(texts, vectors)
        nearest = (vectors @ self.questions.T).max(axis=1)
        for message, text, row, near in zip(spoken, texts, chances, nearest, strict=True):
            order = row.argsort()[::-1][:_RANKING]
            ranking = [
                {
                    INTENT_RESPONSE_KEY: self.head.labels[place],
                    PREDICTED_CONFIDENCE_KEY: float(row[place]),
                }
                for place in order
            ]
            sure = (
                ranking[0][PREDICTED_CONFIDENCE_KEY] >= self._config["threshold"]
                and near >= self._config["nearness"]
            )
            chosen = ranking[0][INTENT_RESPONSE_KEY] if sure else NOT_STATED
            unstated = asks_for_the_unstated(text)
            if unstated and not self._leaves_open(chosen, float(row[order[0]])):
                chosen = NOT_STATED
            self._write(message, chosen, float(row[order[0]]), ranking, float(near), unstated)
            if (
                row[order[0]] >= self._config["sure_threshold"]
                and near >= self._config["sure_nearness"]
            ):
                self._claim(message, float(row[order[0]]))
            elif sure and row[order[0]] >= self._config["unsure_threshold"]:
                self._settle(message, float(row[order[0]]))
        return messages

    def _leaves_open(self, topic: str, confidence: float) -> bool:
        """Tell whether a topic may answer a question about what the manual never mentions."""
        return topic in _OPEN or confidence >= self._config["stated_threshold"]

    def _settle(self, message: Message, confidence: float) -> None:
        """Make an intent ``faq`` that the classifier wavers about."""
        ranking = message.get(INTENT_RANKING_KEY) or []
        share = {one[INTENT_NAME_KEY]: one[PREDICTED_CONFIDENCE_KEY] for one in ranking}
        likely = ranking[0][PREDICTED_CONFIDENCE_KEY] if ranking else 1.0
        if (
            likely < self._config["unsure_intent"]
            and share.get(FAQ, 0.0) >= self._config["unsure_share"]
        ):
            self._claim(message, confidence, never=_NEVER_SETTLED)

    def _claim(
        self, message: Message, confidence: float, *, never: frozenset[str] = _NEVER_CLAIMED
    ) -> None:
        """Make an unsure task intent ``faq``."""
        intent = message.get(INTENT) or {}
        name = intent.get(INTENT_NAME_KEY)
        if (
            name is None
            or name in never
            or intent.get(PREDICTED_CONFIDENCE_KEY, 1.0) >= self._config["intent_sure"]
        ):
            return
        claimed = {INTENT_NAME_KEY: FAQ, PREDICTED_CONFIDENCE_KEY: confidence}
        others = [
            {**one, PREDICTED_CONFIDENCE_KEY: one[PREDICTED_CONFIDENCE_KEY] * (1 - confidence)}
            for one in message.get(INTENT_RANKING_KEY, [])
            if one[INTENT_NAME_KEY] != FAQ
        ]
        message.set(INTENT, claimed, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [claimed, *others], add_to_output=True)

    @staticmethod
    def _write(
        message: Message,
        topic: str,
        confidence: float,
        ranking: list[dict[str, Any]],
        near: float,
        unstated: bool,
    ) -> None:
        prediction = {
            RESPONSE_SELECTOR_PREDICTION_KEY: {
                # The texts are the domain's; Rasa's retrieval action needs the name alone.
                RESPONSE_SELECTOR_RESPONSES_KEY: [],
                PREDICTED_CONFIDENCE_KEY: confidence,
                INTENT_RESPONSE_KEY: topic,
                RESPONSE_SELECTOR_UTTER_ACTION_KEY: f"utter_{topic}",
                NEARNESS: round(near, 4),
                UNSTATED: unstated,
            },
            RESPONSE_SELECTOR_RANKING_KEY: ranking,
        }
        found = message.get(RESPONSE_SELECTOR_PROPERTY_NAME, {})
        message.set(
            RESPONSE_SELECTOR_PROPERTY_NAME,
            {**found, "all_retrieval_intents": [FAQ], FAQ: prediction, "default": prediction},
            add_to_output=True,
        )
