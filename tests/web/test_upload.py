"""Photos and PDFs from the page."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bot.services import media
from bot.services.inbox import claim
from bot.store.files import FileStore
from bot.store.models import DocumentReference, InboundUpdate
from bot.store.session import Store
from bot.web import upload
from tests.pictures import page
from tests.web.conftest import NOW, OURS, name


def photo(seed: int) -> bytes:
    out = io.BytesIO()
    page(seed, (900, 1200)).save(out, "JPEG")
    return out.getvalue()


def send(client: TestClient, *parts: tuple[str, bytes], called: str | None = None) -> Any:
    files = [("file", (filename, content)) for filename, content in parts]
    return client.post("/chat/files", params={"name": called or name()}, files=files, headers=OURS)


def documents(store: Store) -> list[DocumentReference]:
    with store.read() as session:
        return list(session.scalars(sa.select(DocumentReference).order_by(DocumentReference.id)))


def told(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        rows = session.scalars(sa.select(InboundUpdate).order_by(InboundUpdate.id)).all()
    return [row.payload["extra"] for row in rows]


def test_photos_are_kept_and_the_dialogue_is_told(
    client: TestClient, store: Store, files: FileStore
) -> None:
    answer = send(client, ("发票.jpg", photo(1)), ("病历.jpg", photo(2)))
    assert (answer.status_code, answer.json()) == (202, {"new": True})
    kept = documents(store)
    assert [row.media_type for row in kept] == ["image/jpeg"] * 2
    assert all(files.get(row.storage_key) for row in kept)
    assert told(store) == [{"document": f"{kept[0].id},{kept[1].id}"}]
    claimed = claim(store, owner="rasa", now=NOW)
    assert claimed
    assert claimed.message.kind.value == "file"
    (line,) = client.get("/chat/history").json()["lines"]
    assert line["files"] == ["发票.jpg", "病历.jpg"]


def test_sent_again_after_a_broken_connection_they_are_there_once(
    client: TestClient, store: Store
) -> None:
    same, parts = name(), [("a.jpg", photo(1)), ("b.jpg", photo(2))]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: send(client, *parts, called=same).json(), range(3)))
    assert sorted(one["new"] for one in found) == [False, False, True]
    assert send(client, *parts, called=same).json() == {"new": False}
    assert len(documents(store)) == 2
    assert len(told(store)) == 1


def test_what_is_no_photo_is_refused_with_its_reason(client: TestClient, store: Store) -> None:
    answer = send(client, ("../../x.svg", b"<svg onload=alert(1)>"), ("leer.jpg", b""))
    assert answer.status_code == 202
    assert documents(store) == []
    assert told(store) == [{"document_refused": "file_type,file_empty"}]


def test_a_file_that_is_too_large_is_refused_without_keeping_it(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "LARGEST", 10_000)
    send(client, ("gross.jpg", photo(1) * 3), ("klein.pdf", b"x"))
    assert told(store) == [{"document_refused": "file_too_large,file_type"}]


def test_a_long_or_strange_name_is_cut(client: TestClient) -> None:
    send(client, (f"{'长' * 300}.jpg", b"x"))
    (line,) = client.get("/chat/history").json()["lines"]
    assert len(line["files"][0]) == upload.LONGEST_NAME + 1
    assert line["files"][0].endswith(".jpg")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--',
        ),
        ("", b"xxx"),
    ],
)
def test_what_is_no_upload(client: TestClient, store: Store, kind: str, body: bytes) -> None:
    headers = OURS | {"Content-Type": kind}
    answer = client.post("/chat/files", params={"name": name()}, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "upload"})
    assert told(store) == []


@pytest.mark.parametrize("called", ["", "1", "../x", "0" * 36])
def test_a_message_has_a_name(client: TestClient, called: str) -> None:
    answer = client.post("/chat/files", params={"name": called}, headers=OURS)
    assert answer.json() == {"error": "name"}


def test_too_many_files_are_no_message(client: TestClient, store: Store) -> None:
    assert send(client, *[(f"{n}.jpg", b"x") for n in range(31)]).status_code == 400
    assert told(store) == []
