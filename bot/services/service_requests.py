"""What staff arrange on request: on-site assistance, counselling, vaccinations (M4, M6, M7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.benefits import VaccinationWay
from bot.rules.calendar import TZ
from bot.rules.consultations import counselling_allowed, onsite_assistance_available
from bot.rules.notifications import NotificationKind
from bot.rules.states import ServiceRequestState, can_move
from bot.services import audit, policies, vaccination
from bot.services import hospitals as directory
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.hospitals import HospitalView
from bot.services.identity import own_policy, policy_ids
from bot.services.notifications import notify
from bot.store.models import Hospital, Policy, ServiceRequest
from bot.store.references import add_numbered
from bot.store.session import Store

Kind = Literal["onsite", "counselling", "vaccination", "health_check"]
LONGEST = 200


@dataclass(frozen=True)
class Wanted:
    """What is to be arranged: the kind, where, on which local day, and a word on it.

    For counselling ``detail`` is the psychiatrist's diagnosis, and ``recommended`` says whether
    the psychiatrist recommends counselling.
    """

    kind: Kind
    hospital: str | None = None
    wished_on: date | None = None
    detail: str = ""
    recommended: bool = False


@dataclass(frozen=True)
class ServiceRequestView:
    """A request as its parent may see it; ``requested_at`` in Asia/Shanghai."""

    reference: str
    number: str
    child: str
    kind: str
    hospital: str | None
    wished_on: date | None
    detail: str
    status: str
    note: str | None
    requested_at: datetime
    version: int


def request(
    store: Store, *, identity_id: int, number: str, wanted: Wanted, now: datetime
) -> tuple[ServiceRequestView, bool]:
    """Ask staff to arrange something; the same again while it is open is the same request.

    Returns:
        The request, and whether it is new.

    Raises:
        NotBound, NotFound: The policy or the hospital is not there for this account.
        Refused: ``past`` for a day gone by, ``after_policy``, ``expired``, ``not_started``,
            ``onsite_place`` (M6), ``vaccination_place`` (X3, X4), or what the rules of
            counselling (M7) and of vaccinations (X1, X3, E3) answer, by their word.
    """
    today = now.astimezone(TZ).date()
    with store.begin() as session:
        policy = own_policy(session, identity_id, number)
        if today > policy.valid_to:
            raise Refused("expired")
        if today < policy.valid_from:
            raise Refused("not_started")
        if wanted.wished_on is not None and wanted.wished_on < today:
            raise Refused("past")
        if wanted.wished_on is not None and wanted.wished_on > policy.valid_to:
            raise Refused("after_policy")
        place = _hospital(session, wanted.hospital)
        _check(session, policy, wanted, now)
        parts = (wanted.kind, policy.id, place.id if place else 0, wanted.wished_on, wanted.detail)
        key = ":".join(map(str, parts))[:128]
        found: ServiceRequest | None = session.scalar(
            sa.select(ServiceRequest).where(ServiceRequest.idempotency_key == key)
        )
        if found is not None:
            return _view(found), False
        row = ServiceRequest(
            policy_id=policy.id,
            identity_id=identity_id,
            hospital_id=place.id if place else None,
            kind=wanted.kind,
            detail=wanted.detail[:LONGEST],
            wished_on=wanted.wished_on,
            requested_at=now,
            idempotency_key=key,
        )
        add_numbered(session, row, "R")
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="service.request", subject=row.reference)
        session.flush()
        return _view(row), True


def requests(
    store: Store, *, identity_id: int, kinds: tuple[Kind, ...] = (), number: str | None = None
) -> list[ServiceRequestView]:
    """Return the requests of all bound policies (or one), newest first, of these kinds or all."""
    with store.read() as session:
        ids = policy_ids(session, identity_id, number)
        if not ids:
            return []
        policy, kind = sa.column("policy_id"), sa.column("kind")
        query = sa.select(ServiceRequest).where(policy.in_(ids))
        if kinds:
            query = query.where(kind.in_(kinds))
        rows = session.scalars(query.order_by(sa.desc(ServiceRequest.id)))
        return [_view(row) for row in rows]


def cancel(store: Store, *, identity_id: int, reference: str, now: datetime) -> ServiceRequestView:
    """Cancel an own request; one that is cancelled already stays so.

    Raises:
        NotFound: No such request of this account.
        Refused: ``not_open`` when it was declined.
    """
    with store.begin() as session:
        row = _by_reference(session, reference)
        if row.policy_id not in policy_ids(session, identity_id):
            raise NotFound("service request")
        if row.status == ServiceRequestState.CANCELLED:
            return _view(row)
        _move(row, ServiceRequestState.CANCELLED)
        row.idempotency_key = None
        actor = audit.identity_actor(identity_id)
        audit.record(session, at=now, actor=actor, action="service.cancel", subject=row.reference)
        session.flush()
        return _view(row)


def waiting(store: Store) -> tuple[ServiceRequestView, ...]:
    """Return what staff have not decided yet, of all families, oldest first."""
    query = (
        sa.select(ServiceRequest)
        .where(ServiceRequest.status == "requested")
        .order_by(ServiceRequest.requested_at, ServiceRequest.id)
    )
    with store.read() as session:
        return tuple(_view(row) for row in session.scalars(query))


def decide(
    store: Store,
    *,
    reference: str,
    actor: str,
    arranged: bool,
    note: str,
    version: int,
    now: datetime,
) -> ServiceRequestView:
    """Arrange or decline a request, as staff, and tell the parents.

    Args:
        store: The store.
        reference: The request's number.
        actor: Who decides.
        arranged: Whether it is arranged; else it is declined.
        note: What the parent is told: when and where, or why not.
        version: The version that was looked at.
        now: Aware.

    Raises:
        NotFound: There is no such request.
        Refused: ``not_open`` when it was decided or cancelled before.
        Conflict: Somebody changed it meanwhile.
    """
    try:
        with store.begin() as session:
            row = _by_reference(session, reference)
            if row.version != version:
                raise Conflict("the request was changed meanwhile")
            outcome = ServiceRequestState.ARRANGED if arranged else ServiceRequestState.DECLINED
            _move(row, outcome)
            row.note = note[:LONGEST]
            row.decided_at = now
            if not arranged:
                row.idempotency_key = None
            audit.record(
                session, at=now, actor=actor, action=f"service.{outcome}", subject=row.reference
            )
            notify(
                session,
                policy_id=row.policy_id,
                kind=NotificationKind.SERVICE_ARRANGED,
                text="notify_service_arranged" if arranged else "notify_service_declined",
                values={
                    "reference": row.reference,
                    "child": row.policy.child.name,
                    "note": row.note,
                },
                key=f"service:{row.id}:{outcome}",
                due_at=now,
            )
            session.flush()
            return _view(row)
    except StaleDataError as error:
        raise Conflict("the request was changed meanwhile") from error


def onsite_places(store: Store) -> list[HospitalView]:
    """Return the hospitals where staff can assist on the spot (手册·医疗服务 M6)."""
    return [h for h in directory.hospitals(store) if onsite_assistance_available(h.name)]


def _check(session: Any, policy: Policy, wanted: Wanted, now: datetime) -> None:
    """Refuse what the manual does not offer, whoever asks."""
    if wanted.kind == "onsite":
        if not onsite_assistance_available(wanted.hospital or ""):
            raise Refused("onsite_place")
    elif wanted.kind == "counselling":
        # Staff arrange it in a designated hospital of the network, and nowhere else.
        allowed = counselling_allowed(wanted.detail, wanted.recommended, in_network=True)
        if not allowed:
            raise Refused(allowed.value)
    else:
        offer = vaccination.judge(
            policies.view(session, policy, now),
            directory.in_session(session, kind=vaccination.CLINIC),
            check=wanted.kind == "health_check",
        )
        if offer.way is not VaccinationWay.CLINIC:
            raise Refused(offer.way.value)
        if wanted.hospital not in [h.name for h in offer.clinics]:
            raise Refused("vaccination_place")


def _move(row: ServiceRequest, target: ServiceRequestState) -> None:
    if not can_move(ServiceRequestState(row.status), target):
        raise Refused("not_open")
    row.status = target.value


def _hospital(session: Any, name: str | None) -> Hospital | None:
    if name is None:
        return None
    place: Hospital | None = session.scalar(sa.select(Hospital).where(Hospital.name == name))
    if place is None:
        raise NotFound("hospital")
    return place


def _by_reference(session: Any, reference: str) -> ServiceRequest:
    row: ServiceRequest | None = session.scalar(
        sa.select(ServiceRequest).where(ServiceRequest.reference == reference)
    )
    if row is None:
        raise NotFound("service request")
    return row


def _view(row: Any) -> ServiceRequestView:
    return ServiceRequestView(
        row.reference,
        row.policy.number,
        row.policy.child.name,
        row.kind,
        row.hospital.name if row.hospital else None,
        row.wished_on,
        row.detail,
        row.status,
        row.note,
        row.requested_at.astimezone(TZ),
        row.version,
    )
