"""Keys of partners' programs: made, shown once, checked, revoked.

A key holds 256 bits from the system's random source, so its SHA-256 cannot be guessed back and a
slow hash such as Argon2, made for passwords that people think of, would only slow each request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.rules.partners import Scope
from bot.services import audit
from bot.services.errors import Conflict, NotFound, Refused
from bot.store.models import ApiKey, WebhookEndpoint
from bot.store.session import Store

MARK = "yx"
LONGEST_NAME = 40
# Written down no more often, so that reading does not write each time.
USE_NOTED_EVERY = timedelta(minutes=1)
_PREFIX_LETTERS = string.ascii_lowercase + string.digits
_NO_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Partner:
    """Whose request it is, and what they may do; ``name`` is the actor's in the audit."""

    id: int
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """How the audit names the partner."""
        return f"api:{self.name}"


@dataclass(frozen=True)
class KeyView:
    """A key without its secret; times are aware, in UTC."""

    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


def create(
    store: Store,
    *,
    name: str,
    scopes: Collection[str],
    actor: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it, this once.

    Args:
        store: The store.
        name: Of the partner's program, 1 to 40 characters, never used before.
        scopes: What it may do, values of :class:`Scope`.
        actor: Who makes it, for the audit.
        now: Aware.
        expires_at: Aware; for ever if not given.

    Raises:
        ValueError: A scope is unknown or none is given, the name is empty or too long, or the
            key would be over already.
        Conflict: There is, or was, a key of this name.
    """
    wanted = sorted({Scope(scope).value for scope in scopes})
    if not wanted or not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        msg = f"a key has a name of 1 to {LONGEST_NAME} characters and at least one scope"
        raise ValueError(msg)
    if expires_at is not None and expires_at <= now:
        msg = "the key would be over already"
        raise ValueError(msg)
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(10))
    key = f"{MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        name=name.strip(),
        prefix=prefix,
        hash=_hash(key),
        scopes=wanted,
        created_at=now,
        expires_at=expires_at,
    )
    try:
        with store.begin() as session:
            session.add(row)
            session.flush()
            audit.record(
                session, at=now, actor=actor, action="api_key.create", subject=_subject(row),
                scopes=wanted,
            )  # fmt: skip
    except sa.exc.IntegrityError as error:
        raise Conflict("there is a key of this name") from error
    return key


def keys(store: Store) -> list[KeyView]:
    """Return all keys, the newest first."""
    with store.read() as session:
        return [_view(row) for row in session.scalars(sa.select(ApiKey).order_by(sa.desc("id")))]


def revoke(store: Store, *, name: str, actor: str, now: datetime) -> None:
    """End a key and its webhooks at once; its name stays taken, for the audit.

    Raises:
        NotFound: There is no key of this name.
        Refused: ``revoked`` already.
    """
    with store.begin() as session:
        row: ApiKey | None = session.scalar(sa.select(ApiKey).where(ApiKey.name == name))
        if row is None:
            raise NotFound("api key")
        if row.revoked_at is not None:
            raise Refused("revoked")
        row.revoked_at = now
        # Whoever may no longer ask is no longer told.
        theirs = sa.update(WebhookEndpoint).where(
            WebhookEndpoint.api_key_id == row.id,
            WebhookEndpoint.ended_at.is_(None),  # type: ignore[union-attr]
        )
        session.execute(theirs.values(ended_at=now).execution_options(synchronize_session=False))
        audit.record(session, at=now, actor=actor, action="api_key.revoke", subject=_subject(row))


def authenticate(store: Store, key: str, *, now: datetime) -> Partner | None:
    """Return whose key it is; ``None`` if it is nobody's, revoked or over.

    The comparison takes as long for a wrong key as for a right one.
    """
    parts = key.split("_", 2)
    prefix = parts[1] if len(parts) == 3 and parts[0] == MARK and parts[1].isalnum() else ""
    with store.read() as session:
        row: ApiKey | None = session.scalar(sa.select(ApiKey).where(ApiKey.prefix == prefix[:16]))
    same = hmac.compare_digest(row.hash if row else _NO_HASH, _hash(key))
    if row is None or not same or row.revoked_at is not None:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    if row.last_used_at is None or now - row.last_used_at >= USE_NOTED_EVERY:
        with store.begin() as session:
            session.execute(sa.update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))
    return Partner(row.id, row.name, frozenset(row.scopes))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _subject(row: ApiKey) -> str:
    return f"api_key:{row.id}"


def _view(row: ApiKey) -> KeyView:
    return KeyView(
        row.name,
        row.prefix,
        tuple(row.scopes),
        row.created_at,
        row.last_used_at,
        row.expires_at,
        row.revoked_at,
    )
