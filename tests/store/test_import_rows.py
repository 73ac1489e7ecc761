from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bot.rules.benefits import PLANS
from bot.store.import_files import Line, Table
from bot.store.import_rows import COLUMNS, REQUIRED, PolicyRow, RowError, plan_key, read_rows

GOOD = {
    "policy_number": "YX2026-000101",
    "phone": "13800000101",
    "child_name": "王小满",
    "child_born": "2019-05-20",
    "plan": "优享PLUS计划",
    "valid_from": "2026-05-07",
    "valid_to": "2027-05-06",
}
KNOWN = {plan_key(name): name for name in PLANS}


def read(**cells: str) -> tuple[list[PolicyRow], list[RowError]]:
    row = GOOD | cells
    table = Table(Line(1, tuple(row)), (Line(2, tuple(row.values())),))
    rows, errors, _ = read_rows(table, KNOWN)
    return rows, errors


def one(**cells: str) -> PolicyRow:
    rows, errors = read(**cells)
    assert errors == []
    assert len(rows) == 1
    return rows[0]


def test_good_row() -> None:
    row = one(used_outpatient="3560.50", used_vaccine="", used_health_checks="3")
    assert row == PolicyRow(
        line=2,
        number="YX2026-000101",
        phone="13800000101",
        child="王小满",
        born=date(2019, 5, 20),
        plan="优享PLUS计划",
        valid_from=date(2026, 5, 7),
        valid_to=date(2027, 5, 6),
        used={"outpatient": Decimal("3560.50"), "health_checks": Decimal(3)},
    )


@pytest.mark.parametrize(
    ("column", "text", "field", "value"),
    [
        ("policy_number", "ＹＸ２０２６－１", "number", "YX2026-1"),
        ("phone", "+86 138-0000-0101", "phone", "13800000101"),
        ("phone", "１３８００００００００", "phone", "13800000000"),
        ("child_name", "王 小 满", "child", "王小满"),
        ("child_name", "阿依古丽•买买提", "child", "阿依古丽·买买提"),
        ("child_name", "Anne-Marie O'Neil", "child", "Anne-Marie O'Neil"),
        ("child_born", "2019/5/20", "born", date(2019, 5, 20)),
        ("child_born", "2019年5月20日", "born", date(2019, 5, 20)),
        ("child_born", "20190520", "born", date(2019, 5, 20)),
        ("child_born", "2020-02-29", "born", date(2020, 2, 29)),
        ("child_born", "2026-05-07", "born", date(2026, 5, 7)),
        ("plan", " 优享plus max 计划", "plan", "优享PLUS MAX计划"),
        ("plan", "成长ＰＬＵＳ计划", "plan", "成长PLUS计划"),
        ("valid_to", "2026-05-07", "valid_to", date(2026, 5, 7)),
    ],
)
def test_what_people_write(column: str, text: str, field: str, value: object) -> None:
    assert getattr(one(**{column: text}), field) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", "0"), ("1,234.50", "1234.50"), ("¥12", "12"), ("9999999999.99", "9999999999.99")],
)
def test_amounts(text: str, value: str) -> None:
    assert one(used_inpatient=text).used == {"inpatient": Decimal(value)}


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("policy_number", "", "不能为空"),
        ("policy_number", "保单1", "保单号只能"),
        ("policy_number", "=1+1", "保单号只能"),
        ("policy_number", "Y" * 33, "保单号只能"),
        ("phone", "12800000101", "手机号"),
        ("phone", "021-80209058", "手机号"),
        ("phone", "=13800000101", "手机号"),
        ("child_name", "\u200b", "1 到 64"),
        ("child_name", "王" * 65, "1 到 64"),
        ("child_name", '=HYPERLINK("http://x.example")', "只能有文字"),
        ("child_name", "+cmd|calc", "只能有文字"),
        ("child_name", "<b>小满</b>", "只能有文字"),
        ("child_name", "王小满2", "只能有文字"),
        ("child_born", "2019-02-29", "没有这一天"),
        ("child_born", "2019-13-01", "没有这一天"),
        ("child_born", "20-05-2019", "2026-11-23 的样子"),
        ("child_born", "43605", "2026-11-23 的样子"),
        ("child_born", "2019-05-20 13:30:00", "2026-11-23 的样子"),
        ("child_born", "1019-05-20", "1900"),
        ("child_born", "2026-05-08", "晚于生效日"),
        ("plan", "豪华计划", "没有这个计划，可选：成长计划、"),
        ("valid_to", "2026-05-06", "早于生效日"),
        ("used_outpatient", "-1", "金额"),
        ("used_outpatient", "1.234", "金额"),
        ("used_outpatient", "12,34", "金额"),
        ("used_outpatient", "1e3", "金额"),
        ("used_outpatient", "NaN", "金额"),
        ("used_outpatient", "10000000000", "金额"),
        ("used_outpatient", "9,999,999,999,999", "金额"),
        ("used_health_checks", "1.5", "次数"),
        ("used_health_checks", "-1", "次数"),
        ("used_health_checks", "三", "次数"),
        ("used_full_reimbursement_visits", "Infinity", "次数"),
        ("used_full_reimbursement_visits", "10001", "次数"),
    ],
)
def test_what_is_wrong(column: str, text: str, message: str) -> None:
    rows, errors = read(**{column: text})
    assert rows == []
    assert [(error.line, error.column) for error in errors] == [(2, column)]
    assert message in errors[0].message


