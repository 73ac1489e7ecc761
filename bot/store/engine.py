"""Database engines: one set of promises for SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import QueuePool

READ_ONLY = "bot_read_only"

# Milliseconds that SQLite waits for another process's write before it gives up.
BUSY_TIMEOUT_MS = 5_000
# Seconds to wait for a free connection of the pool.
POOL_TIMEOUT_S = 30


def make_engine(url: str, *, enforce_foreign_keys: bool = True) -> Engine:
    """Return an engine for a SQLAlchemy URL of SQLite or PostgreSQL.

    SQLite: WAL, foreign keys enforced, 5 s of patience with other writers, the file's folder
    created. Every transaction begins as a writer (BEGIN IMMEDIATE) unless its connection carries
    the execution option ``READ_ONLY``: one that begins as a reader and then writes fails at once
    when another process wrote in between, whatever the timeout.
    PostgreSQL: a connection that the server dropped is noticed and replaced.

    Args:
        url: For example ``sqlite:////var/bot/store.sqlite`` or ``postgresql://user@host/name``.
        enforce_foreign_keys: False only while tables are rebuilt by a migration (SQLite).

    Raises:
        ValueError: The database is neither SQLite nor PostgreSQL.
        OSError: The folder of the SQLite file cannot be created.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed, enforce_foreign_keys)
    if backend == "postgresql":
        return sa.create_engine(
            parsed,
            future=True,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            pool_timeout=POOL_TIMEOUT_S,
            hide_parameters=True,
        )
    msg = f"the store needs SQLite or PostgreSQL, not {backend}"
    raise ValueError(msg)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL; None for a database in memory or another server."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def _sqlite(url: URL, enforce_foreign_keys: bool) -> Engine:
    path = sqlite_file(str(url))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A database in memory lives in its connection, so there may be only one, used in turns.
    size, overflow = (5, 25) if path is not None else (1, 0)
    engine = sa.create_engine(
        url,
        future=True,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        # Error messages reach the logs; names and phones must not.
        hide_parameters=True,
    )

    def connect(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late and as a reader; `begin` below sends it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if enforce_foreign_keys else 'OFF'}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()

    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine
