"""Pages that a link from the chat leads to: a title, a sentence, and perhaps one thing to do."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import HTMLResponse

from bot.texts import texts

_STATIC = Path(__file__).with_name("static")
# What is behind such a link is one parent's alone.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}


def said(name: str, values: Mapping[str, str] | None = None) -> str:
    """Return a text of the pages, filled, fit to stand in HTML."""
    return html.escape(texts()[f"page_{name}"].text.format(**(values or {})))


def part(file: str, **values: str) -> str:
    """Return a piece of a page with ``values``, which must be fit to stand in HTML."""
    return (_STATIC / file).read_text("utf-8").format(**values)


def notice(
    name: str,
    values: Mapping[str, str] | None = None,
    *,
    content: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Answer with a page.

    Args:
        name: Its texts are ``page_{name}_title`` and ``page_{name}``.
        values: What their placeholders stand for.
        content: HTML below them (:func:`part`).
        status: Of the answer.
        headers: Beside :data:`PRIVATE`.
    """
    page = part(
        "notice.html",
        title=said(f"{name}_title", values),
        lead=said(name, values),
        content=content,
    )
    return HTMLResponse(page, status_code=status, headers={**PRIVATE, **(headers or {})})
