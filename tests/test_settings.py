"""Settings: what is read, what is refused, and that the README tells all of it."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import ROOT, Settings, SettingsError, load_settings

PRODUCTION = {
    "BOT_ENV": "production",
    "BOT_SMS_URL": "https://sms.example/send",
    "BOT_CODE_SECRET": "a secret of our own",
    "BOT_FILES_KEY": "a secret of our own for all the files",
    "BOT_PUBLIC_URL": "https://bot.example",
}


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return str(caught.value)


def test_everything_has_a_default() -> None:
    settings = load_settings({})
    assert (settings.env, settings.now, settings.rasa_port) == ("demo", None, 5005)


def test_other_variables_are_none_of_its_business() -> None:
    assert load_settings({"PATH": "/bin", "ROBOT_ENV": "x"}) == load_settings({})


def test_only_the_given_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_RASA_PORT", "6001")
    assert load_settings({}).rasa_port == 5005
    assert load_settings().rasa_port == 6001


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"BOT_NOW": "", "BOT_RASA_PORT": " "}).rasa_port == 5005


def test_an_unknown_variable_is_an_error_that_names_its_neighbour() -> None:
    message = refused(BOT_RASA_PRT="5005")
    assert "BOT_RASA_PRT" in message
    assert "BOT_RASA_PORT" in message


@pytest.mark.parametrize("name", ["bot_env", "Bot_Env"])
def test_the_name_is_written_in_capitals(name: str) -> None:
    assert name in refused(**{name: "demo"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_RASA_PORT", "five"),
        ("BOT_WEB_PORT", "70000"),
        ("BOT_ENV", "staging"),
        ("BOT_NOW", "tomorrow"),
        ("BOT_NOW", "2026-11-23T20:30:00"),
        ("BOT_LOG_LEVEL", "LOUD"),
        ("BOT_HISTORY_TURNS", "1"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    message = refused(**{name: value})
    assert name in message
    assert "\n" not in message


def test_ports_differ() -> None:
    assert "BOT_WEB_PORT" in refused(BOT_WEB_PORT="5005")


def test_a_secret_is_never_shown() -> None:
    settings = load_settings({"BOT_CODE_SECRET": "hush-hush"})
    assert "hush-hush" not in repr(settings)


def test_production_is_complete() -> None:
    assert load_settings(PRODUCTION).env == "production"


@pytest.mark.parametrize(
    "name", ["BOT_SMS_URL", "BOT_CODE_SECRET", "BOT_FILES_KEY", "BOT_PUBLIC_URL"]
)
def test_production_refuses_to_run_without(name: str) -> None:
    rest = {key: value for key, value in PRODUCTION.items() if key != name}
    assert name in refused(**rest)


def test_production_refuses_the_demo_secret() -> None:
    default = Settings.model_fields["code_secret"].default
    assert isinstance(default, SecretStr)
    assert "BOT_CODE_SECRET" in refused(
        **PRODUCTION | {"BOT_CODE_SECRET": default.get_secret_value()}
    )


@pytest.mark.parametrize("keys", ["demo-only-files-key", "short", f"{'k' * 32},short", " , "])
def test_production_refuses_a_weak_key_for_the_files(keys: str) -> None:
    assert "BOT_FILES_KEY" in refused(**PRODUCTION | {"BOT_FILES_KEY": keys})


def test_keys_of_the_files_stand_newest_first() -> None:
    assert load_settings({"BOT_FILES_KEY": "new , old,"}).file_keys == ("new", "old")


@pytest.mark.parametrize("url", ["https://example/files", "ftp://example", "memory://"])
def test_files_are_kept_in_a_folder_or_in_s3(url: str) -> None:
    assert "BOT_FILES_URL" in refused(BOT_FILES_URL=url)


def test_the_place_of_the_files(tmp_path: Path) -> None:
    var = {"BOT_VAR": str(tmp_path)}
    assert load_settings(var).uploads == str(tmp_path / "uploads")
    frozen = load_settings(var | {"BOT_NOW": "2026-11-23T20:30:00+08:00"})
    assert frozen.uploads == str(tmp_path / "uploads-20261123T2030")
    bucket = load_settings(var | {"BOT_FILES_URL": "s3://bucket/files"})
    assert bucket.uploads == "s3://bucket/files"
    relative = load_settings({"BOT_FILES_URL": "files"})
    assert relative.uploads == str(Path("files").absolute())


def test_production_refuses_a_fixed_clock() -> None:
    assert "BOT_NOW" in refused(**PRODUCTION, BOT_NOW="2026-11-23T20:30:00+08:00")


def test_the_var_folder_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"BOT_VAR": "data"})
    assert settings.var == tmp_path / "data"
    assert settings.store_url == f"sqlite:///{tmp_path}/data/store.sqlite"


def test_a_fixed_clock_has_a_store_of_its_own(tmp_path: Path) -> None:
    var = {"BOT_VAR": str(tmp_path)}
    frozen = load_settings(var | {"BOT_NOW": "2026-11-23T20:30:00+08:00"})
    assert frozen.store_url != load_settings(var).store_url
    assert frozen.store_url.startswith(f"sqlite:///{tmp_path}/")


def documented() -> dict[str, str]:
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(BOT_\w+)` \|([^|]*)\|([^|]+)\|$", section, re.MULTILINE)
    assert all(meaning.strip() for _, _, meaning in rows)
    return {name: default.strip() for name, default, _ in rows}


def shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "(demo)"
    return f"`{value.relative_to(ROOT) if isinstance(value, Path) else value}`"


def test_the_readme_has_every_setting_with_its_default() -> None:
    fields = Settings.model_fields.items()
    assert documented() == {f"BOT_{name.upper()}": shown(field.default) for name, field in fields}


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
