"""Parquet form of a log of use."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from tasks.runtime.artifact_reading import read_table
from tasks.runtime.files import write_table

SCHEMA = pa.schema(
    {
        "format": pa.int32(),
        "time": pa.string(),
        "file_sha256": pa.string(),
        "file_name": pa.string(),
        "seconds": pa.float64(),
        "sample_rate": pa.int32(),
        "level_dbfs": pa.float64(),
        "centroid_hz": pa.float64(),
        "device": pa.string(),
        "model": pa.string(),
        "model_id": pa.string(),
        "segments": pa.int64(),
        "abnormal_share": pa.float64(),
        "decisions": pa.map_(pa.string(), pa.int64()),
        "predicted": pa.map_(pa.string(), pa.int64()),
        "confidence": pa.list_(pa.float64()),
        "distance": pa.list_(pa.float64()),
        "user": pa.string(),
    }
)
COUNTS = ("decisions", "predicted")


def append(path: Path, rows: Sequence[Mapping[str, Any]], mode: int) -> None:
    """Write a log anew with further rows; processes that append at the same time wait for each other.

    Args:
        path: The log; it is made if missing.
        rows: New entries as mappings.
        mode: Permissions of the file.

    Raises:
        BreathlineError: The log is no Parquet file.
    """
    new = pa.Table.from_pylist([{**row, **{name: list(row[name].items()) for name in COUNTS}} for row in rows], SCHEMA)
    with FileLock(path.with_name(f".{path.name}.lock")):
        known = [read_table(path)] if path.exists() else []
        write_table(path, pa.concat_tables([*known, new]))
        path.chmod(mode)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a log as mappings.

    Raises:
        BreathlineError: The log is no Parquet file.
    """
    found: list[dict[str, Any]] = read_table(path).to_pylist()
    return [{**row, **{name: dict(row[name]) for name in COUNTS if row.get(name) is not None}} for row in found]
