"""Paying the parent's own share, from the link to the active card (手册·电子保险卡 E3)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from bot.rules.calendar import TZ
from bot.rules.notifications import NotificationKind
from bot.rules.payments import LINK_VALID_FOR
from bot.services import audit
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.identity import policy_ids
from bot.services.notifications import notify
from bot.services.payment_gateway import PaymentGateway, PaymentOrder, PaymentUnavailable
from bot.store.models import Hospital, Payment, Policy, SelfPayBill
from bot.store.references import add_numbered
from bot.store.session import Store

OPEN = ("created", "pending")


@dataclass(frozen=True)
class PaymentLink:
    """Where and until when (Asia/Shanghai) a bill can be paid; CNY."""

    bill: str
    url: str
    amount: Decimal
    expires_at: datetime


@dataclass(frozen=True)
class PaymentView:
    """A payment's state, for the page and the desk."""

    reference: str
    bill: str
    amount: Decimal
    status: str
    expires_at: datetime


@dataclass(frozen=True)
class Received:
    """Money that has come: CNY, when (aware), and how the bank or provider names it."""

    amount: Decimal
    paid_at: datetime
    provider_reference: str


def begin(
    store: Store, gateway: PaymentGateway, *, identity_id: int, bill: str, now: datetime
) -> PaymentLink:
    """Give a link to pay a bill; asked again while one is valid, the same link.

    Args:
        store: The store.
        gateway: Where it is paid; asked outside of any transaction.
        identity_id: The chat account.
        bill: The bill's reference.
        now: Aware.

    Raises:
        NotFound: No such bill of this account.
        Refused: ``already_paid``.
        PaymentUnavailable: There is no page to pay at now.
    """
    with store.begin() as session:
        owed = _own_bill(session, identity_id, bill)
        if owed.status != "unpaid":
            raise Refused("already_paid")
        row = _open_payment(session, owed.id, now)
        if row is not None and row.url is not None:
            return PaymentLink(bill, row.url, Decimal(row.amount), row.expires_at.astimezone(TZ))
        if row is None:
            row = Payment(
                reference=f"Z{secrets.token_hex(8)}",
                bill_id=owed.id,
                identity_id=identity_id,
                amount=owed.amount,
                created_at=now,
                expires_at=now + LINK_VALID_FOR,
            )
            session.add(row)
            session.flush()
        order = PaymentOrder(row.reference, Decimal(row.amount), row.expires_at)
    try:
        url = gateway.start(order)
    except PaymentUnavailable:
        _set(store, order.reference, {"status": "failed"}, now, identity_id)
        raise
    _set(store, order.reference, {"status": "pending", "url": url}, now, identity_id)
    return PaymentLink(bill, url, order.amount, order.expires_at.astimezone(TZ))


def payment(store: Store, *, reference: str, now: datetime) -> PaymentView:
    """Return a payment; one whose time is over is expired.

    Raises:
        NotFound: There is none of this reference.
    """
    with store.begin() as session:
        row = _payment(session, reference)
        if row.status in OPEN and row.expires_at <= now:
            row.status = "expired"
            session.flush()
        return _view(row)


def settle(store: Store, told: Mapping[str, Any], *, now: datetime) -> PaymentView:
    """Record what a provider says of a payment; told twice, it is recorded once.

    Money that arrives after the link has expired is still money: the bill is paid. A second
    payment of one bill is kept and noted in the audit trail for staff to give back.

    Args:
        store: The store.
        told: ``reference``, ``amount`` (text, CNY), ``status`` (``paid`` or ``failed``) and
            ``provider_reference``; the caller has checked the signature.
        now: Aware.

    Raises:
        NotFound: There is no such payment.
        Refused: ``payment_amount`` when the amount is another one, ``payment_status``.
    """
    with store.begin() as session:
        row = _payment(session, str(told.get("reference")))
        status = told.get("status")
        if status not in ("paid", "failed"):
            raise Refused("payment_status")
        if status == "failed":
            if row.status in OPEN:
                row.status = "failed"
                session.flush()
            return _view(row)
        if _amount(told.get("amount")) != Decimal(row.amount):
            raise Refused("payment_amount")
        if row.status == "paid":
            return _view(row)
        row.status, row.paid_at = "paid", now
        row.provider_reference = str(told.get("provider_reference") or "")[:64] or None
        _pay_bill(session, row, now)
        session.flush()
        return _view(row)


def _pay_bill(session: Any, row: Payment, now: datetime) -> None:
    owed = row.bill
    again = owed.status != "unpaid"
    audit.record(
        session,
        at=now,
        actor="payment provider",
        action="payment.double" if again else "payment.paid",
        subject=owed.reference,
        payment=row.reference,
    )
    if again:
        return
    _paid(session, owed, now, now)


def _paid(session: Any, owed: SelfPayBill, paid_at: datetime, now: datetime) -> None:
    owed.status, owed.paid_at = "paid", paid_at
    _tell_settled(session, owed, NotificationKind.SELF_PAY_PAID, "paid", now)


def _tell_settled(
    session: Any, owed: SelfPayBill, kind: NotificationKind, how: str, now: datetime
) -> None:
    """Tell that a bill is ``paid`` or ``waived``, and whether the card is grey still (E3)."""
    session.flush()
    left = session.scalar(
        sa.select(sa.func.count(SelfPayBill.id)).where(
            SelfPayBill.policy_id == owed.policy_id, SelfPayBill.status == "unpaid"
        )
    )
    notify(
        session,
        policy_id=owed.policy_id,
        kind=kind,
        text=f"notify_self_pay_{how}_in_part" if left else f"notify_self_pay_{how}",
        values={
            "child": owed.policy.child.name,
            "reference": owed.reference,
            "amount": f"{owed.amount:,.2f}",
        },
        key=f"bill:{owed.id}:{how}",
        due_at=now,
    )


