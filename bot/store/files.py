"""The file store: what parents send, encrypted, under random names, outside any web root.

A folder by default, S3 by configuration (both through fsspec). Each file is one AES-GCM message::

    "YXF1" | key id, 4 bytes | nonce, 12 bytes | ciphertext with its tag

The key id says which secret encrypted it, so that secrets can be rotated: a new one is put in
front, the old ones stay until nothing is left of theirs. The name and the header are
authenticated: a file moved to another name cannot be read.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import fsspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.settings import get_settings

MAGIC = b"YXF1"
KEY_ID = 4
NONCE = 12
HEADER = len(MAGIC) + KEY_ID + NONCE
NAME = re.compile(r"[0-9a-f]{32}")


class FileStoreError(Exception):
    """Base of what the file store raises."""


class FileGoneError(FileStoreError):
    """There is no file under this name."""


class FileDamagedError(FileStoreError):
    """The file is not what was stored, or the secret that encrypted it is no longer known."""


class FileStore:
    """Files by random names; may be shared by threads."""

    def __init__(self, url: str, keys: Sequence[str]) -> None:
        """Prepare the store; nothing is opened or created before the first use.

        Args:
            url: A folder, or a URL that fsspec knows (``s3://bucket/prefix``).
            keys: Secrets, the newest first.

        Raises:
            ValueError: There is no key.
            ImportError: The URL needs a package that is not installed.
        """
        if not keys:
            msg = "the file store needs a key"
            raise ValueError(msg)
        # S3 lists through a cache by default, which never sees what other processes do.
        options: dict[str, Any] = {"use_listings_cache": False} if url.startswith("s3:") else {}
        self._fs, self._root = fsspec.core.url_to_fs(url, **options)
        self._local = isinstance(self._fs, fsspec.get_filesystem_class("file"))
        self._keys = {key_id: AESGCM(key) for key_id, key in map(_derived, reversed(keys))}
        self._current, _ = _derived(keys[0])

    def put(self, content: bytes) -> str:
        """Store a file; return its name, which cannot be guessed. It is there whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        name = secrets.token_hex(16)
        head = MAGIC + self._current + secrets.token_bytes(NONCE)
        nonce = head[-NONCE:]
        sealed = head + self._keys[self._current].encrypt(nonce, content, head + name.encode())
        if self._local:
            _write(Path(self._path(name)), sealed)
        else:
            self._fs.pipe_file(self._path(name), sealed)
        return name

    def get(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileGoneError: There is none.
            FileDamagedError: See there.
        """
        try:
            sealed: bytes = self._fs.cat_file(self._path(name))
        except FileNotFoundError as error:
            raise FileGoneError(name) from error
        head, body = sealed[:HEADER], sealed[HEADER:]
        key = self._keys.get(head[len(MAGIC) : len(MAGIC) + KEY_ID])
        if key is None or not head.startswith(MAGIC):
            raise FileDamagedError(name)
        try:
            return key.decrypt(head[-NONCE:], body, head + name.encode())
        except (InvalidTag, ValueError) as error:
            raise FileDamagedError(name) from error

    def delete(self, name: str) -> None:
        """Delete a file; one that is gone already is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """Yield the names of all files and when each was written (aware, by the store's clock)."""
        try:
            found = self._fs.find(self._root, detail=True)
        except FileNotFoundError:
            return
        for path, detail in found.items():
            name = path.rpartition("/")[2]
            if NAME.fullmatch(name):
                yield name, _written(detail)

    def _path(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise FileGoneError(name)
        return f"{self._root}/{name[:2]}/{name}"


def _derived(secret: str) -> tuple[bytes, bytes]:
    derived = HKDF(hashes.SHA256(), KEY_ID + 32, None, b"file store").derive(secret.encode())
    return derived[:KEY_ID], derived[KEY_ID:]


def _write(path: Path, content: bytes) -> None:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _written(detail: dict[str, Any]) -> datetime:
    # A folder tells seconds, memory and S3 a datetime, each under a name of its own.
    when = detail.get("LastModified") or detail.get("created") or detail["mtime"]
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return datetime.fromtimestamp(detail.get("mtime", when), UTC)


@lru_cache(maxsize=8)
def _files(url: str, keys: tuple[str, ...]) -> FileStore:
    return FileStore(url, keys)


def get_files() -> FileStore:
    """Return the process's file store, by the settings."""
    settings = get_settings()
    return _files(settings.uploads, settings.file_keys)
