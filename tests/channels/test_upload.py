"""Uploads: taken apart as they arrive, refused with a reason, never an error of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels import upload
from bot.channels.upload import Received, UploadedFile, UploadError, UploadReader
from bot.clock import TZ
from bot.services.identity import identify
from bot.store.files import FileStore
from bot.store.migrate import upgrade
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
PDF = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n"
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\n"
    b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n0\n%%EOF\n"
)


def request(files: list[tuple[str, bytes]], **fields: str) -> tuple[str, bytes]:
    """Build a request's content type and body as a client does."""
    built = httpx.Request("POST", "http://bot", data=fields, files=[("file", one) for one in files])
    return built.headers["content-type"], built.read()


def read(kind: str, body: bytes, size: int) -> tuple[UploadReader, list[UploadedFile]]:
    reader = UploadReader(kind)
    found: list[UploadedFile] = []
    for start in range(0, len(body), size):
        found += reader.feed(body[start : start + size])
    return reader, found


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_files_come_out_as_they_went_in(size: int) -> None:
    sent = [("发票.pdf", PDF), ("a.jpg", b"\r\n--\r\n\x00\xff"), ("leer", b"")]
    reader, found = read(*request(sent, sender="me", more="1"), size)
    assert reader.fields == {"sender": "me", "more": "1"}
    assert [(one.filename, one.content) for one in found] == sent


def test_the_sender_is_known_before_the_first_file_is_whole() -> None:
    kind, body = request([("a.pdf", PDF)], sender="me")
    reader = UploadReader(kind)
    for place in range(len(body)):
        if reader.feed(body[place : place + 1]):
            break
    assert reader.fields == {"sender": "me"}


def test_a_file_too_large_is_dropped_while_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload.media, "LARGEST", 1000)
    sent = [("big", bytes(5000)), ("edge", bytes(1000)), ("over", bytes(1001))]
    kind, body = request(sent, sender="me")
    reader = UploadReader(kind)
    found = []
    for start in range(0, len(body), 100):
        found += reader.feed(body[start : start + 100])
        assert len(reader._part.data) <= 1000
    kept = [(one.filename, one.content and len(one.content)) for one in found]
    assert kept == [("big", None), ("edge", 1000), ("over", None)]


def test_a_request_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, body = request([("a", bytes(100))] * (upload.MOST_FILES + 1), sender="me")
    with pytest.raises(UploadError, match="files"):
        read(kind, body, 1000)
    monkeypatch.setattr(upload, "MOST_BYTES", 2000)
    with pytest.raises(UploadError, match="bytes"):
        read(*request([("a", bytes(3000))], sender="me"), 500)


@pytest.mark.parametrize(
    "kind", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=x"]
)
def test_another_kind_of_request_is_refused(kind: str) -> None:
    with pytest.raises(UploadError):
        UploadReader(kind)


@pytest.mark.parametrize("body", [b"nonsense", b"--x\r\nno header\x00\r\n\r\nabc", b"--y\r\n"])
def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(UploadError):
        UploadReader("multipart/form-data; boundary=x").feed(body)


def test_a_header_without_end_is_refused() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="' + b"a" * 10_000
    with pytest.raises(UploadError):
        UploadReader("multipart/form-data; boundary=x").feed(body)


def test_a_field_without_end_is_not_kept() -> None:
    reader, _ = read(*request([("a.pdf", PDF)], sender="x" * 5000), 1000)
    assert reader.fields == {}


# ---- keeping


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    upgrade(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.dispose()


def kept(store: Store, files: Any, *sent: UploadedFile) -> Received:
    received = Received()
    who = identify(store, "rest", "me")
    for file in sent:
        received.keep(store, files, identity_id=who.id, file=file, now=NOW)
    return received


def told(received: Received) -> dict[str, str]:
    entities: dict[str, str] = json.loads(received.message().removeprefix("/inform"))
    return entities


def test_rasa_is_told_what_was_kept_and_what_was_not(store: Store, tmp_path: Path) -> None:
    files = FileStore(str(tmp_path / "files"), ["a secret"])
    received = kept(
        store,
        files,
        UploadedFile("a.pdf", PDF),
        UploadedFile("b.pdf", PDF + b"\n"),
        UploadedFile("again.pdf", PDF),
        UploadedFile("virus.exe", b"MZ"),
        UploadedFile("other.exe", b"MZ"),
        UploadedFile("huge.jpg", None),
        UploadedFile("empty.jpg", b""),
    )
    first, second = received.ids[:2]
    assert told(received) == {
        "document": f"{first},{second}",
        "document_refused": "file_type,file_too_large,file_empty",
    }


def test_only_what_there_is_is_told(store: Store, tmp_path: Path) -> None:
    files = FileStore(str(tmp_path / "files"), ["a secret"])
    assert set(told(kept(store, files, UploadedFile("a.pdf", PDF)))) == {"document"}
    assert told(kept(store, files, UploadedFile("a", b"MZ"))) == {"document_refused": "file_type"}


def test_a_full_disk_is_said_and_not_raised(store: Store) -> None:
    class Full:
        def put(self, content: bytes) -> str:
            raise OSError(28, "No space left on device")

    received = kept(store, Full(), UploadedFile("a.pdf", PDF))
    assert told(received) == {"document_refused": "file_failed"}
