"""Stores to test with: SQLite files, and a real PostgreSQL of the session's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bot.store import migrate
from bot.store.demo.loader import load_demo
from bot.store.session import Store

TODAY = date(2026, 11, 23)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(tmp_path: Path, migrated_file: Path) -> Iterator[Store]:
    path = tmp_path / "store.sqlite"
    shutil.copy(migrated_file, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.dispose()


@pytest.fixture
def demo(store: Store) -> Store:
    with store.begin() as session:
        load_demo(session, TODAY)
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty, migrated store, on one database after the other."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    store = Store(
        create_database(
            request.getfixturevalue("postgres_url"),
            template=request.getfixturevalue("migrated_database"),
        )
    )
    yield store
    store.dispose()


@pytest.fixture
def postgres_database(postgres_url: str) -> str:
    """The URL of a new, empty database."""
    return create_database(postgres_url)


@pytest.fixture(scope="session")
def migrated_database(postgres_url: str) -> str:
    """The name of a database to copy."""
    url = create_database(postgres_url)
    migrate.upgrade(url)
    return str(sa.engine.make_url(url).database)


def create_database(postgres_url: str, template: str = "template1") -> str:
    name = f"test_{uuid4().hex}"
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", future=True)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return str(sa.engine.make_url(postgres_url).set(database=name))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server that runs for this session only."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    binaries = folders[-1].parent
    home = Path(tempfile.mkdtemp(prefix="store-postgres-"))
    data = home / "data"
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(home, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        # A pipe would be held open by the server, so the output goes to a file.
        with (home / "output.log").open("ab") as log:
            done = subprocess.run(
                [*user, str(binaries / program), "-D", str(data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=120,
                check=False,
                cwd=home,
            )
        if done.returncode:
            pytest.fail(f"{program}: {(home / 'output.log').read_text('utf-8')[-2000:]}")

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-h 127.0.0.1 -p {port} -k {home} -c fsync=off"
    run("pg_ctl", "-w", "-t", "60", "-o", options, "-l", str(home / "server.log"), "start")
    try:
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)
