"""What staff do with visits: confirm, move, decline, call off, and note how they ended (V2).

Every function takes the version that its caller has read, or none to take the row as it is now;
if the row was changed since, nothing is done. Each change is audited and told to the parents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.calendar import TZ, local_day
from bot.rules.notifications import NotificationKind
from bot.rules.states import AppointmentState, can_move
from bot.rules.visits import cancellation_deadline, is_late
from bot.services import audit, wording
from bot.services.appointment_list import DeskAppointment, view
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.notifications import notify
from bot.services.relevance import visit_key
from bot.services.visit_words import visit_when, visit_words
from bot.store.models import Appointment
from bot.store.session import Store

LONGEST_REASON = 60


class SameVisit(Conflict):
    """The child has such a visit at that time already; to read again would not help."""


def confirm(
    store: Store,
    *,
    reference: str,
    actor: str,
    now: datetime,
    version: int | None = None,
    visit_at: datetime | None = None,
) -> DeskAppointment:
    """Confirm a visit, perhaps at the clock time that the hospital gave (手册·就医流程 V2).

    Another day, or another clock time than the one wished for, is told as a change.

    Args:
        store: The store.
        reference: The visit's number.
        actor: Who confirms, for the audit.
        now: Aware.
        version: The version read.
        visit_at: The hospital's time, aware; the wished one if it gave none.

    Raises:
        NotFound, Conflict: No such visit, or changed since ``version``.
        SameVisit: See there.
        Refused: ``not_open``: it is not waiting to be arranged. ``past``: the time is over.
    """
    with _changing(store, reference, version) as (session, row):
        _move(row, AppointmentState.CONFIRMED)
        _must_be_ahead(visit_at or row.visit_at, row, visit_at, now)
        old = visit_when(row, row.visit_at, now)
        moved = visit_at is not None and _differs(row, visit_at)
        if visit_at is not None:
            _put_at(row, visit_at)
        row.decided_at = now
        _flush(session)
        _log(session, row, "appointment.confirm", actor, now, moved=moved)
        if moved:
            _tell_changed(session, row, old, now)
        else:
            late = is_late(local_day(row.visit_at), now)
            text = "notify_appointment_confirmed_late" if late else "notify_appointment_confirmed"
            _tell(session, row, NotificationKind.APPOINTMENT_CONFIRMED, text, now)
        return view(row)


def change(
    store: Store,
    *,
    reference: str,
    actor: str,
    visit_at: datetime,
    now: datetime,
    version: int | None = None,
) -> DeskAppointment:
    """Move a confirmed visit because the hospital did (手册·就医流程 V2).

    The same time again changes nothing. Arguments and errors as :func:`confirm`.
    """
    with _changing(store, reference, version) as (session, row):
        if row.status != AppointmentState.CONFIRMED.value:
            raise Refused("not_open")
        _must_be_ahead(visit_at, row, visit_at, now)
        if row.clock_given and row.visit_at == visit_at:
            return view(row)
        old = visit_when(row, row.visit_at, now)
        _put_at(row, visit_at)
        row.decided_at = now
        _flush(session)
        _log(session, row, "appointment.change", actor, now)
        _tell_changed(session, row, old, now)
        return view(row)


def decline(
    store: Store,
    *,
    reference: str,
    actor: str,
    reason: str,
    now: datetime,
    version: int | None = None,
    proposal: datetime | None = None,
) -> DeskAppointment:
    """Say that a visit cannot be arranged, why, and perhaps when it could (手册·就医流程 V2).

    Args:
        store: The store.
        reference: The visit's number.
        actor: Who declines, for the audit.
        reason: For the parent, in plain words: 1 to 60 characters.
        now: Aware.
        version: The version read.
        proposal: Another time that the hospital has, aware.

    Raises:
        NotFound, Conflict: No such visit, or changed since ``version``.
        Refused: ``not_open``: it is not waiting to be arranged. ``past``: the proposal is over.
        ValueError: The reason is empty or too long.
    """
    with _changing(store, reference, version) as (session, row):
        _move(row, AppointmentState.DECLINED)
        if proposal is not None and proposal <= now:
            raise Refused("past")
        row.decline_reason = _reason(reason)
        row.proposed_at = proposal
        row.decided_at = now
        row.idempotency_key = None
        _flush(session)
        _log(session, row, "appointment.decline", actor, now, proposed=proposal is not None)
        values = {"reason": row.decline_reason}
        text = "notify_appointment_declined"
        if proposal is not None:
            values["proposal"] = wording.moment(proposal, now)
            text = "notify_appointment_declined_proposal"
        _tell(session, row, NotificationKind.APPOINTMENT_DECLINED, text, now, **values)
        return view(row)


def call_off(
    store: Store,
    *,
    reference: str,
    actor: str,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> DeskAppointment:
    """Cancel a confirmed visit because the hospital cannot keep it; nothing falls on the parent.

    Raises:
        NotFound, Conflict: No such visit, or changed since ``version``.
        Refused: ``not_open``: it is not confirmed.
        ValueError: The reason is empty or too long.
    """
    with _changing(store, reference, version) as (session, row):
        if row.status != AppointmentState.CONFIRMED.value:
            raise Refused("not_open")
        _move(row, AppointmentState.CANCELLED)
        told = _reason(reason)
        row.cancelled_at = row.decided_at = now
        row.idempotency_key = None
        _flush(session)
        _log(session, row, "appointment.call_off", actor, now)
        kind = NotificationKind.APPOINTMENT_DECLINED
        _tell(session, row, kind, "notify_appointment_called_off", now, reason=told)
        return view(row)


def fulfil(
    store: Store, *, reference: str, actor: str, now: datetime, version: int | None = None
) -> DeskAppointment:
    """Note that the child was seen.

    Raises:
        NotFound, Conflict: No such visit, or changed since ``version``.
        Refused: ``not_open``: it was not confirmed. ``future``: it is still to come.
    """
    return _over(store, reference, actor, now, version, AppointmentState.FULFILLED)


def no_show(
    store: Store, *, reference: str, actor: str, now: datetime, version: int | None = None
) -> DeskAppointment:
    """Note that nobody came (手册·就医流程 V3). Errors as :func:`fulfil`."""
    return _over(store, reference, actor, now, version, AppointmentState.NOSHOW)


def _over(
    store: Store,
    reference: str,
    actor: str,
    now: datetime,
    version: int | None,
    state: AppointmentState,
) -> DeskAppointment:
    with _changing(store, reference, version) as (session, row):
        _move(row, state)
        if row.visit_at > now:
            raise Refused("future")
        row.idempotency_key = None
        _flush(session)
        _log(session, row, f"appointment.{state.value}", actor, now)
        if state is AppointmentState.NOSHOW:
            kind = NotificationKind.APPOINTMENT_MISSED
            _tell(session, row, kind, "notify_appointment_noshow", now)
        return view(row)


@contextmanager
def _changing(
    store: Store, reference: str, version: int | None
) -> Iterator[tuple[Session, Appointment]]:
    try:
        with store.begin() as session:
            query = sa.select(Appointment).where(Appointment.reference == reference)
            row: Appointment | None = session.scalar(query)
            if row is None:
                raise NotFound("appointment")
            if version is not None and row.version != version:
                raise Conflict("the appointment has another version")
            yield session, row
    except StaleDataError as error:
        raise Conflict("the appointment was changed meanwhile") from error


def _move(row: Appointment, target: AppointmentState) -> None:
    if not can_move(AppointmentState(row.status), target):
        raise Refused("not_open")
    row.status = target.value


def _must_be_ahead(
    moment: datetime, row: Appointment, given: datetime | None, now: datetime
) -> None:
    # Of a wish for a part of the day only the day counts.
    by_day = given is None and not row.clock_given
    over = local_day(moment) < local_day(now) if by_day else moment <= now
    if over:
        raise Refused("past")


def _differs(row: Appointment, visit_at: datetime) -> bool:
    if local_day(row.visit_at) != local_day(visit_at):
        return True
    return row.clock_given and row.visit_at != visit_at


def _put_at(row: Appointment, visit_at: datetime) -> None:
    row.visit_at = visit_at
    row.clock_given = True
    row.day_part = None
    at = visit_at.astimezone(TZ).isoformat()
    row.idempotency_key = f"{row.policy_id}:{row.hospital_id}:{row.department}:{at}"


def _reason(reason: str) -> str:
    told = reason.strip().rstrip("。.")
    if not 1 <= len(told) <= LONGEST_REASON:
        msg = f"a reason has 1 to {LONGEST_REASON} characters"
        raise ValueError(msg)
    return told


def _flush(session: Session) -> None:
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise SameVisit("there is the same visit at that time already") from error


def _tell_changed(session: Session, row: Appointment, old: str, now: datetime) -> None:
    late = is_late(local_day(row.visit_at), now)
    text = "notify_appointment_changed_late" if late else "notify_appointment_changed"
    _tell(session, row, NotificationKind.APPOINTMENT_CHANGED, text, now, old_when=old)


def _tell(
    session: Session,
    row: Appointment,
    kind: NotificationKind,
    text: str,
    now: datetime,
    **values: str,
) -> None:
    deadline = cancellation_deadline(local_day(row.visit_at))
    told = {**visit_words(row, now), "deadline": wording.moment(deadline, now), **values}
    notify(
        session,
        policy_id=row.policy_id,
        kind=kind,
        text=text,
        values=told,
        key=visit_key(row),
        due_at=now,
    )


def _log(
    session: Session, row: Appointment, action: str, actor: str, now: datetime, **detail: Any
) -> None:
    audit.record(
        session, at=now, actor=actor, action=action, subject=f"appointment:{row.id}", **detail
    )
