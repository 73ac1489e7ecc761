"""Links that open one file or picture for one chat account for a limited time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.services.errors import NotFound, Refused
from bot.settings import get_settings

LASTS = timedelta(minutes=15)
# What an agent sent is looked at again later; until then only its parent's chat has the address.
CHAT_FILE_LASTS = timedelta(days=7)
# No kind of reference begins so.
CHAT_FILE = "CHF"
_TOKEN = re.compile(
    r"(?P<data>[A-Z]{1,3}\d{1,12}\.\d{1,12}\.\d{1,12})\.(?P<mark>[\w-]{22})", re.ASCII
)
_MARK_BYTES = 16
_PICTURE = re.compile(
    r"(?P<data>[a-z]{4,6}\.\w{1,24}\.\d{1,12}\.\d{1,12})\.(?P<mark>[\w-]{22})", re.ASCII
)


@dataclass(frozen=True)
class Link:
    """An address and until when it opens (aware, UTC)."""

    url: str
    until: datetime


@dataclass(frozen=True)
class Holder:
    """What a link's token says: whose chat account may see what."""

    reference: str
    identity_id: int


def claim_form_link(reference: str, identity_id: int, now: datetime) -> Link:
    """Return an address of the claim form of a claim (手册·理赔流程 C6).

    Whether the claim is this account's is checked when the address is opened.
    """
    until = (now + LASTS).astimezone(UTC).replace(microsecond=0)
    data = f"{reference}.{identity_id}.{until.timestamp():.0f}"
    return Link(f"{get_settings().base_url}/files/claim-form/{data}.{_mark(data)}", until)


def chat_file_link(line_id: int, identity_id: int, now: datetime) -> Link:
    """Return an address of a file that an agent sent in a conversation, for its parent."""
    until = (now + CHAT_FILE_LASTS).astimezone(UTC).replace(microsecond=0)
    data = f"{CHAT_FILE}{line_id}.{identity_id}.{until.timestamp():.0f}"
    return Link(f"{get_settings().base_url}/files/chat/{data}.{_mark(data)}", until)


def chat_file_of(token: str, now: datetime) -> tuple[int, int]:
    """Return the line and the chat account that a token of :func:`chat_file_link` names.

    Raises:
        NotFound: It was not made here, or for something else.
        Refused: ``link_over``: its time is over.
    """
    holder = read_token(token, now)
    if not holder.reference.startswith(CHAT_FILE):
        raise NotFound("token")
    return int(holder.reference.removeprefix(CHAT_FILE)), holder.identity_id


def read_token(token: str, now: datetime) -> Holder:
    """Return what a token says.

    Raises:
        NotFound: It was not made here.
        Refused: ``link_over``: its time is over.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or not hmac.compare_digest(_mark(match["data"]), match["mark"]):
        raise NotFound("token")
    reference, identity_id, until = match["data"].split(".")
    if now.timestamp() >= int(until):
        raise Refused("link_over")
    return Holder(reference, int(identity_id))


@dataclass(frozen=True)
class PictureHolder:
    """What a picture's token says: which kind of which thing, for whom, until when (aware)."""

    kind: str
    subject: str
    identity_id: int
    until: datetime


def picture_link(holder: PictureHolder, *, absolute: bool = False) -> str:
    """Return the path of a picture, or its whole address for others than our own pages.

    Whether it is this account's is checked when it is opened.
    """
    until = f"{holder.until.timestamp():.0f}"
    data = f"{holder.kind}.{holder.subject}.{holder.identity_id}.{until}"
    base = get_settings().base_url if absolute else ""
    return f"{base}/pictures/{data}.{_mark(data, 'picture')}"


def read_picture_token(token: str, now: datetime) -> PictureHolder:
    """Return what a picture's token says.

    Raises:
        NotFound: It was not made here.
        Refused: ``link_over``: its time is over.
    """
    match = _PICTURE.fullmatch(token)
    if match is None or not hmac.compare_digest(_mark(match["data"], "picture"), match["mark"]):
        raise NotFound("token")
    kind, subject, identity_id, until = match["data"].split(".")
    if now.timestamp() >= int(until):
        raise Refused("link_over")
    return PictureHolder(kind, subject, int(identity_id), datetime.fromtimestamp(int(until), UTC))


def _mark(data: str, purpose: str = "claim form") -> str:
    # Named, so that no other use of the secret ever makes the same mark.
    secret = get_settings().code_secret.get_secret_value().encode()
    digest = hmac.new(secret, f"{purpose} {data}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_MARK_BYTES]).decode().rstrip("=")
