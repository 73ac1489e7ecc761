"""Booking, looking up, moving and cancelling visits to direct-billing public hospitals (V2, V3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from bot.rules.benefits import CardStatus
from bot.rules.calendar import TZ, end_of_day
from bot.rules.visits import (
    BookingWish,
    booking_due,
    cancellation_deadline,
    classify_wish,
    earliest_promised_day,
    is_clinic_day,
    is_late,
    next_clinic_day,
    next_possible_day,
)
from bot.services import audit
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.identity import own_policy, policy_ids
from bot.services.policies import view
from bot.store import queries
from bot.store.models import Appointment, Hospital, Policy
from bot.store.references import add_numbered
from bot.store.session import Store

OPEN_STATES = queries.OPEN_APPOINTMENTS
# A part of the day stands for this clock time until staff confirm one.
PART_CLOCK = {"morning": time(9), "noon": time(12), "afternoon": time(14), "evening": time(17)}
# From when on it is too late today for a part of the day.
PART_OVER = {"dawn": time(8), "morning": time(12), "noon": time(14), "afternoon": time(18)}


@dataclass(frozen=True)
class AppointmentView:
    """An appointment; times are aware, in Asia/Shanghai.

    ``day_part`` is set when only a part of the day was asked for; the clock in ``visit_at``
    then only stands for it.
    """

    reference: str
    number: str
    child: str
    hospital: str
    department: str
    visit_at: datetime
    day_part: str | None
    status: str
    urgent: bool
    deadline: datetime
    late_now: bool
    due_at: datetime | None


@dataclass(frozen=True)
class Wish:
    """What a parent wishes: a day, and a clock time or a part of the day."""

    day: date
    clock: time | None
    part: str | None

    @property
    def visit_at(self) -> datetime:
        """The moment that stands for the wish, in Asia/Shanghai."""
        clock = self.clock or PART_CLOCK.get(self.part or "", time(9))
        return datetime.combine(self.day, clock, tzinfo=TZ)

    @property
    def latest(self) -> datetime:
        """The last moment that would still meet the wish."""
        if self.clock:
            return self.visit_at
        over = PART_OVER.get(self.part or "")
        return datetime.combine(self.day, over, tzinfo=TZ) if over else end_of_day(self.day)


@dataclass(frozen=True)
class Assessment:
    """What must be said before a wish is taken.

    Attributes:
        wish: Normal, urgent (earlier than V2 promises), too near, or past.
        next_day: The next possible day, when the day wished for is past or closed.
        closed: The day is not a working day; the outpatient departments are closed.
        due_at: When staff will have arranged it (V2).
        deadline: Until when it can be changed or cancelled (V3).
    """

    wish: BookingWish
    closed: bool
    next_day: date | None
    due_at: datetime
    deadline: datetime


def booking_obstacle(
    store: Store, *, identity_id: int, number: str, now: datetime
) -> CardStatus | str | None:
    """Say why this policy cannot be booked for with direct billing; ``None`` if it can.

    Returns:
        ``CardStatus.EXPIRED``, ``CardStatus.NOT_STARTED``, ``CardStatus.GREY``, the word
        ``"no_route"`` when the plan has no direct-billing public hospitals, or ``None``.
    """
    with store.read() as session:
        return _obstacle(session, own_policy(session, identity_id, number), now)


def assess(wish: Wish, now: datetime) -> Assessment:
    """Judge a wish by V2 and V3 without storing anything."""
    closed = not is_clinic_day(wish.day)
    kind = classify_wish(wish.latest, now, now)
    next_day = None
    if closed or kind is BookingWish.PAST:
        # Today's open hours may be over: then from tomorrow on.
        gone = kind is BookingWish.PAST and wish.day == now.astimezone(TZ).date()
        next_day = next_possible_day(wish.day + timedelta(days=gone), now)
    return Assessment(kind, closed, next_day, booking_due(now), cancellation_deadline(wish.day))


def day_within(first: date, last: date | None, now: datetime) -> date:
    """Give a day to propose for a wish such as "before the 10th": promised if possible (V2).

    Args:
        first: The first local day that would do.
        last: The last that would do; ``None`` if any later day does.
        now: Aware.

    Returns:
        The first promised day of the stretch, else its first open day after today, else the
        first promised day of all.
    """
    tomorrow = now.astimezone(TZ).date() + timedelta(days=1)
    promised = next_clinic_day(max(first, earliest_promised_day(now)))
    if last is None or promised <= last:
        return promised
    soon = next_clinic_day(max(first, tomorrow))
    return soon if soon <= last else promised


def book(
    store: Store,
    *,
    identity_id: int,
    number: str,
    hospital: str,
    department: str,
    wish: Wish,
    now: datetime,
) -> tuple[AppointmentView, bool]:
    """Ask staff for a visit; the same wish again returns the same appointment.

    Returns:
        The appointment, and whether it is new.

    Raises:
        NotBound, NotFound: The policy or the hospital is not there for this account.
        Refused: ``no_route``, ``grey``, ``expired``, ``not_started``, ``hospital_kind``,
            ``department``, ``past``, ``closed_day`` or ``after_policy`` (the visit would be
            after the policy's last day).
    """
    given = (identity_id, number, hospital, department, wish, now)
    try:
        return _book(store, *given)
    except Conflict:
        # Both parents asked at once: the other's is found now.
        return _book(store, *given)


def _book(
    store: Store,
    identity_id: int,
    number: str,
    hospital: str,
    department: str,
    wish: Wish,
    now: datetime,
) -> tuple[AppointmentView, bool]:
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        place = _bookable(session, policy, hospital, department, now)
        _check_day(policy, wish, now)
        found = _same(session, policy.id, place.id, department, wish)
        if found is not None:
            return _view(found, now), False
        key = _key(policy.id, place.id, department, wish)
        _free(session, key)
        row = Appointment(
            policy_id=policy.id,
            hospital_id=place.id,
            department=department,
            visit_at=wish.visit_at,
            clock_given=wish.clock is not None,
            day_part=None if wish.clock else wish.part,
            urgent=classify_wish(wish.latest, now, now) is not BookingWish.NORMAL,
            requested_by_id=identity_id,
            requested_at=now,
            due_at=booking_due(now),
            idempotency_key=key,
        )
        with _no_twin():
            add_numbered(session, row, "A")
        _log(session, identity_id, "appointment.request", row, now, urgent=row.urgent)
        return _view(row, now), True


def upcoming(
    store: Store, *, identity_id: int, now: datetime, number: str | None = None
) -> list[AppointmentView]:
    """Return the open appointments of all bound policies (or one), soonest first."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        return [_view(row, now) for row in queries.upcoming_appointments(session, ids, now)]


def cancel(
    store: Store, *, identity_id: int, reference: str, now: datetime, late_accepted: bool
) -> AppointmentView:
    """Cancel an appointment; after its deadline only if the parent accepted what follows (V3).

    Cancelling what is cancelled already changes nothing and returns it.

    Raises:
        NotBound, NotFound: No such appointment of this account.
        Refused: ``late`` when the deadline is past and ``late_accepted`` is false;
            ``not_open`` when the visit has taken place.
    """
    with store.begin() as session:
        row = _own(session, identity_id, reference)
        if row.status == "cancelled":
            return _view(row, now)
        if row.status not in OPEN_STATES or row.visit_at < now:
            raise Refused("not_open")
        late = is_late(row.visit_at.astimezone(TZ).date(), now)
        if late and not late_accepted:
            raise Refused("late")
        row.status = "cancelled"
        row.cancelled_at = now
        row.cancelled_late = late
        row.idempotency_key = None
        _log(session, identity_id, "appointment.cancel", row, now, late=late)
        return _view(row, now)


def reschedule(
    store: Store,
    *,
    identity_id: int,
    reference: str,
    wish: Wish,
    now: datetime,
    late_accepted: bool,
) -> AppointmentView:
    """Move an appointment to another time; staff arrange and confirm it anew (V2, V3).

    Raises:
        NotBound, NotFound: No such appointment of this account.
        Refused: ``late``, ``not_open``, ``past``, ``closed_day``, ``after_policy``,
            ``booked_then`` (there is the same visit at that time), or what forbids booking.
    """
    with store.begin() as session:
        row = _own(session, identity_id, reference)
        if row.status not in OPEN_STATES or row.visit_at < now:
            raise Refused("not_open")
        if is_late(row.visit_at.astimezone(TZ).date(), now) and not late_accepted:
            raise Refused("late")
        obstacle = _obstacle(session, row.policy, now)
        if obstacle is not None:
            raise Refused(_word(obstacle))
        _check_day(row.policy, wish, now)
        if row.visit_at == wish.visit_at:
            return _view(row, now)
        if _same(session, row.policy_id, row.hospital_id, row.department, wish) is not None:
            raise Refused("booked_then")
        key = _key(row.policy_id, row.hospital_id, row.department, wish)
        _free(session, key)
        row.visit_at = wish.visit_at
        row.clock_given = wish.clock is not None
        row.day_part = None if wish.clock else wish.part
        row.status = "requested"
        row.urgent = classify_wish(wish.latest, now, now) is not BookingWish.NORMAL
        row.requested_at = now
        row.due_at = booking_due(now)
        row.idempotency_key = key
        with _no_twin():
            session.flush()
        _log(session, identity_id, "appointment.reschedule", row, now, urgent=row.urgent)
        return _view(row, now)


def _bookable(
    session: Any, policy: Policy, hospital: str, department: str, now: datetime
) -> Hospital:
    obstacle = _obstacle(session, policy, now)
    if obstacle is not None:
        raise Refused(_word(obstacle))
    place: Hospital | None = session.scalar(sa.select(Hospital).where(Hospital.name == hospital))
    if place is None:
        raise NotFound("hospital")
    if place.kind != "public_special":
        raise Refused("hospital_kind")
    if department not in [d.name for d in place.departments]:
        raise Refused("department")
    return place


def _same(
    session: Any, policy_id: int, hospital_id: int, department: str, wish: Wish
) -> Appointment | None:
    query = sa.select(Appointment).where(
        Appointment.policy_id == policy_id,
        Appointment.hospital_id == hospital_id,
        Appointment.department == department,
        Appointment.visit_at == wish.visit_at,
        Appointment.status.in_(OPEN_STATES),  # type: ignore[attr-defined]
    )
    found: Appointment | None = session.scalar(query)
    return found


def _key(policy_id: int, hospital_id: int, department: str, wish: Wish) -> str:
    return f"{policy_id}:{hospital_id}:{department}:{wish.visit_at.isoformat()}"


def _free(session: Any, key: str) -> None:
    """Take the key from a visit that is no longer open, for example one that was declined."""
    query = sa.select(Appointment).where(Appointment.idempotency_key == key)
    closed: Appointment | None = session.scalar(query)
    if closed is not None and closed.status not in OPEN_STATES:
        closed.idempotency_key = None
        session.flush()


def _check_day(policy: Policy, wish: Wish, now: datetime) -> None:
    if wish.latest <= now:
        raise Refused("past")
    if not is_clinic_day(wish.day):
        raise Refused("closed_day")
    if wish.day > policy.valid_to:
        raise Refused("after_policy")


def _obstacle(session: Any, policy: Policy, now: datetime) -> CardStatus | str | None:
    seen = view(session, policy, now)
    if seen.status in (CardStatus.EXPIRED, CardStatus.NOT_STARTED):
        return seen.status
    if "public_special" not in seen.direct_billing:
        return "no_route"
    return None if seen.status is CardStatus.ACTIVE else seen.status


def _word(obstacle: CardStatus | str) -> str:
    return obstacle.value if isinstance(obstacle, CardStatus) else obstacle


def _own(session: Any, identity_id: int, reference: str) -> Appointment:
    row: Appointment | None = session.scalar(
        sa.select(Appointment).where(Appointment.reference == reference)
    )
    if row is None or row.policy_id not in policy_ids(session, identity_id):
        raise NotFound("appointment")
    return row


@contextmanager
def _no_twin() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise Conflict("the same appointment was requested meanwhile") from error


def _log(
    session: Any, identity_id: int, action: str, row: Appointment, now: datetime, **detail: Any
) -> None:
    actor = audit.identity_actor(identity_id)
    audit.record(
        session, at=now, actor=actor, action=action, subject=f"appointment:{row.id}", **detail
    )


def _view(row: Appointment, now: datetime) -> AppointmentView:
    local = row.visit_at.astimezone(TZ)
    return AppointmentView(
        reference=row.reference,
        number=row.policy.number,
        child=row.policy.child.name,
        hospital=row.hospital.name,
        department=row.department,
        visit_at=local,
        day_part=row.day_part,
        status=row.status,
        urgent=row.urgent,
        deadline=cancellation_deadline(local.date()),
        late_now=is_late(local.date(), now),
        due_at=row.due_at.astimezone(TZ) if row.due_at else None,
    )
