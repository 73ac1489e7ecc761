"""Paying the parent's share: links, the provider's word, the card, and staff's bills (E3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.benefits import CardStatus
from bot.services import payments as service
from bot.services import policies
from bot.services.errors import Conflict, NotFound, Refused
from bot.services.payment_gateway import PaymentOrder, PaymentUnavailable
from bot.store.models import AuditEntry, OutboxMessage, Payment, SelfPayBill
from bot.store.session import Store

GREY, NUMBER, BILL = "13800000501", "YX2026-000501", "S5001"


class Gateway:
    """Gives a page for every order, or none."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.orders: list[PaymentOrder] = []

    def start(self, order: PaymentOrder) -> str:
        self.orders.append(order)
        if self.down:
            raise PaymentUnavailable("down")
        return f"https://pay.example/{order.reference}"


@pytest.fixture
def parent(bound: Callable[..., int]) -> int:
    return bound(GREY)


@pytest.fixture
def begin(store: Store, parent: int, now: datetime) -> Callable[..., Any]:
    def ask(gateway: Any = None, **change: Any) -> Any:
        given = {"identity_id": parent, "bill": BILL, "now": now} | change
        return service.begin(store, gateway or Gateway(), **given)

    return ask


def told(store: Store, **change: Any) -> dict[str, Any]:
    with store.read() as session:
        row = session.scalars(sa.select(Payment).order_by(sa.desc(Payment.id))).first()
    assert row is not None
    given = {"reference": row.reference, "amount": "128.00", "status": "paid"}
    return given | change


def states(store: Store) -> list[str]:
    with store.read() as session:
        return list(session.scalars(sa.select(Payment.status).order_by(Payment.id)))


def status(store: Store, parent: int, now: datetime) -> CardStatus:
    return policies.overview(store, identity_id=parent, number=NUMBER, now=now).status


def test_a_link_for_what_is_owed(begin: Callable[..., Any], store: Store, now: datetime) -> None:
    gateway = Gateway()
    link = begin(gateway)
    assert (link.bill, link.amount) == (BILL, Decimal("128.00"))
    assert link.url.startswith("https://pay.example/Z")
    assert link.expires_at == now + timedelta(minutes=30)
    assert begin(gateway) == link, "the same link while it is valid"
    assert len(gateway.orders) == 1
    assert states(store) == ["pending"]


def test_the_order_is_kept_before_the_provider_is_asked(
    begin: Callable[..., Any], store: Store
) -> None:
    seen: list[list[str]] = []

    class Watching(Gateway):
        def start(self, order: PaymentOrder) -> str:
            seen.append(states(store))
            return super().start(order)

    begin(Watching())
    assert seen == [["created"]]


def test_an_expired_link_is_followed_by_a_new_one(
    begin: Callable[..., Any], store: Store, now: datetime
) -> None:
    first = begin()
    later = begin(now=now + timedelta(minutes=30))
    assert later.url != first.url
    assert states(store) == ["expired", "pending"]
    reference = first.url.rpartition("/")[2]
    assert service.payment(store, reference=reference, now=now).status == "expired"


def test_a_page_that_is_looked_at_too_late_says_so(
    begin: Callable[..., Any], store: Store, now: datetime
) -> None:
    reference = begin().url.rpartition("/")[2]
    assert service.payment(store, reference=reference, now=now).status == "pending"
    late = service.payment(store, reference=reference, now=now + timedelta(minutes=31))
    assert late.status == "expired"


def test_without_a_provider_nothing_is_lost(
    begin: Callable[..., Any], store: Store, parent: int, now: datetime
) -> None:
    with pytest.raises(PaymentUnavailable):
        begin(Gateway(down=True))
    assert states(store) == ["failed"]
    assert begin().url
    assert states(store) == ["failed", "pending"]


def test_paid_makes_the_card_active_and_tells_the_parents_once(
    begin: Callable[..., Any], store: Store, parent: int, now: datetime
) -> None:
    assert status(store, parent, now) is CardStatus.GREY
    begin()
    for _ in range(3):
        seen = service.settle(store, told(store, provider_reference="P-1"), now=now)
        assert seen.status == "paid"
    assert status(store, parent, now) is CardStatus.ACTIVE
    with store.read() as session:
        message = session.scalars(sa.select(OutboxMessage)).one()
        entries = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.actor == "payment provider")
        ).all()
    payload = {k: v for k, v in message.payload.items() if k != "policy_id"}
    assert payload == {
        "text": "notify_self_pay_paid",
        "values": {"child": "周子墨", "reference": BILL, "amount": "128.00"},
    }
    assert entries == ["payment.paid"]
    with pytest.raises(Refused, match="already_paid"):
        begin()


