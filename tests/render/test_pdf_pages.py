"""Pages of PDFs as pictures."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bot.render import pdf_pages
from tests import pictures


def test_each_page_is_a_picture_of_a_size_that_can_be_read() -> None:
    content = pictures.pdf(3)
    assert pdf_pages.count(content) == 3
    for number in (1, 3):
        drawn = pdf_pages.draw(content, number)
        picture = Image.open(io.BytesIO(drawn.png))
        assert (picture.format, drawn.pages) == ("PNG", 3)
        assert picture.width <= pdf_pages.WIDEST
        assert picture.height <= pdf_pages.HIGHEST
        assert max(picture.width / pdf_pages.WIDEST, picture.height / pdf_pages.HIGHEST) > 0.99


@pytest.mark.parametrize("number", [0, 4, -1])
def test_pages_that_there_are_not(number: int) -> None:
    with pytest.raises(ValueError, match="no page"):
        pdf_pages.draw(pictures.pdf(3), number)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 broken", b"\x89PNG"])
def test_what_is_no_pdf(content: bytes) -> None:
    assert pdf_pages.count(content) == 0
    with pytest.raises(ValueError, match="not a PDF"):
        pdf_pages.draw(content, 1)
