"""A request that comes twice under one key is done once, and answered alike.

After draft-ietf-httpapi-idempotency-key-header. The key is taken before anything is done and the
answer is kept after it. A process that dies in between leaves the key taken for a minute; then the
request is done again, and the version or the natural key of what it changes prevents a second
effect.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.rules.partners import ANSWERS_KEPT, REQUEST_LEASE
from bot.services.errors import Conflict, Refused
from bot.settings import get_settings
from bot.store.models import ApiRequest
from bot.store.seal import seal, unseal
from bot.store.session import Store

# An answer may hold a secret that is shown once, or a child's name.
PURPOSE = "api answers"


@dataclass(frozen=True)
class Answer:
    """What was answered: the HTTP status, some headers, and the body."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Taken:
    """A key that this request holds."""

    id: int
    owner: str


def take(
    store: Store, *, partner: int, key: str, fingerprint: str, wall: datetime
) -> Taken | Answer:
    """Take a key, or return what was answered under it.

    Args:
        store: The store.
        partner: The API key's id.
        key: What the partner calls the request.
        fingerprint: What tells this request from another one.
        wall: The machine's time, aware.

    Raises:
        Conflict: The same request is being worked on.
        Refused: ``idempotency_key``: there was another request under this key.
    """
    owner = secrets.token_hex(16)
    mine = {"fingerprint": fingerprint, "owner": owner, "lease_until": wall + REQUEST_LEASE}
    try:
        with store.begin() as session:
            row = ApiRequest(
                api_key_id=partner, idempotency_key=key, expires_at=wall + ANSWERS_KEPT, **mine
            )
            session.add(row)
            session.flush()
            return Taken(row.id, owner)
    except sa.exc.IntegrityError:
        return _again(store, partner, key, mine, wall)


def _again(
    store: Store, partner: int, key: str, mine: dict[str, Any], wall: datetime
) -> Taken | Answer:
    with store.begin() as session:
        found: ApiRequest | None = session.scalar(
            sa.select(ApiRequest)
            .where(ApiRequest.api_key_id == partner, ApiRequest.idempotency_key == key)
            .with_for_update()
        )
        if found is None:
            # It was given up this very moment.
            raise Conflict("the same request is being worked on")
        over = found.expires_at <= wall
        if not over and found.fingerprint != mine["fingerprint"]:
            raise Refused("idempotency_key")
        if not over and found.answer is not None:
            return Answer(**json.loads(unseal(found.answer, secret=_secret(), purpose=PURPOSE)))
        if not over and found.lease_until > wall:
            raise Conflict("the same request is being worked on")
        for name, value in mine.items():
            setattr(found, name, value)
        found.expires_at = wall + ANSWERS_KEPT
        found.status = found.answer = None
        return Taken(found.id, found.owner)


def keep(store: Store, taken: Taken, answer: Answer) -> None:
    """Keep an answer for the same request."""
    written = json.dumps({"status": answer.status, "headers": answer.headers, "body": answer.body})
    sealed = seal(written, secret=_secret(), purpose=PURPOSE)
    with store.begin() as session:
        session.execute(_held(sa.update(ApiRequest), taken).values(
            status=answer.status, answer=sealed
        ))  # fmt: skip


def give_up(store: Store, taken: Taken) -> None:
    """Free a key under which nothing was done."""
    with store.begin() as session:
        session.execute(_held(sa.delete(ApiRequest), taken))


def forget(store: Store, *, wall: datetime) -> None:
    """Delete the answers that are no longer kept."""
    with store.begin() as session:
        session.execute(
            sa.delete(ApiRequest)
            .where(ApiRequest.expires_at <= wall)
            .execution_options(synchronize_session=False)
        )


def _held(statement: Any, taken: Taken) -> Any:
    return statement.where(
        ApiRequest.id == taken.id,
        ApiRequest.owner == taken.owner,
        ApiRequest.answer.is_(None),  # type: ignore[union-attr]
    ).execution_options(synchronize_session=False)


def _secret() -> str:
    return get_settings().files_key.get_secret_value()