def test_the_card_stays_grey_while_anything_else_is_owed(
    begin: Callable[..., Any], store: Store, parent: int, now: datetime
) -> None:
    second = service.create_bill(
        store,
        number=NUMBER,
        hospital="示范市第一人民医院",
        visited_on=date(2026, 11, 2),
        amount=Decimal("30"),
        actor="agent:1",
        now=now,
    )
    begin()
    service.settle(store, told(store), now=now)
    assert status(store, parent, now) is CardStatus.GREY
    begin(bill=second)
    service.settle(store, told(store, amount="30.00"), now=now)
    assert status(store, parent, now) is CardStatus.ACTIVE
    with store.read() as session:
        texts = [m.payload["text"] for m in session.scalars(sa.select(OutboxMessage))]
    assert texts == ["notify_self_pay_due", "notify_self_pay_paid_in_part", "notify_self_pay_paid"]


def test_money_that_comes_late_is_still_money(
    begin: Callable[..., Any], store: Store, parent: int, now: datetime
) -> None:
    begin()
    first = told(store)
    later = now + timedelta(hours=1)
    begin(now=later)
    service.settle(store, first, now=later)
    assert status(store, parent, later) is CardStatus.ACTIVE
    # The second link is paid too: noted, so that it can be given back.
    service.settle(store, told(store), now=later)
    with store.read() as session:
        actions = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.actor == "payment provider")
        ).all()
    assert actions == ["payment.paid", "payment.double"]
    assert states(store) == ["paid", "paid"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "127.99"}, "payment_amount"),
        ({"amount": "NaN"}, "payment_amount"),
        ({"amount": None}, "payment_amount"),
        ({"status": "perhaps"}, "payment_status"),
    ],
)
def test_what_does_not_fit_pays_nothing(
    begin: Callable[..., Any],
    store: Store,
    parent: int,
    now: datetime,
    change: dict[str, Any],
    reason: str,
) -> None:
    begin()
    with pytest.raises(Refused) as refused:
        service.settle(store, told(store, **change), now=now)
    assert refused.value.reason == reason
    assert status(store, parent, now) is CardStatus.GREY


def test_a_payment_that_failed_can_be_tried_again(
    begin: Callable[..., Any], store: Store, parent: int, now: datetime
) -> None:
    begin()
    assert service.settle(store, told(store, status="failed"), now=now).status == "failed"
    assert status(store, parent, now) is CardStatus.GREY
    begin()
    service.settle(store, told(store), now=now)
    assert states(store) == ["failed", "paid"]


def test_unknown_payments_and_others_bills(
    begin: Callable[..., Any], store: Store, bound: Callable[..., int], now: datetime
) -> None:
    with pytest.raises(NotFound):
        service.settle(store, {"reference": "Z0", "status": "paid", "amount": "1"}, now=now)
    with pytest.raises(NotFound):
        service.payment(store, reference="Z0", now=now)
    with pytest.raises(NotFound):
        begin(identity_id=bound("13800000101", account="stranger"))


def test_staff_make_a_bill_once_and_waive_it(
    store: Store, parent: int, now: datetime, count: Callable[..., int]
) -> None:
    given: dict[str, Any] = {
        "number": NUMBER,
        "hospital": "示范市第一人民医院",
        "visited_on": date(2026, 11, 2),
        "actor": "agent:1",
        "now": now,
    }
    first = service.create_bill(store, amount=Decimal("30"), **given)
    assert service.create_bill(store, amount=Decimal("30"), **given) == first
    assert count(SelfPayBill, status="unpaid") == 2
    with pytest.raises(Refused):
        service.create_bill(store, amount=Decimal(0), **given)
    with pytest.raises(NotFound):
        service.create_bill(store, amount=Decimal(1), **given | {"number": "YX0"})
    with pytest.raises(Conflict):
        service.waive_bill(store, reference=BILL, actor="agent:1", version=99, now=now)
    service.waive_bill(store, reference=BILL, actor="agent:1", version=1, now=now)
    with pytest.raises(Refused, match="already_paid"):
        service.waive_bill(store, reference=BILL, actor="agent:1", version=2, now=now)
    with pytest.raises(NotFound):
        service.waive_bill(store, reference="S0", actor="agent:1", version=1, now=now)
    with store.read() as session:
        sent = sa.select(OutboxMessage).where(OutboxMessage.kind == "self_pay_waived")
        (message,) = session.scalars(sent).all()
    assert message.payload["text"] == "notify_self_pay_waived_in_part"
    assert message.payload["values"]["reference"] == BILL
    service.waive_bill(store, reference=first, actor="agent:1", version=2, now=now)
    with store.read() as session:
        last = session.scalars(sent.order_by(sa.desc(OutboxMessage.id))).first()
    assert last is not None
    assert last.payload["text"] == "notify_self_pay_waived"
