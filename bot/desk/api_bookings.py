"""Bookings: read, confirm, decline, change, call off, and how they ended (V2, V3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Response

from bot.desk.api_gate import Call, Caller, GatedRoute, Version, changed, operation
from bot.desk.api_types import (
    DEFAULT_LIMIT,
    Cursor,
    In,
    Limit,
    Moment,
    Out,
    Page,
    Reference,
    Words100,
    after,
    cursor_of,
)
from bot.rules.partners import Scope
from bot.services import appointment_desk, partner_lists
from bot.services.partner_lists import Part

router = APIRouter(route_class=GatedRoute, prefix="/bookings", tags=["bookings"])
Status = Literal["requested", "confirmed", "declined", "cancelled", "fulfilled", "noshow"]
READ = operation(Scope.BOOKINGS_READ, 404)
WRITE = operation(Scope.BOOKINGS_WRITE, post=True, versioned=True)


class Booking(Out):
    """A visit. With `day_part` the clock in `visit_at` only stands for that part of the day."""

    reference: str
    policy_number: str
    child: str
    hospital: str
    department: str
    visit_at: Moment
    day_part: str | None
    status: Status
    urgent: bool
    requested_at: Moment
    due_at: Moment | None
    decline_reason: str | None
    proposed_at: Moment | None
    cancelled_at: Moment | None
    cancelled_late: bool
    version: int


class Confirm(In):
    """The hospital's time; without it, the one wished for."""

    visit_at: Moment | None = None


class Change(In):
    """The hospital's new time."""

    visit_at: Moment


class Decline(In):
    """Why, for the parent (60 characters at most), and perhaps another time."""

    reason: Words100
    proposal: Moment | None = None


class CallOff(In):
    """Why, for the parent (60 characters at most)."""

    reason: Words100


@router.get("", **operation(Scope.BOOKINGS_READ))
def list_bookings(
    call: Caller, status: Status | None = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Booking]:
    """List visits, oldest first."""
    found = partner_lists.bookings(call.store, Part(after(cursor), limit, status))
    items = [Booking.model_validate(one) for one in found.items]
    return Page(items=items, next_cursor=cursor_of(found.next_after))


@router.get("/{reference}", **READ)
def read_booking(reference: Reference, call: Caller, response: Response) -> Booking:
    """Return a visit; its ETag goes into If-Match of what is done with it."""
    return _shown(call, reference, response)


@router.post("/{reference}/confirm", **WRITE)
def confirm(
    reference: Reference, body: Confirm, version: Version, call: Caller, response: Response
) -> Booking:
    """Confirm a visit; the parents are told."""
    desk = appointment_desk.confirm
    return _do(desk, call, reference, version, response, visit_at=body.visit_at)


@router.post("/{reference}/change", **WRITE)
def change(
    reference: Reference, body: Change, version: Version, call: Caller, response: Response
) -> Booking:
    """Move a confirmed visit because the hospital did; the parents are told."""
    desk = appointment_desk.change
    return _do(desk, call, reference, version, response, visit_at=body.visit_at)


@router.post("/{reference}/decline", **WRITE)
def decline(
    reference: Reference, body: Decline, version: Version, call: Caller, response: Response
) -> Booking:
    """Say that a visit cannot be arranged, why, and perhaps when it could."""
    given = {"reason": body.reason, "proposal": body.proposal}
    return _do(appointment_desk.decline, call, reference, version, response, **given)


@router.post("/{reference}/call-off", **WRITE)
def call_off(
    reference: Reference, body: CallOff, version: Version, call: Caller, response: Response
) -> Booking:
    """Cancel a confirmed visit because the hospital cannot keep it."""
    desk = appointment_desk.call_off
    return _do(desk, call, reference, version, response, reason=body.reason)


@router.post("/{reference}/fulfilled", **WRITE)
def fulfilled(reference: Reference, version: Version, call: Caller, response: Response) -> Booking:
    """Note that the child was seen."""
    return _do(appointment_desk.fulfil, call, reference, version, response)


@router.post("/{reference}/no-show", **WRITE)
def no_show(reference: Reference, version: Version, call: Caller, response: Response) -> Booking:
    """Note that nobody came."""
    return _do(appointment_desk.no_show, call, reference, version, response)


def _do(
    desk: Callable[..., Any],
    call: Call,
    reference: str,
    version: int,
    response: Response,
    **given: Any,
) -> Booking:
    changed(
        lambda: desk(
            call.store,
            reference=reference,
            actor=call.actor,
            now=call.now,
            version=version,
            **given,
        ),
        version,
        lambda: partner_lists.booking(call.store, reference).version,
    )
    return _shown(call, reference, response)


def _shown(call: Call, reference: str, response: Response) -> Booking:
    found = Booking.model_validate(partner_lists.booking(call.store, reference))
    response.headers["ETag"] = f'"{found.version}"'
    return found
