"""What the core system sends: policies, uses, hospitals, visits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from partner_client import Partner

from bot.store.models import AuditEntry, BenefitUse, Hospital, Policy, Visit
from bot.store.session import Store

POLICY = {
    "policy_number": "YX2026-000900",
    "phone": "13900000900",
    "child_name": "林小北",
    "child_born": "2020-02-29",
    "plan": "优享PLUS计划",
    "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
}
HOSPITAL = {
    "name": "示例儿童医院",
    "kind": "public_special",
    "city": "上海",
    "address": "示例路 1 号",
    "hours": "周一至周五 8:00-17:00",
    "phone": "021-00000000",
    "aliases": ["示例儿院"],
    "departments": ["小儿内科", "眼科"],
}
VISIT = {
    "reference": "core-1",
    "policy_number": "YX2026-000101",
    "hospital": "示例儿童医院",
    "department": "眼科",
    "visited_on": "2026-11-20",
    "total": "300.00",
    "insurer_paid": "200.00",
    "self_pay": "100.00",
}


def test_policies_are_created_and_updated(partner: Partner, demo_store: Store) -> None:
    sent = POLICY | {"used": {"outpatient": "1200.50", "health_checks": 1}}
    dry = partner.post("/policies", {"policies": [sent]}, dry_run=True)
    assert dry.json() == {"created": 1, "updated": 0, "unchanged": 0}
    first = partner.post("/policies", {"policies": [sent]})
    assert first.json() == {"created": 1, "updated": 0, "unchanged": 0}
    assert partner.post("/policies", {"policies": [sent]}).json()["unchanged"] == 1
    moved = POLICY | {"valid_to": "2027-01-31"}
    assert partner.post("/policies", {"policies": [moved]}).json()["updated"] == 1
    with demo_store.read() as session:
        row = session.scalars(sa.select(Policy).where(Policy.number == "YX2026-000900")).one()
        assert (row.child.name, row.household.phone) == ("林小北", "13900000900")
        assert row.valid_to.isoformat() == "2027-01-31"
        used = {use.benefit: use.used for use in row.uses}
        assert used["outpatient"] == Decimal("1200.50")
        notes = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action == "policies.import")
        ).all()
        assert [note.actor for note in notes] == ["api:core", "api:core"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plan": "没有的计划"}, "plan"),
        ({"phone": "123"}, "phone"),
        ({"valid_to": "2025-12-31"}, "valid_to"),
        ({"child_born": "2026-02-01"}, "child_born"),
        ({"policy_number": "YX2026-000101"}, "child_name"),
    ],
)
def test_one_wrong_policy_stops_all(
    partner: Partner, demo_store: Store, change: dict[str, str], field: str
) -> None:
    other = POLICY | {"policy_number": "YX2026-000901", "phone": "13900000901"}
    answer = partner.post("/policies", {"policies": [other, POLICY | change]})
    assert answer.status_code == 422
    assert answer.json()["code"] == "rows"
    (fault,) = answer.json()["errors"]
    assert (fault["row"], fault["field"]) == (1, field)
    with demo_store.read() as session:
        assert session.scalar(sa.select(Policy).where(Policy.number == "YX2026-000901")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"phone": None},
        {"child_born": "2026-02-30"},
        {"child_born": 20200229},
        {"child_name": "林\u0000北"},
        {"child_name": " "},
        {"more": 1},
        {"used": {"outpatient": 1200.5}},
        {"used": {"outpatient": "1200.505"}},
        {"used": {"outpatient": "-1"}},
        {"used": {"health_checks": "1"}},
    ],
)
def test_values_are_checked(partner: Partner, change: dict[str, Any]) -> None:
    answer = partner.post("/policies", {"policies": [POLICY | change]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["row"] == 0


def test_uses_are_set(partner: Partner, demo_store: Store) -> None:
    def send(used: str, benefit: str = "outpatient", number: str = "YX2026-000101") -> Any:
        row = {"policy_number": number, "benefit": benefit, "used": used}
        return partner.post("/benefit-uses", {"uses": [row]})

    assert send("777.70").json()["updated"] == 1
    assert send("777.7").json()["unchanged"] == 1
    assert send("1.5", "health_checks").status_code == 422
    assert send("1.00", number="NONE").json()["errors"][0]["field"] == "policy_number"
    twice = {"policy_number": "YX2026-000101", "benefit": "vaccine", "used": "1.00"}
    assert partner.post("/benefit-uses", {"uses": [twice, twice]}).status_code == 422
    with demo_store.read() as session:
        use = session.scalars(
            sa.select(BenefitUse)
            .join(Policy, Policy.id == BenefitUse.policy_id)
            .where(Policy.number == "YX2026-000101", BenefitUse.benefit == "outpatient")
        ).one()
        assert use.used == Decimal("777.70")


def test_hospitals_are_replaced_by_name(partner: Partner, demo_store: Store) -> None:
    assert partner.post("/hospitals", {"hospitals": [HOSPITAL]}).json()["created"] == 1
    assert partner.post("/hospitals", {"hospitals": [HOSPITAL]}).json()["unchanged"] == 1
    changed = HOSPITAL | {"departments": ["眼科", "口腔科"], "hours": "全天", "aliases": []}
    assert partner.post("/hospitals", {"hospitals": [changed]}).json()["updated"] == 1
    assert partner.post("/hospitals", {"hospitals": [HOSPITAL] * 2}).status_code == 422
    assert (
        partner.post("/hospitals", {"hospitals": [HOSPITAL | {"kind": "spa"}]}).status_code == 422
    )
    with demo_store.read() as session:
        row = session.scalars(sa.select(Hospital).where(Hospital.name == HOSPITAL["name"])).one()
        assert {one.name for one in row.departments} == {"眼科", "口腔科"}
        assert (row.aliases, row.hours) == ([], "全天")


def test_visits_are_corrected_by_the_senders_reference(partner: Partner, demo_store: Store) -> None:
    missing = partner.post("/visits", {"visits": [VISIT]})
    assert missing.json()["errors"][0]["field"] == "hospital"
    partner.post("/hospitals", {"hospitals": [HOSPITAL]})
    assert partner.post("/visits", {"visits": [VISIT]}).json()["created"] == 1
    assert partner.post("/visits", {"visits": [VISIT]}).json()["unchanged"] == 1
    corrected = VISIT | {"self_pay": "90.00"}
    assert partner.post("/visits", {"visits": [corrected]}).json()["updated"] == 1
    for change, field in (
        ({"policy_number": "YX2026-000201"}, "policy_number"),
        ({"visited_on": "2026-11-24"}, "visited_on"),
        ({"insurer_paid": "250.00"}, "total"),
        ({"policy_number": "NONE"}, "policy_number"),
    ):
        answer = partner.post("/visits", {"visits": [VISIT | change]})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert partner.post("/visits", {"visits": [VISIT, VISIT]}).status_code == 422
    with demo_store.read() as session:
        (row,) = session.scalars(sa.select(Visit).where(Visit.reference == "core-1"))
        assert row.self_pay == Decimal("90.00")
