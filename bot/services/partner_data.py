"""What the administrator's core system sends: policies, use of benefits, hospitals, visits.

All or nothing: with any error in any row nothing is written. The same rows again change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bot.rules.calendar import TZ
from bot.services import audit
from bot.services.errors import Conflict
from bot.store.import_files import Line, Table
from bot.store.import_rows import COLUMNS
from bot.store.imports import import_table
from bot.store.models import (
    BenefitUse,
    Hospital,
    HospitalAlias,
    HospitalDepartment,
    Policy,
    Visit,
)
from bot.store.session import Store


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row, counted from 0; ``message`` is a sentence in Chinese."""

    row: int
    field: str
    message: str


@dataclass(frozen=True)
class Report:
    """How many rows were, or in a dry run would be, created, updated and left as they are."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Source:
    """Who sends, when (aware), and whether it is only to be checked."""

    actor: str
    now: datetime
    dry_run: bool = False


@dataclass(frozen=True)
class UseRow:
    """What of a benefit is used in all: CNY, or a count; amounts under settlement included."""

    policy: str
    benefit: str
    used: Decimal


@dataclass(frozen=True)
class HospitalRow:
    """A hospital as parents are told of it; the name is the key."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()


@dataclass(frozen=True)
class VisitRow:
    """A past visit; ``reference`` is the sender's and the key, amounts are CNY."""

    reference: str
    policy: str
    hospital: str
    department: str
    visited_on: date
    total: Decimal
    insurer_paid: Decimal
    self_pay: Decimal


@dataclass
class _Tally:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, row: int, name: str, message: str) -> None:
        self.faults.append(Fault(row, name, message))

    def report(self) -> Report:
        if self.faults:
            return Report(faults=tuple(self.faults))
        return Report(self.created, self.updated, self.unchanged)


class _Undo(Exception):
    """Rolls a transaction back, with its report."""

    def __init__(self, report: Report) -> None:
        self.report = report


def put_policies(store: Store, rows: Sequence[Mapping[str, str]], source: Source) -> Report:
    """Create and update policies with their households and children, as from a file (E1).

    Args:
        store: The store.
        rows: Cells by the importer's column; see :func:`bot.store.imports.import_policies`.
        source: Who sends.

    Raises:
        Conflict: Somebody changed one of the policies meanwhile.
    """
    # The header is line 1 there.
    lines = tuple(
        Line(number, tuple(row.get(name, "") for name in COLUMNS))
        for number, row in enumerate(rows, start=2)
    )

    def write(session: Session) -> Report:
        found = import_table(session, Table(Line(1, tuple(COLUMNS)), lines), source.dry_run)
        faults = tuple(Fault(e.line - 2, e.column, e.message) for e in found.errors)
        return Report(found.created, found.updated, found.unchanged, faults)

    return _done(store, "policies", write, source)


def put_uses(store: Store, rows: Sequence[UseRow], source: Source) -> Report:
    """Set what is used of benefits; the value replaces what was stored (E3).

    Raises:
        Conflict: Somebody changed one of them meanwhile.
    """

    def write(session: Session) -> Report:
        tally = _Tally()
        policies = _policies(session, {row.policy for row in rows})
        uses = _uses(session, policies)
        seen: set[tuple[str, str]] = set()
        for place, row in enumerate(rows):
            policy = policies.get(row.policy)
            if policy is None:
                tally.wrong(place, "policy_number", "没有这个保单号。")
                continue
            if (row.policy, row.benefit) in seen:
                tally.wrong(place, "benefit", "同一保单的同一项出现了两次。")
            seen.add((row.policy, row.benefit))
            use = uses.get((policy.id, row.benefit))
            if use is None:
                use = BenefitUse(policy_id=policy.id, benefit=row.benefit, used=row.used)
                session.add(use)
                tally.created += 1
            elif use.used != row.used:
                use.used = row.used
                tally.updated += 1
            else:
                tally.unchanged += 1
        return tally.report()

    return _done(store, "benefit_uses", write, source)


def put_hospitals(store: Store, rows: Sequence[HospitalRow], source: Source) -> Report:
    """Create and update hospitals; their other names and departments are replaced (V1, V2).

    Raises:
        Conflict: Somebody else created one of them meanwhile.
    """

    def write(session: Session) -> Report:
        tally = _Tally()
        named = _named(session, {row.name for row in rows})
        seen: set[str] = set()
        for place, row in enumerate(rows):
            if row.name in seen:
                tally.wrong(place, "name", "同一家医院出现了两次。")
            seen.add(row.name)
            hospital = named.get(row.name)
            if hospital is None:
                session.add(_new_hospital(row))
                tally.created += 1
            elif _change_hospital(session, hospital, row):
                tally.updated += 1
            else:
                tally.unchanged += 1
        return tally.report()

    return _done(store, "hospitals", write, source)


