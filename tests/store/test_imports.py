from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from bot.store.demo.loader import load_demo
from bot.store.import_files import ImportFileError
from bot.store.imports import ImportReport, import_policies
from bot.store.models import (
    AuditEntry,
    Base,
    BenefitUse,
    Binding,
    ChatIdentity,
    Child,
    Household,
    Policy,
)
from bot.store.queries import bound_policies
from bot.store.session import Store

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
# As the demonstration data of 2026-11-23 has it.
XIAOMAN = {
    "policy_number": "YX2026-000101",
    "phone": "13800000101",
    "child_name": "王小满",
    "child_born": "2019-05-20",
    "plan": "优享PLUS计划",
    "valid_from": "2026-05-07",
    "valid_to": "2027-05-06",
}
MUCHEN = XIAOMAN | {
    "policy_number": "YX2026-000201",
    "phone": "13800000201",
    "child_name": "李沐宸",
    "child_born": "2020-11-02",
    "plan": "成长计划",
    "valid_from": "2026-08-15",
    "valid_to": "2027-08-14",
}
NEW = XIAOMAN | {
    "policy_number": "YX2027-000901",
    "phone": "13900000901",
    "child_name": "孙可可",
    "child_born": "2022-03-01",
}


def write(path: Path, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def snapshot(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(sa.select(table))]
            for table in Base.metadata.sorted_tables
        }


@pytest.fixture
def load(demo: Store, tmp_path: Path) -> Any:
    def load(*rows: dict[str, str], dry_run: bool = False) -> ImportReport:
        path = write(tmp_path / "policies.csv", *rows)
        with demo.begin() as session:
            return import_policies(session, path, dry_run)

    return load


def policy(store: Store, number: str) -> Policy:
    query = (
        sa.select(Policy)
        .where(Policy.number == number)
        .options(
            joinedload(Policy.household),
            joinedload(Policy.child),
            joinedload(Policy.plan),
            selectinload(Policy.uses),
        )
    )
    with store.read() as session:
        found: Policy = session.scalars(query).one()
        return found


def used(found: Policy) -> dict[str, Decimal]:
    return {use.benefit: use.used for use in found.uses}


def test_create(demo: Store, load: Any) -> None:
    sister = NEW | {"policy_number": "YX2027-000902", "child_name": "孙果果"}
    again = NEW | {"policy_number": "YX2028-000901", "plan": "优享计划"}
    report = load(NEW | {"used_vaccine": "12.5", "used_health_checks": "2"}, sister, again)
    assert report == ImportReport(3, 0, 0, ())
    first, second = policy(demo, "YX2027-000901"), policy(demo, "YX2028-000901")
    assert (first.household.phone, first.child.name) == ("13900000901", "孙可可")
    assert (first.child.born, first.plan.name) == (date(2022, 3, 1), "优享PLUS计划")
    assert (first.valid_from, first.valid_to) == (date(2026, 5, 7), date(2027, 5, 6))
    assert used(first) == {
        "outpatient": 0,
        "full_reimbursement_visits": 0,
        "inpatient": 0,
        "vaccine": Decimal("12.50"),
        "health_checks": 2,
    }
    assert (first.child_id, first.household_id) == (second.child_id, second.household_id)
    assert policy(demo, "YX2027-000902").household_id == first.household_id


def test_create_for_a_known_phone_and_child(demo: Store, load: Any) -> None:
    assert load(XIAOMAN | {"policy_number": "YX2027-000101"}).created == 1
    old, new = policy(demo, "YX2026-000101"), policy(demo, "YX2027-000101")
    assert (new.household_id, new.child_id) == (old.household_id, old.child_id)


def test_update(demo: Store, load: Any) -> None:
    change = {"plan": "优享PLUS MAX计划", "valid_to": "2027-06-30", "used_outpatient": "4000"}
    assert load(XIAOMAN | change) == ImportReport(0, 1, 0, ())
    found = policy(demo, "YX2026-000101")
    assert (found.plan.name, found.valid_to) == ("优享PLUS MAX计划", date(2027, 6, 30))
    assert used(found)["outpatient"] == 4000
    # What the file does not state is left alone.
    assert (used(found)["vaccine"], found.clinic_brand) == (480, "和晴")


def test_import_again_changes_nothing(demo: Store, load: Any) -> None:
    rows = (XIAOMAN | {"used_outpatient": "3560.5"}, MUCHEN, NEW)
    assert load(*rows) == ImportReport(1, 0, 2, ())
    before = snapshot(demo)
    assert load(*rows) == ImportReport(0, 0, 3, ())
    assert snapshot(demo) == before


