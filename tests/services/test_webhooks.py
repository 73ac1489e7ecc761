"""Events written with the change, and their way to a partner's address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address

import pytest
import sqlalchemy as sa

from bot import clock
from bot.rules.partners import EVENTS, MOST_DELIVERIES, PartnerEvent
from bot.services import api_keys, audit, claim_progress, payments, webhooks
from bot.services.complaints import file_complaint
from bot.services.errors import NotFound, Refused
from bot.services.webhooks import check_url, is_public
from bot.store.models import (
    DocumentReference,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from bot.store.session import Store

URL = "https://partner.example.com/hook"
PHONE = "13800000101"


@pytest.fixture
def partner(store: Store, now: datetime) -> int:
    api_keys.create(store, name="core", scopes=["webhooks:manage"], actor="t", now=now)
    return 1


@pytest.fixture
def endpoint(store: Store, partner: int, now: datetime) -> str:
    seen, _ = webhooks.register(
        store, partner=partner, actor="t", url=URL, events=list(PartnerEvent), now=now
    )
    return seen.reference


def events(store: Store) -> list[tuple[str, dict[str, str]]]:
    with store.read() as session:
        rows = session.scalars(sa.select(WebhookEvent).order_by(WebhookEvent.id))
        return [(row.kind, row.data["data"]) for row in rows]


def test_what_parents_do_is_told(
    store: Store, endpoint: str, bound: Callable[..., int], claim: Callable[..., str], now: datetime
) -> None:
    who = bound(PHONE)
    reference = claim(who, complete=True)
    assert events(store) == []
    claim_progress.submit(store, identity_id=who, reference=reference, now=now)
    file_complaint(store, identity_id=who, kind="complaint", text="太慢", now=now)
    assert events(store) == [
        ("claim.submitted", {"reference": reference, "status": "submitted"}),
        ("complaint.received", {"reference": "F10001"}),
    ]
    with store.read() as session:
        assert session.scalars(sa.select(WebhookDelivery.status)).all() == ["pending"] * 2


def test_an_event_is_written_with_its_change_or_not_at_all(store: Store, endpoint: str) -> None:
    def change() -> None:
        with store.begin() as session:
            audit.record(session, at=clock.now(), actor="t", action="payment.paid", subject="S5001")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert events(store) == []


def test_every_action_of_the_table_makes_its_event(
    store: Store, endpoint: str, now: datetime
) -> None:
    subjects = {"appointment": "appointment:1", "authorization": "authorization:1"}
    for action, kind in EVENTS.items():
        subject = subjects.get(action.split(".")[0], "claim:1" if "claim" in action else "S5001")
        with store.begin() as session:
            audit.record(session, at=now, actor="t", action=action, subject=subject)
        assert events(store)[-1][0] == kind


def test_a_paper_of_a_claim_that_was_sent_in_is_told(
    store: Store, endpoint: str, bound: Callable[..., int], claim: Callable[..., str], now: datetime
) -> None:
    who = bound(PHONE)
    reference = claim(who, complete=True)
    with store.begin() as session:
        claim_id = session.scalar(
            sa.text("SELECT id FROM claim WHERE reference = :r"), {"r": reference}
        )
        for number in (1, 2):
            session.add(
                DocumentReference(
                    claim_id=claim_id if number == 1 else None,
                    identity_id=who,
                    media_type="image/png",
                    size=1,
                    sha256=str(number) * 64,
                    storage_key=f"k{number}",
                    received_at=now,
                )
            )

    def receive(subject: str) -> None:
        with store.begin() as session:
            audit.record(session, at=now, actor="t", action="document.receive", subject=subject)

    receive("document:1")
    assert events(store) == []
    claim_progress.submit(store, identity_id=who, reference=reference, now=now)
    receive("document:1")
    receive("document:2")
    assert [kind for kind, _ in events(store)] == ["claim.submitted", "claim.documents_added"]


def test_only_what_is_wanted_is_written(store: Store, partner: int, now: datetime) -> None:
    webhooks.register(
        store,
        partner=partner,
        actor="t",
        url=URL,
        events=[PartnerEvent.PAYMENT_PAID],
        now=now,
    )
    for action in ("payment.paid", "payment.double", "consultation.add"):
        with store.begin() as session:
            audit.record(session, at=now, actor="t", action=action, subject="S5001")
    assert events(store) == [("payment.paid", {"reference": "S5001"})]


def test_the_secret_is_sealed_and_opens_again(store: Store, partner: int, now: datetime) -> None:
    _, secret = webhooks.register(
        store, partner=partner, actor="t", url=URL, events=list(PartnerEvent), now=now
    )
    with store.read() as session:
        kept = session.scalars(sa.select(WebhookEndpoint.secret)).one()
    assert secret.startswith("whsec_")
    assert secret not in kept


@pytest.fixture
def due(store: Store, endpoint: str, now: datetime) -> None:
    with store.begin() as session:
        audit.record(session, at=now, actor="t", action="payment.paid", subject="S5001")


def test_a_lease_keeps_others_away_until_it_has_run_out(
    store: Store, due: None, now: datetime
) -> None:
    (first,) = webhooks.claim(store, owner="a", wall=now)
    assert webhooks.claim(store, owner="b", wall=now + timedelta(seconds=59)) == []
    (second,) = webhooks.claim(store, owner="b", wall=now + timedelta(seconds=60))
    assert (first.event, first.attempts) == (second.event, 1)
    assert second.attempts == 2
    # The first comes back from the dead: it is no longer its event.
    webhooks.failed(store, first, status=500, problem="HTTP 500", wall=now)
    webhooks.delivered(store, second, status=204, wall=now)
    assert webhooks.claim(store, owner="c", wall=now + timedelta(days=9)) == []
    webhooks.delivered(store, first, status=200, wall=now)
    with store.read() as session:
        row = session.scalars(sa.select(WebhookDelivery)).one()
        assert (row.status, row.answered) == ("delivered", 204)


def test_after_ten_tries_it_is_a_dead_letter_that_can_be_replayed(
    store: Store, due: None, now: datetime, partner: int
) -> None:
    wall = now
    for attempt in range(1, MOST_DELIVERIES + 1):
        (taken,) = webhooks.claim(store, owner="a", wall=wall)
        assert taken.attempts == attempt
        webhooks.failed(store, taken, status=503, problem="HTTP 503", wall=wall)
        assert webhooks.claim(store, owner="a", wall=wall + timedelta(seconds=4)) == []
        wall += timedelta(hours=6)
    assert webhooks.claim(store, owner="a", wall=wall) == []
    (dead,) = webhooks.dead_letters(store)
    assert (dead.event, dead.attempts, dead.answered) == (taken.event, 10, 503)
    assert webhooks.dead_letters(store, partner=partner) == [dead]
    assert webhooks.dead_letters(store, partner=partner + 1) == []
    with pytest.raises(NotFound):
        webhooks.replay(store, dead.id, partner=partner + 1)
    webhooks.replay(store, dead.id)
    with pytest.raises(NotFound):
        webhooks.replay(store, dead.id)
    (again,) = webhooks.claim(store, owner="a", wall=clock.wall())
    assert (again.event, again.attempts) == (taken.event, 1)


def test_an_endpoint_that_is_gone_is_ended(
    store: Store, due: None, now: datetime, partner: int, endpoint: str
) -> None:
    with store.begin() as session:
        audit.record(session, at=now, actor="t", action="payment.paid", subject="S5001")
    taken, _ = webhooks.claim(store, owner="a", wall=now, limit=2)
    webhooks.gone(store, taken, now=now, wall=now)
    assert webhooks.endpoints(store, partner=partner) == []
    with pytest.raises(Refused):
        webhooks.replay(store, taken.id)
    with pytest.raises(NotFound):
        webhooks.remove(store, partner=partner, reference=endpoint, actor="t", now=now)


def test_a_removed_endpoint_is_told_nothing_more(
    store: Store, due: None, now: datetime, partner: int, endpoint: str
) -> None:
    with pytest.raises(NotFound):
        webhooks.remove(store, partner=partner + 1, reference=endpoint, actor="t", now=now)
    webhooks.remove(store, partner=partner, reference=endpoint, actor="t", now=now)
    assert webhooks.claim(store, owner="a", wall=now) == []
    assert [one.problem for one in webhooks.dead_letters(store)] == ["endpoint ended"]
    payments.create_bill(
        store,
        number="YX2026-000101",
        hospital="上海儿童医学中心国际诊疗部",
        visited_on=now.date(),
        amount=Decimal("1.00"),
        actor="t",
        now=now,
    )
    assert len(events(store)) == 1


def test_what_was_delivered_long_ago_is_forgotten(store: Store, due: None, now: datetime) -> None:
    (taken,) = webhooks.claim(store, owner="a", wall=now)
    webhooks.delivered(store, taken, status=200, wall=now)
    webhooks.tidy(store, wall=now + timedelta(days=29))
    assert len(events(store)) == 1
    webhooks.tidy(store, wall=now + timedelta(days=30))
    assert events(store) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://10.0.0.1/",
        "https://192.168.1.1:8443/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:0a00:0001::]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://user:secret@partner.example.com/",
        "https://partner.example.com/#part",
        "https://partner.example.com:99999/",
        "https://partner.example.com:0/",
        "https:///nothing",
        "https://例子.example.com/",
        "ftp://partner.example.com/",
        "javascript:alert(1)",
        "https://a b.example.com/",
        "https://partner.example.com/" + "a" * 500,
        "https://[::1",
        "",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, demo=False)


def test_this_machine_is_told_in_the_demonstration_alone() -> None:
    assert check_url(URL, demo=False) == URL
    assert check_url("http://127.0.0.1:8099/hook", demo=True)
    with pytest.raises(Refused):
        check_url("http://10.0.0.1/hook", demo=True)
    with pytest.raises(Refused):
        check_url("http://partner.example.com/hook", demo=True)


def test_a_key_has_so_many_endpoints(
    store: Store, partner: int, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MOST_ENDPOINTS", 2)
    given = {"partner": partner, "actor": "t", "url": URL, "now": now}
    for _ in range(2):
        webhooks.register(store, events=[PartnerEvent.PAYMENT_PAID], **given)
    with pytest.raises(Refused):
        webhooks.register(store, events=[PartnerEvent.PAYMENT_PAID], **given)
    with pytest.raises(ValueError):
        webhooks.register(store, events=[], **given)


def test_public_addresses() -> None:
    assert is_public(ip_address("8.8.8.8"))
    assert is_public(ip_address("2001:4860:4860::8888"))
    assert not is_public(ip_address("172.16.0.1"))


def test_a_revoked_key_is_told_nothing_more(
    store: Store, due: None, now: datetime, partner: int
) -> None:
    (taken,) = webhooks.claim(store, owner="a", wall=now)
    api_keys.revoke(store, name="core", actor="t", now=now)
    with store.begin() as session:
        audit.record(session, at=now, actor="t", action="payment.paid", subject="S5001")
    assert len(events(store)) == 1
    webhooks.failed(store, taken, status=500, problem="HTTP 500", wall=now)
    assert webhooks.claim(store, owner="a", wall=now + timedelta(days=1)) == []
    assert len(webhooks.dead_letters(store)) == 1
