"""The partner API's way in: policies, use of benefits, hospitals, visits."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field, StrictBool, StrictInt, model_validator

from bot.desk.api_gate import Caller, GatedRoute, operation
from bot.desk.api_problems import FaultOut, Problem
from bot.desk.api_types import (
    Day,
    DryRun,
    In,
    LongText,
    Money,
    Out,
    Words32,
    Words64,
    Words100,
    Words200,
)
from bot.rules.partners import MOST_ROWS, Scope
from bot.services import partner_data
from bot.services.partner_data import HospitalRow, Report, Source, UseRow, VisitRow

router = APIRouter(route_class=GatedRoute, tags=["imports"])
Benefit = Literal[
    "outpatient", "full_reimbursement_visits", "inpatient", "vaccine", "health_checks"
]
COUNTED = ("full_reimbursement_visits", "health_checks")
Count = Annotated[StrictInt, Field(ge=0, le=10_000)]


class Used(In):
    """What is used in all; what is left out stays as it is."""

    outpatient: Money | None = None
    full_reimbursement_visits: Count | None = None
    inpatient: Money | None = None
    vaccine: Money | None = None
    health_checks: Count | None = None


class PolicyIn(In):
    """A policy; `phone` is the policyholder's and decides the household."""

    policy_number: Words32
    phone: Words32
    child_name: Words64
    child_born: Day
    plan: Words32
    valid_from: Day
    valid_to: Day
    used: Used = Used()

    def cells(self) -> dict[str, str]:
        """Return the importer's cells."""
        given = self.model_dump(exclude={"used"})
        used = self.used.model_dump(exclude_none=True)
        cells = {name: str(value) for name, value in given.items()}
        return cells | {f"used_{name}": str(value) for name, value in used.items()}


class Policies(In):
    """Policies to create or update."""

    policies: list[PolicyIn] = Field(min_length=1, max_length=MOST_ROWS)


class UseIn(In):
    """What of one benefit is used in all: CNY, or a count as a string without decimals."""

    policy_number: Words32
    benefit: Benefit
    used: Money

    @model_validator(mode="after")
    def _whole(self) -> UseIn:
        if self.benefit in COUNTED and self.used != self.used.to_integral_value():
            raise ValueError("a count has no decimals")
        return self


class Uses(In):
    """Used amounts to set."""

    uses: list[UseIn] = Field(min_length=1, max_length=MOST_ROWS)


class HospitalIn(In):
    """A hospital; `public_special` is billed directly after booking, `network_clinic` as well."""

    name: Words64
    kind: Literal["public_special", "network_clinic", "public"]
    brand: Words32 | None = None
    city: Words32
    district: Words32 | None = None
    address: Words200
    hours: Words100
    phone: Words32
    introduction: LongText = ""
    onsite_assistance: StrictBool = False
    aliases: list[Words64] = Field(default=[], max_length=50)
    departments: list[Words32] = Field(default=[], max_length=200)


class Hospitals(In):
    """Hospitals to create or update."""

    hospitals: list[HospitalIn] = Field(min_length=1, max_length=MOST_ROWS)


class VisitIn(In):
    """A past visit; `reference` is yours and stays the same when it is corrected."""

    reference: Words64
    policy_number: Words32
    hospital: Words64
    department: Words32
    visited_on: Day
    total: Money
    insurer_paid: Money
    self_pay: Money


class Visits(In):
    """Visits to create or correct."""

    visits: list[VisitIn] = Field(min_length=1, max_length=MOST_ROWS)


class ReportOut(Out):
    """How many rows were, or in a dry run would be, written."""

    created: int
    updated: int
    unchanged: int


@router.post("/policies", **operation(Scope.POLICIES_WRITE, post=True))
def put_policies(body: Policies, call: Caller, dry_run: DryRun = False) -> ReportOut:
    """Create or update policies, all or nothing, as the file import does."""
    rows = [policy.cells() for policy in body.policies]
    return _report(partner_data.put_policies(call.store, rows, _source(call, dry_run)))


@router.post("/benefit-uses", **operation(Scope.POLICIES_WRITE, post=True))
def put_uses(body: Uses, call: Caller, dry_run: DryRun = False) -> ReportOut:
    """Set what is used of benefits, amounts under settlement included, all or nothing."""
    rows = [UseRow(use.policy_number, use.benefit, use.used) for use in body.uses]
    return _report(partner_data.put_uses(call.store, rows, _source(call, dry_run)))


@router.post("/hospitals", **operation(Scope.HOSPITALS_WRITE, post=True))
def put_hospitals(body: Hospitals, call: Caller, dry_run: DryRun = False) -> ReportOut:
    """Create or update hospitals by name, all or nothing; lists are replaced."""
    rows = [
        HospitalRow(
            one.name,
            one.model_dump(exclude={"name", "aliases", "departments"}),
            tuple(dict.fromkeys(one.aliases)),
            tuple(dict.fromkeys(one.departments)),
        )
        for one in body.hospitals
    ]
    return _report(partner_data.put_hospitals(call.store, rows, _source(call, dry_run)))


@router.post("/visits", **operation(Scope.VISITS_WRITE, post=True))
def put_visits(body: Visits, call: Caller, dry_run: DryRun = False) -> ReportOut:
    """Create or correct past visits by your reference, all or nothing."""
    rows = [
        VisitRow(
            one.reference,
            one.policy_number,
            one.hospital,
            one.department,
            one.visited_on,
            one.total,
            one.insurer_paid,
            one.self_pay,
        )
        for one in body.visits
    ]
    return _report(partner_data.put_visits(call.store, rows, _source(call, dry_run)))


def _source(call: Caller, dry_run: bool) -> Source:
    return Source(call.actor, call.now, dry_run)


def _report(report: Report) -> ReportOut:
    if report.faults:
        faults = [FaultOut(field=f.field, message=f.message, row=f.row) for f in report.faults]
        raise Problem(422, "rows", "Nothing was written.", errors=faults)
    return ReportOut.model_validate(report)
