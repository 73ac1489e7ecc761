"""Pages of a PDF as pictures, so that a parent's PDF runs nowhere but in a process made for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from bot.render.pdf_child import HIGHEST, NO_PAGE, NO_PDF, WIDEST

__all__ = ["HIGHEST", "LONGEST_S", "WIDEST", "PageError", "count", "draw"]

_CHILD = Path(__file__).with_name("pdf_child.py")
LONGEST_S = 10.0
# Whoever opens a claim asks for all its pages at once; conversations need the processor too.
_AT_ONCE = threading.BoundedSemaphore(2)
# After this long in the line nobody looks any more, and the thread is needed.
LONGEST_WAIT_S = 20.0


class PageError(ValueError):
    """It is no PDF, has no such page, or cannot be drawn with what one page may take."""


def draw(content: bytes, number: int) -> bytes:
    """Draw a page, as PNG of 1400 x 4000 pixels at most.

    Args:
        content: The PDF.
        number: Of the page, from 1.

    Raises:
        PageError: See there; of time, a page may take 10 seconds.
    """
    if number < 1:
        msg = f"no page {number}"
        raise PageError(msg)
    return _ask(content, number)


def count(content: bytes) -> int:
    """Return how many pages a PDF has; 0 if it cannot be drawn."""
    try:
        return int(_ask(content, 0))
    except PageError:
        return 0


def _ask(content: bytes, number: int) -> bytes:
    if not _AT_ONCE.acquire(timeout=LONGEST_WAIT_S):
        msg = "too many pages are being drawn"
        raise PageError(msg)
    try:
        done = subprocess.run(  # noqa: S603
            # Isolated and without our environment: it holds secrets.
            [sys.executable, "-I", str(_CHILD), str(number)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = "takes too long to draw"
        raise PageError(msg) from error
    finally:
        _AT_ONCE.release()
    told = {NO_PDF: "not a PDF that can be drawn", NO_PAGE: f"no page {number}"}
    if done.returncode != 0:
        raise PageError(told.get(done.returncode, "it cannot be drawn"))
    return done.stdout
