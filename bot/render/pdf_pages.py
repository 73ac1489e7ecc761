"""Pages of a PDF as pictures, so that a parent's PDF runs nowhere but here."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

import pypdfium2 as pdfium

# Wide enough to read a receipt; a page of any size is drawn no larger.
WIDEST, HIGHEST = 1400, 4000
# The library is not made for several threads.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Drawn:
    """A page as a PNG, and how many pages there are."""

    png: bytes
    pages: int


def draw(content: bytes, number: int) -> Drawn:
    """Draw a page.

    Args:
        content: The PDF.
        number: Of the page, from 1.

    Raises:
        ValueError: It is no PDF, or there is no such page.
    """
    with _ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(content)
        except pdfium.PdfiumError as error:
            msg = "not a PDF that can be drawn"
            raise ValueError(msg) from error
        try:
            if not 1 <= number <= len(document):
                msg = f"no page {number}"
                raise ValueError(msg)
            page = document[number - 1]
            width, height = page.get_size()
            scale = min(WIDEST / max(width, 1), HIGHEST / max(height, 1))
            bitmap = page.render(scale=scale, may_draw_forms=False)
            out = io.BytesIO()
            bitmap.to_pil().save(out, "PNG")
            return Drawn(out.getvalue(), len(document))
        finally:
            document.close()


def count(content: bytes) -> int:
    """Return how many pages a PDF has; 0 if it cannot be drawn."""
    with _ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(content)
        except pdfium.PdfiumError:
            return 0
        try:
            return len(document)
        finally:
            document.close()
