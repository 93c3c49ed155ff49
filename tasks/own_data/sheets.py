"""Readers of a user's table: CSV, TSV, XLSX and Parquet, as texts with the number of each row."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tasks.own_data.problems import Problems
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed, quoted

MAX_BYTES = 1 << 28
MAX_COLUMNS = 1000
WINDOWS = "cp1252"  # encoding of Excel's CSV on Windows
TEXTS = (".csv", ".tsv", ".txt")
EXCEL = (".xlsx", ".xls", ".ods")
KINDS = (*TEXTS, *EXCEL, ".parquet")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Table of texts.

    Attributes:
        path: The file.
        header: Names of the columns.
        rows: Line or row number, from 1, and the cells of each row, as many as columns; missing values are empty.
        notes: Assumptions about the file that its user should see.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    notes: tuple[str, ...] = ()


def read(path: Path, problems: Problems) -> Sheet | None:
    """Return the table of a file by its suffix, or None with a problem if it cannot be read."""
    try:
        if not path.is_file():
            raise BreathlineError("there is no such file", where=path, hint="correct --table")
        if path.stat().st_size > MAX_BYTES:
            raise BreathlineError("the table is larger than 256 MiB", where=path, hint="name the right file")
        suffix = path.suffix.lower()
        if suffix in TEXTS:
            lines, notes = _text(path)
        elif suffix in EXCEL:
            lines, notes = _excel(path)
        elif suffix == ".parquet":
            lines, notes = _parquet(path), ()
        else:
            what = f"{quoted(path.suffix)} is no kind of table that is read ({', '.join(KINDS)})"
            raise BreathlineError(what, where=path, hint="save the table as .csv in UTF-8")
    except BreathlineError as error:
        problems.add_error(error, path)
        return None
    return _sheet(path, lines, notes, problems)


def _sheet(
    path: Path, lines: Iterable[tuple[int, Sequence[str]]], notes: tuple[str, ...], problems: Problems
) -> Sheet | None:
    """Return a table whose first row with content is the heading."""
    filled = [(number, [cell.strip() for cell in cells]) for number, cells in lines]
    filled = [(number, cells) for number, cells in filled if any(cells)]
    if len(filled) < 2:
        problems.add(path, "the table has no row below its heading", "name the right file")
        return None
    (first, header), *rows = filled
    while header and not header[-1]:
        header.pop()
    if len(header) > MAX_COLUMNS:
        problems.add(path, f"the table has {len(header)} columns; {MAX_COLUMNS} are the most", "name the right file")
        return None
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        problems.add(path, f"two columns are called {quoted(twice[0])}", "rename one of them", line=first)
        return None
    kept = []
    for number, cells in rows:
        if any(cells[len(header) :]):
            what = f"the row has {len(cells)} cells; the heading has {len(header)}"
            problems.add(path, what, "put cells that contain the separator between quotes", line=number)
            continue
        kept.append((number, tuple(cell for cell, _ in zip_longest(cells[: len(header)], header, fillvalue=""))))
    return Sheet(path=path, header=tuple(header), rows=tuple(kept), notes=notes)


def _text(path: Path) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """Return the rows of a text file with separators, and notes."""
    text, notes = decode(path)
    separator = "\t" if path.suffix.lower() == ".tsv" else None
    head, _, below = text.partition("\n")
    skipped = 0
    if head.strip().lower() in {"sep=;", "sep=,", "sep=\t"}:  # a line that Excel reads
        separator, text, skipped = head.strip("\r\n")[4:5], below, 1
    separator = separator or _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines, start = [], 1 + skipped
    try:
        for cells in reader:
            lines.append((start, cells))
            start = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise BreathlineError(f"this is not CSV ({error})", where=f"{path}:{start}", hint="export it again") from error
    return lines, notes


def decode(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file in UTF-8, UTF-16 with its mark, or the encoding of Windows, which a note tells.

    Raises:
        BreathlineError: The file cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BreathlineError(f"the file cannot be read: {error.strerror}", where=path, hint="check it") from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        try:
            text = data.decode(WINDOWS)
        except UnicodeDecodeError as error:
            what = f"the text is neither UTF-8 nor that of Windows (byte {error.start})"
            raise BreathlineError(what, where=path, hint="save it as UTF-8") from error
        notes = (f"{path.name} is not UTF-8 and was read as {WINDOWS}: check names with accents",)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BreathlineError("this is no text (a null character)", where=f"{path}:{line}", hint="save it as UTF-8")
    return text, notes


def _separator(text: str) -> str:
    """Return the separator that the first line with content has most often outside of quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = "".join(first.split('"')[::2])
    return max(";\t,", key=bare.count) if any(one in bare for one in ";\t,") else ","


def _excel(path: Path) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """Return the rows of the first sheet of a workbook, and notes."""
    try:
        import fastexcel
    except ModuleNotFoundError as error:
        raise BreathlineError(
            f"{path.suffix} needs the package fastexcel, which is not installed",
            where=path,
            hint='save the table as .csv, or run `pip install "breathline[tables]"`',
        ) from error
    try:
        book = fastexcel.read_excel(path)
        sheet = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        columns = [column.to_pylist() for column in sheet.to_arrow().columns]
    except fastexcel.FastExcelError as error:
        what = f"the workbook cannot be read ({str(error).splitlines()[0]})"
        raise BreathlineError(what, where=path, hint="save it again, or as .csv") from error
    names = list(book.sheet_names)
    notes = () if len(names) == 1 else (f"the first of {len(names)} sheets was read: {listed(names)}",)
    return _numbered(columns), notes


def _parquet(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a Parquet file below its heading, which is row 0."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        what = f"this is no Parquet file ({str(error).splitlines()[0]})"
        raise BreathlineError(what, where=path, hint="export it again") from error
    return [(0, table.column_names), *_numbered([column.to_pylist() for column in table.columns])]


def _numbered(columns: Sequence[Sequence[Any]]) -> list[tuple[int, list[str]]]:
    """Return columns of values as rows of texts, with the number of each row from 1."""
    return [(number, list(map(_cell, row))) for number, row in enumerate(zip(*columns, strict=True), start=1)]


def _cell(value: Any) -> str:
    """Return a value as text; whole numbers have no decimals."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