def test_every_error_of_every_row() -> None:
    bad = ("", "1", "2", "x", "y", "2026-01-02", "2026-01-01")
    good = tuple(GOOD.values())
    table = Table(
        Line(1, tuple(COLUMNS[name][0] for name in GOOD)),
        (Line(2, bad), Line(3, good), Line(7, ("YX1", "13800000101"))),
    )
    rows, errors, titles = read_rows(table, KNOWN)
    assert [row.line for row in rows] == [3]
    assert [(error.line, error.column) for error in errors] == [
        *[(2, title) for title in ("保单号", "手机号", "被保险人", "出生日期", "计划", "到期日")],
        *[(7, title) for title in ("被保险人", "出生日期", "计划", "生效日", "到期日")],
    ]
    assert titles["phone"] == "手机号"


def test_header_in_any_order_and_language() -> None:
    header = (" 到期日期", "投保人手机号", "", "PLAN", "保单号码", "生日", "姓名", "保险起期")
    cells = (
        "2027-05-06",
        GOOD["phone"],
        "",
        GOOD["plan"],
        "YX1",
        "2019-05-20",
        "王小满",
        "2026-5-7",
    )
    rows, errors, _ = read_rows(Table(Line(1, header), (Line(2, cells),)), KNOWN)
    assert errors == []
    assert (rows[0].number, rows[0].valid_to) == ("YX1", date(2027, 5, 6))


def test_header_errors_come_alone() -> None:
    header = (*GOOD, "手机号", "备注", "used_outpatiant")
    rows, errors, _ = read_rows(Table(Line(1, header), (Line(2, ("x",)),)), KNOWN)
    assert rows == []
    assert [(error.line, error.column) for error in errors] == [
        (1, "手机号"),
        (1, "备注"),
        (1, "used_outpatiant"),
    ]


def test_missing_columns() -> None:
    _, errors, _ = read_rows(Table(Line(4, ("保单号",)), ()), KNOWN)
    assert [(error.line, error.column) for error in errors] == [(4, name) for name in REQUIRED[1:]]
    assert "手机号" in errors[0].message


def test_more_cells_than_the_header() -> None:
    table = Table(Line(1, tuple(GOOD)), (Line(2, (*GOOD.values(), "", "x")),))
    rows, errors, _ = read_rows(table, KNOWN)
    assert rows == []
    assert "比表头多" in errors[0].message


def test_no_plans_yet() -> None:
    table = Table(Line(1, tuple(GOOD)), (Line(2, tuple(GOOD.values())),))
    _, errors, _ = read_rows(table, {})
    assert "还没有计划" in errors[0].message


def test_no_title_names_two_columns() -> None:
    titles = [title for name, others in COLUMNS.items() for title in (name, *others)]
    assert len(titles) == len(set(titles))
