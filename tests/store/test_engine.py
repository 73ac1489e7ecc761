from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.engine import make_engine, sqlite_file


def test_sqlite_promises(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite"
    engine = make_engine(f"sqlite:///{path}")
    assert path.parent.is_dir()
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5_000}
    engine.dispose()


def test_foreign_keys_can_be_left_to_a_migration(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'store.sqlite'}", enforce_foreign_keys=False)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 0
    engine.dispose()


def test_memory_is_one_database(tmp_path: Path) -> None:
    engine = make_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
    engine.dispose()


def test_tables_are_created_in_the_transaction(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
        connection.rollback()
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_errors_show_no_personal_data(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as caught:
        connection.execute(sa.text("SELECT * FROM nowhere WHERE phone = :p"), {"p": "13800000101"})
    assert "13800000101" not in str(caught.value)
    engine.dispose()


def test_postgresql_notices_a_dropped_connection(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    killer = make_engine(postgres_url)
    own = "SELECT pg_backend_pid()"
    with engine.connect() as connection:
        first = connection.exec_driver_sql(own).scalar_one()
    with killer.begin() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    with engine.connect() as connection:
        assert connection.exec_driver_sql(own).scalar_one() != first
    engine.dispose()
    killer.dispose()


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="not mysql"):
        make_engine("mysql://root@localhost/store")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/store.sqlite", Path("/var/store.sqlite")),
        ("sqlite:///var/store.sqlite", Path("var/store.sqlite")),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql://user@host/name", None),
    ],
)
def test_sqlite_file(url: str, path: Path | None) -> None:
    assert sqlite_file(url) == path
