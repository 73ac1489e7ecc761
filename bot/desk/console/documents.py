"""Parents' files, shown beside the claim or authorization they belong to."""

from __future__ import annotations

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.desk.console.conversations import FILE_HEADERS
from bot.render import pdf_pages
from bot.services import document_desk
from bot.services.errors import NotFound
from bot.store.files import get_files


def picture(call: Call) -> Response:
    """Answer with a photo, or the first page of a PDF."""
    return _page(call, 1)


def page(call: Call) -> Response:
    """Answer with a page of a PDF, drawn here."""
    return _page(call, call.number("page"))


def _page(call: Call, number: int) -> Response:
    media_type, content = document_desk.opened(
        call.store,
        get_files(),
        document_id=call.number("id"),
        actor=call.actor,
        now=call.now,
    )
    if media_type != document_desk.PDF:
        if number != 1:
            raise NotFound("page")
        return Response(content, media_type=media_type, headers=FILE_HEADERS)
    try:
        drawn = pdf_pages.draw(content, number)
    except pdf_pages.PageError as error:
        raise NotFound("page") from error
    return Response(drawn, media_type="image/png", headers=FILE_HEADERS)


ROUTES = (
    door("/documents/{id:int}", picture),
    door("/documents/{id:int}/pages/{page:int}", page),
)
