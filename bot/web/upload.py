"""Photos and PDFs that parents send from the page."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import clock
from bot.channels.upload import Received, UploadedFile, UploadError, UploadReader
from bot.services import identity as identities
from bot.services import web_chat
from bot.store.files import get_files
from bot.store.session import get_store
from bot.web.chat import accepted, allowed, answered, name_of
from bot.web.guard import FILES, RefusedError

# Each may hold a whole file in memory.
PARALLEL = 3
LONGEST_NAME = 80
_free = asyncio.Semaphore(PARALLEL)


@answered
async def receive(request: Request) -> Response:
    """Take files: multipart, ``?name=`` is the page's own name (UUID) of this message."""
    who = allowed(request, FILES, changes=True)
    name = name_of(request.query_params.get("name"))
    store = get_store()
    if await asyncio.to_thread(web_chat.is_known, store, account=who.account, name=name):
        return await accepted(request, who, new=False)
    received, names = Received(), list[str]()
    async with _free:
        try:
            reader = UploadReader(request.headers.get("content-type", ""))
            async for chunk in request.stream():
                for file in reader.feed(chunk):
                    names.append(_shown(file.filename))
                    await asyncio.to_thread(_keep, received, who.account, file)
        except UploadError:
            raise RefusedError(400, "upload") from None
    if not names:
        raise RefusedError(400, "upload")
    new = await asyncio.to_thread(
        web_chat.send_files,
        store,
        account=who.account,
        name=name,
        told=received.told(),
        files=names,
        now=clock.now(),
        wall=clock.wall(),
    )
    return await accepted(request, who, new=new)


def _keep(received: Received, account: str, file: UploadedFile) -> None:
    store = get_store()
    who = identities.identify(store, web_chat.CHANNEL, account)
    received.keep(store, get_files(), identity_id=who.id, file=file, now=clock.now())


def _shown(filename: str) -> str:
    # The end tells what it is.
    plain = filename.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return plain if len(plain) <= LONGEST_NAME else f"…{plain[-LONGEST_NAME:]}"


ROUTES = (Route("/chat/files", receive, methods=["POST"]),)
