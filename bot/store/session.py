"""Transactions: the one way into the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.settings import get_settings
from bot.store.engine import READ_ONLY, make_engine


class ReadOnlyError(RuntimeError):
    """Something was changed in a transaction that was begun for reading."""


class Store:
    """A database and its transactions; may be shared by threads, a session may not.

    Transactions are short and never nested: on SQLite the inner one would wait for the outer.
    """

    def __init__(self, url: str) -> None:
        """Prepare the database at a SQLAlchemy URL; nothing is opened before the first use.

        Raises:
            ValueError: It is neither SQLite nor PostgreSQL.
            OSError: The folder of the SQLite file cannot be created.
        """
        self.url = url
        self._engine = make_engine(url)
        self._reader = self._engine.execution_options(**{READ_ONLY: True})

    @property
    def engine(self) -> Engine:
        """The engine, for schema tools."""
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Give a session in a transaction: committed on success, rolled back on any error.

        Objects stay readable after the commit. The error goes on to the caller; of a row that
        somebody else changed meanwhile it is ``sqlalchemy.orm.exc.StaleDataError``.
        """
        with self._session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the store and waits for no writer.

        Raises:
            ReadOnlyError: Something was to be written through it.
        """
        with self._session(self._reader) as session:
            event.listen(session, "before_flush", _refuse)
            yield session
            if session.new or session.dirty or session.deleted:
                _refuse(session)

    def dispose(self) -> None:
        """Close all connections; the store may be used again after it."""
        self._engine.dispose()

    @staticmethod
    def _session(bind: Engine) -> Session:
        return Session(bind, future=True, expire_on_commit=False)


def _refuse(session: Session, *_: Any) -> None:
    changed = [*session.new, *session.deleted, *filter(session.is_modified, session.dirty)]
    if changed:
        msg = f"{type(changed[0]).__name__} was changed in a transaction for reading"
        raise ReadOnlyError(msg)


@lru_cache(maxsize=8)
def _store(url: str) -> Store:
    return Store(url)


def get_store() -> Store:
    """Return the process's store, at the URL of the settings."""
    return _store(get_settings().store_url)
