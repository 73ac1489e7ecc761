"""The web process's health."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bot import heartbeat
from bot.desk import app as desk
from bot.settings import Settings, load_settings


class Neighbour:
    """A server in place of Rasa or the actions, whose answer can be set."""

    def __init__(self) -> None:
        neighbour = self
        self.status = 200
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                neighbour.asked.append(self.path)
                self.send_response(neighbour.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def rasa() -> Iterator[Neighbour]:
    made = Neighbour()
    yield made
    made.close()


@pytest.fixture
def actions() -> Iterator[Neighbour]:
    made = Neighbour()
    yield made
    made.close()


@pytest.fixture
def settings(rasa: Neighbour, actions: Neighbour, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "BOT_VAR": str(tmp_path),
            "BOT_RASA_PORT": str(rasa.port),
            "BOT_ACTIONS_PORT": str(actions.port),
        }
    )


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(desk, "store_answers", lambda: True)
    heartbeat.beat(settings.heartbeat)
    with TestClient(desk.create_app(settings)) as made:
        yield made


def test_all_parts_work(client: TestClient, rasa: Neighbour, actions: Neighbour) -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "parts": {"rasa": "ok", "actions": "ok", "store": "ok", "web": "ok", "worker": "ok"},
    }
    assert (rasa.asked, actions.asked) == (["/"], ["/health"])
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_part_that_answers_an_error_is_down(
    client: TestClient, actions: Neighbour, status: int
) -> None:
    actions.status = status
    response = client.get("/health")
    assert response.status_code == 503
    assert response.json()["parts"]["actions"] == "down"
    assert response.json()["parts"]["rasa"] == "ok"


def test_a_part_that_is_not_there_is_down_until_it_comes(
    client: TestClient, rasa: Neighbour
) -> None:
    rasa.close()
    body = client.get("/health").json()
    assert body["status"] == body["parts"]["rasa"] == "down"


def test_a_part_that_hangs_is_down(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(desk, "store_answers", lambda: answer.wait(30))
    monkeypatch.setattr(desk, "TIMEOUT_S", 0.3)
    response = client.get("/health")
    answer.set()
    assert response.status_code == 503
    assert response.json()["parts"] == {
        "rasa": "ok", "actions": "ok", "store": "down", "web": "ok", "worker": "ok",
    }  # fmt: skip


def test_a_worker_whose_heart_stands_still_is_down(client: TestClient, settings: Settings) -> None:
    long_ago = time.time() - 60
    os.utime(settings.heartbeat, (long_ago, long_ago))
    response = client.get("/health")
    assert response.status_code == 503
    assert response.json()["parts"]["worker"] == "down"
    heartbeat.beat(settings.heartbeat)
    assert client.get("/health").status_code == 200
    heartbeat.stop(settings.heartbeat)
    assert client.get("/health").json()["parts"]["worker"] == "down"


def test_a_store_out_of_reach_is_down(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bool:
        raise OSError("no such folder")

    monkeypatch.setattr(desk, "store_answers", fail)
    assert client.get("/health").json()["parts"]["store"] == "down"
