"""Draws one page of a PDF, or counts its pages, in a process of its own; see `pdf_pages`.

Reads the PDF from its input and writes a PNG, or a number, to its output. A parent's PDF can take
hours to draw, or break the library that draws it: here that ends this process alone.
"""

from __future__ import annotations

import io
import resource
import sys

import pypdfium2 as pdfium

# Wide enough to read a receipt; a page of any size is drawn no larger.
WIDEST, HIGHEST = 1400, 4000
MOST_MEMORY = 1_500_000_000
MOST_SECONDS = 10
NO_PDF, NO_PAGE = 3, 4


def main() -> int:
    """Draw the page that the first argument names, from 1; 0 stands for counting them."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    number = int(sys.argv[1])
    try:
        document = pdfium.PdfDocument(sys.stdin.buffer.read())
    except pdfium.PdfiumError:
        return NO_PDF
    if number == 0:
        sys.stdout.write(str(len(document)))
        return 0
    if not 1 <= number <= len(document):
        return NO_PAGE
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(WIDEST / max(width, 1), HIGHEST / max(height, 1))
    out = io.BytesIO()
    page.render(scale=scale, may_draw_forms=False).to_pil().save(out, "PNG")
    sys.stdout.buffer.write(out.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
