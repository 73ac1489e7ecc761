"""The web process on a store of its own; Rasa is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.services import mailbox
from bot.services.identity import identify
from bot.settings import Settings, load_settings
from bot.store.files import FileStore
from bot.store.migrate import upgrade
from bot.store.session import Store
from bot.web import chat, upload
from bot.web.app import create_app
from bot.web.session import cookie_name
from bot.web.stream import Streams

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
ORIGIN = "http://testserver"
OURS = {"Origin": ORIGIN, "X-Youxiang": "1"}


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("web") / "store.sqlite"
    upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, empty_file: bytes) -> Iterator[Store]:
    (tmp_path / "store.sqlite").write_bytes(empty_file)
    made = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield made
    made.dispose()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files"), ["a key of the tests"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # Nobody listens on port 1: the nudge fails, as it does while Rasa starts.
    return load_settings({"BOT_VAR": str(tmp_path), "BOT_RASA_PORT": "1"})


@pytest.fixture
def app(
    settings: Settings, store: Store, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> Starlette:
    for module in (chat, upload):
        monkeypatch.setattr(module, "get_store", lambda: store)
    monkeypatch.setattr(upload, "get_files", lambda: files)
    made = create_app(settings)
    made.state.streams = Streams(lambda: store)
    return made


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    """A browser that has opened the page."""
    with TestClient(app) as made:
        made.get("/")
        yield made


@pytest.fixture
def account(client: TestClient, settings: Settings) -> str:
    """Whose session the browser has."""
    return account_of(client, settings)


@pytest.fixture
def bot_says(store: Store, account: str) -> Callable[..., int]:
    """Put a line of the bot into the chat; return its id."""

    def say(text: str, *buttons: tuple[str, str], to: str = account) -> int:
        who = identify(store, "web", to)
        message: dict[str, object] = {"text": text}
        if buttons:
            message["buttons"] = [{"title": t, "payload": p} for t, p in buttons]
        with store.begin() as session:
            return mailbox.append(session, identity_id=who.id, message=message, at=NOW).id

    return say


def account_of(client: TestClient, settings: Settings) -> str:
    value = client.cookies[cookie_name(settings)]
    return str(value).split(".")[0]


def name() -> str:
    return str(uuid4())
