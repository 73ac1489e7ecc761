from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.store import queries
from bot.store.models import (
    Appointment,
    BenefitUse,
    Binding,
    ChatIdentity,
    Claim,
    Household,
    Policy,
    SelfPayBill,
)
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def session(demo: Store) -> Iterator[Session]:
    with demo.begin() as session:
        yield session


@pytest.fixture
def parent(session: Session) -> int:
    """The identity of a chat account that is bound to two phones, the later one first."""
    identity = ChatIdentity(channel="rest", account="a")
    session.add_all([identity, ChatIdentity(channel="telegram", account="a")])
    session.flush()
    for phone in ("13800000301", "13800000201"):
        home = session.scalars(sa.select(Household).where(Household.phone == phone)).one()
        session.add(Binding(identity_id=identity.id, household_id=home.id, verified_at=NOW))
        session.flush()
    return int(identity.id)


def policy_id(session: Session, number: str) -> int:
    return int(session.scalars(sa.select(Policy.id).where(Policy.number == number)).one())


def all_ids(session: Session) -> list[int]:
    return list(session.scalars(sa.select(Policy.id)))


def test_identity_by(session: Session, parent: int) -> None:
    found = queries.identity_by(session, "rest", "a")
    assert found is not None
    assert found.id == parent
    other = queries.identity_by(session, "telegram", "a")
    assert other is not None
    assert other.id != parent
    assert queries.identity_by(session, "rest", "A") is None
    assert queries.identity_by(session, "web", "a") is None


def test_bound_policies(session: Session, parent: int) -> None:
    assert [policy.number for policy in queries.bound_policies(session, parent)] == [
        "YX2026-000301",
        "YX2026-000201",
        "YX2026-000202",
    ]
    stranger = queries.identity_by(session, "telegram", "a")
    assert stranger is not None
    assert queries.bound_policies(session, stranger.id) == []


def test_policy_by_number(session: Session, parent: int) -> None:
    own = queries.policy_by_number(session, parent, "YX2026-000202")
    assert own is not None
    assert own.child.name == "李沐瑶"
    assert queries.policy_by_number(session, parent, "YX2026-000101") is None
    assert queries.policy_by_number(session, parent, "YX0000-000000") is None


def test_policies_come_with_child_and_plan(demo: Store, session: Session, parent: int) -> None:
    first, *_ = queries.bound_policies(session, parent)
    session.expunge_all()
    assert (first.child.name, first.plan.name) == ("陈一诺", "优享PLUS MAX计划")
    assert first.household.phone == "13800000301"


def test_benefit_standings(session: Session) -> None:
    standings = queries.benefit_standings(session, policy_id(session, "YX2026-000101"))
    assert [(s.benefit, s.unit, s.limit, s.used) for s in standings.values()] == [
        ("outpatient", "CNY", Decimal(30000), Decimal("3560.50")),
        ("full_reimbursement_visits", "count", Decimal(5), Decimal(2)),
        ("inpatient", "CNY", Decimal(300000), Decimal(0)),
        ("vaccine", "CNY", Decimal(2000), Decimal(480)),
        ("health_checks", "count", Decimal(8), Decimal(3)),
    ]
    assert all(name == standing.benefit for name, standing in standings.items())


def test_benefit_without_a_row_is_unused(session: Session) -> None:
    policy = policy_id(session, "YX2026-000101")
    session.execute(sa.delete(BenefitUse).where(BenefitUse.benefit == "vaccine"))
    assert queries.benefit_standings(session, policy)["vaccine"].used == 0


def test_benefit_standings_of_an_unknown_policy(session: Session) -> None:
    assert queries.benefit_standings(session, 999) == {}


