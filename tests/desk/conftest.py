"""The partner API in this process, on a store with the demonstration data."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from bot import clock
from bot.desk import api_gate
from bot.desk import app as desk
from bot.rules.outbox import Rate
from bot.rules.partners import Scope
from bot.services import api_keys
from bot.store.session import Store


def _shared(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


_HERE = Path(__file__).parent
_partner = _shared("partner_client", _HERE.parent / "partner_client.py")
_stores = _shared("store_fixtures", _HERE.parent / "store" / "conftest.py")
NOW, Partner = _partner.NOW, _partner.Partner
postgres_url, migrated_database = _stores.postgres_url, _stores.migrated_database


@pytest.fixture
def create_postgres(postgres_url: str, migrated_database: str) -> Callable[[], str]:
    """Create a migrated PostgreSQL database; return its URL."""
    return lambda: _stores.create_database(postgres_url, template=migrated_database)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Store], TestClient]]:
    """Answer from a store; there is no limit but the one a test sets."""
    started = []

    def begin(store: Store) -> TestClient:
        monkeypatch.setattr(api_gate, "get_store", lambda: store)
        monkeypatch.setattr(clock, "now", lambda: NOW)
        monkeypatch.setattr(api_gate, "API_RATE", Rate(per_second=1e6, burst=10**6))
        client = TestClient(desk.create_app())
        client.__enter__()
        started.append(client)
        return client

    yield begin
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture
def partner(demo_store: Store, serve: Callable[[Store], TestClient]) -> Partner:
    """A program that may do everything."""
    key = api_keys.create(demo_store, name="core", scopes=list(Scope), actor="test", now=NOW)
    return Partner(serve(demo_store), key)
