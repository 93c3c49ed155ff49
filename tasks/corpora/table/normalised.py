"""Normalised table of a user's recordings: a CSV file in the project that a row a segment describes completely."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tasks.corpora.table.facts import FOLDS
from tasks.corpora.table.labels import CLASSES
from tasks.corpora.text_files import read_text
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

HINT = "run `breathline corpus add` again"
MAX_BYTES = 1 << 28
_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Segment of a recording: a row of the table.

    Attributes:
        recording_id: Id of the recording.
        file: Path of the audio file within its folder, as the user named it.
        sha256: Hash of the audio file.
        patient_id: Id of the patient.
        start_s: Start in seconds.
        end_s: End in seconds.
        label: Label of the user.
        kind: Class of the label, one of `CLASSES`.
        location: Chest location; empty if it is unknown, like the following values.
        device: Name of the device.
        age: Age in years.
        sex: F or M.
        diagnosis: Diagnosis.
        split: train or test; train if the user gives no split.
        fold: Fold of the user.
    """

    recording_id: str
    file: str
    sha256: str
    patient_id: str
    start_s: float
    end_s: float
    label: str
    kind: str
    location: str = ""
    device: str = ""
    age: float | None = None
    sex: str = ""
    diagnosis: str = ""
    split: str = "train"
    fold: int | None = None


COLUMNS = tuple(field.name for field in fields(Segment))
OF_RECORDING = tuple(name for name in COLUMNS if name not in {"start_s", "end_s", "label", "kind"})


def encode(
    segments: Sequence[Segment], columns: Sequence[str] = COLUMNS, *, separator: str = ",", heading: bool = True
) -> bytes:
    """Return segments as CSV in UTF-8, in the order of recordings and times; equal segments give equal bytes.

    Args:
        segments: Segments in any order.
        columns: Wanted columns; equal rows are written once.
        separator: Separator of the cells.
        heading: Whether the first line names the columns.
    """
    ordered = sorted(segments, key=lambda one: (one.recording_id, one.start_s, one.end_s, one.label))
    lines = dict.fromkeys(tuple(_text(getattr(one, name)) for name in columns) for one in ordered)
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    writer.writerows([columns] if heading else [])
    writer.writerows(lines)
    return written.getvalue().encode()


def read_rows(
    path: Path, columns: Sequence[str], *, separator: str = ",", heading: bool = True
) -> list[tuple[int, dict[str, str]]]:
    """Return the line and the cells of each row of a CSV file with these columns; see `encode`.

    Raises:
        BreathlineError: The file cannot be read, or has other columns.
    """
    reader = csv.reader(io.StringIO(read_text(path, limit=MAX_BYTES), newline=""), delimiter=separator)
    try:
        if heading and tuple(next(reader, [])) != tuple(columns):
            what = f"The columns are not {', '.join(columns)}."
            raise BreathlineError(what, where=f"{path}:1", hint=HINT)
        found = []
        for cells in reader:
            if len(cells) != len(columns):
                what = f"The row has {len(cells)} cells instead of {len(columns)}."
                raise BreathlineError(what, where=f"{path}:{reader.line_num}", hint=HINT)
            found.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise BreathlineError(f"This is not CSV: {error}.", where=f"{path}:{reader.line_num}", hint=HINT) from error
    return found


def read(path: Path) -> list[Segment]:
    """Return the segments of a normalised table.

    Raises:
        BreathlineError: The file is damaged; file, line and value are named.
    """
    return [segment(row, f"{path}:{line}") for line, row in read_rows(path, COLUMNS)]


def segment(row: dict[str, str], where: str) -> Segment:
    """Return the segment of a row.

    Raises:
        BreathlineError: A value is not allowed.
    """
    if row["kind"] not in CLASSES:
        raise BreathlineError(f"{quoted(row['kind'])} is no class.", where=where, hint=HINT)
    start, end = (number(row[name], where) for name in ("start_s", "end_s"))
    return replace(recording(row, where), start_s=start, end_s=end, label=row["label"], kind=row["kind"])


def recording(row: dict[str, str], where: str) -> Segment:
    """Return the facts of a recording from a row, as a segment without times and label.

    Raises:
        BreathlineError: A value is not allowed.
    """
    fold = int(number(row["fold"], where)) if row["fold"] else None
    allowed = {
        "recording_id": _ID.fullmatch(row["recording_id"]),
        "patient_id": _ID.fullmatch(row["patient_id"]),
        "sha256": _HASH.fullmatch(row["sha256"]),
        "sex": row["sex"] in ("", "F", "M"),
        "split": row["split"] in ("train", "test"),
        "fold": fold is None or fold < FOLDS,
    }
    for name, fits in allowed.items():
        if not fits:
            raise BreathlineError(f"{quoted(row[name])} is not allowed in `{name}`.", where=where, hint=HINT)
    age = number(row["age"], where) if row["age"] else None
    facts: dict[str, Any] = {name: row[name] for name in OF_RECORDING} | {"age": age, "fold": fold}
    return Segment(**facts, start_s=0.0, end_s=0.0, label="", kind="")


def number(cell: str, where: str) -> float:
    """Return the number in a cell.

    Raises:
        BreathlineError: The cell holds no number.
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", cell) is None:
        raise BreathlineError(f"{quoted(cell)} is no number.", where=where, hint=HINT)
    return float(cell)


def _text(value: object) -> str:
    """Return a value as text; seconds have at most six decimals."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
