"""Files in a multipart request, taken apart while they arrive: no more is kept than is allowed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bot.services import documents, media
from bot.services.errors import Refused
from bot.store.files import FileStore
from bot.store.session import Store

logger = logging.getLogger(__name__)

MOST_FILES = documents.MOST_FILES
LONGEST_FIELD = 1024
MOST_HEADERS = 4096
# Of all files together, which are not in memory together.
MOST_BYTES = 90 * 1024 * 1024
DISPOSITION = b"content-disposition"
# Something failed here; not the file's fault.
NOT_KEPT = "file_failed"


class UploadError(Exception):
    """The request is no multipart upload, or goes on without end."""


@dataclass(frozen=True)
class UploadedFile:
    """A file as it arrived; ``content`` is ``None`` if it was larger than is taken."""

    filename: str
    content: bytes | None


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""
    data: bytearray = field(default_factory=bytearray)
    too_large: bool = False


class UploadReader:
    """Takes a multipart body chunk by chunk; gives its files as they become whole."""

    def __init__(self, content_type: str) -> None:
        """Begin.

        Raises:
            UploadError: It is not ``multipart/form-data`` with a boundary.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise UploadError("multipart/form-data is needed")
        self.fields: dict[str, str] = {}
        self._part = _Part()
        self._whole: list[UploadedFile] = []
        self._bytes = 0
        self._files = 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                },
            )
        except FormParserError as error:
            raise UploadError("malformed") from error

    def feed(self, chunk: bytes) -> list[UploadedFile]:
        """Take the next bytes; return the files that they complete.

        Raises:
            UploadError: The body is malformed, or has more files or bytes than are taken.
        """
        self._bytes += len(chunk)
        if self._bytes > MOST_BYTES:
            raise UploadError("too many bytes")
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise UploadError("malformed") from error
        whole, self._whole = self._whole, []
        return whole

    def _begin(self) -> None:
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]
        if len(self._part.value) > MOST_HEADERS:
            raise UploadError("a header without end")

    def _header_end(self) -> None:
        part = self._part
        part.headers[part.name.lower()] = part.value
        part.name = part.value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.too_large:
            return
        part.data += data[start:end]
        most = media.LARGEST if self._is_file() else LONGEST_FIELD
        if len(part.data) > most:
            part.too_large = True
            part.data = bytearray()

    def _end(self) -> None:
        _, options = parse_options_header(self._part.headers.get(DISPOSITION, b""))
        content = None if self._part.too_large else bytes(self._part.data)
        if self._is_file():
            self._files += 1
            if self._files > MOST_FILES:
                raise UploadError("too many files")
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._whole.append(UploadedFile(name, content))
        elif content is not None:
            name = options.get(b"name", b"").decode("utf-8", "replace")
            self.fields[name] = content.decode("utf-8", "replace")
        self._part = _Part()

    def _is_file(self) -> bool:
        return b"filename" in self._part.headers.get(DISPOSITION, b"")


@dataclass
class Received:
    """What became of the files of one message."""

    ids: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def keep(
        self, store: Store, files: FileStore, *, identity_id: int, file: UploadedFile, now: datetime
    ) -> None:
        """Check a file and keep it; note why not. Raises nothing: a parent gets a reply."""
        if file.content is None:
            self.refused.append("file_too_large")
            return
        try:
            kept = documents.receive(
                store,
                files,
                identity_id=identity_id,
                content=file.content,
                filename=file.filename,
                now=now,
            )
            self.ids.append(kept.id)
        except Refused as refused:
            self.refused.append(refused.reason)
        except Exception:
            logger.exception("a file was not kept")
            self.refused.append(NOT_KEPT)

    def told(self) -> dict[str, str]:
        """Return the entities that the dialogue is told: files' ids, reasons of refusal."""
        told = {}
        if self.ids:
            told["document"] = _joined(self.ids)
        if self.refused:
            told["document_refused"] = _joined(self.refused)
        return told

    def message(self) -> str:
        """Return what Rasa is told: ``/inform`` with the files' ids and the reasons of refusal."""
        return f"/inform{json.dumps(self.told())}"


def _joined(values: Iterable[object]) -> str:
    return ",".join(dict.fromkeys(str(value) for value in values))
