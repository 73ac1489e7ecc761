"""Pages of PDFs as pictures."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from bot.render import pdf_pages
from bot.services.pdf_check import check_pdf
from tests import pictures


def test_each_page_is_a_picture_of_a_size_that_can_be_read() -> None:
    content = pictures.pdf(3)
    assert pdf_pages.count(content) == 3
    for number in (1, 3):
        picture = Image.open(io.BytesIO(pdf_pages.draw(content, number)))
        assert picture.format == "PNG"
        assert picture.width <= pdf_pages.WIDEST
        assert picture.height <= pdf_pages.HIGHEST
        assert max(picture.width / pdf_pages.WIDEST, picture.height / pdf_pages.HIGHEST) > 0.99


@pytest.mark.parametrize("number", [0, 4, -1])
def test_pages_that_there_are_not(number: int) -> None:
    with pytest.raises(pdf_pages.PageError, match="no page"):
        pdf_pages.draw(pictures.pdf(3), number)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 broken", b"\x89PNG"])
def test_what_is_no_pdf(content: bytes) -> None:
    assert pdf_pages.count(content) == 0
    with pytest.raises(pdf_pages.PageError, match="not a PDF"):
        pdf_pages.draw(content, 1)


def test_a_page_that_takes_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine levels of forms, each drawing the next ten times: kept, for it is whole and short."""
    monkeypatch.setattr(pdf_pages, "LONGEST_S", 1.5)
    content = pictures.endless_pdf()
    assert check_pdf(content)[1] == 1
    assert len(content) < 3_000
    began = time.monotonic()
    with pytest.raises(pdf_pages.PageError, match="too long"):
        pdf_pages.draw(content, 1)
    assert time.monotonic() - began < 10
    # Nothing of it is left in the way of the next.
    monkeypatch.undo()
    assert pdf_pages.draw(pictures.pdf(1), 1).startswith(b"\x89PNG")


def test_drawing_knows_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that opens a stranger's file is given no secret."""
    monkeypatch.setenv("BOT_CODE_SECRET", "not for strangers")
    seen = {}

    def run(command: list[str], **given: object) -> None:
        seen.update(given)
        raise pdf_pages.PageError

    monkeypatch.setattr(pdf_pages.subprocess, "run", run)
    with pytest.raises(pdf_pages.PageError):
        pdf_pages.draw(pictures.pdf(1), 1)
    assert seen["env"] == {}
