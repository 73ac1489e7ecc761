"""Applying for a prior authorization, changing its day, withdrawing it (手册·事先授权 P1 to P3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bot.rules.authorizations import (
    authorization_applies,
    authorization_deadline,
    is_late,
    provisional_years,
    treatment_day_refused,
)
from bot.rules.benefits import CardStatus
from bot.rules.calendar import local_day
from bot.rules.hospitals import HospitalKind
from bot.rules.states import AuthorizationState, can_move
from bot.services import audit
from bot.services.authorizations import ENDED, AuthorizationView, note, view
from bot.services.errors import NotFound, Refused
from bot.services.identity import own_policy, policy_ids
from bot.services.policies import PolicyView
from bot.services.policies import view as policy_view
from bot.store.models import Authorization, Hospital, Policy
from bot.store.references import add_numbered
from bot.store.session import Store

LARGEST_AMOUNT = Decimal(10_000_000)


@dataclass(frozen=True)
class AuthorizationWish:
    """What a parent applies for: in their words, where, on which local day, at which cost (CNY)."""

    treatment: str
    hospital: str
    day: date
    amount: Decimal | None = None


@dataclass(frozen=True)
class Assessment:
    """What must be said before an application is taken.

    Attributes:
        deadline: The last moment to apply in time (P1), in Asia/Shanghai.
        late: Whether that is over; the application is then urgent.
        provisional: Years whose holidays may still move the deadline.
        owed: Self-pay in CNY that keeps the card grey, zero for none: no direct billing (E3).
        similar: Open applications of this child for that day and hospital, in other words.
    """

    deadline: datetime
    late: bool
    provisional: tuple[int, ...]
    owed: Decimal
    similar: tuple[AuthorizationView, ...]


def obstacle(store: Store, *, identity_id: int, number: str, now: datetime) -> str | None:
    """Say why nothing can be applied for on this policy (P3); ``None`` if something can.

    Returns:
        ``expired``, ``no_direct_billing`` (the plan bills nowhere directly) or ``None``.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.read() as session:
        return _obstacle(policy_view(session, own_policy(session, identity_id, number), now))


def place_refused(store: Store, *, identity_id: int, number: str, hospital: str) -> str | None:
    """Say why there is no authorization for a hospital of the directory (P3).

    Returns:
        ``pay_first`` (an ordinary public hospital), ``not_in_plan`` or ``None``.

    Raises:
        NotBound, NotFound: The policy or the hospital is not there for this account.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        return _place_refused(policy, _hospital(session, hospital))


def day_refused(
    store: Store, *, identity_id: int, number: str, day: date, now: datetime
) -> str | None:
    """Say why there can be no application for a local day (P1); ``None`` if there can.

    Returns:
        A word of :class:`bot.rules.authorizations.DayRefused`, or ``None``.

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    with store.read() as session:
        return _day_refused(own_policy(session, identity_id, number), day, now)


def assess(
    store: Store, *, identity_id: int, number: str, wish: AuthorizationWish, now: datetime
) -> Assessment:
    """Judge an application without storing anything.

    Raises:
        NotBound, NotFound, Refused: As :func:`submit`.
    """
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        place = _check(session, policy, wish, now)
        seen = policy_view(session, policy, now)
        key = _key(policy, place, wish)
        return Assessment(
            deadline=authorization_deadline(wish.day),
            late=is_late(wish.day, now),
            provisional=provisional_years(wish.day),
            owed=sum((bill.amount for bill in seen.unpaid), start=Decimal(0)),
            similar=tuple(
                view(row)
                for row in session.scalars(_open_on(policy, place, wish.day))
                if row.idempotency_key != key
            ),
        )


def submit(
    store: Store, *, identity_id: int, number: str, wish: AuthorizationWish, now: datetime
) -> tuple[AuthorizationView, bool]:
    """Apply for an authorization; the same wish again returns the same application.

    One that is late by P1 is taken and marked urgent.

    Returns:
        The application, and whether it is new.

    Raises:
        NotBound, NotFound: The policy or the hospital is not there for this account.
        Refused: ``expired``, ``no_direct_billing``, ``pay_first``, ``not_in_plan``, ``past``,
            ``before_policy``, ``after_policy`` or ``amount``.
    """
    try:
        with store.begin() as session:
            return _submit(session, identity_id, number, wish, now)
    except sa.exc.IntegrityError:
        # The same wish was stored between our look and our write.
        with store.begin() as session:
            return _submit(session, identity_id, number, wish, now)


