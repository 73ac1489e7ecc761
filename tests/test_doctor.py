"""What the doctor finds, and that it says how to mend it."""

import shutil
import socket
from pathlib import Path

import pytest

from bot import doctor, provision, training
from bot.doctor import Level
from bot.settings import ROOT, Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings({"BOT_VAR": str(tmp_path / "var")})
    provision.make_folders(made)
    return made


def test_this_environment_is_the_locked_one() -> None:
    assert [check.level for check in doctor.check_lock()] == [Level.GOOD, Level.GOOD]
    assert doctor.check_python().level is Level.GOOD


def test_a_dependency_that_is_not_locked_is_named(tmp_path: Path) -> None:
    shutil.copy(ROOT / "uv.lock", tmp_path)
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    changed = text.replace('    "typer', '    "left-pad>=1",\n    "typer', 1)
    (tmp_path / "pyproject.toml").write_text(changed, "utf-8")
    lock, *_ = doctor.check_lock(tmp_path)
    assert lock.level is Level.BAD
    assert "left-pad" in lock.found
    assert "uv lock" in lock.mend


def test_an_installed_version_that_is_not_locked_is_named(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = (ROOT / "uv.lock").read_text("utf-8")
    changed = text.replace('name = "rasa"\nversion = "3.6.21"', 'name = "rasa"\nversion = "3.6.20"')
    assert changed != text
    (tmp_path / "uv.lock").write_text(changed, "utf-8")
    *_, installed = doctor.check_lock(tmp_path)
    assert installed.level is Level.BAD
    assert "rasa" in installed.found
    assert installed.mend == doctor.RESYNC


def test_files_that_are_not_there_are_bad(tmp_path: Path) -> None:
    assert [check.level for check in doctor.check_lock(tmp_path)] == [Level.BAD]


def test_the_var_folder(settings: Settings, tmp_path: Path) -> None:
    assert doctor.check_var(settings).level is Level.GOOD
    absent = load_settings({"BOT_VAR": str(tmp_path / "not" / "yet")})
    assert doctor.check_var(absent).level is Level.GOOD
    assert not absent.var.exists()
    (tmp_path / "file").write_text("", "utf-8")
    under_a_file = load_settings({"BOT_VAR": str(tmp_path / "file" / "var")})
    assert doctor.check_var(under_a_file).level is Level.BAD


def test_the_store(settings: Settings, tmp_path: Path) -> None:
    assert doctor.check_store(settings).level is Level.NOTE
    assert not list(settings.var.glob("*.sqlite"))
    provision.prepare_store(settings)
    assert doctor.check_store(settings).level is Level.GOOD
    unreachable = load_settings(
        {"BOT_DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot?connect_timeout=1"}
    )
    check = doctor.check_store(unreachable)
    assert check.level is Level.BAD
    assert check.mend


def test_the_model(settings: Settings) -> None:
    assert doctor.check_model(settings).level is Level.NOTE
    training.model_path(settings).write_bytes(b"model")
    assert doctor.check_model(settings).level is Level.GOOD


def test_a_port_of_another_program_is_bad(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        settings = load_settings({"BOT_VAR": str(tmp_path), "BOT_ACTIONS_PORT": port})
        found = {check.name: check for check in doctor.check_ports(settings)}
    check = found[f"端口 {port}"]
    assert check.level is Level.BAD
    assert "BOT_ACTIONS_PORT" in check.mend


def test_wrong_settings_do_not_stop_the_other_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_RASA_PRT", "5005")
    checks = doctor.examine()
    wrong = [check for check in checks if check.name == "设置"]
    assert wrong[0].level is Level.BAD
    assert "BOT_RASA_PRT" in wrong[0].found
    assert len(checks) > 3


def test_everything_that_is_not_good_says_how_to_mend_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_VAR", str(settings.var))
    checks = doctor.examine()
    assert all(check.mend for check in checks if check.level is not Level.GOOD)
