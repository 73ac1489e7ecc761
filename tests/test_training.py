"""When a model is trained, with a stand-in for the training itself."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import training
from bot.errors import OperatorError
from bot.settings import Settings, load_settings
from bot.training import TrainingStoppedError, ensure_model, fingerprint, inputs, model_path

LOCK = """
[[package]]
name = "rasa"
version = "3.6.21"

[[package]]
name = "httpx"
version = "0.27.0"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, content in {
        "config.yml": "language: zh",
        "domain.yml": "intents: []",
        "data/nlu.yml": "nlu: []",
        "data/nlu/claims.yml": "nlu: []",
        "bot/nlu/faq.py": "ONE = 1",
        "bot/nlu/words.txt": "one",
        "bot/rules/claims.py": "TWO = 2",
        "actions/claims.py": "THREE = 3",
        "uv.lock": LOCK,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return root


@pytest.mark.parametrize(
    "name",
    ["config.yml", "domain.yml", "data/nlu/claims.yml", "bot/nlu/faq.py", "bot/nlu/words.txt"],
)
def test_a_changed_input_is_another_model(project: Path, name: str) -> None:
    before = fingerprint(project)
    with (project / name).open("a", encoding="utf-8") as file:
        file.write(" ")
    assert fingerprint(project) != before


def test_another_rasa_is_another_model(project: Path) -> None:
    before = fingerprint(project)
    (project / "uv.lock").write_text(LOCK.replace("3.6.21", "3.6.22"), "utf-8")
    assert fingerprint(project) != before


def test_a_new_a_renamed_and_a_removed_file_are_other_models(project: Path) -> None:
    seen = {fingerprint(project)}
    path = project / "data" / "stories.yml"
    path.write_text("stories: []", "utf-8")
    seen.add(fingerprint(project))
    path = path.rename(path.with_name("tales.yml"))
    seen.add(fingerprint(project))
    assert len(seen) == 3
    path.unlink()
    assert fingerprint(project) in seen


@pytest.mark.parametrize("name", ["bot/rules/claims.py", "actions/claims.py"])
def test_code_that_is_no_part_of_a_model_leaves_it_fresh(project: Path, name: str) -> None:
    before = fingerprint(project)
    (project / name).write_text("CHANGED = True", "utf-8")
    (project / "uv.lock").write_text(LOCK.replace("0.27.0", "0.28.0"), "utf-8")
    (project / "bot" / "nlu" / "__pycache__").mkdir()
    (project / "bot" / "nlu" / "__pycache__" / "faq.pyc").write_bytes(b"x")
    (project / "data" / ".nlu.yml.swp").write_bytes(b"x")
    assert fingerprint(project) == before


def test_a_missing_input_is_one_sentence(project: Path) -> None:
    (project / "domain.yml").unlink()
    with pytest.raises(OperatorError, match=r"domain\.yml"):
        fingerprint(project)


def test_the_real_inputs_are_there() -> None:
    names = {path.name for path in inputs()}
    assert {"config.yml", "domain.yml", "classifier.py"} <= names


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"BOT_VAR": str(tmp_path / "var")})


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a piece of Python train; ``model`` is the path to write."""

    real = training._run

    def set_code(code: str) -> None:
        def run(command: list[str], *rest: object) -> None:
            start = f"import sys, time, pathlib; model = pathlib.Path({command[3]!r})\n"
            real([sys.executable, "-c", start + code], *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(training, "_run", run)

    return set_code


SUCCESS = """
print("Starting to train component 'RulePolicy'.", flush=True)
time.sleep(0.5)
model.write_bytes(b"model")
"""


def test_a_model_is_trained_once(settings: Settings, trainer: Callable[[str], None]) -> None:
    trainer(SUCCESS)
    stages: list[str] = []
    path = ensure_model(settings, on_stage=stages.append)
    assert path == model_path(settings)
    assert path.read_bytes() == b"model"
    assert stages[:2] == [training.PREPARING, "RulePolicy"]
    trainer("sys.exit(1)")
    assert ensure_model(settings) == path
    with pytest.raises(OperatorError):
        ensure_model(settings, force=True)
    assert path.exists()


@pytest.mark.parametrize("code", ["print('why it failed'); sys.exit(3)", "print('why it failed')"])
def test_a_failed_training_names_the_log(
    settings: Settings, trainer: Callable[[str], None], code: str
) -> None:
    trainer(code)
    with pytest.raises(OperatorError) as caught:
        ensure_model(settings)
    log = training.train_log(settings)
    assert str(log) in str(caught.value)
    assert "why it failed" in log.read_text("utf-8")
    assert list(settings.models.iterdir()) == []


def test_a_training_can_be_stopped(settings: Settings, trainer: Callable[[str], None]) -> None:
    trainer("print(\"Starting to train component 'Slow'.\", flush=True); time.sleep(60)")
    stop = threading.Event()

    def on_stage(stage: str) -> None:
        if stage == "Slow":
            stop.set()

    with pytest.raises(TrainingStoppedError):
        ensure_model(settings, on_stage=on_stage, stop=stop)
    assert list(settings.models.iterdir()) == []


def test_two_trainings_do_not_mix(settings: Settings, trainer: Callable[[str], None]) -> None:
    trainer(SUCCESS)
    refused: list[str] = []

    def on_stage(stage: str) -> None:
        if stage == "RulePolicy":
            with pytest.raises(OperatorError) as caught:
                ensure_model(settings)
            refused.append(str(caught.value))

    ensure_model(settings, on_stage=on_stage)
    assert len(refused) == 1


def test_old_models_are_forgotten(settings: Settings, trainer: Callable[[str], None]) -> None:
    settings.models.mkdir(parents=True)
    for number in range(5):
        (settings.models / f"{number}.tar.gz").write_bytes(b"old")
    trainer(SUCCESS)
    path = ensure_model(settings)
    assert path.exists()
    assert len(list(settings.models.iterdir())) == training.KEPT_MODELS
