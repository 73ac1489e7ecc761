"""The desk in this process, on a store with the demonstration data, as several members of staff."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot import clock
from bot.clock import TZ
from bot.desk import app as desk
from bot.desk.console import authorizations, calls, claims, conversations, documents, requests
from bot.services.identity import identify
from bot.settings import load_settings
from bot.store.demo.staff import PASSWORD
from bot.store.files import FileStore
from bot.store.models import Binding, OutboxMessage, Policy
from bot.store.session import Store
from tests import pictures

NOW = datetime(2026, 11, 23, 10, 5, tzinfo=TZ)
ORIGIN = "http://testserver"
NUMBER = "YX2026-000101"
OURS = {"Origin": ORIGIN, "X-Youxiang": "1"}
_CSRF = re.compile(r'name="csrf" (?:content|value)="([0-9a-f]{64})"')


@dataclass
class Clock:
    """The times that the desk is told."""

    now: datetime = NOW
    wall: datetime = NOW

    def go(self, **later: float) -> None:
        self.now += timedelta(**later)
        self.wall += timedelta(**later)


@dataclass
class Staff:
    """A browser at the desk; what it posts carries the token, unless told otherwise."""

    client: TestClient
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=lambda: dict(OURS))

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.client.get(path, **given)

    def read(self, path: str) -> str:
        """Return what a page says, without its tags."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return unescape(re.sub(r"<[^>]*>", " ", answer.text))

    def post(self, path: str, files: Any = None, **filled: Any) -> httpx.Response:
        data = {"csrf": self.csrf} | {name: value for name, value in filled.items()}
        return self.client.post(path, data=data, files=files, headers=self.headers)

    def does(self, path: str, **filled: Any) -> str:
        """Post, and return where it leads."""
        answer = self.post(path, **filled)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["to"])

    def refused(self, path: str, **filled: Any) -> str:
        """Post, and return the sentence."""
        answer = self.post(path, **filled)
        assert answer.status_code in (409, 422), (answer.status_code, answer.text)
        return str(answer.json()["error"])

    def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        answer = self.client.post(
            "/desk/sign-in", data={"login": login, "password": password}, headers=self.headers
        )
        if answer.status_code == 200:
            found = _CSRF.search(self.get("/desk/password").text)
            assert found
            self.csrf = found[1]
        return answer


@pytest.fixture
def moment() -> Clock:
    return Clock()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files"), ["a key of the tests"])


@pytest.fixture
def open_desk(
    monkeypatch: pytest.MonkeyPatch, demo_store: Store, moment: Clock, files: FileStore
) -> Callable[[], Staff]:
    """Open browsers at one desk, nobody signed in."""
    monkeypatch.setattr(calls, "get_store", lambda: demo_store)
    monkeypatch.setattr(conversations, "get_files", lambda: files)
    monkeypatch.setattr(clock, "now", lambda: moment.now)
    monkeypatch.setattr(clock, "wall", lambda: moment.wall)
    app = desk.create_app(load_settings({}))

    def make() -> Staff:
        return Staff(TestClient(app, follow_redirects=False, raise_server_exceptions=False))

    return make


@pytest.fixture
def enter(open_desk: Callable[[], Staff]) -> Callable[[str], Staff]:
    """Open a browser and sign in."""

    def make(login: str) -> Staff:
        staff = open_desk()
        assert staff.sign_in(login).status_code == 200
        return staff

    return make


@pytest.fixture
def agent(enter: Callable[[str], Staff]) -> Staff:
    return enter("lin")


@pytest.fixture
def supervisor(enter: Callable[[str], Staff]) -> Staff:
    return enter("chen")


@pytest.fixture
def admin(enter: Callable[[str], Staff]) -> Staff:
    return enter("admin")


@pytest.fixture
def parent(demo_store: Store) -> int:
    """A chat account on the web page, not bound."""
    return identify(demo_store, "web", "a parent").id


@pytest.fixture
def same_files(monkeypatch: pytest.MonkeyPatch, files: FileStore) -> None:
    for module in (authorizations, claims, documents, requests):
        monkeypatch.setattr(module, "get_files", lambda: files)


@pytest.fixture
def bound(demo_store: Store) -> Callable[[str], int]:
    """Bind an account to the household of a policy."""

    def bind(number: str) -> int:
        who = identify(demo_store, "web", f"parent of {number}").id
        with demo_store.begin() as session:
            policy = session.scalar(sa.select(Policy).where(Policy.number == number))
            assert policy is not None
            session.add(Binding(identity_id=who, household_id=policy.household_id, verified_at=NOW))
        return who

    return bind


@pytest.fixture
def mother(bound: Callable[[str], int]) -> int:
    """A parent bound to the policy of most tests."""
    return bound(NUMBER)


def told(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [f"{row.kind} {json.dumps(row.payload, ensure_ascii=False)}" for row in rows]


def photo(seed: int = 0) -> bytes:
    return bytes(pictures.jpeg(pictures.page(seed=seed)))


def version(staff: Staff, page: str) -> str:
    text = staff.get(page).text
    return text.split('name="version" value="')[1].split('"')[0]
