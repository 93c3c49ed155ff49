"""Tables of recordings and cycles as pandas frames, each with columns of the other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from tasks import artifacts
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.errors import BreathlineError

SUMMARY_KEYS = {"recordings": int, "cycles": int, "classes": dict, "missing": list}


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Tables that are checked.

    Attributes:
        recordings: The table of recordings, and the number of their cycles in the other table as `cycles_found`.
        cycles: The table of cycles, and of the recording `recording_found` (its name), `recording_patient_id`,
            `recording_split`, `recording_fold`, `recording_duration_s` and `diagnosis`.
        summary: The summary that `extract` wrote.
    """

    recordings: pd.DataFrame
    cycles: pd.DataFrame
    summary: dict[str, Any]


def read(folder: Path, recordings_schema: pa.Schema, cycles_schema: pa.Schema) -> Frames:
    """Return the tables that `extract` wrote.

    Args:
        folder: The folder of the tables.
        recordings_schema: Schema of the table of recordings.
        cycles_schema: Schema of the table of cycles.

    Raises:
        BreathlineError: A table does not have the columns or types of its schema.
    """
    recordings = _table(folder / artifacts.RECORDINGS.name, recordings_schema)
    cycles = _table(folder / artifacts.CYCLES.name, cycles_schema)
    summary = read_json(folder / artifacts.SUMMARY.name, SUMMARY_KEYS)
    return join(recordings, cycles, summary)


def _table(path: Path, schema: pa.Schema) -> pl.DataFrame:
    """Return a table, which must have exactly the columns of a schema."""
    table = read_table(path)
    if not table.schema.equals(schema):
        differ = sorted(
            {(field.name, str(field.type)) for field in table.schema}
            ^ {(field.name, str(field.type)) for field in schema}
        )
        raise BreathlineError(
            f"The columns are not those of the schema: {', '.join(f'{name} ({kind})' for name, kind in differ)}.",
            where=path,
            hint="run `extract` again; docs/reference/artifacts.md describes the columns",
        )
    return pl.DataFrame(table)


def join(recordings: pl.DataFrame, cycles: pl.DataFrame, summary: dict[str, Any]) -> Frames:
    """Return both tables, each with columns of the other.

    Args:
        recordings: Table of recordings.
        cycles: Table of cycles.
        summary: Content of the summary that `extract` wrote.
    """
    counts = cycles.group_by("recording_id").len("cycles_found")
    counted = recordings.join(counts, on="recording_id", how="left", maintain_order="left")
    of_recording = recordings.unique("recording_id", keep="first").select(
        "recording_id",
        "diagnosis",
        recording_found="recording_id",
        recording_patient_id="patient_id",
        recording_split="split",
        recording_fold="fold",
        recording_duration_s="duration_s",
    )
    return Frames(
        recordings=counted.with_columns(pl.col("cycles_found").fill_null(0)).to_pandas(),
        cycles=cycles.join(of_recording, on="recording_id", how="left", maintain_order="left").to_pandas(),
        summary=summary,
    )
