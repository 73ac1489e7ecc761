"""Rasa featurizer: one dense sentence vector a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import embedding
from bot.nlu.embedding import StoredEmbedder, Vectors
from bot.nlu.normalise import plain

CACHE = "cache"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEmbedder(DenseFeaturizer, GraphComponent):  # type: ignore[misc]
    """Adds the sentence embedding of the normalised text; no sequence features."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults; ``cache`` is a file that keeps vectors between trainings."""
        return {FEATURIZER_CLASS_ALIAS: None, CACHE: "var/cache/embeddings.npz"}

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Accept any configuration: there is nothing to get wrong."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEmbedder:
        """Create the component and warm the model (see the parent class)."""
        embedding.shared().warm()
        return cls(execution_context.node_name, config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to all training examples, out of the file where it holds them."""
        cache = self._config.get(CACHE)
        store = StoredEmbedder(embedding.shared(), Path(cache) if cache else None)
        examples = [example for example in training_data.training_examples if example.get(TEXT)]
        vectors = store.many([plain(example.get(TEXT)) for example in examples])
        for example, vector in zip(examples, vectors, strict=True):
            self._add(example, vector)
        store.save()
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add features to incoming messages."""
        for message in messages:
            if message.get(TEXT):
                self._add(message, embedding.shared().one(plain(message.get(TEXT))))
        return messages

    def _add(self, message: Message, vector: Vectors) -> None:
        features = Features(
            vector.reshape(1, -1).astype(np.float32), FEATURE_TYPE_SENTENCE, TEXT, self._identifier
        )
        message.add_features(features)


def sentence_vectors(messages: list[Message]) -> Vectors:
    """Return the embeddings that :class:`SentenceEmbedder` gave the messages.

    Messages that reach a component without features (in tests, or after another featurizer)
    are embedded here.
    """
    rows: list[Vectors] = []
    for message in messages:
        _, sentence = message.get_dense_features(TEXT)
        if sentence is not None and sentence.features.shape[-1] == embedding.DIMENSION:
            rows.append(np.asarray(sentence.features, dtype=np.float32).reshape(-1))
        else:
            rows.append(embedding.shared().one(plain(message.get(TEXT) or "")))
    return np.stack(rows) if rows else np.zeros((0, embedding.DIMENSION), dtype=np.float32)
