"""A parent's wish to have the data of a chat account erased: noted, checked and decided by staff.

Erased are the account's bindings, its conversations with the bot and with people, and the messages
to it. Policies, visits, claims, payments, complaints and the audit trail stay: insurance has to
keep them, and staff tell the parent so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.calendar import TZ
from bot.rules.complaints import erasure_due
from bot.rules.notifications import NotificationKind
from bot.rules.states import DataRequestState, can_move
from bot.services import audit, wording
from bot.services.data_export import conversations
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.handoff_erasure import erase_talks
from bot.services.identity import bound_policies
from bot.services.notifications import notify_account
from bot.services.unbinding import remove_bindings
from bot.store.files import FileStore, FileStoreError
from bot.store.models import (
    ChatIdentity,
    ChatMessage,
    Conversation,
    ConversationEvent,
    DataRequest,
    InboundUpdate,
    OneTimeCode,
    OutboxMessage,
)
from bot.store.references import add_numbered
from bot.store.session import Store

logger = logging.getLogger(__name__)

ERASED = "erased:"


@dataclass(frozen=True)
class DataRequestView:
    """A request as its parent may see it; times in Asia/Shanghai.

    ``kind`` is ``export`` or ``erasure``, ``status`` a word of
    :class:`bot.rules.states.DataRequestState`; ``due_at`` is ours to keep, for an erasure.
    """

    reference: str
    kind: str
    status: str
    requested_at: datetime
    due_at: datetime | None
    answer: str | None
    version: int


def request_erasure(
    store: Store, *, identity_id: int, now: datetime
) -> tuple[DataRequestView, bool]:
    """Note the wish; one that is open already is returned instead. Nothing is erased yet.

    Returns:
        The request, and whether it is new.
    """
    key = f"erasure:{identity_id}"
    with store.begin() as session:
        found = session.scalar(sa.select(DataRequest).where(DataRequest.idempotency_key == key))
        if found is not None:
            return view(found), False
        row = DataRequest(
            identity_id=identity_id,
            kind="erasure",
            status=DataRequestState.RECEIVED.value,
            requested_at=now,
            due_at=erasure_due(now),
            idempotency_key=key,
        )
        add_numbered(session, row, "D")
        _record(session, now, audit.identity_actor(identity_id), "data.erasure", row)
        # The version is what it is once all is written.
        session.flush()
        return view(row), True


def own_requests(store: Store, *, identity_id: int) -> tuple[DataRequestView, ...]:
    """Return the requests of a chat account, newest first."""
    with store.read() as session:
        query = sa.select(DataRequest).where(DataRequest.identity_id == identity_id)
        return tuple(view(row) for row in session.scalars(query.order_by(sa.desc(DataRequest.id))))


def open_requests(store: Store) -> tuple[DataRequestView, ...]:
    """Return what staff have not decided yet, the one due first at the head."""
    ended = (DataRequestState.DONE.value, DataRequestState.REFUSED.value)
    status: Any = DataRequest.status
    with store.read() as session:
        query = sa.select(DataRequest).where(status.not_in(ended))
        rows = session.scalars(query.order_by(DataRequest.due_at, DataRequest.id))
        return tuple(view(row) for row in rows)


def take_up(
    store: Store, *, reference: str, actor: str, now: datetime, version: int | None = None
) -> DataRequestView:
    """Note that a member of staff checks a wish for erasure.

    Raises:
        NotFound: There is no such request.
        Refused: ``state``: it is being checked, or decided, already.
        Conflict: It is no longer as it was read (``version``).
    """
    with _staff(store, reference, DataRequestState.CHECKING, version) as (session, row):
        due = wording.moment(row.due_at or erasure_due(row.requested_at), now)
        _tell(session, row, "notify_data_checking", now, due=due)
        _record(session, now, actor, "data.take_up", row)
    return view(row)


def refuse(
    store: Store,
    *,
    reference: str,
    actor: str,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> DataRequestView:
    """Refuse a wish that was checked, with a reason for the parent; nothing is erased.

    Raises:
        NotFound, Conflict: See :func:`take_up`.
        Refused: ``state``: it was not checked, or is decided; ``answer``: no reason is given.
    """
    if not reason.strip():
        raise Refused("answer")
    with _staff(store, reference, DataRequestState.REFUSED, version) as (session, row):
        row.answer, row.decided_at, row.idempotency_key = reason.strip(), now, None
        _tell(session, row, "notify_data_refused", now, reason=row.answer)
        _record(session, now, actor, "data.refuse", row)
    return view(row)


def erase(
    store: Store,
    files: FileStore,
    *,
    reference: str,
    actor: str,
    now: datetime,
    version: int | None = None,
) -> DataRequestView:
    """Erase what may be erased, after it was checked; see the module.

    The account itself is made nameless: who writes from it afterwards is somebody new.

    Raises:
        NotFound, Conflict: See :func:`take_up`.
        Refused: ``state``: it was not checked, or is decided.
    """
    with _staff(store, reference, DataRequestState.DONE, version) as (session, row):
        keys = _erase_account(session, row.identity_id, now)
        row.decided_at, row.idempotency_key = now, None
        _record(session, now, actor, "data.erase", row)
    for key in keys:
        try:
            files.delete(key)
        except (FileStoreError, OSError):
            # It is erased all the same: nothing knows the file any more, and nothing can open it.
            logger.exception("a file of %s must be deleted by hand: %s", reference, key)
    return view(row)


def _erase_account(session: Any, identity_id: int, now: datetime) -> list[str]:
    account = session.get(ChatIdentity, identity_id)
    keys = remove_bindings(session, identity_id, bound_policies(session, identity_id), now)
    keys += erase_talks(session, identity_id, now)
    # Lines of the chat point at the messages of the outbox that they were.
    for table in (ChatMessage, OutboxMessage, OneTimeCode):
        session.execute(sa.delete(table).where(table.identity_id == identity_id))
    own, shared = conversations(account)
    named = sa.select(sa.func.count()).where(ChatIdentity.account == account.account)
    # What another channel's account of the same name may have said stays.
    names = [own, shared] if session.scalar(named) == 1 else [own]
    for kind in (Conversation, ConversationEvent):
        sender: Any = kind.sender_id
        session.execute(sa.delete(kind).where(sender.in_(names)))
    status: Any = InboundUpdate.status
    session.execute(
        sa.update(InboundUpdate)
        .where(
            InboundUpdate.channel == account.channel,
            InboundUpdate.account == account.account,
            # What is not answered yet is answered first.
            status.in_(("processed", "failed")),
        )
        .values(payload={}, account=f"{ERASED}{identity_id}")
        .execution_options(synchronize_session=False)
    )
    account.account = f"{ERASED}{identity_id}"
    return keys


def _tell(session: Any, row: DataRequest, text: str, now: datetime, **values: str) -> None:
    notify_account(
        session,
        identity_id=row.identity_id,
        kind=NotificationKind.DATA_REQUEST,
        text=text,
        values={"reference": row.reference, **values},
        key=f"data:{row.id}:{text}",
        due_at=now,
    )


@contextmanager
def _staff(
    store: Store,
    reference: str,
    target: DataRequestState,
    version: int | None,
) -> Iterator[tuple[Any, DataRequest]]:
    try:
        with store.begin() as session:
            row = session.scalar(
                sa.select(DataRequest).where(
                    DataRequest.reference == reference, DataRequest.kind == "erasure"
                )
            )
            if row is None:
                raise NotFound("data request")
            if version is not None and row.version != version:
                raise Conflict(reference)
            current = DataRequestState(row.status)
            if not can_move(current, target):
                raise Refused("state")
            row.status = target.value
            yield session, row
    except StaleDataError as error:
        raise Conflict(reference) from error


def _record(session: Any, now: datetime, actor: str, action: str, row: DataRequest) -> None:
    audit.record(session, at=now, actor=actor, action=action, subject=row.reference)


def view(row: DataRequest) -> DataRequestView:
    """Return what is told of a request that was read in a transaction."""
    return DataRequestView(
        reference=row.reference,
        kind=row.kind,
        status=row.status,
        requested_at=row.requested_at.astimezone(TZ),
        due_at=row.due_at.astimezone(TZ) if row.due_at else None,
        answer=row.answer,
        version=row.version,
    )
