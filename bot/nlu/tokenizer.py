"""Rasa tokenizer: Jieba with the words of this service, on normalised text.

Jieba's own word list takes a second to load and tens of megabytes; only its commoner words
are kept, and the words of ``jieba_dict.txt`` go before them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jieba
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.normalise import normalise

DOMAIN_WORDS = Path(__file__).parent / "jieba_dict.txt"
_COMMON = 200
_DOMAIN_FREQUENCY = 20_000


@lru_cache(maxsize=1)
def segmenter() -> jieba.Tokenizer:
    """Return the process's segmenter, its dictionary loaded.

    Jieba's own loading is bypassed: it leaves a cache in the shared temporary folder and reads
    back whatever lies there.
    """
    made = jieba.Tokenizer()
    words: dict[str, int] = {}
    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, count, _ = line.split(" ")
            if len(word) == 1 or int(count) >= _COMMON:
                words[word] = int(count)
    for line in DOMAIN_WORDS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            words[line.strip()] = _DOMAIN_FREQUENCY
    made.total = sum(words.values())
    for word in list(words):
        for end in range(1, len(word)):
            words.setdefault(word[:end], 0)
    made.FREQ = words
    made.initialized = True
    return made


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class ServiceTokenizer(Tokenizer):  # type: ignore[misc]
    """Cuts the normalised text; each token keeps its place in the original one."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults that the parent class asks for."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ServiceTokenizer:
        """Create the component and warm the dictionary (see the parent class)."""
        segmenter().lcut("你好")
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the examples as they are: nothing is learned from tokens.

        Rasa takes the fingerprint of every token of every example once a component.
        """
        return training_data

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Return the tokens of one attribute of a message."""
        original = str(message.get(attribute))
        normal = normalise(original)
        tokens: list[Token] = []
        for word, start, end in segmenter().tokenize(normal.text):
            if word.strip():
                first, last = normal.original_span(start, end)
                tokens.append(Token(word, first, last))
        # Rasa expects at least one token, also for a message of signs alone.
        return tokens or [Token(original, 0, len(original))]