def create_bill(
    store: Store,
    *,
    number: str,
    hospital: str,
    visited_on: date,
    amount: Decimal,
    actor: str,
    now: datetime,
) -> str:
    """Record a parent's share when a visit's claim is closed, as staff, and tell the parents (E3).

    Returns:
        The bill's reference; the same visit and amount again gives the same bill.

    Raises:
        NotFound: There is no such policy or hospital.
        Refused: ``amount``.
    """
    if amount <= 0:
        raise Refused("amount")
    with store.begin() as session:
        # Who bills the same visit at the same time waits, and finds the bill.
        of_number = sa.select(Policy).where(Policy.number == number).with_for_update()
        policy = session.scalar(of_number)
        place = session.scalar(sa.select(Hospital).where(Hospital.name == hospital))
        if policy is None or place is None:
            raise NotFound("policy or hospital")
        same = sa.select(SelfPayBill).where(
            SelfPayBill.policy_id == policy.id,
            SelfPayBill.hospital_id == place.id,
            SelfPayBill.visited_on == visited_on,
            SelfPayBill.amount == amount,
        )
        found: SelfPayBill | None = session.scalar(same)
        if found is not None:
            return found.reference
        row = SelfPayBill(
            policy_id=policy.id,
            hospital_id=place.id,
            visited_on=visited_on,
            amount=amount,
            issued_at=now,
        )
        add_numbered(session, row, "S")
        audit.record(session, at=now, actor=actor, action="bill.create", subject=row.reference)
        notify(
            session,
            policy_id=policy.id,
            kind=NotificationKind.SELF_PAY_DUE,
            text="notify_self_pay_due",
            values={
                "child": policy.child.name,
                "reference": row.reference,
                "hospital": place.name,
                "amount": f"{amount:,.2f}",
            },
            key=f"bill:{row.id}:due",
            due_at=now,
        )
        return row.reference


def waive_bill(store: Store, *, reference: str, actor: str, version: int, now: datetime) -> None:
    """Waive a bill, as staff; the parents are told.

    Raises:
        NotFound: There is no such bill.
        Refused: ``already_paid``.
        Conflict: Somebody changed it meanwhile.
    """
    with store.begin() as session:
        row = _unpaid_bill(session, reference, version)
        row.status = "waived"
        audit.record(session, at=now, actor=actor, action="bill.waive", subject=reference)
        _tell_settled(session, row, NotificationKind.SELF_PAY_WAIVED, "waived", now)


def reconcile(
    store: Store, *, reference: str, money: Received, actor: str, version: int, now: datetime
) -> None:
    """Note that a bill was paid by another way than its link, as staff; the parents are told (E3).

    Raises:
        NotFound: There is no such bill.
        Refused: ``already_paid`` or waived, ``amount`` when another one has come, ``future``.
        Conflict: Somebody changed it meanwhile.
    """
    with store.begin() as session:
        row = _unpaid_bill(session, reference, version)
        if money.amount != Decimal(row.amount):
            raise Refused("amount")
        if money.paid_at > now:
            raise Refused("future")
        audit.record(
            session,
            at=now,
            actor=actor,
            action="bill.paid",
            subject=reference,
            provider_reference=money.provider_reference,
        )
        _paid(session, row, money.paid_at, now)


def _own_bill(session: Any, identity_id: int, reference: str) -> SelfPayBill:
    row: SelfPayBill | None = session.scalar(
        sa.select(SelfPayBill).where(SelfPayBill.reference == reference)
    )
    if row is None or row.policy_id not in policy_ids(session, identity_id):
        raise NotFound("bill")
    return row


def _open_payment(session: Any, bill_id: int, now: datetime) -> Payment | None:
    rows = session.scalars(
        sa.select(Payment).where(Payment.bill_id == bill_id).order_by(sa.desc(Payment.id))
    )
    found: Payment | None = None
    for row in rows:
        if row.status in OPEN and row.expires_at <= now:
            row.status = "expired"
        elif row.status in OPEN and found is None:
            found = row
    return found


def _payment(session: Any, reference: str) -> Payment:
    row: Payment | None = session.scalar(sa.select(Payment).where(Payment.reference == reference))
    if row is None:
        raise NotFound("payment")
    return row


def _set(
    store: Store, reference: str, values: dict[str, Any], now: datetime, identity_id: int
) -> None:
    with store.begin() as session:
        row = _payment(session, reference)
        if row.status not in OPEN:
            # The provider was quicker.
            return
        for name, value in values.items():
            setattr(row, name, value)
        actor = audit.identity_actor(identity_id)
        audit.record(
            session, at=now, actor=actor, action=f"payment.{row.status}", subject=reference
        )


def _amount(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _view(row: Payment) -> PaymentView:
    return PaymentView(
        row.reference,
        row.bill.reference,
        Decimal(row.amount),
        row.status,
        row.expires_at.astimezone(TZ),
    )


def _unpaid_bill(session: Any, reference: str, version: int) -> SelfPayBill:
    row: SelfPayBill | None = session.scalar(
        sa.select(SelfPayBill).where(SelfPayBill.reference == reference)
    )
    if row is None:
        raise NotFound("bill")
    if row.version != version:
        raise Conflict("the bill was changed meanwhile")
    if row.status != "unpaid":
        raise Refused("already_paid")
    return row
