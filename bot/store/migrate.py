"""Brings the store's tables to the version of this code, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from bot.store.engine import READ_ONLY, make_engine, sqlite_file

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# Any number, the same in every process: PostgreSQL's key for "someone is migrating".
_LOCK = 821_000_404


class BrokenReferencesError(RuntimeError):
    """A migration on SQLite left rows that refer to nothing; it was rolled back."""


def upgrade(url: str, revision: str = "head") -> None:
    """Create or alter the tables up to a revision, all or nothing; safe to call twice at once.

    Args:
        url: The store's SQLAlchemy URL; the file and folder of an SQLite store are created.
        revision: The newest by default.

    Raises:
        alembic.util.CommandError: There is no such revision, or the store was made by newer code.
        BrokenReferencesError: See there.
    """
    with _migrating(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Take the tables back to a revision; ``base`` drops them all, with what is in them.

    Raises:
        alembic.util.CommandError: There is no such revision.
        BrokenReferencesError: See there.
    """
    with _migrating(url) as config:
        command.downgrade(config, revision)


def current(url: str) -> str | None:
    """Return the revision of the store; None if it has no tables yet. Creates nothing."""
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return None
    engine = make_engine(url).execution_options(**{READ_ONLY: True})
    try:
        with engine.connect() as connection:
            found: str | None = MigrationContext.configure(connection).get_current_revision()
            return found
    finally:
        engine.dispose()


def newest() -> str:
    """Return the newest revision that this code knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revisions() -> list[str]:
    """Return all revisions that this code knows, the oldest first."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return [str(script.revision) for script in known][::-1]


def is_current(url: str) -> bool:
    """Say whether the store's tables are those of this code. Creates nothing."""
    return current(url) == newest()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _migrating(url: str) -> Iterator[Config]:
    engine = make_engine(url, enforce_foreign_keys=False)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = _config()
            config.attributes["connection"] = connection
            yield config
            _check_references(connection)
    finally:
        engine.dispose()


def _check_references(connection: Connection) -> None:
    # Only SQLite migrates with its foreign keys off.
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        msg = f"a row of {broken[0]} refers to a row of {broken[2]} that is gone"
        raise BrokenReferencesError(msg)
