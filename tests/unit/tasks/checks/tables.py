"""Small tables without faults, as `extract` writes them, and methods that insert faults."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from tasks.checks import frames
from tasks.checks.check import Check
from tasks.checks.settings import CheckSettings
from tasks.checks.suites import suites
from tasks.corpora.icbhi import facts as icbhi
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.corpora.icbhi.expectations import expectations
from tasks.corpora.icbhi.labels import CLASSES, label
from tasks.extract import classes
from tasks.runtime import params
from tasks.runtime.corpus_facts import CorpusFacts, Identity

ADULT = {"age": 61.0, "sex": "M", "icbhi_bmi": 28.5, "icbhi_weight_kg": None, "icbhi_height_cm": None}
CHILD = {"age": 0.25, "sex": "F", "icbhi_bmi": None, "icbhi_weight_kg": 8.2, "icbhi_height_cm": 68.0}
PATIENTS: dict[str, dict[str, Any]] = {
    "101": {**CHILD, "diagnosis": "URTI", "fold": 0, "split": "train"},
    "102": {**ADULT, "diagnosis": "COPD", "fold": 1, "split": "train"},
    "103": {**ADULT, "diagnosis": "Healthy", "fold": 4, "split": "test"},
}
ROOT = Path(__file__).parents[4]
PLACES = ("Al_sc_Meditron", "Tc_mc_AKGC417L")
SETTINGS = params.parse(CheckSettings, params.read(ROOT / "params.yaml")["validate"], "validate")


@dataclass
class Tables:
    """The two tables, the summary, and the facts of the corpus."""

    recordings: pl.DataFrame
    cycles: pl.DataFrame
    summary: dict[str, Any]
    facts: CorpusFacts

    def suites(self) -> dict[str, list[Check]]:
        return suites(SETTINGS, self.facts, expectations(self.facts.identity), self.summary)

    def put(self, table: str, row: int, **values: Any) -> str:
        """Change values of one row, and return its name after the change; "" if it has no name."""
        frame: pl.DataFrame = getattr(self, table)
        at = pl.int_range(pl.len()) == row
        changed = frame.with_columns(
            pl.when(at).then(pl.lit(value, dtype=frame.schema[column])).otherwise(column).alias(column)
            for column, value in values.items()
        )
        setattr(self, table, changed)
        return changed[f"{table[:-1]}_id"][row] or ""

    def drop(self, table: str, row: int) -> str:
        """Remove one row, and return its name."""
        frame: pl.DataFrame = getattr(self, table)
        setattr(self, table, frame.filter(pl.int_range(pl.len()) != row))
        return str(frame[f"{table[:-1]}_id"][row])

    def repeat(self, table: str, row: int) -> str:
        """Add a copy of one row, and return its name."""
        frame: pl.DataFrame = getattr(self, table)
        setattr(self, table, pl.concat([frame, frame[row]]))
        return str(frame[f"{table[:-1]}_id"][row])

    def frames(self) -> frames.Frames:
        return frames.join(self.recordings, self.cycles, self.summary)

    def arrow(self, table: str) -> pa.Table:
        schema = {"recordings": CORPUS.recordings_schema, "cycles": CORPUS.cycles_schema}[table]
        return getattr(self, table).to_arrow().cast(schema)


def facts(name: str) -> CorpusFacts:
    """Return the facts of recordings in ICBHI's format that were identified as `name`."""
    known = {"verified": name in (icbhi.COMPLETE, icbhi.PART), "complete": name == icbhi.COMPLETE}
    return icbhi.facts(Identity(name=name, statement=f"identified as {name}", evidence="", recordings=6, **known))


def clean(identity: str = icbhi.OWN) -> Tables:
    """Return tables of three patients with two recordings of 20 s each; each has one cycle of every class.

    Args:
        identity: The name of the identity.
    """
    rows = params.read(Path(__file__).with_name("rows.yaml"))
    recordings: list[dict[str, Any]] = []
    cycles: list[dict[str, Any]] = []
    for (patient, metadata), (index, place) in product(PATIENTS.items(), enumerate(PLACES, 1)):
        location, mode, device = place.split("_")
        name = f"{patient}_{index}b1_{place}"
        keys = {"recording_id": name, "patient_id": patient, "device": device}
        own = {"location": location, "icbhi_mode": mode, "icbhi_recording_index": f"{index}b1"}
        hashes = {"recording_sha256": f"wav {name}", "annotation_sha256": f"txt {name}"}
        recordings.append(rows["recording"] | keys | own | metadata | hashes)
        for number, (crackles, wheezes) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
            sounds = {"crackles": crackles, "wheezes": wheezes}
            labels = {key: label(key, **sounds, diagnosis=metadata["diagnosis"]) for key in CLASSES}
            named = {"cycle_id": f"{name}_{number:03}", "cycle_index": number, "audio_sha256": f"{name} {number}"}
            times = {"start_s": 0.5 + 2.5 * number, "end_s": 3.0 + 2.5 * number}
            flags = {f"icbhi_{sound}": flag for sound, flag in sounds.items()}
            sides = {key: metadata[key] for key in ("split", "fold")}
            cycles.append(rows["cycle"] | keys | named | times | flags | labels | sides)
    recording_table, cycle_table = (
        pl.DataFrame(pa.Table.from_pylist(rows, schema=schema))
        for rows, schema in ((recordings, CORPUS.recordings_schema), (cycles, CORPUS.cycles_schema))
    )
    summary = {
        "recordings": len(recordings),
        "cycles": len(cycles),
        "missing": [],
        "corrections": [],
        "classes": classes(cycle_table.to_arrow(), CORPUS),
        "rates": [4000],
    }
    return Tables(recording_table, cycle_table, summary, facts(identity))
