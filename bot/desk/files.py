"""Files that a signed link opens for a short time."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import clock
from bot.services import chat_files
from bot.services.claim_form import ClaimForm, claim_form
from bot.services.errors import NotBound, NotFound, Refused
from bot.services.links import chat_file_of, read_token
from bot.store.files import FileGoneError, get_files
from bot.store.session import get_store
from bot.texts import texts

PDF = "application/pdf"
# What is personal stays out of the caches on its way, and out of search engines.
PRIVATE = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex"}


def _form(token: str) -> ClaimForm:
    holder = read_token(token, clock.now())
    return claim_form(get_store(), identity_id=holder.identity_id, reference=holder.reference)


async def claim_form_file(request: Request) -> Response:
    """Answer with a claim form; 410 once the link's or the claim's time is over, 404 otherwise.

    Whether the chat account is still bound to the policy is checked anew (手册·理赔流程 C6).
    """
    try:
        found = await asyncio.to_thread(_form, request.path_params["token"])
    except (NotFound, NotBound):
        return _said("file_not_found", 404)
    except Refused:
        return _said("file_link_over", 410)
    name = quote(texts()["line_claim_form_name"].text.format(reference=found.name))
    disposition = f"attachment; filename=\"{found.name}\"; filename*=UTF-8''{name}"
    headers = PRIVATE | {"Content-Disposition": disposition}
    return Response(found.pdf, media_type=PDF, headers=headers)


def _chat_file(token: str) -> tuple[str, bytes]:
    line, identity = chat_file_of(token, clock.now())
    store = get_store()
    return chat_files.file_for_parent(store, get_files(), line_id=line, identity_id=identity)


async def chat_file(request: Request) -> Response:
    """Answer with a file that an agent sent; 410 once the link's time is over, 404 otherwise."""
    try:
        media_type, content = await asyncio.to_thread(_chat_file, request.path_params["token"])
    except (NotFound, FileGoneError):
        return _said("file_not_found", 404)
    except Refused:
        return _said("file_link_over", 410)
    # A PDF may hold what a browser should not run in our name.
    headers = PRIVATE | {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return Response(content, media_type=media_type, headers=headers)


def _said(text: str, status: int) -> Response:
    return PlainTextResponse(texts()[text].text, status_code=status, headers=PRIVATE)


ROUTES = (
    Route("/files/claim-form/{token:str}", claim_form_file, methods=["GET"]),
    Route("/files/chat/{token:str}", chat_file, methods=["GET"]),
)
