"""Whether a PDF can be kept: whole, of a sane length, open to be read, doing nothing by itself.

The bytes stay as they are, since tax invoices carry a signature over them; only positions inside
embedded photos are blanked, in files that nobody signed.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from typing import Any

from pypdf import PdfReader, apply_configuration
from pypdf.generic import DictionaryObject, IndirectObject

from bot.services.errors import Refused

HEADER = b"%PDF-"
MOST_PAGES = 100
# A page tree has inner nodes as well.
MOST_NODES = 4 * MOST_PAGES
LONGEST_S = 5.0
# What may follow the end: a line break, a scanner's padding.
MOST_TRAILING = 1024
ACTIVE = frozenset({"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/RichMedia"})
APP1 = 0xE1
START_OF_SCAN = 0xDA
JPEG = re.compile(rb"\xff\xd8\xff[\xe0\xe1]")
LOCATED = (b"Exif\x00\x00", b"http://ns.adobe.com/")

# Streams are decoded only where the list of objects itself is packed; those are small.
MOST_DECODED = 16_000_000


def check_pdf(content: bytes) -> tuple[bytes, int]:
    """Check a PDF.

    Returns:
        What to keep, and the number of pages.

    Raises:
        Refused: ``file_damaged``, ``file_locked`` (a password is needed), ``too_many_pages``,
            ``file_mixed`` (another kind of file hides in it) or ``file_active`` (it runs
            programs).
    """
    _check_end(content)
    try:
        with apply_configuration(zlib_maximum_output_length=MOST_DECODED):
            pages = _read(content)
    except Refused:
        raise
    # A malformed file makes pypdf raise nearly anything.
    except Exception as error:
        raise Refused("file_damaged") from error
    if pages == 0:
        raise Refused("file_damaged")
    signed = b"/ByteRange" in content
    return (content if signed else _without_positions(content)), pages


def _read(content: bytes) -> int:
    deadline = time.monotonic() + LONGEST_S
    reader = PdfReader(io.BytesIO(content), strict=False)
    # Many invoices are locked against changes alone and open with an empty password.
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("file_locked")
    root = _dictionary(reader.trailer["/Root"])
    pages = _count(root.raw_get("/Pages"), deadline)
    if _acts(root) or "/JavaScript" in _dictionary(root.get("/Names")):
        raise Refused("file_active")
    return pages


def _check_end(content: bytes) -> None:
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise Refused("file_damaged")
    if len(content) - end > MOST_TRAILING or zipfile.is_zipfile(io.BytesIO(content)):
        raise Refused("file_mixed")


def _count(top: Any, deadline: float) -> int:
    """Count pages without a page's content; a tree in a circle ends."""
    pages, seen, nodes, waiting = 0, set(), 0, [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            if (node.idnum, node.generation) in seen:
                raise Refused("file_damaged")
            seen.add((node.idnum, node.generation))
        nodes += 1
        if nodes > MOST_NODES or time.monotonic() > deadline:
            raise Refused("too_many_pages")
        page = _dictionary(node)
        if "/Kids" in page:
            waiting.extend(page["/Kids"].get_object())
            continue
        pages += 1
        if pages > MOST_PAGES:
            raise Refused("too_many_pages")
        if _acts(page):
            raise Refused("file_active")
    return pages


def _acts(holder: Any) -> bool:
    """Tell whether opening the document or a page starts anything."""
    actions = [_dictionary(holder.get("/OpenAction"))]
    actions += [_dictionary(action) for action in _dictionary(holder.get("/AA")).values()]
    return any(action.get("/S") in ACTIVE for action in actions)


def _dictionary(value: Any) -> Any:
    found = value.get_object() if value is not None else None
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def _without_positions(content: bytes) -> bytes:
    """Blank the EXIF and XMP of JPEG pictures; every byte else stays in its place."""
    kept = bytearray(content)
    for found in JPEG.finditer(content):
        place = found.start() + 2
        while place + 4 <= len(kept) and kept[place] == 0xFF and kept[place + 1] != START_OF_SCAN:
            length = int.from_bytes(kept[place + 2 : place + 4], "big")
            start, end = place + 4, place + 2 + length
            if kept[place + 1] == APP1 and bytes(kept[start:end]).startswith(LOCATED):
                kept[start:end] = bytes(len(kept[start:end]))
            place = max(end, place + 4)
    return bytes(kept)
