"""What ``bot up`` needs before it starts anything."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import clock, provision
from bot.errors import OperatorError
from bot.serve import Process
from bot.settings import Settings, get_settings, load_settings
from bot.store.migrate import is_current, newest
from bot.store.models import Household, Policy
from bot.store.session import Store

NOW = "2026-11-23T20:30:00+08:00"


def settings_in(folder: Path, **more: str) -> Settings:
    return load_settings({"BOT_VAR": str(folder / "var"), **more})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    provision.make_folders(made)
    return made


def test_the_folders_are_made_and_private(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "deep")
    provision.make_folders(settings)
    provision.make_folders(settings)
    assert {path.name for path in settings.var.iterdir()} == set(provision.FOLDERS)
    assert settings.var.stat().st_mode & 0o077 == 0
    assert settings.logs.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file", "utf-8")
    with pytest.raises(OperatorError, match="BOT_VAR") as caught:
        provision.make_folders(settings_in(tmp_path))
    assert str(tmp_path / "var") in str(caught.value)


def test_only_one_runs_in_a_folder(settings: Settings, tmp_path: Path) -> None:
    other = settings_in(tmp_path / "other")
    provision.make_folders(other)
    with provision.only_one(settings):
        with pytest.raises(OperatorError, match="bot up"), provision.only_one(settings):
            pytest.fail("two at once")
        with provision.only_one(other):
            pass
    with provision.only_one(settings):
        pass


@pytest.mark.parametrize("variable", ["BOT_RASA_PORT", "BOT_ACTIONS_PORT", "BOT_WEB_PORT"])
def test_a_port_in_use_names_its_variable(tmp_path: Path, variable: str) -> None:
    with socket.socket() as taken, socket.socket() as one, socket.socket() as two:
        for each in (taken, one, two):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        numbers = {each: str(each.getsockname()[1]) for each in (taken, one, two)}
        names = ["BOT_RASA_PORT", "BOT_ACTIONS_PORT", "BOT_WEB_PORT"]
        names.remove(variable)
        environ = {variable: numbers[taken], names[0]: numbers[one], names[1]: numbers[two]}
        settings = settings_in(tmp_path, **environ)
        one.close()
        two.close()
        with pytest.raises(OperatorError, match=variable) as caught:
            provision.check_ports(settings)
    assert numbers[taken] in str(caught.value)
    provision.check_ports(settings)


def count(settings: Settings, table: type) -> int:
    store = Store(settings.store_url)
    with store.read() as session:
        found = session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    store.dispose()
    return int(found)


def add_household(settings: Settings) -> None:
    store = Store(settings.store_url)
    with store.begin() as session:
        session.add(Household(phone="13900000000"))
    store.dispose()


def test_an_empty_store_gets_tables_and_demo_data_once(settings: Settings) -> None:
    provision.prepare_store(settings)
    assert is_current(settings.store_url)
    assert count(settings, Policy) == 6
    add_household(settings)
    provision.prepare_store(settings)
    assert count(settings, Household) == 6


def test_production_gets_tables_and_nothing_else(tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path,
        BOT_ENV="production",
        BOT_SMS_URL="https://sms.example/send",
        BOT_PUBLIC_URL="https://bot.example",
        BOT_CODE_SECRET="a secret of our own",
        BOT_FILES_KEY="a secret of our own for the files",
    )
    provision.make_folders(settings)
    provision.prepare_store(settings)
    assert is_current(settings.store_url)
    assert count(settings, Policy) == 0
    assert provision.demo_identities(settings) == []
    with pytest.raises(OperatorError, match="production"):
        provision.reset_demo(settings)


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("BOT_NOW", NOW)
    get_settings.cache_clear()
    settings = settings_in(tmp_path, BOT_NOW=NOW)
    provision.make_folders(settings)
    yield settings
    get_settings.cache_clear()


def test_a_frozen_clock_begins_afresh_with_dates_of_its_own(frozen: Settings) -> None:
    provision.prepare_store(frozen)
    add_household(frozen)
    provision.prepare_store(frozen)
    assert count(frozen, Household) == 5
    store = Store(frozen.store_url)
    with store.read() as session:
        starts = session.scalars(sa.select(Policy.valid_from).order_by(Policy.number)).first()
    store.dispose()
    assert (clock.now().date() - starts).days == 200


def test_a_frozen_clock_never_empties_a_named_database(frozen: Settings, tmp_path: Path) -> None:
    named = settings_in(
        tmp_path, BOT_NOW=NOW, BOT_DATABASE_URL=f"sqlite:///{tmp_path}/named.sqlite"
    )
    provision.prepare_store(named)
    add_household(named)
    provision.prepare_store(named)
    assert count(named, Household) == 6


def test_a_reset_leaves_the_demo_data_only(settings: Settings) -> None:
    provision.prepare_store(settings)
    add_household(settings)
    provision.reset_demo(settings)
    assert count(settings, Household) == 5


def test_the_demo_identities_come_from_the_store(settings: Settings) -> None:
    provision.prepare_store(settings)
    found = provision.demo_identities(settings)
    assert found[0] == provision.Identity("王小满", "13800000101", "优享PLUS计划", "YX2026-000101")
    assert len(found) == 6


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hush-hush@127.0.0.1:1/bot?connect_timeout=1",
        "mysql://bot:hush-hush@127.0.0.1/bot",
        "sqlite:////proc/nowhere/store.sqlite",
    ],
)
def test_a_store_out_of_reach_is_one_sentence(tmp_path: Path, url: str) -> None:
    settings = settings_in(tmp_path, BOT_DATABASE_URL=url)
    with pytest.raises(OperatorError, match="BOT_DATABASE_URL") as caught:
        provision.prepare_store(settings)
    assert "hush-hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_of_a_newer_program_is_left_alone(settings: Settings) -> None:
    provision.prepare_store(settings)
    store = Store(settings.store_url)
    with store.begin() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.dispose()
    assert newest() != "9999"
    with pytest.raises(OperatorError, match="版本"):
        provision.prepare_store(settings)


def test_each_part_is_a_serve_command(settings: Settings, tmp_path: Path) -> None:
    parts = {part.name: part for part in provision.parts(settings, tmp_path / "model.tar.gz")}
    assert set(parts) == set(Process) - {Process.TELEGRAM}
    also = provision.parts(settings, tmp_path / "model.tar.gz", telegram=True)
    assert {part.name for part in also} == set(Process)
    assert also[-1].health == settings.telegram_heartbeat
    assert parts["rasa"].command[-2:] == ("--model", str(tmp_path / "model.tar.gz"))
    assert parts["actions"].health == "http://127.0.0.1:5055/health"
    assert len({part.log for part in parts.values()}) == 4
    assert parts["worker"].health == settings.heartbeat


def test_the_parts_get_the_same_folder_and_no_noise(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_SMS_URL", "")
    environ = provision.child_environ(settings)
    assert environ["BOT_VAR"] == str(settings.var)
    assert environ["RASA_TELEMETRY_ENABLED"] == "false"
    assert "BOT_SMS_URL" not in environ
