"""Reads a table of text cells from a CSV or XLSX file that a stranger may have written.

Nothing in a cell is ever evaluated: a formula is the text that it is written with.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 50_000
MAX_COLUMNS = 64
# Excel's own limit; a forged file may claim to continue for ever.
_MAX_SHEET_ROWS = 1_048_576
# What a workbook, which is a zip archive, may unpack to.
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
# gb18030 also reads what Chinese editions of Excel save as "CSV".
_ENCODINGS = ("utf-8-sig", "gb18030")


class ImportFileError(ValueError):
    """The file as a whole cannot be read; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Line:
    """One row: the number that an editor or Excel shows for it, and its cells."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The header and the rows that are not empty, cells stripped."""

    header: Line
    rows: tuple[Line, ...]


def read_table(path: Path) -> Table:
    """Return the first sheet of a ``.xlsx`` file, or a ``.csv`` in UTF-8 or GB18030.

    Empty rows are left out, the others keep their line numbers; the first is the header.

    Raises:
        ImportFileError: It is missing, empty, too large, or not what its name says.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ImportFileError(f"只能导入 .csv 或 .xlsx 文件，不能导入 {path.name}。")
    content = _content(path)
    lines = _csv_lines(content) if kind == ".csv" else _xlsx_lines(content)
    filled = list(_filled(lines))
    if not filled:
        raise ImportFileError(f"{path.name} 里没有内容。")
    return Table(filled[0], tuple(filled[1:]))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImportFileError(f"打不开 {path}：{error.strerror}。") from error
    if len(content) > MAX_BYTES:
        raise ImportFileError(f"{path.name} 超过 {MAX_BYTES // 1024 // 1024} MB，请分成几个文件。")
    return content


def _filled(lines: Iterable[Line]) -> Iterator[Line]:
    count = 0
    for line in lines:
        if not any(line.cells):
            continue
        count += 1
        if count > MAX_ROWS + 1:
            raise ImportFileError(f"超过 {MAX_ROWS} 行，请分成几个文件。")
        if len(line.cells) > MAX_COLUMNS:
            raise ImportFileError(f"第 {line.number} 行超过 {MAX_COLUMNS} 列。")
        yield line


def _csv_lines(content: bytes) -> Iterator[Line]:
    text = _decode(content)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for cells in reader:
            yield Line(start, tuple(cell.strip() for cell in cells))
            # A quoted cell may span lines: the next row starts after the last one read.
            start = reader.line_num + 1
    except csv.Error as error:
        raise ImportFileError(f"第 {start} 行起的 CSV 格式有误（引号没有配对？）。") from error


def _decode(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ImportFileError("看不出 CSV 的编码，请另存为 UTF-8 或 GB18030。")


def _xlsx_lines(content: bytes) -> Iterator[Line]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ImportFileError("这不是有效的 XLSX 文件。") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise ImportFileError("XLSX 解压后过大，请分成几个文件。")
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        rows = book.worksheets[0].iter_rows(max_col=MAX_COLUMNS + 1, values_only=True)
        for number, cells in enumerate(islice(rows, _MAX_SHEET_ROWS), start=1):
            texts = [_text(cell) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            yield Line(number, tuple(texts))
        book.close()
    except ImportFileError:
        raise
    # A broken workbook fails in as many ways as XML and zip do.
    except Exception as error:
        raise ImportFileError("这不是有效的 XLSX 文件。") from error


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        # Excel keeps every number as a double; a phone number must not end in ".0".
        return str(int(cell))
    return str(cell).strip()
