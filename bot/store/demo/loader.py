"""Loads the demonstration data of ``demo.yml``, with its dates counted from a given day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from bot.rules.calendar import add_working_days, at
from bot.rules.claims import ClaimKind, document_checklist, is_minor, payout_due, settlement_due
from bot.rules.hospitals import HospitalKind
from bot.rules.identity import normalise_child_name
from bot.rules.visits import booking_due
from bot.store.demo.staff import load_staff
from bot.store.models import (
    BENEFITS,
    Appointment,
    Authorization,
    Base,
    BenefitUse,
    Child,
    Claim,
    ClaimRequirement,
    Hospital,
    HospitalAlias,
    HospitalDepartment,
    Household,
    Lecture,
    Plan,
    PlanBenefit,
    PlanRoute,
    Policy,
    SelfPayBill,
    Visit,
)

# demo.yml's words for the limits, and what each is counted in.
_LIMITS = {
    "outpatient_limit": ("outpatient", "CNY"),
    "full_reimbursement_visits": ("full_reimbursement_visits", "count"),
    "inpatient_limit": ("inpatient", "CNY"),
    "vaccine_limit": ("vaccine", "CNY"),
    "health_checks": ("health_checks", "count"),
}
_ROUTES = {"direct_billing": "direct_billing", "vaccination_routes": "vaccination"}
_RELATIVE = re.compile(r"([DW])([+-])([0-9]+)")

# What demo.yml leaves open: on which working day before today, and when, a request was made.
_OFFICE_HOUR = time(10, 0)
_REQUESTED = -3
# Claims whose amounts count as used.
_COUNTED = frozenset({"settling", "approved", "partly_approved", "paid"})


def load_demo(session: Session, today: date) -> None:
    """Insert the demonstration plans, hospitals and policies into an empty store.

    Args:
        session: In a transaction; flushed, not committed.
        today: The local day (Asia/Shanghai) that relative dates count from.

    Raises:
        sqlalchemy.exc.IntegrityError: The store holds some of these rows already.
    """
    data = demo_data()
    plans = {name: _plan(session, name, row) for name, row in data["plans"].items()}
    places = _Places(session, data["hospitals"])
    households: dict[str, Household] = {}
    for row in data["policies"]:
        household = households.get(row["phone"])
        if household is None:
            household = households[row["phone"]] = Household(phone=row["phone"])
            session.add(household)
        policy = _policy(session, row, household, plans[row["plan"]], today)
        _history(session, row, policy, places, today)
    for lecture in _read("lectures.yml")["lectures"]:
        _lecture(session, lecture, today)
    load_staff(session)
    session.flush()


def is_empty(session: Session) -> bool:
    """Say whether the store has no plan, no hospital and no household yet."""
    return all(
        session.scalars(sa.select(table.id).limit(1)).first() is None
        for table in (Plan, Hospital, Household)
    )


def reset(session: Session, today: date) -> None:
    """Empty all tables, conversations included, and load the demonstration data again.

    Arguments as :func:`load_demo`. Keeping it away from real data is the caller's duty.
    """
    for table in reversed(Base.metadata.sorted_tables):
        session.execute(sa.delete(table))
    session.expunge_all()
    load_demo(session, today)


@lru_cache(maxsize=1)
def demo_data() -> Mapping[str, Any]:
    """Return the content of ``demo.yml`` as it stands there, dates unresolved; do not change it."""
    data: Mapping[str, Any] = _read("demo.yml")
    return data


def resolve_day(text: str, today: date) -> date:
    """Return the day that ``D-9`` (calendar days) or ``W+6`` (working days) means on ``today``.

    Raises:
        ValueError: It is written otherwise.
    """
    match = _RELATIVE.fullmatch(text)
    if match is None:
        msg = f"not a relative day: {text!r}"
        raise ValueError(msg)
    days = int(match[2] + match[3])
    return today + timedelta(days=days) if match[1] == "D" else add_working_days(today, days)


def _read(name: str) -> Any:
    return yaml.safe_load(resources.files(__package__).joinpath(name).read_text("utf-8"))


def _lecture(session: Session, row: Mapping[str, Any], today: date) -> None:
    starts = at(resolve_day(row["date"], today), time.fromisoformat(row["at"]))
    names = ("reference", "topic", "title", "speaker", "seats")
    session.add(
        Lecture(
            starts_at=starts,
            ends_at=starts + timedelta(minutes=row["minutes"]),
            **{name: row[name] for name in names},
        )
    )


def _amount(value: float) -> Decimal:
    # repr of a parsed number is what the file says, digit for digit.
    return Decimal(str(value))


def _plan(session: Session, name: str, row: Mapping[str, Any]) -> Plan:
    plan = Plan(name=name)
    plan.benefits = [
        PlanBenefit(benefit=benefit, unit=unit, limit_value=_amount(row[key]))
        for key, (benefit, unit) in _LIMITS.items()
    ]
    plan.routes = [
        PlanRoute(service=service, route=route)
        for key, service in _ROUTES.items()
        for route in row[key]
    ]
    session.add(plan)
    return plan


class _Places:
    """The demonstration hospitals, by every name they go by."""

    def __init__(self, session: Session, rows: list[Mapping[str, Any]]) -> None:
        extra = _read("demo_hospitals.yml")
        self._known: dict[str, Hospital] = {}
        for row in rows:
            place = Hospital(
                name=row["name"],
                kind=row["kind"],
                brand=row.get("brand"),
                city=row["city"],
                onsite_assistance=row.get("onsite_assistance", False),
                **extra[row["name"]],
            )
            place.aliases = [HospitalAlias(alias=alias) for alias in row["aliases"]]
            place.departments = [HospitalDepartment(name=name) for name in row["departments"]]
            session.add(place)
            for name in (row["name"], *row["aliases"]):
                self._known[name] = place
        session.flush()

    def __getitem__(self, name: str) -> Hospital:
        return self._known[name]


def _policy(
    session: Session, row: Mapping[str, Any], household: Household, plan: Plan, today: date
) -> Policy:
    session.flush()
    child = Child(
        household_id=household.id, name=normalise_child_name(row["child"]), born=row["born"]
    )
    first, last = row["valid"]
    policy = Policy(
        number=row["number"],
        household=household,
        child=child,
        plan=plan,
        valid_from=resolve_day(first, today),
        valid_to=resolve_day(last, today),
    )
    used = row.get("used", {})
    policy.uses = [BenefitUse(benefit=name, used=_amount(used.get(name, 0))) for name in BENEFITS]
    session.add(policy)
    session.flush()
    return policy


def _history(
    session: Session, row: Mapping[str, Any], policy: Policy, places: _Places, today: date
) -> None:
    for visit in row.get("visits", ()):
        session.add(_visit(visit, policy, places, today))
    for appointment in row.get("appointments", ()):
        session.add(_appointment(appointment, policy, places, today))
    for claim in row.get("claims", ()):
        session.add(_claim(claim, policy, today))
    for authorization in row.get("authorizations", ()):
        session.add(_authorization(authorization, policy, places, today))
    for bill in row.get("self_pay", ()):
        session.add(
            SelfPayBill(
                reference=bill["id"],
                policy=policy,
                hospital=places[bill["hospital"]],
                visited_on=resolve_day(bill["visit"], today),
                amount=_amount(bill["amount"]),
                status=bill["status"],
            )
        )


def _requested(today: date) -> datetime:
    return at(add_working_days(today, _REQUESTED), _OFFICE_HOUR)


def _visit(row: Mapping[str, Any], policy: Policy, places: _Places, today: date) -> Visit:
    place = places[row["hospital"]]
    # X4: the first visit to a network clinic fixes the brand.
    if place.kind == HospitalKind.NETWORK_CLINIC and policy.clinic_brand is None:
        policy.clinic_brand = place.brand
    return Visit(
        policy=policy,
        hospital=place,
        department=row["department"],
        visited_on=resolve_day(row["date"], today),
        total=_amount(row["total"]),
        insurer_paid=_amount(row["insurer_paid"]),
        self_pay=_amount(row["self_pay"]),
    )


def _appointment(
    row: Mapping[str, Any], policy: Policy, places: _Places, today: date
) -> Appointment:
    requested = _requested(today)
    return Appointment(
        reference=row["id"],
        policy=policy,
        hospital=places[row["hospital"]],
        department=row["department"],
        visit_at=at(resolve_day(row["date"], today), time.fromisoformat(row["at"])),
        status=row["status"],
        requested_at=requested,
        due_at=booking_due(requested),
    )


def _claim(row: Mapping[str, Any], policy: Policy, today: date) -> Claim:
    kind = ClaimKind(row["kind"])
    # Without a day of submission the documents are still being gathered.
    submitted = (
        at(resolve_day(row["submitted"], today), _OFFICE_HOUR) if "submitted" in row else None
    )
    due = settlement_due(kind, submitted) if submitted else None
    paid = row["status"] == "paid"
    settled_at = _same_hour(due) if paid else None
    claim = Claim(
        reference=row["id"],
        policy=policy,
        kind=kind.value,
        amount=_amount(row["amount"]),
        status=row["status"],
        opened_at=submitted or _requested(today),
        submitted_at=submitted,
        due_at=due,
        settled_at=settled_at,
        paid_at=_same_hour(payout_due(kind, settled_at)) if settled_at else None,
        payout_due_at=payout_due(kind, settled_at) if settled_at else None,
        approved_amount=_amount(row["amount"]) if paid else None,
        # `used` has these amounts in it already.
        counted_amount=_amount(row["amount"] if row["status"] in _COUNTED else 0),
        originals_received_at=submitted if kind is ClaimKind.PUBLIC_INPATIENT else None,
    )
    missing = set(row.get("missing", ()))
    documents = document_checklist(
        kind,
        minor=is_minor(policy.child.born, today),
        discharged=kind is ClaimKind.PUBLIC_INPATIENT,
    )
    claim.requirements = [
        ClaimRequirement(document=document.value, received=document.value not in missing)
        for document in documents
    ]
    return claim


def _same_hour(due: datetime | None) -> datetime | None:
    return None if due is None else datetime.combine(due.date(), _OFFICE_HOUR, tzinfo=due.tzinfo)


def _authorization(
    row: Mapping[str, Any], policy: Policy, places: _Places, today: date
) -> Authorization:
    return Authorization(
        reference=row["id"],
        policy=policy,
        treatment=row["treatment"],
        hospital=places[row["hospital"]],
        treatment_on=resolve_day(row["date"], today),
        status=row["status"],
        submitted_at=_requested(today),
    )
