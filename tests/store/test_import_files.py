# ruff: noqa: DTZ001 - Excel knows no time zones.

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from bot.store import import_files
from bot.store.import_files import ImportFileError, Line, read_table

TEXT = "保单号,被保险人\nYX1, 王小满 \n\n,\nYX2,李沐宸\n"
LINES = (Line(2, ("YX1", "王小满")), Line(5, ("YX2", "李沐宸")))


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str, newline: str) -> None:
    path = write(tmp_path / "a.CSV", TEXT.replace("\n", newline).encode(encoding))
    table = read_table(path)
    assert table.header == Line(1, ("保单号", "被保险人"))
    assert table.rows == LINES


def test_csv_quoted_cells_may_span_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'a,b\n"1\n2","x,""y"\n3,4\n')
    assert read_table(path).rows == (Line(2, ("1\n2", 'x,"y')), Line(4, ("3", "4")))


def test_csv_formulas_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a\n=1+1\n@SUM(A1)\n")
    assert read_table(path).rows == (Line(2, ("=1+1",)), Line(3, ("@SUM(A1)",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "没有内容"),
        (b"\n,,\n", "没有内容"),
        (b'a\n"open\n', "第 2 行起"),
        (b'a\n"x"y\n', "第 2 行起"),
        ("a\n王".encode("utf-16"), "编码"),
        (b"a\nb\0c\n", "编码"),
        (b"a\n\xff\xff\n", "编码"),
        (b"," * 70 + b"x\n", "64 列"),
        (b'a\n"' + b"x" * 200_000 + b'"\n', "第 2 行起"),
    ],
)
def test_bad_csv(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read_table(write(tmp_path / "a.csv", content))


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_xlsx_cells_become_text(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        ("a", "b", "c", "d", "e", "f"),
        (13800000101, 3560.5, date(2019, 5, 20), datetime(2019, 5, 20), " x ", None),
        (),
        (13800000101.0, True, "=1+1", '=HYPERLINK("http://x.example","y")', "0001", 0),
        (None, datetime(2019, 5, 20, 13, 30)),
    )
    assert read_table(path).rows == (
        Line(2, ("13800000101", "3560.5", "2019-05-20", "2019-05-20", "x")),
        Line(4, ("13800000101", "True", "=1+1", '=HYPERLINK("http://x.example","y")', "0001", "0")),
        Line(5, ("", "2019-05-20 13:30:00")),
    )


def test_xlsx_first_sheet_only(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("second").append(["other"])
    first = book.worksheets[0]
    first.append(["a"])
    book.save(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx").header.cells == ("a",)


def test_xlsx_row_numbers_are_those_of_the_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.worksheets[0]
    first["A3"] = "a"
    first["A9"] = "1"
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert (table.header.number, [row.number for row in table.rows]) == (3, [9])


def test_bad_xlsx(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hello.txt", "hello")
    for content in (b"", b"a,b\n", archive.getvalue()):
        with pytest.raises(ImportFileError, match="XLSX"):
            read_table(write(tmp_path / "a.xlsx", content))


def test_xlsx_broken_inside(tmp_path: Path) -> None:
    good = workbook(tmp_path / "good.xlsx", ("a",), ("b",))
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:80] if "sheet1" in name else content)
    with pytest.raises(ImportFileError, match="XLSX"):
        read_table(tmp_path / "a.xlsx")


def test_xlsx_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "a.xlsx", ("a",), ("b",))
    monkeypatch.setattr(import_files, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(ImportFileError, match="过大"):
        read_table(path)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(import_files, "MAX_ROWS", 3)
    rows = [("a",), *[(str(number),) for number in range(3)]]

    def save() -> Path:
        if name.endswith("xlsx"):
            return workbook(tmp_path / name, *rows)
        return write(tmp_path / name, "".join(f"{row[0]}\n" for row in rows).encode())

    assert len(read_table(save()).rows) == 3
    rows.append(("one too many",))
    path = save()
    with pytest.raises(ImportFileError, match="超过 3 行"):
        read_table(path)


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "MAX_BYTES", 10)
    assert read_table(write(tmp_path / "a.csv", b"a\n" + b"1" * 8)).rows
    with pytest.raises(ImportFileError, match="MB"):
        read_table(write(tmp_path / "a.csv", b"a\n" + b"1" * 9))


@pytest.mark.parametrize("name", ["a.xls", "a.txt", "a"])
def test_other_kinds_of_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportFileError, match=r"只能导入 \.csv 或 \.xlsx"):
        read_table(write(tmp_path / name, b"a\n1\n"))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("missing.csv", "folder.csv"):
        with pytest.raises(ImportFileError, match="打不开"):
            read_table(tmp_path / name)
