"""Output of predictions: CSV, JSON, JSON lines, Parquet, and label tracks of Audacity."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tasks.prediction.columns import kind
from tasks.prediction.results import CAUTION, Prediction
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError

Format = Literal["csv", "json", "jsonl", "parquet"]
Row = Mapping[str, Any]
LABELS = "predicted.txt"  # ending of a label track; it names no annotation of the recording


def format_of(path: Path) -> Format:
    """Return the format of a file by its suffix.

    Raises:
        BreathlineError: The suffix is not supported, or the file cannot be written.
    """
    *others, last = (f".{name}" for name in _WRITERS)
    known = next((name for name in _WRITERS if path.suffix.lower() == f".{name}"), None)
    if known is None:
        raise BreathlineError(
            f"The name of the output has {f'the suffix `{path.suffix}`' if path.suffix else 'no suffix'}.",
            where=path,
            hint=f"name a file that ends in {', '.join(others)} or {last}",
        )
    files.require_writable(path)
    return known


def write(path: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Write rows to a file in the format of its suffix, whole or not at all.

    Args:
        path: File to write.
        rows: Rows of a table.
        names: Names of the columns.
    """
    content = encoded(rows, names, format_of(path))
    with files.replacing(path) as temporary:
        temporary.write_bytes(content)


def encoded(rows: Sequence[Row], names: Sequence[str], form: Format) -> bytes:
    """Return rows as the content of a file.

    Args:
        rows: Rows of a table.
        names: Names of the columns.
        form: Format of the file.
    """
    return _WRITERS[form](rows, names)


def _csv(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(row[name]) for name in names} for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a value of a spreadsheet; a text that begins like a formula is quoted, because file names are foreign."""
    is_formula = isinstance(value, str) and len(value) > 1 and value[0] in "=+-@\t\r"
    return f"'{value}" if is_formula else value


def _json(rows: Sequence[Row], _: Sequence[str]) -> bytes:
    return (json.dumps(list(rows), indent=2, ensure_ascii=False) + "\n").encode()


def _json_lines(rows: Sequence[Row], _: Sequence[str]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def _parquet(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "count": pa.int64(), "probability": pa.float32(), "number": pa.float64()}
    schema = pa.schema({name: types[kind(name)] for name in names})
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


_WRITERS: dict[Format, Callable[[Sequence[Row], Sequence[str]], bytes]] = {
    "parquet": _parquet,
    "csv": _csv,
    "json": _json,
    "jsonl": _json_lines,
}


def labels(prediction: Prediction) -> str:
    """Return the segments of a recording as a label track of Audacity; the warnings of the model come first."""
    warning = " ".join(filter(None, (prediction.model.banner, CAUTION)))
    lines = [(0.0, 0.0, warning)]
    for one in prediction.segments:
        text = one.predicted or prediction.segment_notes(one)[0]
        if one.confidence is not None:
            text += f" {one.confidence:.2f}"
        if one.decision == "uncertain":
            text += f" uncertain: {'|'.join(one.judgement.classes)}"
        elif one.decision == "unlike":
            text += " unlike"
        lines.append((one.start_s, one.end_s, text))
    return "".join(f"{start:.6f}\t{end:.6f}\t{_one_line(text)}\n" for start, end, text in lines)


def write_labels(folder: Path, predictions: Iterable[Prediction]) -> list[Path]:
    """Write the label track of each recording to a folder, and return the files.

    Args:
        folder: Folder; it is made if missing.
        predictions: Predictions; the second of two recordings with one name has a number.
    """
    written: list[Path] = []
    for prediction in predictions:
        path, number = folder / f"{prediction.recording}.{LABELS}", 1
        while path in written:
            number += 1
            path = folder / f"{prediction.recording}-{number}.{LABELS}"
        files.write_text(path, labels(prediction))
        written.append(path)
    return written


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", text)
