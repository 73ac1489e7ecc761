"""The demonstration store, value by value against the file it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from bot.rules.benefits import MAX_CHECKS, PLANS
from bot.rules.calendar import add_working_days, is_working_day
from bot.rules.consultations import ONSITE_HOSPITALS
from bot.store.demo.loader import demo_data, is_empty, load_demo, reset, resolve_day
from bot.store.models import (
    Appointment,
    AuditEntry,
    Authorization,
    Base,
    Binding,
    ChatIdentity,
    Claim,
    Hospital,
    Household,
    Plan,
    Policy,
    SelfPayBill,
    Visit,
)
from bot.store.session import Store

TODAY = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def content() -> Any:
    # Numbers as they are written: a second way of reading them than the loader's.
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(node.value))
    text = resources.files("bot.store.demo").joinpath("demo.yml").read_text("utf-8")
    return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader


@pytest.fixture
def session(demo: Store) -> Iterator[Session]:
    with demo.read() as session:
        yield session


def every(session: Session, table: type[Any]) -> list[Any]:
    return list(session.scalars(sa.select(table).order_by(table.id)))


def day(text: str) -> date:
    """What a relative day means on TODAY, counted the long way."""
    unit, step = text[0], 1 if text[1] == "+" else -1
    found, left = TODAY, int(text[2:])
    while left:
        found += timedelta(days=step)
        left -= unit == "D" or is_working_day(found)
    return found


def local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def test_plans(session: Session, content: Any) -> None:
    found = {
        plan.name: {
            **{f"{b.benefit} {b.unit}": b.limit_value for b in plan.benefits},
            "direct_billing": [r.route for r in plan.routes if r.service == "direct_billing"],
            "vaccination_routes": [r.route for r in plan.routes if r.service == "vaccination"],
        }
        for plan in every(session, Plan)
    }
    assert found == {
        name: {
            "outpatient CNY": row["outpatient_limit"],
            "full_reimbursement_visits count": row["full_reimbursement_visits"],
            "inpatient CNY": row["inpatient_limit"],
            "vaccine CNY": row["vaccine_limit"],
            "health_checks count": row["health_checks"],
            "direct_billing": row["direct_billing"],
            "vaccination_routes": row["vaccination_routes"],
        }
        for name, row in content["plans"].items()
    }
    assert tuple(found) == PLANS
    assert {row["health_checks"] for row in content["plans"].values()} == {MAX_CHECKS}


def test_hospitals(session: Session, content: Any) -> None:
    found = [
        {
            "name": place.name,
            "aliases": [alias.alias for alias in place.aliases],
            "kind": place.kind,
            "brand": place.brand,
            "city": place.city,
            "departments": [department.name for department in place.departments],
            "onsite_assistance": place.onsite_assistance,
        }
        for place in every(session, Hospital)
    ]
    optional = {"brand": None, "onsite_assistance": False}
    assert found == [optional | row for row in content["hospitals"]]
    onsite = {place["name"] for place in found if place["onsite_assistance"]}
    assert onsite == set(ONSITE_HOSPITALS)


def test_invented_contacts_say_so(session: Session) -> None:
    for place in every(session, Hospital):
        assert place.district
        for text in (place.address, place.hours, place.phone, place.introduction):
            assert "示例" in text


def test_policies(session: Session, content: Any) -> None:
    found = [
        {
            "number": policy.number,
            "phone": policy.household.phone,
            "child": policy.child.name,
            "born": policy.child.born,
            "plan": policy.plan.name,
            "valid": [policy.valid_from, policy.valid_to],
            "used": {use.benefit: use.used for use in policy.uses},
        }
        for policy in every(session, Policy)
    ]
    nothing = dict.fromkeys(
        ("outpatient", "full_reimbursement_visits", "inpatient", "vaccine", "health_checks"), 0
    )
    assert found == [
        {
            "number": row["number"],
            "phone": row["phone"],
            "child": row["child"],
            "born": row["born"],
            "plan": row["plan"],
            "valid": [day(text) for text in row["valid"]],
            "used": nothing | row.get("used", {}),
        }
        for row in content["policies"]
    ]


def test_children_of_one_phone_are_one_household(session: Session) -> None:
    homes = {home.phone: home for home in every(session, Household)}
    assert len(homes) == 5
    assert [p.child.name for p in homes["13800000201"].policies] == ["李沐宸", "李沐瑶"]
    assert all(p.child.household_id == p.household_id for p in every(session, Policy))


def rows_of(content: Any, kind: str) -> list[tuple[str, Any]]:
    return [(row["number"], item) for row in content["policies"] for item in row.get(kind, [])]


def full_name(content: Any, alias: str) -> str:
    names = [row["name"] for row in content["hospitals"] if alias in (row["name"], *row["aliases"])]
    assert len(names) == 1
    return str(names[0])


def test_visits(session: Session, content: Any) -> None:
    found = [
        (v.policy.number, v.visited_on, v.hospital.name, v.department, v.total, v.insurer_paid)
        for v in every(session, Visit)
    ]
    assert found == [
        (
            number,
            day(row["date"]),
            full_name(content, row["hospital"]),
            row["department"],
            row["total"],
            row["insurer_paid"],
        )
        for number, row in rows_of(content, "visits")
    ]
    assert [v.self_pay for v in every(session, Visit)] == [
        row["self_pay"] for _, row in rows_of(content, "visits")
    ]


def test_a_visit_to_a_network_clinic_fixes_the_brand(session: Session) -> None:
    brands = {policy.number: policy.clinic_brand for policy in every(session, Policy)}
    assert brands.pop("YX2026-000101") == "和晴"
    assert set(brands.values()) == {None}


def test_appointments(session: Session, content: Any) -> None:
    found = [
        (a.reference, a.policy.number, a.hospital.name, a.department, local(a.visit_at), a.status)
        for a in every(session, Appointment)
    ]
    assert found == [
        (
            row["id"],
            number,
            full_name(content, row["hospital"]),
            row["department"],
            datetime.combine(day(row["date"]), time.fromisoformat(row["at"]), tzinfo=SHANGHAI),
            row["status"],
        )
        for number, row in rows_of(content, "appointments")
    ]
    for appointment in every(session, Appointment):
        assert local(appointment.requested_at).date() < TODAY
        assert appointment.requested_at < appointment.due_at < appointment.visit_at
        assert appointment.department in [d.name for d in appointment.hospital.departments]


def test_claims(session: Session, content: Any) -> None:
    found = [
        {
            "id": claim.reference,
            "number": claim.policy.number,
            "kind": claim.kind,
            "amount": claim.amount,
            "status": claim.status,
            "submitted": claim.submitted_at and local(claim.submitted_at).date(),
            "missing": {r.document for r in claim.requirements if not r.received},
        }
        for claim in every(session, Claim)
    ]
    assert found == [
        row
        | {
            "number": number,
            "submitted": day(row["submitted"]) if "submitted" in row else None,
            "missing": set(row.get("missing", ())),
        }
        for number, row in rows_of(content, "claims")
    ]
    assert all(claim.hospital_id is None for claim in every(session, Claim))


def test_claims_follow_the_manual(session: Session) -> None:
    claims = {claim.reference: claim for claim in every(session, Claim)}
    settling, paid = claims["C3002"], claims["C3003"]
    assert local(settling.due_at).date() == add_working_days(day("W-4"), 10)
    assert settling.settled_at is None
    assert local(paid.settled_at).date() == add_working_days(day("W-12"), 3)
    assert local(paid.paid_at).date() == add_working_days(day("W-12"), 5)
    assert local(paid.paid_at).date() < TODAY
    assert "discharge_summary" in [r.document for r in settling.requirements]
    assert "discharge_summary" not in [r.document for r in paid.requirements]
    assert all(local(claim.opened_at).date() < TODAY for claim in claims.values())


def test_authorizations(session: Session, content: Any) -> None:
    found = [
        (a.reference, a.policy.number, a.treatment, a.hospital.name, a.treatment_on, a.status)
        for a in every(session, Authorization)
    ]
    assert found == [
        (
            row["id"],
            number,
            row["treatment"],
            full_name(content, row["hospital"]),
            day(row["date"]),
            row["status"],
        )
        for number, row in rows_of(content, "authorizations")
    ]
    assert all(local(a.submitted_at).date() < TODAY for a in every(session, Authorization))


def test_self_pay_bills(session: Session, content: Any) -> None:
    found = [
        (b.reference, b.policy.number, b.hospital.name, b.visited_on, b.amount, b.status)
        for b in every(session, SelfPayBill)
    ]
    assert found == [
        (
            row["id"],
            number,
            full_name(content, row["hospital"]),
            day(row["visit"]),
            row["amount"],
            row["status"],
        )
        for number, row in rows_of(content, "self_pay")
    ]


def test_nothing_of_the_file_is_left_out(content: Any) -> None:
    keys = {key for row in content["policies"] for key in row}
    assert keys == {
        "number", "phone", "child", "born", "plan", "valid", "used",
        "visits", "appointments", "claims", "authorizations", "self_pay",
    }  # fmt: skip
    assert set(content) == {"plans", "hospitals", "policies"}


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 2, 17),  # Spring Festival
        date(2026, 9, 20),  # a make-up Sunday
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2028, 2, 29),
    ],
)
def test_loads_on_any_day(store: Store, today: date) -> None:
    with store.begin() as session:
        load_demo(session, today)
        visit = session.scalars(sa.select(Appointment.visit_at)).one()
        assert local(visit).date() == add_working_days(today, 6)
        assert session.scalars(sa.select(sa.func.max(Claim.paid_at))).one() < datetime.combine(
            today, time.min, tzinfo=SHANGHAI
        )


def test_on_postgresql_too(any_store: Store) -> None:
    with any_store.begin() as session:
        assert is_empty(session)
        load_demo(session, TODAY)
    with any_store.begin() as session:
        assert not is_empty(session)
        assert len(every(session, Policy)) == len(demo_data()["policies"])


def test_loading_twice_is_refused_and_changes_nothing(demo: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError), demo.begin() as session:
        load_demo(session, TODAY)
    with demo.read() as session:
        assert len(every(session, Policy)) == 6


@pytest.mark.parametrize(
    "row",
    [
        Plan(name="示例计划"),
        Household(phone="13900000000"),
        Hospital(
            name="示例", kind="public", city="上海", address="", hours="", phone="", introduction=""
        ),
    ],
)
def test_is_empty_sees_any_of_the_three(store: Store, row: Any) -> None:
    with store.begin() as session:
        assert is_empty(session)
        session.add(row)
        assert not is_empty(session)
        session.rollback()


def test_chat_accounts_do_not_make_a_store_full(store: Store) -> None:
    with store.begin() as session:
        session.add(ChatIdentity(channel="rest", account="a"))
        session.flush()
        assert is_empty(session)


def test_reset(any_store: Store) -> None:
    with any_store.begin() as session:
        load_demo(session, TODAY - timedelta(days=30))
    with any_store.begin() as session:
        policy = session.scalars(sa.select(Policy).where(Policy.number == "YX2026-000101")).one()
        policy.clinic_brand = "青禾"
        identity = ChatIdentity(channel="rest", account="a", current_policy_id=policy.id)
        session.add(identity)
        session.flush()
        now = datetime(2026, 11, 23, tzinfo=UTC)
        session.add(
            Binding(identity_id=identity.id, household_id=policy.household_id, verified_at=now)
        )
        session.add(AuditEntry(at=now, actor="a", action="b", subject="c"))
        reset(session, TODAY)
    with any_store.begin() as session:
        policy = session.scalars(sa.select(Policy).where(Policy.number == "YX2026-000101")).one()
        assert (policy.clinic_brand, policy.valid_to) == ("和晴", day("D+164"))
        for table in ("chat_identity", "binding", "audit_entry"):
            count = sa.select(sa.func.count()).select_from(Base.metadata.tables[table])
            assert session.scalar(count) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D+0", date(2026, 9, 18)),
        ("D-18", date(2026, 8, 31)),
        ("W+1", date(2026, 9, 20)),  # a make-up Sunday
        ("W+0", date(2026, 9, 18)),
        ("W-5", date(2026, 9, 11)),
    ],
)
def test_resolve_day(text: str, expected: date) -> None:
    assert resolve_day(text, date(2026, 9, 18)) == expected


@pytest.mark.parametrize("text", ["", "D", "D9", "X+1", "w+1", "D+1.5", "D+1 "])
def test_resolve_day_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a relative day"):
        resolve_day(text, TODAY)


def test_data_files_lie_beside_the_code() -> None:
    folder = Path(str(resources.files("bot.store.demo")))
    assert {path.name for path in folder.glob("*.yml")} == {
        "demo.yml",
        "demo_hospitals.yml",
        "lectures.yml",
    }