def put_visits(store: Store, rows: Sequence[VisitRow], source: Source) -> Report:
    """Create and correct past visits (手册·电子保险卡 E3). A visit keeps its policy.

    Raises:
        Conflict: Somebody else created one of them meanwhile.
    """

    def write(session: Session) -> Report:
        tally = _Tally()
        policies = _policies(session, {row.policy for row in rows})
        hospitals = _named(session, {row.hospital for row in rows})
        query = sa.select(Visit).where(_in(Visit.reference, {row.reference for row in rows}))
        known = {visit.reference: visit for visit in session.scalars(query)}
        seen: set[str] = set()
        for place, row in enumerate(rows):
            policy, hospital = policies.get(row.policy), hospitals.get(row.hospital)
            faults = _visit_faults(row, policy, hospital, known.get(row.reference), source.now)
            if row.reference in seen:
                faults["reference"] = "同一就诊编号出现了两次。"
            seen.add(row.reference)
            for name, message in faults.items():
                tally.wrong(place, name, message)
            if faults or policy is None or hospital is None:
                continue
            _write_visit(session, known.get(row.reference), row, policy.id, hospital.id, tally)
        return tally.report()

    return _done(store, "visits", write, source)


def _done(store: Store, what: str, write: Callable[[Session], Report], source: Source) -> Report:
    try:
        with store.begin() as session:
            report = write(session)
            if report.faults or source.dry_run:
                raise _Undo(report)  # noqa: TRY301 - only this ends the transaction unwritten.
            session.flush()
            if report.created or report.updated:
                audit.record(
                    session,
                    at=source.now,
                    actor=source.actor,
                    action=f"{what}.import",
                    subject=what,
                    created=report.created,
                    updated=report.updated,
                )
            return report
    except _Undo as undone:
        return undone.report
    except (StaleDataError, sa.exc.IntegrityError) as error:
        raise Conflict(what) from error


def _policies(session: Session, numbers: set[str]) -> dict[str, Policy]:
    query = sa.select(Policy).where(_in(Policy.number, numbers))
    return {policy.number: policy for policy in session.scalars(query)}


def _uses(session: Session, policies: Mapping[str, Policy]) -> dict[tuple[int, str], BenefitUse]:
    ids = {policy.id for policy in policies.values()}
    query = sa.select(BenefitUse).where(_in(BenefitUse.policy_id, ids))
    return {(use.policy_id, use.benefit): use for use in session.scalars(query)}


def _named(session: Session, names: set[str]) -> dict[str, Hospital]:
    query = sa.select(Hospital).where(_in(Hospital.name, names))
    return {hospital.name: hospital for hospital in session.scalars(query)}


def _new_hospital(row: HospitalRow) -> Hospital:
    hospital = Hospital(name=row.name, **row.values)
    hospital.aliases = [HospitalAlias(alias=alias) for alias in row.aliases]
    hospital.departments = [HospitalDepartment(name=name) for name in row.departments]
    return hospital


def _change_hospital(session: Session, hospital: Hospital, row: HospitalRow) -> bool:
    changed = False
    for name, value in row.values.items():
        if getattr(hospital, name) != value:
            setattr(hospital, name, value)
            changed = True
    aliases = {alias.alias: alias for alias in hospital.aliases}
    departments = {department.name: department for department in hospital.departments}
    for known, wanted, new in (
        (aliases, row.aliases, lambda text: HospitalAlias(hospital_id=hospital.id, alias=text)),
        (
            departments,
            row.departments,
            lambda text: HospitalDepartment(hospital_id=hospital.id, name=text),
        ),
    ):
        for gone in known.keys() - set(wanted):
            session.delete(known[gone])
            changed = True
        for text in wanted:
            if text not in known:
                session.add(new(text))
                changed = True
    return changed


def _visit_faults(
    row: VisitRow,
    policy: Policy | None,
    hospital: Hospital | None,
    known: Visit | None,
    now: datetime,
) -> dict[str, str]:
    faults: dict[str, str] = {}
    if policy is None:
        faults["policy_number"] = "没有这个保单号。"
    elif known is not None and known.policy_id != policy.id:
        # Another family would see it.
        faults["policy_number"] = "这次就诊登记在另一张保单名下，不能换保单。"
    if hospital is None:
        faults["hospital"] = "没有这家医院，请先导入医院。"
    if row.visited_on > now.astimezone(TZ).date():
        faults["visited_on"] = "就诊日期还没到。"
    if row.insurer_paid + row.self_pay > row.total:
        faults["total"] = "保险支付与自付之和超过了总费用。"
    return faults


def _write_visit(
    session: Session, visit: Visit | None, row: VisitRow, policy: int, hospital: int, tally: _Tally
) -> None:
    values = {
        "hospital_id": hospital,
        "department": row.department,
        "visited_on": row.visited_on,
        "total": row.total,
        "insurer_paid": row.insurer_paid,
        "self_pay": row.self_pay,
    }
    if visit is None:
        session.add(Visit(reference=row.reference, policy_id=policy, **values))
        tally.created += 1
    elif any(getattr(visit, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(visit, name, value)
        tally.updated += 1
    else:
        tally.unchanged += 1


def _in(column: Any, values: Any) -> Any:
    return column.in_(list(values))