def test_unpaid_bills(session: Session) -> None:
    grey = policy_id(session, "YX2026-000501")
    (first,) = queries.unpaid_bills(session, all_ids(session))
    assert (first.reference, first.policy_id) == ("S5001", grey)
    for reference, days, status in (("S2", 3, "unpaid"), ("S3", 1, "paid"), ("S4", 1, "waived")):
        session.add(
            SelfPayBill(
                reference=reference,
                policy_id=grey,
                hospital_id=first.hospital_id,
                visited_on=first.visited_on - timedelta(days=days),
                amount=1,
                status=status,
            )
        )
    assert [b.reference for b in queries.unpaid_bills(session, [grey])] == ["S2", "S5001"]
    assert queries.unpaid_bills(session, [policy_id(session, "YX2026-000101")]) == []
    assert queries.unpaid_bills(session, []) == []


def test_upcoming_appointments(session: Session) -> None:
    (booked,) = queries.upcoming_appointments(session, all_ids(session), NOW)
    assert booked.reference == "A1001"

    def add(reference: str, visit_at: datetime, status: str) -> None:
        session.add(
            Appointment(
                reference=reference,
                policy_id=booked.policy_id,
                hospital_id=booked.hospital_id,
                department="眼科",
                visit_at=visit_at,
                status=status,
                requested_at=NOW,
            )
        )

    # In Shanghai it is 10:00 on the 23rd, which began at 16:00 UTC on the 22nd.
    add("A2", datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "requested")
    add("A3", datetime(2026, 11, 22, 15, 59, tzinfo=UTC), "confirmed")
    for number, status in enumerate(["declined", "cancelled", "fulfilled", "noshow"], start=4):
        add(f"A{number}", NOW + timedelta(days=1), status)
    add("A8", NOW + timedelta(days=1), "confirmed")
    found = queries.upcoming_appointments(session, [booked.policy_id], NOW)
    assert [appointment.reference for appointment in found] == ["A2", "A8", "A1001"]
    assert queries.upcoming_appointments(session, [], NOW) == []


def test_upcoming_appointments_needs_an_aware_now(session: Session) -> None:
    with pytest.raises(ValueError, match="naive"):
        queries.upcoming_appointments(session, [], NOW.replace(tzinfo=None))


def test_hospitals(session: Session) -> None:
    assert len(queries.hospitals(session)) == 7
    clinics = queries.hospitals(session, kind="network_clinic", city="上海")
    session.expunge_all()
    assert [clinic.brand for clinic in clinics] == ["和晴", "青禾"]
    assert [alias.alias for alias in clinics[0].aliases] == ["和晴儿科", "和晴诊所"]
    assert [d.name for d in clinics[0].departments] == ["小儿内科", "儿童保健", "疫苗接种"]
    assert queries.hospitals(session, city="广州") == []


def test_claims_of(session: Session) -> None:
    claims = queries.claims_of(session, all_ids(session))
    session.expunge_all()
    assert [claim.reference for claim in claims] == ["C3001", "C3002", "C3003"]
    assert [claim.policy.child.name for claim in claims] == ["陈一诺"] * 3
    missing = [r.document for r in claims[0].requirements if not r.received]
    assert missing == ["itemised_bill", "claim_form"]
    assert queries.claims_of(session, [policy_id(session, "YX2026-000101")]) == []


def test_claims_opened_at_once_come_newest_first(session: Session) -> None:
    policy = policy_id(session, "YX2026-000101")
    for reference in ("C1", "C2"):
        session.add(
            Claim(
                reference=reference,
                policy_id=policy,
                kind="internet",
                amount=1,
                opened_at=NOW,
            )
        )
        session.flush()
    assert [c.reference for c in queries.claims_of(session, [policy])] == ["C2", "C1"]


def test_authorizations_of(session: Session) -> None:
    found = queries.authorizations_of(session, all_ids(session))
    assert [(a.reference, a.hospital.name) for a in found] == [
        ("P3001", "上海儿童医学中心国际诊疗部"),
        ("P3002", "上海新华医院镜朗高级专家诊疗部"),
    ]
    assert found[0].treatment_on > date(2026, 11, 23)
    assert queries.authorizations_of(session, [policy_id(session, "YX2026-000101")]) == []
