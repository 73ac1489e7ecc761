"""TensorFlow stays out, with our configuration and our model, and only where that is known to do.

Each question is asked in a process of its own: what is imported once stays.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bot import rasa_light
from bot.settings import ROOT

HEAVY = ("tensorflow", "jax", "matplotlib")


def ask(code: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env=clean | {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


LOADED = f"print([name for name in {HEAVY!r} if name in sys.modules])"


def test_our_training_does_without() -> None:
    code = (
        "import sys; from pathlib import Path; from bot import rasa_light\n"
        "assert rasa_light.for_training(Path('config.yml'))\n"
        "import rasa.model_training\n"
        "from rasa.shared.importers.importer import TrainingDataImporter\n"
        "from rasa.engine.recipes.recipe import Recipe\n"
        "import rasa.engine.validation\n"
        "importer = TrainingDataImporter.load_from_config('config.yml', 'domain.yml', 'data')\n"
        "recipe = Recipe.recipe_for_name('default.v1')\n"
        "graph = recipe.graph_config_for_recipe(importer.get_config(), {})\n"
        "rasa.engine.validation.validate(graph)\n"
    )
    assert ask(code + LOADED) == "[]"


def test_our_server_does_without(trained_model: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from bot import rasa_light\n"
        f"model = {str(trained_model)!r}\n"
        "assert rasa_light.for_serving(Path(model))\n"
        "from rasa.core.agent import Agent\n"
        "parsed = asyncio.run(Agent.load(model).parse_message('我要理赔'))\n"
        "assert parsed['intent']['name']\n"
    )
    assert ask(code + LOADED) == "[]"


def test_a_stand_in_that_is_used_says_where_it_comes_from() -> None:
    code = (
        "from pathlib import Path; from bot import rasa_light\n"
        "rasa_light.for_training(Path('config.yml'))\n"
        "from rasa.nlu.classifiers.diet_classifier import DIETClassifier\n"
        "try: DIETClassifier()\n"
        "except RuntimeError as error: print(error)\n"
    )
    answer = ask(code)
    assert "bot.rasa_light" in answer
    assert "DIETClassifier" in answer


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What would have been replaced; nothing is, in this process."""
    calls: list[dict[str, str]] = []

    def replace(components: dict[str, str]) -> bool:
        calls.append(components)
        return True

    monkeypatch.setattr(rasa_light, "_replace", replace)
    return calls


LIGHT = """
pipeline:
  - name: bot.nlu.tokenizer.ServiceTokenizer
  - name: FallbackClassifier
policies:
  - name: RulePolicy
"""


@pytest.mark.parametrize(
    "config",
    [
        LIGHT.replace("FallbackClassifier", "DIETClassifier"),
        LIGHT.replace("RulePolicy", "TEDPolicy"),
        LIGHT.replace("RulePolicy", "elsewhere.Policy"),
        LIGHT.partition("policies")[0],
        "language: zh",
        "",
    ],
)
def test_another_configuration_is_left_alone(
    tmp_path: Path, replaced: list[dict[str, str]], config: str
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(config, "utf-8")
    assert not rasa_light.for_training(path)
    assert replaced == []


def test_only_the_components_of_the_configuration_are_kept(
    tmp_path: Path, replaced: list[dict[str, str]]
) -> None:
    path = tmp_path / "config.yml"
    path.write_text(LIGHT, "utf-8")
    assert rasa_light.for_training(path)
    assert set(replaced[0]) == {"FallbackClassifier", "RulePolicy"}


def model(folder: Path, *uses: str) -> Path:
    nodes = {str(number): {"uses": name} for number, name in enumerate(uses)}
    content = json.dumps({"predict_schema": {"nodes": nodes}}).encode()
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("metadata.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return path


OURS = ("bot.nlu.faq.FaqSelector", "rasa.core.policies.rule_policy.RulePolicy")


@pytest.mark.parametrize(
    ("other", "light"),
    [
        ("rasa.graph_components.providers.domain_provider.DomainProvider", True),
        ("rasa.core.policies.ensemble.DefaultPolicyPredictionEnsemble", True),
        ("rasa.nlu.classifiers.diet_classifier.DIETClassifier", False),
        ("rasa.nlu.selectors.response_selector.ResponseSelector", False),
        ("rasa.core.policies.ted_policy.TEDPolicy", False),
    ],
)
def test_a_model_is_judged_by_its_components(
    tmp_path: Path, replaced: list[dict[str, str]], other: str, light: bool
) -> None:
    assert rasa_light.for_serving(model(tmp_path, *OURS, other)) is light
    assert bool(replaced) is light


def test_what_is_no_model_is_left_alone(tmp_path: Path, replaced: list[dict[str, str]]) -> None:
    path = tmp_path / "model.tar.gz"
    assert not rasa_light.for_serving(path)
    path.write_bytes(b"not an archive")
    assert not rasa_light.for_serving(path)
    assert replaced == []


def test_another_rasa_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rasa_light, "TRIED_VERSION", "3.6.20")
    before = set(sys.modules)
    assert not rasa_light.for_serving(model(tmp_path, *OURS))
    assert not {name for name in set(sys.modules) - before if name.startswith("rasa.")}
