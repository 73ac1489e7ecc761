"""What staff do with calls that parents wait for (手册·医疗服务 M1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.notifications import NotificationKind
from bot.rules.states import ConsultationState
from bot.services import audit
from bot.services.consultations import WAITED_FOR, ConsultationView, by_reference, move, view
from bot.services.errors import Conflict
from bot.services.notifications import notify
from bot.store.models import ConsultationRequest
from bot.store.session import Store


def worklist(store: Store, *, now: datetime) -> list[ConsultationView]:
    """Return the calls of all families that are waited for, first due first."""
    query = (
        sa.select(ConsultationRequest)
        .where(
            ConsultationRequest.kind == "phone",
            ConsultationRequest.status.in_(WAITED_FOR),  # type: ignore[attr-defined]
        )
        .order_by(ConsultationRequest.due_at, ConsultationRequest.id)
    )
    with store.read() as session:
        return [view(row, now) for row in session.scalars(query)]


def called_back(
    store: Store, *, reference: str, actor: str, now: datetime, version: int | None = None
) -> ConsultationView:
    """Note that the doctor has called.

    Args:
        store: The store.
        reference: The call's number.
        actor: Who notes it.
        now: Aware.
        version: The version that was looked at; ``None`` for whatever stands there.

    Raises:
        NotFound, Conflict: No such call; or it was changed meanwhile.
        Refused: ``state`` when it is over already.
    """
    with _call(store, reference, version) as (session, row):
        move(row, ConsultationState.CALLED_BACK)
        audit.record(
            session, at=now, actor=actor, action="consultation.called_back", subject=reference
        )
        _tell(session, row, NotificationKind.CALL_BACK_DONE, "notify_call_back_done", now)
        session.flush()
        return view(row, now)


def close(
    store: Store,
    *,
    reference: str,
    actor: str,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> ConsultationView:
    """End a call, made or not, with the reason for the record; arguments as :func:`called_back`.

    Of one that was not made the parents are told, without the reason: they wait for it.

    Raises:
        NotFound, Conflict: No such call; or it was changed meanwhile.
        Refused: ``state`` when it is over already.
        ValueError: No reason is given.
    """
    if not reason.strip():
        msg = "a call is closed for a reason"
        raise ValueError(msg)
    with _call(store, reference, version) as (session, row):
        waited_for = row.status != ConsultationState.CALLED_BACK
        move(row, ConsultationState.CLOSED)
        audit.record(
            session,
            at=now,
            actor=actor,
            action="consultation.close",
            subject=reference,
            reason=reason.strip(),
        )
        if waited_for:
            _tell(session, row, NotificationKind.CALL_BACK_CLOSED, "notify_call_back_closed", now)
        session.flush()
        return view(row, now)


def _tell(
    session: Session, row: ConsultationRequest, kind: NotificationKind, text: str, now: datetime
) -> None:
    notify(
        session,
        policy_id=row.policy_id,
        kind=kind,
        text=text,
        values={"child": row.policy.child.name, "reference": row.reference},
        key=f"consultation:{row.id}:{kind.value}",
        due_at=now,
    )


@contextmanager
def _call(
    store: Store, reference: str, version: int | None
) -> Iterator[tuple[Session, ConsultationRequest]]:
    try:
        with store.begin() as session:
            row = by_reference(session, reference)
            if version is not None and row.version != version:
                raise Conflict(reference)
            yield session, row
    except StaleDataError as error:
        raise Conflict(reference) from error
