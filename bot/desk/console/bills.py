"""The parents' own shares: recording, waiving, and noting what was paid (手册·电子保险卡 E3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from bot.desk.console.calls import Call, door
from bot.rules.amounts import amount_typed
from bot.rules.calendar import TZ, local_day
from bot.rules.staff import Role
from bot.services import bill_desk, desk_history, payments
from bot.services.errors import NotFound, Refused
from bot.services.payments import Received

LONGEST_NUMBER = 64


def bills(call: Call) -> Response:
    """Show the list, and the form to record one."""
    known = bill_desk.hospitals(call.store)
    return call.show("bills.html", today=local_day(call.now), hospitals=known, **_list(call))


def bills_list(call: Call) -> Response:
    """Show the list alone."""
    return call.show("bills_list.html", **_list(call))


def bill(call: Call) -> Response:
    """Show one and what can be done."""
    found = bill_desk.bill(call.store, reference=call.path("reference"))
    history = desk_history.history(call.store, subject=found.reference)
    return call.show("bill.html", one=found, history=history)


def create(call: Call) -> Response:
    """Record a parent's share; the same visit and amount again leads to the same bill."""
    with _sentences({"amount": "amount_typed"}, missing="bill_for"):
        reference = payments.create_bill(
            call.store,
            number=call.text("number").upper(),
            hospital=call.text("hospital"),
            visited_on=_day(call),
            amount=_amount(call),
            actor=call.actor,
            now=call.now,
        )
    return call.done(f"/desk/bills/{reference}", "bill_recorded")


def waive(call: Call) -> Response:
    """Waive one that is not paid."""
    reference = call.path("reference")
    payments.waive_bill(
        call.store, reference=reference, actor=call.actor, version=call.version(), now=call.now
    )
    return call.done(f"/desk/bills/{reference}", "bill_waived")


def paid(call: Call) -> Response:
    """Note that it was paid by another way than its link."""
    reference = call.path("reference")
    number = call.text("provider_reference")
    if not 1 <= len(number) <= LONGEST_NUMBER:
        raise Refused("bill_number")
    money = Received(_amount(call), _moment(call), number)
    with _sentences({"amount": "bill_amount", "future": "bill_future"}):
        payments.reconcile(
            call.store,
            reference=reference,
            money=money,
            actor=call.actor,
            version=call.version(),
            now=call.now,
        )
    return call.done(f"/desk/bills/{reference}", "bill_paid")


@contextmanager
def _sentences(other: dict[str, str], *, missing: str | None = None) -> Iterator[None]:
    """Say of a bill what is otherwise said of visits and claims."""
    try:
        yield
    except Refused as refused:
        raise Refused(other.get(refused.reason, refused.reason)) from refused
    except NotFound as error:
        if missing is None:
            raise
        raise Refused(missing) from error


def _list(call: Call) -> dict[str, Any]:
    state = call.query("state") if call.query("state") in bill_desk.STATES else ""
    query = call.query("q").strip()
    return {
        "bills": bill_desk.bills(call.store, state=state or None, query=query),
        "states": bill_desk.STATES,
        "state": state,
        "query": query,
    }


def _amount(call: Call) -> Decimal:
    amount = amount_typed(call.text("amount"))
    if amount is None:
        raise Refused("amount_typed")
    return amount


def _day(call: Call) -> date:
    try:
        day = date.fromisoformat(call.text("visited_on"))
    except ValueError as error:
        raise Refused("bill_day") from error
    if day > local_day(call.now):
        raise Refused("bill_day")
    return day


def _moment(call: Call) -> datetime:
    try:
        return datetime.fromisoformat(call.text("paid_at")).replace(tzinfo=TZ)
    except ValueError as error:
        raise Refused("moment") from error


_ONE = "/bills/{reference:str}"
ROUTES = (
    door("/bills", bills),
    door("/bills-list", bills_list),
    door("/bills/create", create, post=True),
    door(_ONE, bill),
    # Money that is given up is a supervisor's word.
    door(f"{_ONE}/waive", waive, post=True, role=Role.SUPERVISOR),
    door(f"{_ONE}/paid", paid, post=True),
)
