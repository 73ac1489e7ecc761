"""The parent's own share: bills made, waived, and marked paid by reconciliation (E3)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response

from bot.desk.api_gate import Call, Caller, GatedRoute, Version, changed, operation
from bot.desk.api_types import (
    DEFAULT_LIMIT,
    Cursor,
    Day,
    In,
    Limit,
    Moment,
    Money,
    Out,
    Page,
    Reference,
    Words32,
    Words64,
    after,
    cursor_of,
)
from bot.rules.partners import Scope
from bot.services import partner_lists, payments
from bot.services.partner_lists import Part

router = APIRouter(route_class=GatedRoute, prefix="/bills", tags=["payments"])
Status = Literal["unpaid", "paid", "waived"]
WRITE = operation(Scope.PAYMENTS_WRITE, post=True, versioned=True)


class Bill(Out):
    """A parent's share of a settled visit; an unpaid one turns the card grey."""

    reference: str
    policy_number: str
    hospital: str
    visited_on: Day
    amount: Money
    status: Status
    issued_at: Moment | None
    paid_at: Moment | None
    version: int


class NewBill(In):
    """For which visit, and how much."""

    policy_number: Words32
    hospital: Words64
    visited_on: Day
    amount: Money


class Received(In):
    """What has come, when, and how the bank or provider names it."""

    amount: Money
    paid_at: Moment
    provider_reference: Words64


@router.get("", **operation(Scope.PAYMENTS_READ))
def list_bills(
    call: Caller, status: Status | None = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Bill]:
    """List bills, oldest first."""
    found = partner_lists.bills(call.store, Part(after(cursor), limit, status))
    items = [Bill.model_validate(one) for one in found.items]
    return Page(items=items, next_cursor=cursor_of(found.next_after))


@router.get("/{reference}", **operation(Scope.PAYMENTS_READ, 404))
def read_bill(reference: Reference, call: Caller, response: Response) -> Bill:
    """Return a bill; its ETag goes into If-Match."""
    return _shown(call, reference, response)


@router.post("", **operation(Scope.PAYMENTS_WRITE, 404, post=True))
def create_bill(body: NewBill, call: Caller, response: Response) -> Bill:
    """Bill a parent's share; the same visit and amount again is the same bill."""
    reference = payments.create_bill(
        call.store,
        number=body.policy_number,
        hospital=body.hospital,
        visited_on=body.visited_on,
        amount=body.amount,
        actor=call.actor,
        now=call.now,
    )
    return _shown(call, reference, response)


@router.post("/{reference}/void", **WRITE)
def void(reference: Reference, version: Version, call: Caller, response: Response) -> Bill:
    """Waive a bill that is not paid."""
    changed(
        lambda: payments.waive_bill(
            call.store, reference=reference, actor=call.actor, version=version, now=call.now
        ),
        version,
        lambda: partner_lists.bill(call.store, reference).version,
    )
    return _shown(call, reference, response)


@router.post("/{reference}/paid", **WRITE)
def paid(
    reference: Reference, body: Received, version: Version, call: Caller, response: Response
) -> Bill:
    """Note that a bill was paid by another way; the parents are told."""
    money = payments.Received(body.amount, body.paid_at, body.provider_reference)
    changed(
        lambda: payments.reconcile(
            call.store,
            reference=reference,
            money=money,
            actor=call.actor,
            version=version,
            now=call.now,
        ),
        version,
        lambda: partner_lists.bill(call.store, reference).version,
    )
    return _shown(call, reference, response)


def _shown(call: Call, reference: str, response: Response) -> Bill:
    found = Bill.model_validate(partner_lists.bill(call.store, reference))
    response.headers["ETag"] = f'"{found.version}"'
    return found
