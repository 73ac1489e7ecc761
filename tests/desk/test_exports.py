"""The page and the file behind a signed link."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot.clock import TZ
from bot.desk import app as desk
from bot.desk import exports
from bot.services.data_export import Export, request_export
from bot.services.identity import identify
from bot.settings import get_settings
from bot.store.demo.loader import load_demo
from bot.store.files import FileStore
from bot.store.migrate import upgrade
from bot.store.models import Binding, Household
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    upgrade(url)
    store, files = Store(url), FileStore(str(tmp_path / "files"), ["a key of the tests"])
    with store.begin() as session:
        load_demo(session, date(2026, 11, 23))
    parent = identify(store, "rest", "parent").id
    with store.begin() as session:
        household = session.scalars(
            sa.select(Household.id).where(Household.phone == "13800000101")
        ).one()
        session.add(Binding(identity_id=parent, household_id=household, verified_at=NOW))
    monkeypatch.setattr(exports, "get_store", lambda: store)
    monkeypatch.setattr(exports, "get_files", lambda: files)
    monkeypatch.setattr(exports.clock, "now", lambda: NOW)
    secret = get_settings().code_secret.get_secret_value()
    yield request_export(store, files, secret, identity_id=parent, now=NOW)
    store.dispose()


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(desk.create_app()) as made:
        yield made


def test_the_link_shows_a_page_without_the_data(client: TestClient, export: Export) -> None:
    response = client.get(f"/data/{export.token}/")
    assert response.status_code == 200
    assert "王小满" not in response.text
    assert 'href="file"' in response.text
    assert response.headers["cache-control"] == "no-store"
    assert "noindex" in response.headers["x-robots-tag"]
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_page_leads_to_the_file(client: TestClient, export: Export) -> None:
    response = client.get(f"/data/{export.token}/file")
    assert response.status_code == 200
    assert response.headers["content-disposition"] == (
        'attachment; filename="youxiang-D10001.json"'
    )
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(response.content)["policy"][0]["child"] == "王小满"


def test_a_link_that_is_out_of_time_or_not_ours_is_gone(
    client: TestClient, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = export.token.partition(".")[0]
    for token in ("x", name, f"{name}.{'0' * 64}", f"{export.token}0"):
        response = client.get(f"/data/{token}/file")
        assert response.status_code == 404
        assert "链接已失效" in response.text
    monkeypatch.setattr(exports.clock, "now", lambda: export.expires_at)
    assert client.get(f"/data/{export.token}/file").status_code == 404
