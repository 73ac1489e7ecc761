"""Imports policies from the insurer's lists: all or nothing, and the same file twice is no harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from bot.rules.identity import same_child_name
from bot.store.import_files import ImportFileError, Table, read_table
from bot.store.import_rows import PolicyRow, RowError, plan_key, read_rows
from bot.store.models import (
    BENEFITS,
    BenefitUse,
    Binding,
    ChatIdentity,
    Child,
    Household,
    Plan,
    Policy,
)

__all__ = ["ImportFileError", "ImportReport", "RowError", "import_policies", "import_table"]

# Fewer than any database's limit of parameters in one statement.
_CHUNK = 500


@dataclass(frozen=True)
class ImportReport:
    """How many policies were, or in a dry run would be, created, updated and left as they are.

    With any error all three are 0 and the store is as before.
    """

    created: int
    updated: int
    unchanged: int
    errors: tuple[RowError, ...]


def import_policies(session: Session, path: Path, dry_run: bool = False) -> ImportReport:
    """Create and update policies from a CSV or XLSX file, all or nothing (手册·电子保险卡 E1).

    The policy number is the key. What a row says replaces what was stored; an empty ``used_…``
    cell leaves that use alone. Another phone moves the policy to that phone's household, so that
    it can be seen only after a binding with the new phone. Another child's name under a known
    number is an error; a birthday may be corrected while the phone stays the same.

    Args:
        session: In a transaction; flushed, not committed.
        path: A ``.csv`` (UTF-8 or GB18030) or ``.xlsx`` file of 10 MB and 50,000 rows at most.
        dry_run: Check and count only; nothing is written.

    Raises:
        ImportFileError: The file as a whole cannot be read.
        sqlalchemy.orm.exc.StaleDataError: Somebody changed one of the policies meanwhile.
    """
    return import_table(session, read_table(path), dry_run)


def import_table(session: Session, table: Table, dry_run: bool = False) -> ImportReport:
    """Create and update policies from a table of text cells, as :func:`import_policies`."""
    plans = {plan_key(plan.name): plan for plan in session.scalars(sa.select(Plan))}
    rows, errors, titles = read_rows(table, {key: plan.name for key, plan in plans.items()})
    known = _Known(session, rows)
    errors += _conflicts(rows, known, titles)
    if errors:
        return ImportReport(0, 0, 0, tuple(sorted(errors, key=lambda error: error.line)))
    old = known.policies
    new = [row for row in rows if row.number not in old]
    changed = [row for row in rows if row.number in old and _differs(row, old[row.number])]
    if not dry_run:
        writer = _Writer(session, rows, known, {plan.name: plan for plan in plans.values()})
        for row in new:
            writer.create(row)
        for row in changed:
            writer.update(old[row.number], row)
        session.flush()
    unchanged = len(rows) - len(new) - len(changed)
    return ImportReport(len(new), len(changed), unchanged, ())


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _among(column: Any, values: Any) -> Any:
    return column.in_(values)


class _Known:
    """What the store holds already of the policies, phones and children of a file."""

    def __init__(self, session: Session, rows: Sequence[PolicyRow]) -> None:
        self.policies: dict[str, Policy] = {}
        self.households: dict[str, Household] = {}
        self.children: dict[tuple[str, str], Child] = {}
        for numbers in _chunks(row.number for row in rows):
            policies = (
                sa.select(Policy)
                .where(_among(Policy.number, numbers))
                .options(
                    joinedload(Policy.child),
                    joinedload(Policy.plan),
                    joinedload(Policy.household),
                    selectinload(Policy.uses),
                )
            )
            self.policies.update((policy.number, policy) for policy in session.scalars(policies))
        for phones in _chunks(row.phone for row in rows):
            households = sa.select(Household).where(_among(Household.phone, phones))
            self.households.update((home.phone, home) for home in session.scalars(households))
            children = (
                sa.select(Household.phone, Child)
                .join(Household, Household.id == Child.household_id)
                .where(_among(Household.phone, phones))
                .order_by(sa.desc(Child.id))
            )
            for phone, child in session.execute(children):
                self.children[phone, child.name.casefold()] = child

    def stays(self, row: PolicyRow) -> bool:
        """Say whether the row's policy is known under the row's phone."""
        policy = self.policies.get(row.number)
        return policy is not None and policy.household.phone == row.phone


def _who(row: PolicyRow) -> tuple[str, str]:
    return row.phone, row.child.casefold()


def _conflicts(
    rows: Sequence[PolicyRow], known: _Known, titles: Mapping[str, str]
) -> list[RowError]:
    """Find what is wrong between rows, and between a row and the store."""
    errors: list[RowError] = []
    lines: dict[str, int] = {}
    twins: dict[tuple[str, str], PolicyRow] = {}
    corrected = {_who(row) for row in rows if known.stays(row)}

    def wrong(row: PolicyRow, column: str, message: str) -> None:
        errors.append(RowError(row.line, titles[column], message))

    for row in rows:
        if row.number in lines:
            wrong(row, "policy_number", f"与第 {lines[row.number]} 行的保单号相同。")
        lines.setdefault(row.number, row.line)
        twin = twins.setdefault(_who(row), row)
        if twin.born != row.born:
            wrong(row, "child_born", f"与第 {twin.line} 行同一孩子的出生日期不同。")
        policy = known.policies.get(row.number)
        if policy is not None and not same_child_name(policy.child.name, row.child):
            wrong(row, "child_name", "这张保单已登记在另一个孩子名下，不能换被保险人。")
            continue
        if known.stays(row):
            continue
        if policy is not None and policy.child.born != row.born:
            # One of the two may be a correction; both together are somebody else.
            wrong(row, "child_born", "手机号和出生日期都与已登记的不同，不能换被保险人。")
        child = known.children.get(_who(row))
        if child is not None and child.born != row.born and _who(row) not in corrected:
            wrong(row, "child_born", "这个手机号下同名孩子的出生日期不同，请先更正其已有保单。")
    return errors


def _differs(row: PolicyRow, policy: Policy) -> bool:
    used = {use.benefit: use.used for use in policy.uses}
    return (
        row.phone != policy.household.phone
        or (row.child, row.born) != (policy.child.name, policy.child.born)
        or row.plan != policy.plan.name
        or (row.valid_from, row.valid_to) != (policy.valid_from, policy.valid_to)
        or any(used.get(benefit) != value for benefit, value in row.used.items())
    )


class _Writer:
    """Writes checked rows."""

    def __init__(
        self,
        session: Session,
        rows: Sequence[PolicyRow],
        known: _Known,
        plans: Mapping[str, Plan],
    ) -> None:
        self._session = session
        self._plans = plans
        self._children = dict(known.children)
        self._households = dict(known.households)
        for row in rows:
            if row.phone not in self._households:
                self._households[row.phone] = Household(phone=row.phone)
        session.add_all(self._households.values())
        session.flush()

    def create(self, row: PolicyRow) -> None:
        policy = Policy(
            number=row.number,
            household=self._households[row.phone],
            child=self._child(row),
            plan=self._plans[row.plan],
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        policy.uses = [
            BenefitUse(benefit=benefit, used=row.used.get(benefit, 0)) for benefit in BENEFITS
        ]
        self._session.add(policy)

    def update(self, policy: Policy, row: PolicyRow) -> None:
        if policy.household.phone != row.phone:
            self._move(policy, row)
        policy.child.name = row.child
        policy.child.born = row.born
        policy.plan = self._plans[row.plan]
        policy.valid_from = row.valid_from
        policy.valid_to = row.valid_to
        uses = {use.benefit: use for use in policy.uses}
        for benefit, value in row.used.items():
            if benefit in uses:
                uses[benefit].used = value
            else:
                policy.uses.append(BenefitUse(benefit=benefit, used=value))

    def _child(self, row: PolicyRow) -> Child:
        child = self._children.get(_who(row))
        if child is None:
            home = self._households[row.phone]
            child = Child(household_id=home.id, name=row.child, born=row.born)
            self._children[_who(row)] = child
            self._session.add(child)
        return child

    def _move(self, policy: Policy, row: PolicyRow) -> None:
        # The old household keeps its child row: its other policies may need it, and codes that
        # were sent refer to it. Without a policy it opens nothing.
        household = self._households[row.phone]
        policy.household = household
        policy.child = self._child(row)
        self._session.flush()
        bound = sa.select(Binding.identity_id).where(Binding.household_id == household.id)
        self._session.execute(
            sa.update(ChatIdentity)
            .where(ChatIdentity.current_policy_id == policy.id, ~_among(ChatIdentity.id, bound))
            .values(current_policy_id=None)
            .execution_options(synchronize_session="fetch")
        )
