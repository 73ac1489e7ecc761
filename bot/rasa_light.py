"""Keeps TensorFlow out of processes whose pipeline does not use it.

Rasa imports TensorFlow in every server and training, whatever the pipeline: 340 MB of memory and
several seconds (``docs/decisions/0003-rasa-without-tensorflow.md``). It comes in by the neural
components, which the recipe and its validator name, and by their training helpers, which every
component's base class imports. This module puts stand-ins for those modules, and for the plotting
of evaluations, in place before Rasa is imported.

Only if every component is known to do without; otherwise, and with any other version of Rasa,
nothing is replaced and Rasa is what it always was. Whatever would use a stand-in fails at once
with a sentence that names this module.
"""

from __future__ import annotations

import importlib
import json
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

TRIED_VERSION = "3.6.21"

# Rasa's own components that do without TensorFlow, by the name that config.yml gives them.
_LIGHT = {
    "AugmentedMemoizationPolicy": "rasa.core.policies.memoization",
    "CountVectorsFeaturizer": "rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer",
    "EntitySynonymMapper": "rasa.nlu.extractors.entity_synonyms",
    "FallbackClassifier": "rasa.nlu.classifiers.fallback_classifier",
    "JiebaTokenizer": "rasa.nlu.tokenizers.jieba_tokenizer",
    "KeywordIntentClassifier": "rasa.nlu.classifiers.keyword_intent_classifier",
    "LogisticRegressionClassifier": "rasa.nlu.classifiers.logistic_regression_classifier",
    "MemoizationPolicy": "rasa.core.policies.memoization",
    "RegexEntityExtractor": "rasa.nlu.extractors.regex_entity_extractor",
    "RegexFeaturizer": "rasa.nlu.featurizers.sparse_featurizer.regex_featurizer",
    "RulePolicy": "rasa.core.policies.rule_policy",
    "WhitespaceTokenizer": "rasa.nlu.tokenizers.whitespace_tokenizer",
}
# Of these packages of Rasa, a model may use only the modules above.
_COMPONENT_PACKAGES = (
    "rasa.nlu.classifiers.", "rasa.nlu.extractors.", "rasa.nlu.featurizers.",
    "rasa.nlu.selectors.", "rasa.nlu.tokenizers.", "rasa.nlu.utils.", "rasa.core.policies.",
)  # fmt: skip
# What Rasa puts into every model.
_PART_OF_EVERY_MODEL = frozenset(
    {"rasa.core.policies.ensemble", "rasa.nlu.classifiers.regex_message_handler"}
)
_OWN = "bot."
# Modules that import TensorFlow or matplotlib, with the names that other modules import of them.
_REPLACED = {
    "rasa.core.policies.ted_policy": ("TEDPolicy",),
    "rasa.nlu.classifiers.diet_classifier": ("DIETClassifier",),
    "rasa.nlu.selectors.response_selector": ("ResponseSelector",),
    "rasa.utils.plotting": ("plot_confusion_matrix", "plot_histogram", "plot_paired_histogram"),
    "rasa.utils.tensorflow.callback": ("RasaTrainingLogger", "RasaModelCheckpoint"),
    "rasa.utils.tensorflow.data_generator": ("RasaBatchDataGenerator",),
}


def for_training(config: Path) -> bool:
    """Keep TensorFlow out of a training, if its configuration allows.

    Args:
        config: Rasa's ``config.yml``.

    Returns:
        Whether TensorFlow is kept out.
    """
    content = yaml.safe_load(config.read_text("utf-8")) or {}
    pipeline, policies = content.get("pipeline"), content.get("policies")
    # What is left out is filled in by Rasa, with neural components.
    if not pipeline or not policies:
        return False
    names = [entry["name"] for entry in (*pipeline, *policies)]
    if not all(name in _LIGHT or name.startswith(_OWN) for name in names):
        return False
    return _replace({name: _LIGHT[name] for name in names if name in _LIGHT})


def for_serving(model: Path) -> bool:
    """Keep TensorFlow out of a server, if its model allows.

    Args:
        model: The trained model, a ``.tar.gz``.

    Returns:
        Whether TensorFlow is kept out; False for a file that is not a model.
    """
    try:
        uses = _modules_of(model)
    except (OSError, KeyError, ValueError, tarfile.TarError):
        return False
    light = _PART_OF_EVERY_MODEL.union(_LIGHT.values())
    if any(name.startswith(_COMPONENT_PACKAGES) and name not in light for name in uses):
        return False
    return _replace({name: place for name, place in _LIGHT.items() if place in uses})


def _modules_of(model: Path) -> set[str]:
    with tarfile.open(model) as archive:
        file = archive.extractfile("metadata.json")
        metadata: dict[str, Any] = json.load(file) if file else {}
    nodes = metadata["predict_schema"]["nodes"]
    return {str(node["uses"]).rpartition(".")[0] for node in nodes.values()}


def _stand_in(name: str) -> type:
    def refuse(self: object, *_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError(f"bot.rasa_light keeps {name} out of this process")

    return type(name, (), {"__init__": refuse})


def _replace(components: dict[str, str]) -> bool:
    if version("rasa") != TRIED_VERSION or "tensorflow" in sys.modules:
        return False
    for module, names in _REPLACED.items():
        _put(module, {name: _stand_in(name) for name in names})
    # Only now, with the stand-ins in place, can Rasa's components be imported.
    classes = [getattr(importlib.import_module(place), name) for name, place in components.items()]
    _put("rasa.engine.recipes.default_components", {"DEFAULT_COMPONENTS": classes})
    return True


def _put(name: str, content: dict[str, Any]) -> None:
    module = ModuleType(name, "A stand-in; see bot.rasa_light.")
    module.__dict__.update(content)
    sys.modules[name] = module