def test_missing_use_is_added(demo: Store, load: Any) -> None:
    with demo.begin() as session:
        session.execute(sa.delete(BenefitUse))
    assert load(XIAOMAN | {"used_vaccine": "0"}).updated == 1
    assert used(policy(demo, "YX2026-000101")) == {"vaccine": 0}


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_bad_row_and_nothing_is_written(demo: Store, load: Any, dry_run: bool) -> None:
    before = snapshot(demo)
    report = load(
        XIAOMAN | {"plan": "优享计划"},
        NEW | {"phone": "1", "plan": "x"},
        NEW,
        NEW | {"valid_to": ""},
        dry_run=dry_run,
    )
    assert (report.created, report.updated, report.unchanged) == (0, 0, 0)
    assert [(error.line, error.column) for error in report.errors] == [
        (3, "phone"),
        (3, "plan"),
        (5, "valid_to"),
    ]
    assert snapshot(demo) == before


def test_dry_run_counts_and_writes_nothing(demo: Store, load: Any) -> None:
    before = snapshot(demo)
    rows = (XIAOMAN | {"plan": "优享计划"}, MUCHEN, NEW)
    assert load(*rows, dry_run=True) == ImportReport(1, 1, 1, ())
    assert snapshot(demo) == before
    assert load(*rows) == ImportReport(1, 1, 1, ())