def change_day(
    store: Store, *, identity_id: int, reference: str, day: date, now: datetime
) -> AuthorizationView:
    """Move an application to another local day of treatment; the deadline moves along (P1).

    The day that it has already changes nothing.

    Raises:
        NotBound, NotFound: No such application of this account.
        Refused: ``authorization_approved`` (only staff can move it then),
            ``authorization_state`` (declined or withdrawn), ``authorization_same`` (there is the
            same application for that day), ``past``, ``before_policy`` or ``after_policy``.
    """
    with store.begin() as session:
        row = _own(session, identity_id, reference)
        if row.status == AuthorizationState.APPROVED:
            raise Refused("authorization_approved")
        if AuthorizationState(row.status) in ENDED:
            raise Refused("authorization_state")
        refused = _day_refused(row.policy, day, now)
        if refused is not None:
            raise Refused(refused)
        if row.treatment_on == day:
            return view(row)
        if row.hospital is not None:
            key = _key(
                row.policy, row.hospital, AuthorizationWish(row.treatment, row.hospital.name, day)
            )
            same = sa.select(Authorization.id).where(Authorization.idempotency_key == key)
            if session.scalar(same) is not None:
                raise Refused("authorization_same")
            row.idempotency_key = key
        before, row.treatment_on = row.treatment_on, day
        row.urgent = is_late(day, now)
        session.flush()
        note(
            session,
            row,
            kind="changed",
            actor=audit.identity_actor(identity_id),
            now=now,
            reason=before.isoformat(),
            urgent=row.urgent,
        )
        return view(row)


def withdraw(store: Store, *, identity_id: int, reference: str, now: datetime) -> AuthorizationView:
    """Withdraw an application, or give up an approved treatment that is still ahead.

    Withdrawing what is withdrawn already changes nothing and returns it.

    Raises:
        NotBound, NotFound: No such application of this account.
        Refused: ``authorization_state``: declined, or approved and the day is over.
    """
    with store.begin() as session:
        row = _own(session, identity_id, reference)
        state = AuthorizationState(row.status)
        if state is AuthorizationState.WITHDRAWN:
            return view(row)
        over = state is AuthorizationState.APPROVED and row.treatment_on < local_day(now)
        if over or not can_move(state, AuthorizationState.WITHDRAWN):
            raise Refused("authorization_state")
        row.status = AuthorizationState.WITHDRAWN.value
        row.idempotency_key = None
        session.flush()
        actor = audit.identity_actor(identity_id)
        note(session, row, kind="withdrawn", actor=actor, now=now, was=state.value)
        return view(row)


def _submit(
    session: Any, identity_id: int, number: str, wish: AuthorizationWish, now: datetime
) -> tuple[AuthorizationView, bool]:
    policy = own_policy(session, identity_id, number)
    place = _check(session, policy, wish, now)
    key = _key(policy, place, wish)
    found = session.scalar(sa.select(Authorization).where(Authorization.idempotency_key == key))
    if found is not None:
        return view(found), False
    row = Authorization(
        policy_id=policy.id,
        treatment=wish.treatment,
        hospital_id=place.id,
        treatment_on=wish.day,
        estimated_amount=wish.amount,
        status=AuthorizationState.SUBMITTED.value,
        urgent=is_late(wish.day, now),
        submitted_at=now,
        idempotency_key=key,
    )
    add_numbered(session, row, "P")
    session.flush()
    actor = audit.identity_actor(identity_id)
    note(session, row, kind="submitted", actor=actor, now=now, urgent=row.urgent)
    return view(row), True


def _check(session: Any, policy: Policy, wish: AuthorizationWish, now: datetime) -> Hospital:
    hindered = _obstacle(policy_view(session, policy, now))
    if hindered is not None:
        raise Refused(hindered)
    place = _hospital(session, wish.hospital)
    refused = _place_refused(policy, place) or _day_refused(policy, wish.day, now)
    if refused is not None:
        raise Refused(refused)
    if wish.amount is not None and not 0 < wish.amount <= LARGEST_AMOUNT:
        raise Refused("amount")
    return place


def _obstacle(seen: PolicyView) -> str | None:
    if seen.status is CardStatus.EXPIRED:
        return CardStatus.EXPIRED.value
    return None if seen.direct_billing else "no_direct_billing"


def _place_refused(policy: Policy, place: Hospital) -> str | None:
    if not authorization_applies(HospitalKind(place.kind)):
        return "pay_first"
    routes = {r.route for r in policy.plan.routes if r.service == "direct_billing"}
    return None if place.kind in routes else "not_in_plan"


def _day_refused(policy: Policy, day: date, now: datetime) -> str | None:
    refused = treatment_day_refused(day, policy.valid_from, policy.valid_to, now)
    return refused.value if refused is not None else None


def _hospital(session: Any, name: str) -> Hospital:
    place: Hospital | None = session.scalar(sa.select(Hospital).where(Hospital.name == name))
    if place is None:
        raise NotFound(name)
    return place


def _own(session: Any, identity_id: int, reference: str) -> Authorization:
    row: Authorization | None = session.scalar(
        sa.select(Authorization).where(Authorization.reference == reference)
    )
    if row is None or row.policy_id not in policy_ids(session, identity_id):
        raise NotFound(reference)
    return row


def _open_on(policy: Policy, place: Hospital, day: date) -> Any:
    ended = [state.value for state in ENDED]
    return (
        sa.select(Authorization)
        .where(
            Authorization.policy_id == policy.id,
            Authorization.hospital_id == place.id,
            Authorization.treatment_on == day,
            Authorization.status.notin_(ended),  # type: ignore[attr-defined]
        )
        .order_by(Authorization.id)
    )


def _key(policy: Policy, place: Hospital, wish: AuthorizationWish) -> str:
    said = "".join(wish.treatment.split()).casefold()
    named = hashlib.sha256(said.encode()).hexdigest()[:32]
    return f"{policy.id}:{place.id}:{wish.day}:{named}"
