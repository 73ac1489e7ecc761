"""Bookings, authorizations, claims and bills, driven through every state by a partner."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from partner_client import NOW, Partner

from bot.rules.claims import ClaimKind
from bot.services import appointments, claim_progress, claims
from bot.services.identity import identify
from bot.store.models import (
    Appointment,
    AuditEntry,
    Authorization,
    Binding,
    Claim,
    Household,
    OutboxMessage,
)
from bot.store.session import Store

NUMBER = "YX2026-000101"
SOON = "2026-12-01T10:00:00+08:00"


@pytest.fixture
def parent(demo_store: Store) -> int:
    who = identify(demo_store, "rest", "parent").id
    with demo_store.begin() as session:
        home = session.scalars(sa.select(Household).where(Household.phone == "13800000101")).one()
        session.add(Binding(identity_id=who, household_id=home.id, verified_at=NOW))
    return who


@pytest.fixture
def booking(demo_store: Store, parent: int) -> str:
    with demo_store.read() as session:
        row = session.scalars(sa.select(Appointment).where(Appointment.reference == "A1001")).one()
        place, department = row.hospital.name, row.department
    seen, _ = appointments.book(
        demo_store,
        identity_id=parent,
        number=NUMBER,
        hospital=place,
        department=department,
        wish=appointments.Wish(date(2026, 12, 2), None, "morning"),
        now=NOW,
    )
    return seen.reference


@pytest.fixture
def claim(demo_store: Store, parent: int) -> str:
    wish = claims.ClaimWish(
        ClaimKind.PUBLIC_OUTPATIENT, "上海市儿童医院", date(2026, 11, 20), Decimal("580.00")
    )
    seen, _ = claims.open_claim(demo_store, identity_id=parent, number=NUMBER, wish=wish, now=NOW)
    with demo_store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == seen.reference)).one()
        for requirement in row.requirements:
            requirement.received = True
    claim_progress.submit(demo_store, identity_id=parent, reference=seen.reference, now=NOW)
    return seen.reference


class Thing:
    """One thing of the API, with the version that was seen last."""

    def __init__(self, partner: Partner, path: str) -> None:
        self.partner, self.path = partner, path
        self.version = partner.get(path).json()["version"]

    def do(self, what: str, body: Any = None, **options: Any) -> httpx.Response:
        options.setdefault("version", self.version)
        answer = self.partner.post(f"{self.path}/{what}", body, **options)
        if answer.status_code == 200:
            self.version = answer.json()["version"]
            assert answer.headers["etag"] == f'"{self.version}"'
        return answer


def codes(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def messages(store: Store) -> list[str]:
    with store.read() as session:
        return [row.kind for row in session.scalars(sa.select(OutboxMessage))]


def actors(store: Store, action: str) -> list[str]:
    with store.read() as session:
        rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action))
        return [row.actor for row in rows]


def test_a_booking_is_confirmed_changed_and_called_off(
    partner: Partner, booking: str, demo_store: Store
) -> None:
    thing = Thing(partner, f"/bookings/{booking}")
    confirmed = thing.do("confirm", {})
    assert confirmed.json()["status"] == "confirmed"
    assert actors(demo_store, "appointment.confirm") == ["api:core"]
    assert "appointment_confirmed" in messages(demo_store)
    moved = thing.do("change", {"visit_at": SOON})
    assert moved.json()["visit_at"] == SOON
    assert codes(thing.do("confirm", {})) == (409, "not_open")
    assert codes(thing.do("fulfilled")) == (409, "future")
    assert codes(thing.do("call-off", {"reason": "一" * 61})) == (422, "invalid")
    assert thing.do("call-off", {"reason": "停诊"}).json()["status"] == "cancelled"


def test_a_booking_is_declined_with_another_time(
    partner: Partner, booking: str, demo_store: Store
) -> None:
    thing = Thing(partner, f"/bookings/{booking}")
    past = {"reason": "没有号", "proposal": "2026-11-22T10:00:00+08:00"}
    assert codes(thing.do("decline", past)) == (422, "past")
    done = thing.do("decline", {"reason": "没有号", "proposal": "2026-12-01T02:00:00Z"}).json()
    assert (done["status"], done["proposed_at"]) == ("declined", SOON)
    assert "appointment_declined" in messages(demo_store)


@pytest.mark.parametrize(("what", "status"), [("fulfilled", "fulfilled"), ("no-show", "noshow")])
def test_how_a_booking_ended(
    partner: Partner, booking: str, demo_store: Store, what: str, status: str
) -> None:
    thing = Thing(partner, f"/bookings/{booking}")
    thing.do("confirm", {})
    with demo_store.begin() as session:
        row = session.scalars(sa.select(Appointment).where(Appointment.reference == booking)).one()
        row.visit_at = NOW - timedelta(hours=1)
    thing.version += 1
    assert thing.do(what).json()["status"] == status


def test_versions_guard_every_change(partner: Partner, booking: str) -> None:
    thing = Thing(partner, f"/bookings/{booking}")
    assert codes(partner.post(f"{thing.path}/confirm", {})) == (428, "version_missing")
    assert codes(thing.do("confirm", {}, version=thing.version + 1)) == (412, "another_version")
    weak = partner.headers() | {"Idempotency-Key": "w", "If-Match": "*"}
    answer = partner.client.post(f"/api/v1{thing.path}/confirm", json={}, headers=weak)
    assert codes(answer) == (412, "another_version")
    assert codes(partner.post("/bookings/A99999/confirm", {}, version=1)) == (404, "not_found")
    assert thing.do("confirm", {}).status_code == 200


def test_lists_go_on_where_they_ended(partner: Partner, booking: str) -> None:
    seen, cursor = [], None
    while True:
        given = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = partner.get("/bookings", **given).json()
        seen += [one["reference"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    whole = partner.get("/bookings").json()
    assert seen == [one["reference"] for one in whole["items"]]
    assert booking in seen
    only = partner.get("/bookings", status="requested").json()["items"]
    assert [one["reference"] for one in only] == [booking]
    for wrong in ({"cursor": "abc"}, {"limit": 0}, {"limit": 201}, {"status": "lost"}):
        assert partner.get("/bookings", **wrong).status_code == 422


def test_an_authorization_is_approved_and_its_letter_sent(
    partner: Partner, demo_store: Store
) -> None:
    thing = Thing(partner, "/authorizations/P3002")
    asked = thing.do("ask-papers", {"papers": ["cost_estimate"], "reason": "请补费用预估"})
    assert (asked.json()["status"], asked.json()["missing"]) == (
        "documents_missing",
        ["cost_estimate"],
    )
    come = thing.do("papers-received", {"papers": ["cost_estimate"]})
    assert come.json()["status"] == "under_review"
    assert thing.do("approve").json()["status"] == "approved"
    assert codes(thing.do("approve")) == (409, "authorization_state")
    assert thing.do("letter").json()["guarantee_letter_at"] == "2026-11-23T10:00:00+08:00"
    assert codes(thing.do("letter")) == (409, "letter_sent")
    assert actors(demo_store, "authorization.approved") == ["api:core"]


def test_an_authorization_is_reviewed_and_declined(partner: Partner, demo_store: Store) -> None:
    with demo_store.begin() as session:
        row = session.scalars(
            sa.select(Authorization).where(Authorization.reference == "P3002")
        ).one()
        row.status = "submitted"
    thing = Thing(partner, "/authorizations/P3002")
    assert codes(thing.do("decline", {"reason": "不在范围"})) == (409, "authorization_state")
    assert thing.do("review").json()["status"] == "under_review"
    assert thing.do("decline", {}).status_code == 422
    done = thing.do("decline", {"reason": "不在保障范围"}).json()
    assert (done["status"], done["reason"]) == ("declined", "不在保障范围")
    listed = partner.get("/authorizations", status="declined").json()["items"]
    assert [one["reference"] for one in listed] == ["P3002"]


def test_a_claim_is_settled_and_paid(partner: Partner, claim: str, demo_store: Store) -> None:
    thing = Thing(partner, f"/claims/{claim}")
    asked = thing.do("ask-papers", {"papers": [{"document": "invoice", "reason": "缺发票"}]})
    assert (asked.json()["status"], asked.json()["missing"]) == ("documents_missing", ["invoice"])
    assert codes(thing.do("settle")) == (409, "papers_missing")
    with demo_store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == claim)).one()
        for requirement in row.requirements:
            requirement.received = True
    assert thing.do("settle").json()["status"] == "settling"
    partly = {"outcome": "partly_approved", "amount": "500.00"}
    assert codes(thing.do("decide", partly)) == (422, "reason")
    assert codes(thing.do("decide", partly | {"amount": "580.00"})) == (422, "amount")
    assert codes(thing.do("decide", partly | {"amount": 500})) == (422, "invalid")
    done = thing.do("decide", partly | {"reason": "非医保用药"}).json()
    assert (done["approved_amount"], done["reason"]) == ("500.00", "非医保用药")
    assert thing.do("pay").json()["status"] == "paid"
    assert codes(thing.do("pay")) == (409, "move")
    assert messages(demo_store).count("claim_paid") == 1
    assert actors(demo_store, "claim.paid") == ["api:core"]


def test_a_claim_with_an_unreadable_paper(partner: Partner, claim: str) -> None:
    thing = Thing(partner, f"/claims/{claim}")
    wrong = {"document": "discharge_summary", "reason": "看不清"}
    assert codes(thing.do("unreadable", wrong)) == (422, "document")
    done = thing.do("unreadable", {"document": "invoice", "reason": "看不清"})
    assert done.json()["missing"] == ["invoice"]
    assert codes(thing.do("originals")) == (409, "no_originals")
    listed = partner.get("/claims", status="documents_missing").json()["items"]
    assert claim in [one["reference"] for one in listed]


def test_drafts_are_their_parents_own(partner: Partner, claim: str, demo_store: Store) -> None:
    with demo_store.begin() as session:
        session.execute(sa.update(Claim).where(Claim.reference == claim).values(status="draft"))
    assert partner.get(f"/claims/{claim}").status_code == 404
    assert partner.post(f"/claims/{claim}/settle", version=1).status_code == 404
    assert claim not in [one["reference"] for one in partner.get("/claims").json()["items"]]


def test_an_account_is_read_and_the_reading_noted(
    partner: Partner, claim: str, demo_store: Store, parent: int
) -> None:
    assert codes(partner.get(f"/claims/{claim}/account")) == (404, "not_found")
    with demo_store.begin() as session:
        row = session.scalars(sa.select(Claim).where(Claim.reference == claim)).one()
        row.status = "documents_missing"
    claim_progress.set_bank_account(
        demo_store,
        identity_id=parent,
        reference=claim,
        account=claim_progress.BankAccount("6222021001116245702", "工商银行上海徐汇支行"),
        now=NOW,
    )
    found = partner.get(f"/claims/{claim}/account")
    assert found.json()["card"] == "6222021001116245702"
    assert "6222" not in partner.get(f"/claims/{claim}").text
    assert actors(demo_store, "claim.account_seen") == ["api:core"]


def test_bills_are_made_paid_and_waived(partner: Partner, demo_store: Store, parent: int) -> None:
    with demo_store.read() as session:
        place = session.scalars(sa.select(Appointment)).first().hospital.name
    new = {
        "policy_number": NUMBER,
        "hospital": place,
        "visited_on": "2026-11-20",
        "amount": "88.80",
    }
    made = partner.post("/bills", new).json()
    assert (made["status"], made["amount"]) == ("unpaid", "88.80")
    assert partner.post("/bills", new).json()["reference"] == made["reference"]
    assert codes(partner.post("/bills", new | {"amount": "0"})) == (422, "amount")
    assert codes(partner.post("/bills", new | {"policy_number": "NONE"})) == (404, "not_found")
    thing = Thing(partner, f"/bills/{made['reference']}")
    money = {
        "amount": "88.80",
        "paid_at": "2026-11-22T18:00:00+08:00",
        "provider_reference": "B-1",
    }
    assert codes(thing.do("paid", money | {"amount": "88.79"})) == (422, "amount")
    late = money | {"paid_at": "2026-11-24T18:00:00+08:00"}
    assert codes(thing.do("paid", late)) == (409, "future")
    paid = thing.do("paid", money).json()
    assert (paid["status"], paid["paid_at"]) == ("paid", money["paid_at"])
    assert codes(thing.do("paid", money)) == (409, "already_paid")
    assert codes(thing.do("void")) == (409, "already_paid")
    assert messages(demo_store).count("self_pay_paid") == 1
    other = Thing(partner, "/bills/S5001")
    assert other.do("void").json()["status"] == "waived"
    assert codes(other.do("void", version=1)) == (412, "another_version")
    unpaid = partner.get("/bills", status="unpaid").json()["items"]
    assert unpaid == []
