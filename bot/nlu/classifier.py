"""Rasa intent classifier on sentence embeddings and n-grams."""

from __future__ import annotations

import logging
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.featurizer import sentence_vectors
from bot.nlu.heads import LinearHead
from bot.nlu.normalise import plain

logger = logging.getLogger(__name__)

_NAME = "intents"
_RANKING = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ServiceIntentClassifier(IntentClassifier, GraphComponent):
    """Names the intent with a calibrated confidence and ranks the ten likeliest."""

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        head: LinearHead | None = None,
    ) -> None:
        """Make a classifier; without a head it leaves messages as they are."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self.head = head

    @classmethod
    def required_components(cls) -> list[type]:
        """A featurizer must come before."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults, as measured by ``bench/nlu.py``."""
        return {"strength": 0.3, "dense_weight": 1.0, "balance": 0.5, "folds": 3}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ServiceIntentClassifier:
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
    ) -> ServiceIntentClassifier:
        """Load a trained component (see the parent class)."""
        try:
            with model_storage.read_from(resource) as folder:
                head = LinearHead.load(folder, _NAME)
        except (ValueError, FileNotFoundError):
            logger.warning("The intent classifier is not trained; it names no intents.")
            return cls(config, model_storage, resource)
        return cls(config, model_storage, resource, head)

    def train(self, training_data: TrainingData) -> Resource:
        """Train on all examples that have an intent (see the parent class)."""
        examples = [
            example
            for example in training_data.intent_examples
            if example.get(INTENT) and example.get(TEXT)
        ]
        intents = [str(example.get(INTENT)) for example in examples]
        if len(set(intents)) < 2:
            logger.warning("The intent classifier needs examples of two intents; not trained.")
            return self._resource
        self.head = LinearHead(
            strength=self._config["strength"],
            dense_weight=self._config["dense_weight"],
            balance=self._config["balance"],
        ).fit(
            [plain(example.get(TEXT)) for example in examples],
            sentence_vectors(examples),
            intents,
            folds=self._config["folds"],
        )
        with self._model_storage.write_to(self._resource) as folder:
            self.head.save(folder, _NAME)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set ``intent`` and ``intent_ranking`` of each message that has a text."""
        spoken = [message for message in messages if message.get(TEXT)]
        if self.head is None or not spoken:
            return messages
        texts = [plain(message.get(TEXT)) for message in spoken]
        chances = self.head.probabilities(texts, sentence_vectors(spoken))
        for message, row in zip(spoken, chances, strict=True):
            ranking = [
                {INTENT_NAME_KEY: self.head.labels[place], PREDICTED_CONFIDENCE_KEY: float(row[place])}
                for place in row.argsort()[::-1][:_RANKING]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages
