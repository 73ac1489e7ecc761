"""Rasa intent classifier on sentence embeddings and n-grams.

Two linear heads vote: a broad one over the intents, and a fine one that knows each FAQ topic
as a class of its own. The broad one alone takes most questions about the manual for the task
that they are near to; the fine one alone knows the tasks less well.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
    INTENT_RESPONSE_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.augment import variants
from bot.nlu.embedding import Vectors
from bot.nlu.featurizer import sentence_vectors
from bot.nlu.heads import LinearHead, Probabilities, softmax
from bot.nlu.ngrams import Counted
from bot.nlu.normalise import plain
from bot.nlu.solver import processes

logger = logging.getLogger(__name__)

_RANKING = 10
WORD = re.compile(r"[^\W_]")
_LEAST = 1e-6
# Between what cross-validation (0.45) and the held-out sets (0.55) call calibrated.
_JOINT = 0.5


class TwoHeads:
    """The broad and the fine head, and their common vote."""

    def __init__(self, *, broad_balance: float = 0.8, fine_balance: float = 0.0) -> None:
        """Make two untrained heads; see :class:`LinearHead` for ``balance``."""
        self.broad = LinearHead(balance=broad_balance)
        self.fine = LinearHead(balance=fine_balance)
        # Not calibrated anew at each training: 180 classes take long, and it hardly moves.
        self.fine.temperature = 8.5
        self._fold: npt.NDArray[np.float64] = np.zeros((0, 0))

    @property
    def labels(self) -> list[str]:
        """The intents, in the order of the probabilities' columns."""
        return self.broad.labels

    def fit(
        self,
        texts: Sequence[str],
        vectors: Vectors,
        intents: Sequence[str],
        topics: Sequence[str],
        *,
        folds: int = 3,
    ) -> TwoHeads:
        """Train on plain texts, embeddings, intents, and topics (``faq/…``, else the intent)."""
        with processes(len(texts) * len(set(topics))) as pool:
            counted = Counted(texts)
            self.broad.fit(counted, vectors, intents, folds=folds, pool=pool)
            self.fine.fit(counted, vectors, topics, folds=0, pool=pool)
        self._join()
        return self

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> Probabilities:
        """Return calibrated probabilities of the intents, columns in the order of ``labels``."""
        broad = self.broad.probabilities(texts, vectors)
        fine = self.fine.probabilities(texts, vectors) @ self._fold
        joint = np.log(np.maximum(broad, _LEAST)) + np.log(np.maximum(fine, _LEAST))
        return softmax(joint * _JOINT)

    def _join(self) -> None:
        places = {label: place for place, label in enumerate(self.broad.labels)}
        self._fold = np.zeros((len(self.fine.labels), len(places)))
        for row, label in enumerate(self.fine.labels):
            self._fold[row, places[label.split("/")[0]]] = 1.0

    def save(self, folder: Path) -> None:
        """Write both heads into a folder."""
        self.broad.save(folder, "broad")
        self.fine.save(folder, "fine")

    @classmethod
    def load(cls, folder: Path) -> TwoHeads:
        """Read what :meth:`save` wrote."""
        heads = cls()
        heads.broad = LinearHead.load(folder, "broad")
        heads.fine = LinearHead.load(folder, "fine")
        heads._join()
        return heads


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ServiceIntentClassifier(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Names the intent with a calibrated confidence and ranks the ten likeliest."""

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        head: TwoHeads | None = None,
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
        """Return the defaults, chosen on ``tests/evaluation`` and the training data."""
        return {
            "broad_balance": 0.8,
            "fine_balance": 0.0,
            "folds": 3,
            # This share of the examples is learned from in a misspelt variant, too.
            "misspelt": 0.25,
        }

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
                head = TwoHeads.load(folder)
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
        topics = [
            str(example.get(INTENT_RESPONSE_KEY) or intent)
            for example, intent in zip(examples, intents, strict=True)
        ]
        texts = [plain(example.get(TEXT)) for example in examples]
        slips = variants(texts, self._config["misspelt"])
        # The slips are for the n-grams. Beside the vector of the text as it was meant they teach
        # as much as beside their own, which would be a fifth of all embedding.
        vectors = sentence_vectors(examples)
        vectors = np.vstack([vectors, vectors[[place for place, _ in slips]]])
        self.head = TwoHeads(
            broad_balance=self._config["broad_balance"], fine_balance=self._config["fine_balance"]
        ).fit(
            [*texts, *(variant for _, variant in slips)],
            vectors,
            [*intents, *(intents[place] for place, _ in slips)],
            [*topics, *(topics[place] for place, _ in slips)],
            folds=self._config["folds"],
        )
        with self._model_storage.write_to(self._resource) as folder:
            self.head.save(folder)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set ``intent`` and ``intent_ranking`` of each message that has a text."""
        spoken = [message for message in messages if message.get(TEXT)]
        if self.head is None or not spoken:
            return messages
        texts = [plain(message.get(TEXT)) for message in spoken]
        chances = self.head.probabilities(texts, sentence_vectors(spoken))
        for message, text, row in zip(spoken, texts, chances, strict=True):
            # "@@@" means nothing, however near it lies to something.
            sure = 1.0 if WORD.search(text) else 0.0
            ranking = [
                {
                    INTENT_NAME_KEY: self.head.labels[place],
                    PREDICTED_CONFIDENCE_KEY: sure * float(row[place]),
                }
                for place in row.argsort()[::-1][:_RANKING]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages
