"""Turns the rows of an import file into checked values, with every error of every row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.rules.identity import normalise_child_name, normalise_phone
from bot.store.import_files import Line, Table
from bot.store.models import BENEFITS

# Each column's name in the file and what Chinese exports call it.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "policy_number": ("保单号", "保单号码", "保单编号"),
    "phone": ("手机号", "手机号码", "投保手机号", "投保人手机号"),
    "child_name": ("被保险人", "被保险人姓名", "孩子姓名", "姓名"),
    "child_born": ("出生日期", "被保险人出生日期", "生日"),
    "plan": ("计划", "保障计划", "计划名称"),
    "valid_from": ("生效日", "生效日期", "保险起期"),
    "valid_to": ("到期日", "到期日期", "保险止期"),
    "used_outpatient": ("门诊已用", "已用门诊额度"),
    "used_full_reimbursement_visits": ("全额赔付已用次数", "已用全额赔付次数"),
    "used_inpatient": ("住院已用", "已用住院额度"),
    "used_vaccine": ("疫苗已用", "已用疫苗额度"),
    "used_health_checks": ("体检已用次数", "已用体检次数"),
}
_USED = {f"used_{benefit}": benefit for benefit in BENEFITS}
REQUIRED = tuple(name for name in COLUMNS if name not in _USED)
_COUNTS = ("full_reimbursement_visits", "health_checks")

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]{0,31}")
_DATES = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"),
    re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"),
    re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})"),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)
_PLAIN_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?")
_GROUPED_AMOUNT = re.compile(r"\d{1,3}(,\d{3}){1,3}(\.\d{1,2})?")
_NAME_MARKS = " ·-'’."


@dataclass(frozen=True)
class RowError:
    """What is wrong with one cell.

    Attributes:
        line: As the editor or Excel counts, the header being 1.
        column: The header of the cell's column as the file has it.
        message: A sentence for the operator, in Chinese.
    """

    line: int
    column: str
    message: str


@dataclass(frozen=True)
class PolicyRow:
    """A row that is right by itself. ``used`` has only the benefits that the file states."""

    line: int
    number: str
    phone: str
    child: str
    born: date
    plan: str
    valid_from: date
    valid_to: date
    used: Mapping[str, Decimal]


def plan_key(name: str) -> str:
    """Return the form in which names of plans are compared: case, width and spaces aside."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def read_rows(
    table: Table, plans: Mapping[str, str]
) -> tuple[list[PolicyRow], list[RowError], dict[str, str]]:
    """Check a table's rows one by one.

    Args:
        table: As read from the file.
        plans: The known plans by `plan_key`.

    Returns:
        The rows without an error, the errors of the others, and the file's header by column.
    """
    places, errors = _places(table.header)
    titles = {name: table.header.cells[place] for name, place in places.items()}
    rows: list[PolicyRow] = []
    if errors:
        return rows, errors, titles
    for line in table.rows:
        reader = _RowReader(line, places, titles)
        row = reader.policy(plans, len(table.header.cells))
        errors += reader.errors
        if row is not None:
            rows.append(row)
    return rows, errors, titles


def _places(header: Line) -> tuple[dict[str, int], list[RowError]]:
    names = {title: name for name, others in COLUMNS.items() for title in (name, *others)}
    places: dict[str, int] = {}
    errors: list[RowError] = []
    for place, title in enumerate(header.cells):
        name = names.get(unicodedata.normalize("NFKC", title).strip().lower())
        if name is None and title:
            # Left alone, a misspelt column would silently not be imported.
            errors.append(RowError(header.number, title, f"不认识“{title}”这一列，请改名或删去。"))
        elif name in places:
            errors.append(RowError(header.number, title, f"“{title}”这一列重复了。"))
        elif name is not None:
            places[name] = place
    for name in REQUIRED:
        if name not in places:
            errors.append(
                RowError(header.number, name, f"缺少“{COLUMNS[name][0]}”（{name}）这一列。")
            )
    return places, errors


