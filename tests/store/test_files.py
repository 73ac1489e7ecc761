"""The file store: nothing readable at rest, random names, whole or not at all."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from bot.store import files as module
from bot.store.files import FileDamagedError, FileGoneError, FileStore

TEXT = "出院小结：王小满 支气管肺炎".encode()
OLD, NEW = "the old secret", "the new secret"


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "files")
        return
    place = f"memory://{uuid.uuid4().hex}"
    yield place
    system = fsspec.filesystem("memory")
    if system.exists(place):
        system.rm(place, recursive=True)


def on_disk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_put_can_be_got_until_it_is_deleted(url: str) -> None:
    files = FileStore(url, [NEW])
    first, second = files.put(TEXT), files.put(b"")
    assert (files.get(first), files.get(second)) == (TEXT, b"")
    files.delete(first)
    files.delete(first)
    with pytest.raises(FileGoneError):
        files.get(first)
    assert files.get(second) == b""


def test_nothing_of_the_content_is_on_the_disk(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path), [NEW])
    content = TEXT * 50
    name = files.put(content)
    (path,) = on_disk(tmp_path)
    sealed = path.read_bytes()
    for start in range(0, len(content) - 8):
        assert content[start : start + 8] not in sealed
    assert path.name == name
    assert len(sealed) > len(content)


def test_the_same_content_is_never_stored_the_same_way(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path), [NEW])
    names = {files.put(TEXT) for _ in range(20)}
    assert len(names) == 20
    assert len({path.read_bytes() for path in on_disk(tmp_path)}) == 20


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path / "files"), [NEW])
    old = os.umask(0)
    try:
        files.put(TEXT)
    finally:
        os.umask(old)
    (path,) = on_disk(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    files = FileStore(str(tmp_path), [NEW])
    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.put(TEXT)
    assert on_disk(tmp_path) == []


def test_secrets_can_be_rotated(url: str) -> None:
    before = FileStore(url, [OLD]).put(TEXT)
    both = FileStore(url, [NEW, OLD])
    after = both.put(TEXT)
    assert both.get(before) == both.get(after) == TEXT
    only_new = FileStore(url, [NEW])
    assert only_new.get(after) == TEXT
    with pytest.raises(FileDamagedError):
        only_new.get(before)


@pytest.mark.parametrize("position", [0, 5, 10, 25, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    files = FileStore(str(tmp_path), [NEW])
    name = files.put(TEXT)
    (path,) = on_disk(tmp_path)
    changed = bytearray(path.read_bytes())
    changed[position] ^= 1
    path.write_bytes(changed)
    with pytest.raises(FileDamagedError):
        files.get(name)


def test_a_file_under_another_name_is_not_read(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path), [NEW])
    mine, yours = files.put(b"mine"), files.put(b"yours")
    places = {path.name: path for path in on_disk(tmp_path)}
    places[mine].write_bytes(places[yours].read_bytes())
    with pytest.raises(FileDamagedError):
        files.get(mine)


def test_an_empty_file_is_damaged(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path), [NEW])
    name = files.put(TEXT)
    on_disk(tmp_path)[0].write_bytes(b"")
    with pytest.raises(FileDamagedError):
        files.get(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    files = FileStore(str(tmp_path), [NEW])
    with pytest.raises(FileGoneError):
        files.get(name)
    with pytest.raises(FileGoneError):
        files.delete(name)


def test_all_files_can_be_listed(url: str) -> None:
    files = FileStore(url, [NEW])
    assert list(files.stored()) == []
    names = {files.put(TEXT) for _ in range(3)}
    found = dict(files.stored())
    assert set(found) == names
    assert all(abs(datetime.now(UTC) - when) < timedelta(minutes=1) for when in found.values())


def test_a_key_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key"):
        FileStore(str(tmp_path), [])


def test_the_process_has_one_by_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_FILES_URL", str(tmp_path))
    module.get_settings.cache_clear()
    files = module.get_files()
    assert files is module.get_files()
    assert files.get(files.put(TEXT)) == TEXT
    assert len(on_disk(tmp_path)) == 1
    module.get_settings.cache_clear()
