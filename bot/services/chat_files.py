"""Photos and PDFs in a conversation with a person, both ways."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.rules.handoffs import AGENT_MESSAGE
from bot.services import links, media, wording
from bot.services.errors import NotFound
from bot.services.handoff_moves import changing, send
from bot.services.live_chat import Line, agent_line, known_line, line_view, speak
from bot.store.files import FileStore
from bot.store.models import DocumentReference, HandOff, HandOffMessage
from bot.store.session import Store


def agent_file(
    store: Store,
    files: FileStore,
    *,
    handoff_id: int,
    agent_id: int,
    content: bytes,
    name: str,
    now: datetime,
    key: str | None = None,
) -> Line:
    """Send the parent a photo or a PDF, checked by its content; opened by a signed link.

    Raises:
        NotFound: There is none.
        Refused: As :func:`agent_message` and :func:`bot.services.media.check`.
    """
    seen = media.check(content)
    stored = files.put(seen.content)
    kept = False
    try:
        with changing(store, handoff_id) as (session, row):
            known = known_line(session, row, key)
            if known is not None:
                return line_view(known)
            speak(session, row, agent_id, now)
            about = {"storage_key": stored, "media_type": seen.media_type}
            title = name.replace("\0", "").strip()[:100]
            size = len(seen.content)
            line = agent_line(session, row, agent_id, title, key, now, size=size, **about)
            url = links.chat_file_link(line.id, row.identity_id, now).url
            kind = "image" if seen.media_type.startswith("image/") else "attachment"
            reply = {"text": title, kind: url, "name": title, "alt": title}
            send(session, row, AGENT_MESSAGE, reply, key=f"agent:{line.id}", now=now)
            kept = True
            return line_view(line)
    finally:
        if not kept:
            files.delete(stored)


def file_of(store: Store, files: FileStore, *, handoff_id: int, seq: int) -> tuple[str, bytes]:
    """Return the media type and the content of a line's file, for agents.

    Raises:
        NotFound: The line is none, or no file.
        bot.store.files.FileStoreError: It cannot be read.
    """
    with store.read() as session:
        line = session.scalar(
            sa.select(HandOffMessage).where(
                HandOffMessage.handoff_id == handoff_id, HandOffMessage.seq == seq
            )
        )
        stored, media_type = (None, None) if line is None else _stored(session, line)
    if stored is None or media_type is None:
        raise NotFound("file")
    return media_type, files.get(stored)


def file_for_parent(
    store: Store, files: FileStore, *, line_id: int, identity_id: int
) -> tuple[str, bytes]:
    """Return the media type and the content of a file that an agent sent this account.

    Raises:
        NotFound: There is none for this account.
        bot.store.files.FileStoreError: It cannot be read.
    """
    with store.read() as session:
        line = session.get(HandOffMessage, line_id)
        row = session.get(HandOff, line.handoff_id) if line is not None else None
        if line is None or row is None or row.identity_id != identity_id:
            raise NotFound("file")
        stored, media_type = line.storage_key, line.media_type
    if stored is None or media_type is None:
        raise NotFound("file")
    return media_type, files.get(stored)


def take_out(
    session: Session, row: DocumentReference, instead: DocumentReference | None = None
) -> None:
    """Let no line of a conversation point to a document that is about to be deleted.

    Args:
        session: The transaction that deletes it.
        row: The document.
        instead: The same file, to the byte, that stays: the lines show that one. Without it they
            say that the file was deleted.
    """
    lines = sa.select(HandOffMessage).where(HandOffMessage.document_id == row.id)
    for line in session.scalars(lines).all():
        line.document_id = instead.id if instead is not None else None
        if instead is None:
            line.media_type = line.size = None
            line.text = wording.line("file_deleted")
    session.flush()


def _stored(session: Session, line: HandOffMessage) -> tuple[str | None, str | None]:
    if line.document_id is None:
        return line.storage_key, line.media_type
    document = session.get(DocumentReference, line.document_id)
    return (None, None) if document is None else (document.storage_key, document.media_type)