class _RowReader:
    """Reads the cells of one line and gathers what is wrong with them."""

    def __init__(self, line: Line, places: Mapping[str, int], titles: Mapping[str, str]) -> None:
        self._line = line
        self._places = places
        self._titles = titles
        self.errors: list[RowError] = []

    def policy(self, plans: Mapping[str, str], width: int) -> PolicyRow | None:
        """Return the row, or None if it has an error."""
        if any(self._line.cells[width:]):
            self._wrong("", "这一行的格子比表头多，是不是多了逗号？")
        number = self._required("policy_number", _number)
        phone = self._required("phone", _phone)
        child = self._required("child_name", _child)
        born = self._required("child_born", _day)
        plan = self._required("plan", lambda text: _plan(text, plans))
        first = self._required("valid_from", _day)
        last = self._required("valid_to", _day)
        if first and last and last < first:
            self._wrong("valid_to", "到期日早于生效日。")
        if born and first and born > first:
            self._wrong("child_born", "出生日期晚于生效日。")
        used = self._used()
        if self.errors:
            return None
        return PolicyRow(self._line.number, number, phone, child, born, plan, first, last, used)

    def _used(self) -> dict[str, Decimal]:
        used: dict[str, Decimal] = {}
        for name, benefit in _USED.items():
            if not self._cell(name):
                continue
            value = self._required(name, _count if benefit in _COUNTS else _amount)
            if value is not None:
                used[benefit] = value
        return used

    def _cell(self, name: str) -> str:
        place = self._places.get(name)
        if place is None or place >= len(self._line.cells):
            return ""
        return self._line.cells[place]

    def _required(self, name: str, read: Callable[[str], Any]) -> Any:
        text = self._cell(name)
        if not text:
            self._wrong(name, "不能为空。")
            return None
        try:
            return read(text)
        except ValueError as error:
            self._wrong(name, str(error))
            return None

    def _wrong(self, name: str, message: str) -> None:
        self.errors.append(RowError(self._line.number, self._titles.get(name, name), message))


def _number(text: str) -> str:
    number = unicodedata.normalize("NFKC", text)
    if not _NUMBER.fullmatch(number):
        raise ValueError("保单号只能由字母、数字和连字符组成，最多 32 位。")
    return number


def _phone(text: str) -> str:
    try:
        return normalise_phone(text)
    except ValueError:
        raise ValueError("不是 11 位大陆手机号。") from None


def _child(text: str) -> str:
    try:
        name = normalise_child_name(text)
    except ValueError:
        raise ValueError("姓名应为 1 到 64 个字。") from None
    if not all(unicodedata.category(c)[0] in "LM" or c in _NAME_MARKS for c in name):
        raise ValueError("姓名里只能有文字、空格和间隔号。")
    return name


def _day(text: str) -> date:
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    for pattern in _DATES:
        match = pattern.fullmatch(plain)
        if match is not None:
            break
    else:
        raise ValueError("日期请写成 2026-11-23 的样子。")
    try:
        day = date(*map(int, match.groups()))
    except ValueError:
        raise ValueError("没有这一天。") from None
    if not 1900 <= day.year <= 2999:
        raise ValueError("年份应在 1900 到 2999 之间。")
    return day


def _plan(text: str, plans: Mapping[str, str]) -> str:
    name = plans.get(plan_key(text))
    if name is None:
        raise ValueError(
            f"没有这个计划，可选：{'、'.join(plans.values()) or '（系统里还没有计划）'}。"
        )
    return name


def _amount(text: str) -> Decimal:
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("¥").strip()
    if not (_PLAIN_AMOUNT.fullmatch(plain) or _GROUPED_AMOUNT.fullmatch(plain)):
        raise ValueError("金额应为不小于 0 的数，最多两位小数。")
    amount = Decimal(plain.replace(",", ""))
    if amount >= 10**10:
        raise ValueError("金额过大。")
    return amount


def _count(text: str) -> Decimal:
    try:
        count = Decimal(unicodedata.normalize("NFKC", text).strip())
    except InvalidOperation:
        count = Decimal(-1)
    if not count.is_finite() or count != count.to_integral_value() or not 0 <= count <= 10_000:
        raise ValueError("次数应为不小于 0 的整数。")
    return count
