from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.engine import Engine

from bot.store import migrate
from bot.store.engine import make_engine
from bot.store.models import Base

TABLES = set(Base.metadata.tables)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_database"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
def engine(url: str) -> Engine:
    return make_engine(url)


def tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def checks(engine: Engine) -> set[tuple[str, str, str]]:
    inspector = sa.inspect(engine)
    return {
        (table, str(check["name"]), check["sqltext"])
        for table in tables(engine)
        for check in inspector.get_check_constraints(table)
    }


def test_upgrade_downgrade_upgrade(url: str, engine: Engine) -> None:
    assert migrate.current(url) is None
    for _ in range(2):
        migrate.upgrade(url)
        assert tables(engine) == TABLES
        assert migrate.current(url) == migrate.newest()
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []
        migrate.downgrade(url, "base")
        assert tables(engine) == set()
        assert migrate.current(url) is None
    engine.dispose()


def test_check_constraints_are_those_of_the_models(url: str, engine: Engine) -> None:
    # Alembic compares no check constraints, so their text is compared as the database has it.
    migrate.upgrade(url)
    migrated = checks(engine)
    migrate.downgrade(url, "base")
    Base.metadata.create_all(engine)
    assert len(migrated) > 30
    assert migrated == checks(engine)
    engine.dispose()


def test_each_step_can_be_undone(url: str, engine: Engine) -> None:
    steps = migrate.revisions()
    assert steps[:3] == ["0001", "0002", "0003"]
    for revision in steps:
        migrate.upgrade(url, revision)
        assert migrate.current(url) == revision
    assert migrate.is_current(url)
    for revision in reversed(steps[:-1]):
        migrate.downgrade(url, revision)
        assert migrate.current(url) == revision
        assert not migrate.is_current(url)
    assert "outbox_message" not in tables(engine)
    assert "claim" not in tables(engine)
    engine.dispose()


def test_withdrawn_authorizations_come_and_go(url: str, engine: Engine) -> None:
    migrate.upgrade(url, "0007")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO household (phone) VALUES ('13800000101')",
            "INSERT INTO plan (name) VALUES ('x')",
            "INSERT INTO child (household_id, name, born) VALUES (1, 'x', '2020-01-01')",
            "INSERT INTO policy (number, household_id, child_id, plan_id, valid_from, valid_to, "
            "version) VALUES ('YX1', 1, 1, 1, '2026-01-01', '2026-12-31', 1)",
            "INSERT INTO prior_authorization (reference, policy_id, treatment, treatment_on, "
            "status, urgent, submitted_at, version) VALUES ('P1', 1, 'x', '2026-12-01', "
            "'withdrawn', false, '2026-11-23 02:00:00', 1)",
        ):
            connection.execute(sa.text(statement))
    migrate.downgrade(url, "0003")
    with engine.connect() as connection:
        status = sa.text("SELECT status FROM prior_authorization")
        assert connection.scalar(status) == "declined"
    migrate.upgrade(url)
    with engine.connect() as connection:
        assert connection.scalar(status) == "declined"
    engine.dispose()


def test_upgrade_twice_keeps_what_is_stored(url: str, engine: Engine) -> None:
    migrate.upgrade(url)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO household (phone) VALUES ('13800000101')"))
    migrate.upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT phone FROM household")).all() == [
            ("13800000101",)
        ]
    engine.dispose()


def test_two_processes_may_upgrade_at_once(url: str) -> None:
    # Alembic's environment is global to a process, so threads stand in for the database's part
    # only: the lock is taken before Alembic reads the revision.
    with ThreadPoolExecutor(1) as other:
        engine = make_engine(url)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({migrate._LOCK})"))
            upgrade = other.submit(migrate.upgrade, url)
            with pytest.raises(TimeoutError):
                upgrade.result(timeout=0.5)
            connection.rollback()
        upgrade.result(timeout=20)
        engine.dispose()
    assert migrate.is_current(url)


def test_unknown_revision(sqlite_url: str) -> None:
    migrate.upgrade(sqlite_url)
    with pytest.raises(CommandError, match="9999"):
        migrate.upgrade(sqlite_url, "9999")
    assert migrate.is_current(sqlite_url)


def test_current_creates_no_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'store.sqlite'}"
    assert migrate.current(url) is None
    assert not migrate.is_current(url)
    assert list(tmp_path.iterdir()) == []


def test_upgrade_creates_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "store.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    assert path.is_file()


def test_dangling_references_are_rolled_back(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(sqlite_url, "0002")
    engine = make_engine(sqlite_url, enforce_foreign_keys=False)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO child (household_id, name, born) VALUES (99, 'x', '2020-01-01')")
        )
    engine.dispose()
    with pytest.raises(migrate.BrokenReferencesError, match="child"):
        migrate.upgrade(sqlite_url)
    assert migrate.current(sqlite_url) == "0002"


def test_folder_with_a_percent_sign(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / '100%' / 'store.sqlite'}"
    migrate.upgrade(url)
    assert migrate.is_current(url)


def test_what_counts_of_present_claims_is_filled_in(url: str) -> None:
    migrate.upgrade(url, "0009")
    before = migrate.revisions()[migrate.revisions().index("0009") - 1]
    migrate.downgrade(url, before)
    engine = make_engine(url, enforce_foreign_keys=False)
    rows = (
        ("C1", "settling", 46000, None, 46000),
        ("C2", "paid", 620, 600.5, 600.5),
        ("C3", "draft", 580, None, 0),
        ("C4", "rejected", 580, 0, 0),
    )
    with engine.begin() as connection:
        put = connection.execute
        put(sa.text("INSERT INTO household (id, phone) VALUES (1, '13800000101')"))
        child = "INSERT INTO child (id, household_id, name, born) VALUES (1, 1, 'x', '2019-05-20')"
        put(sa.text(child))
        put(sa.text("INSERT INTO plan (id, name) VALUES (1, '优享计划')"))
        policy = (
            "INSERT INTO policy (id, number, household_id, child_id, plan_id, valid_from, valid_to,"
            " version) VALUES (1, 'YX1', 1, 1, 1, '2026-01-01', '2026-12-31', 1)"
        )
        put(sa.text(policy))
        claim = sa.text(
            "INSERT INTO claim (reference, policy_id, kind, amount, approved_amount, status,"
            " opened_at, version) VALUES (:reference, 1, 'public_outpatient', :amount, :approved,"
            " :status, '2026-11-01 00:00:00', 1)"
        )
        for reference, status, amount, approved, _ in rows:
            given = {"reference": reference, "status": status}
            put(claim, given | {"amount": amount, "approved": approved})
    migrate.upgrade(url)
    with engine.connect() as connection:
        found = connection.execute(
            sa.text("SELECT reference, counted_amount FROM claim ORDER BY reference")
        ).all()
    assert [(name, float(value)) for name, value in found] == [
        (name, counted) for name, *_, counted in rows
    ]
    engine.dispose()
