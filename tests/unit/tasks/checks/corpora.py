"""A small corpus without fault, as the tables that `extract` writes, and how faults are put into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from tasks.checks import frames
from tasks.checks.settings import ValidationSettings
from tasks.corpora.icbhi.labels import CLASSES, label
from tasks.extract import classes
from tasks.runtime import params, schemas

ADULT = {"age": 61.0, "sex": "M", "icbhi_bmi": 28.5, "icbhi_weight_kg": None, "icbhi_height_cm": None}
CHILD = {"age": 0.25, "sex": "F", "icbhi_bmi": None, "icbhi_weight_kg": 8.2, "icbhi_height_cm": 68.0}
PATIENTS: dict[str, dict[str, Any]] = {
    "101": {**CHILD, "diagnosis": "URTI", "fold": 0, "split": "train"},
    "102": {**ADULT, "diagnosis": "COPD", "fold": 1, "split": "train"},
    "103": {**ADULT, "diagnosis": "Healthy", "fold": 4, "split": "test"},
}
ROOT = Path(__file__).parents[4]
PLACES = ("Al_sc_Meditron", "Tc_mc_AKGC417L")
SETTINGS = params.parse(ValidationSettings, params.read(ROOT / "params.yaml")["validate"], "validate")


@dataclass
class Corpus:
    """The two tables, by name, and the summary."""

    recordings: pl.DataFrame
    cycles: pl.DataFrame
    summary: dict[str, Any]

    def put(self, table: str, row: int, **values: Any) -> str:
        """Change values of one row, and return its name after the change; "" if it has none."""
        frame: pl.DataFrame = getattr(self, table)
        at = pl.int_range(pl.len()) == row
        changed = frame.with_columns(
            pl.when(at).then(pl.lit(value, dtype=frame.schema[column])).otherwise(column).alias(column)
            for column, value in values.items()
        )
        setattr(self, table, changed)
        return changed[f"{table[:-1]}_id"][row] or ""

    def drop(self, table: str, row: int) -> str:
        """Take one row out, and return its name."""
        frame: pl.DataFrame = getattr(self, table)
        setattr(self, table, frame.filter(pl.int_range(pl.len()) != row))
        return str(frame[f"{table[:-1]}_id"][row])

    def repeat(self, table: str, row: int) -> str:
        """Put one row in again, and return its name."""
        frame: pl.DataFrame = getattr(self, table)
        setattr(self, table, pl.concat([frame, frame[row]]))
        return str(frame[f"{table[:-1]}_id"][row])

    def frames(self) -> frames.Frames:
        """Return what is judged."""
        return frames.join(self.recordings, self.cycles, self.summary)

    def arrow(self, table: str) -> pa.Table:
        """Return a table as it is stored."""
        schema = {"recordings": schemas.RECORDINGS, "cycles": schemas.CYCLES}[table]
        return getattr(self, table).to_arrow().cast(schema)


def clean(corpus: str = "demo") -> Corpus:
    """Return three patients with two recordings of 20 s each, of four cycles in which every class occurs."""
    recordings: list[dict[str, Any]] = []
    cycles: list[dict[str, Any]] = []
    for patient, facts in PATIENTS.items():
        for index, place in enumerate(PLACES):
            location, mode, device = place.split("_")
            name = f"{patient}_{index + 1}b1_{place}"
            recordings.append(
                {
                    "corpus": corpus.removesuffix("-part"),
                    "recording_id": name,
                    "patient_id": patient,
                    "icbhi_recording_index": f"{index + 1}b1",
                    "location": location,
                    "icbhi_mode": mode,
                    "device": device,
                    "sample_rate": 4000,
                    "subtype": "PCM_16",
                    "bit_depth": 16,
                    "channels": 1,
                    "frames": 80_000,
                    "duration_s": 20.0,
                    "cycles": 4,
                    **facts,
                    "recording_sha256": f"wav {name}",
                    "annotation_sha256": f"txt {name}",
                    "peak": 0.9,
                    "dc_offset": 0.001,
                    "clipped_fraction": 0.0,
                    "longest_constant_s": 0.01,
                    "silent_fraction": 0.0,
                    "rms_dbfs": -20.0,
                }
            )
            for number, (crackles, wheezes) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
                start, end = 0.5 + 2.5 * number, 3.0 + 2.5 * number
                labels = {
                    key: label(key, crackles=crackles, wheezes=wheezes, diagnosis=facts["diagnosis"]) for key in CLASSES
                }
                cycles.append(
                    {
                        "corpus": corpus.removesuffix("-part"),
                        "cycle_id": f"{name}_{number:03}",
                        "recording_id": name,
                        "patient_id": patient,
                        "device": device,
                        "cycle_index": number,
                        "start_s": start,
                        "end_s": end,
                        "duration_s": end - start,
                        "icbhi_crackles": crackles,
                        "icbhi_wheezes": wheezes,
                        **labels,
                        "split": facts["split"],
                        "fold": facts["fold"],
                        "audio_sha256": f"cycle {name} {number}",
                    }
                )
    recording_table, cycle_table = (
        pl.DataFrame(pa.Table.from_pylist(rows, schema=schema))
        for rows, schema in ((recordings, schemas.RECORDINGS), (cycles, schemas.CYCLES))
    )
    summary = {
        "corpus": corpus,
        "recordings": len(recordings),
        "cycles": len(cycles),
        "missing": [],
        "corrections": [],
        "classes": classes(cycle_table.to_arrow()),
        "rates": [4000],
    }
    return Corpus(recording_table, cycle_table, summary)