def test_dry_run_may_only_read(demo: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", XIAOMAN | {"phone": "13900000999"}, NEW)
    with demo.read() as session:
        assert import_policies(session, path, dry_run=True) == ImportReport(1, 1, 0, ())


def test_same_number_twice_in_a_file(load: Any) -> None:
    (error,) = load(NEW, XIAOMAN, NEW | {"plan": "优享计划"}).errors
    assert (error.line, error.column) == (4, "policy_number")
    assert "第 2 行" in error.message


def bind(store: Store, phone: str, account: str = "a") -> int:
    """Bind a chat account to a phone and let it talk about that phone's first policy."""
    with store.begin() as session:
        home = session.scalars(sa.select(Household).where(Household.phone == phone)).one()
        identity = session.scalars(
            sa.select(ChatIdentity).where(ChatIdentity.account == account)
        ).one_or_none() or ChatIdentity(channel="rest", account=account)
        identity.current_policy_id = home.policies[0].id
        session.add(identity)
        session.flush()
        session.add(Binding(identity_id=identity.id, household_id=home.id, verified_at=NOW))
        return int(identity.id)


def visible(store: Store, identity_id: int) -> list[str]:
    with store.read() as session:
        return [found.number for found in bound_policies(session, identity_id)]


def current_policy(store: Store, identity_id: int) -> int | None:
    with store.read() as session:
        found: int | None = session.get(ChatIdentity, identity_id).current_policy_id
        return found


def test_another_phone_moves_the_policy(demo: Store, load: Any) -> None:
    mine = bind(demo, "13800000201")
    assert visible(demo, mine) == ["YX2026-000201", "YX2026-000202"]
    assert load(MUCHEN | {"phone": "13900000901"}) == ImportReport(0, 1, 0, ())
    moved = policy(demo, "YX2026-000201")
    assert (moved.household.phone, moved.child.name) == ("13900000901", "李沐宸")
    assert moved.child.household_id == moved.household_id
    assert used(moved)["health_checks"] == 1
    # Whoever proved the old phone sees what is still under it, and talks about nothing else.
    assert visible(demo, mine) == ["YX2026-000202"]
    assert current_policy(demo, mine) is None
    assert visible(demo, bind(demo, "13900000901", "b")) == ["YX2026-000201"]


def test_another_phone_that_the_account_proved_too(demo: Store, load: Any) -> None:
    both = bind(demo, "13800000201")
    bind(demo, "13800000101")
    bind(demo, "13800000501", "stranger")
    with demo.begin() as session:
        session.get(ChatIdentity, both).current_policy_id = policy_id(demo, session)
    assert load(MUCHEN | {"phone": "13800000101"}).updated == 1
    assert visible(demo, both) == ["YX2026-000202", "YX2026-000101", "YX2026-000201"]
    assert current_policy(demo, both) == policy(demo, "YX2026-000201").id


def policy_id(store: Store, session: Any) -> int:
    return int(session.scalars(sa.select(Policy.id).where(Policy.number == "YX2026-000201")).one())


def test_move_and_return(demo: Store, load: Any) -> None:
    before = policy(demo, "YX2026-000201")
    load(MUCHEN | {"phone": "13900000901"})
    load(MUCHEN)
    after = policy(demo, "YX2026-000201")
    assert (after.household_id, after.child_id) == (before.household_id, before.child_id)
    with demo.read() as session:
        assert session.scalar(sa.select(sa.func.count(Child.id))) == 7


def test_another_child_is_refused(demo: Store, load: Any) -> None:
    before = snapshot(demo)
    (error,) = load(XIAOMAN | {"child_name": "王小美"}).errors
    assert (error.line, error.column) == (2, "child_name")
    assert "另一个孩子" in error.message
    # Not even a child of the same household.
    assert load(MUCHEN | {"child_name": "李沐瑶", "child_born": "2023-03-15"}).errors
    assert snapshot(demo) == before


def test_birthday_may_be_corrected_but_not_with_the_phone(demo: Store, load: Any) -> None:
    report = load(XIAOMAN | {"child_born": "2019-05-21", "phone": "13900000901"})
    assert [error.column for error in report.errors] == ["child_born"]
    assert load(XIAOMAN | {"child_born": "2019-05-21"}) == ImportReport(0, 1, 0, ())
    assert policy(demo, "YX2026-000101").child.born == date(2019, 5, 21)


def test_new_policy_does_not_correct_a_birthday_in_passing(demo: Store, load: Any) -> None:
    renewed = XIAOMAN | {"policy_number": "YX2027-000101", "child_born": "2019-05-21"}
    (error,) = load(renewed).errors
    assert (error.line, error.column) == (2, "child_born")
    # With the known policy's row beside it, it is a correction.
    assert load(renewed, XIAOMAN | {"child_born": "2019-05-21"}) == ImportReport(1, 1, 0, ())
    assert policy(demo, "YX2027-000101").child.born == date(2019, 5, 21)


def test_one_child_has_one_birthday_in_a_file(load: Any) -> None:
    twin = NEW | {"policy_number": "YX2027-000902", "child_born": "2022-03-02"}
    (error,) = load(NEW, twin).errors
    assert (error.line, error.column) == (3, "child_born")
    assert "第 2 行" in error.message


def test_hostile_cells_are_text(demo: Store, load: Any) -> None:
    before = snapshot(demo)
    report = load(NEW | {"child_name": '=cmd|"/C calc"!A0', "policy_number": "'; DROP TABLE plan"})
    assert {error.column for error in report.errors} == {"child_name", "policy_number"}
    assert snapshot(demo) == before


def test_no_plans_in_the_store(store: Store, tmp_path: Path) -> None:
    with store.begin() as session:
        report = import_policies(session, write(tmp_path / "a.csv", NEW))
    assert [error.column for error in report.errors] == ["plan"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_in_every_encoding(demo: Store, tmp_path: Path, encoding: str) -> None:
    titles = ("保单号", "手机号", "被保险人", "出生日期", "计划", "生效日", "到期日")
    row = dict(zip(titles, NEW.values(), strict=True))
    path = write(tmp_path / "a.csv", row, encoding=encoding)
    with demo.begin() as session:
        assert import_policies(session, path) == ImportReport(1, 0, 0, ())
    assert policy(demo, "YX2027-000901").child.name == "孙可可"


def test_xlsx(any_store: Store, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append([*NEW, "used_inpatient"])
    first_day = datetime(2026, 5, 7)  # noqa: DTZ001 - as Excel has it
    texts = ("YX2027-000901", 13900000901, "孙可可", date(2022, 3, 1), "优享计划")
    sheet.append([*texts, first_day, "2027/5/6", 46000.25])
    sheet.append(["=A2", 1, "=1+1"])
    book.save(tmp_path / "a.xlsx")
    with any_store.begin() as session:
        load_demo(session, date(2026, 11, 23))
        report = import_policies(session, tmp_path / "a.xlsx")
    assert {error.line for error in report.errors} == {3}
    sheet.delete_rows(3)
    book.save(tmp_path / "a.xlsx")
    with any_store.begin() as session:
        assert import_policies(session, tmp_path / "a.xlsx") == ImportReport(1, 0, 0, ())
    found = policy(any_store, "YX2027-000901")
    assert (found.household.phone, found.valid_to) == ("13900000901", date(2027, 5, 6))
    assert used(found)["inpatient"] == Decimal("46000.25")


def test_more_rows_than_parameters_in_a_statement(demo: Store, load: Any) -> None:
    rows = [
        NEW | {"policy_number": f"YX2027-{n:06}", "phone": f"139{n:08}", "child_name": "孙可可"}
        for n in range(1201)
    ]
    assert load(*rows) == ImportReport(1201, 0, 0, ())
    assert load(*rows) == ImportReport(0, 0, 1201, ())


def test_unreadable_file(demo: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError), demo.begin() as session:
        import_policies(session, tmp_path / "missing.csv")


def test_the_callers_transaction_decides(demo: Store, tmp_path: Path) -> None:
    before = snapshot(demo)

    def import_and_fail() -> None:
        with demo.begin() as session:
            session.add(AuditEntry(at=NOW, actor="a", action="import", subject="a.csv"))
            assert import_policies(session, write(tmp_path / "a.csv", NEW)).created == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_and_fail()
    assert snapshot(demo) == before
