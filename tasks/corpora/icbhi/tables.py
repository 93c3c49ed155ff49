"""The tables of recordings and cycles: what the files tell of each, joined with the patients' metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from tasks.corpora.icbhi import labels, metadata
from tasks.runtime import schemas
from tasks.runtime.errors import BreathlineError

PATIENT = {
    "diagnosis": pl.String,
    "age": pl.Float64,
    "sex": pl.String,
    "icbhi_bmi": pl.Float64,
    "icbhi_weight_kg": pl.Float64,
    "icbhi_height_cm": pl.Float64,
    "fold": pl.Int8,
}


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The metadata files joined: `patients` by `patient_id` and `splits` by `recording_id`, and how the names fit."""

    patients: pl.DataFrame
    splits: pl.DataFrame
    match: metadata.Match


def read_metadata(folder: Path, recording_ids: Sequence[str]) -> Metadata:
    """Return what `data/raw/metadata` tells about these recordings.

    Raises:
        BreathlineError: A file is missing or broken, or a recording is on no side or on both sides of the split.
    """
    split_file = folder / metadata.SPLIT_FILE
    split = metadata.read_split(split_file)
    match = metadata.match(split, recording_ids)
    if match.unlisted:
        raise BreathlineError(
            f"The official split does not name {len(match.unlisted)} recordings: {', '.join(match.unlisted[:5])}"
            f"{' …' if len(match.unlisted) > 5 else ''}.",
            where=split_file,
            hint="add them to the split file, or remove their audio",
        )
    sides: dict[str, dict[str, Any]] = {}
    for name, recording_id in match.recording_ids.items():
        row = sides.setdefault(
            recording_id, {"recording_id": recording_id, "split": split[name], "icbhi_name_in_split": None}
        )
        if row["split"] != split[name]:
            raise BreathlineError(
                f"{recording_id} is in train under one name and in test under another, {name}.",
                where=split_file,
                hint="remove the name that does not hold",
            )
        if name != recording_id:
            row["icbhi_name_in_split"] = name
    splits = pl.DataFrame(
        list(sides.values()), schema={"recording_id": pl.String, "split": pl.String, "icbhi_name_in_split": pl.String}
    )
    diagnoses = metadata.read_diagnosis(folder / metadata.DIAGNOSIS_FILE)
    demographics = metadata.read_demographics(folder / metadata.DEMOGRAPHICS_FILE)
    # The official site does not have the fold list; without it the splits 0 to 4 have no cycles, and say so.
    fold_list = folder / metadata.FOLDS_FILE
    folds = metadata.read_folds(fold_list) if fold_list.exists() else {}
    patients = [
        {
            "patient_id": patient,
            "diagnosis": diagnoses.get(patient),
            "fold": folds.get(patient),
            **_demographics(demographics.get(patient)),
        }
        for patient in {*diagnoses, *demographics, *folds}
    ]
    return Metadata(
        patients=pl.DataFrame(patients, schema={"patient_id": pl.String, **PATIENT}), splits=splits, match=match
    )


def _demographics(person: metadata.Demographics | None) -> dict[str, Any]:
    """Return the demographics of a patient by column."""
    if person is None:
        return {}
    return {name if name in PATIENT else f"icbhi_{name}": value for name, value in asdict(person).items()}


def recordings(corpus: str, facts: Sequence[Mapping[str, Any]], known: Metadata) -> pa.Table:
    """Return the table of recordings, sorted by `recording_id`; what the metadata do not tell is null."""
    joined = (
        pl.DataFrame(facts, infer_schema_length=None)
        .join(known.patients, on="patient_id", how="left")
        .join(known.splits, on="recording_id", how="left")
        .with_columns(corpus=pl.lit(corpus))
        .sort("recording_id")
    )
    return _conform(joined, schemas.RECORDINGS)


def cycles(rows: Sequence[Mapping[str, Any]], recordings: pa.Table) -> pa.Table:
    """Return the table of cycles, sorted by `cycle_id`, with the labels of every set."""
    known = pl.DataFrame(recordings).select(
        "corpus", "recording_id", "patient_id", "device", "split", "fold", "diagnosis"
    )
    flags = pl.DataFrame(rows, infer_schema_length=None)
    joined = (
        flags.join(known, on="recording_id", how="left")
        .join(_label_table(), on=["icbhi_crackles", "icbhi_wheezes", "diagnosis"], how="left", nulls_equal=True)
        .sort("cycle_id")
    )
    return _conform(joined, schemas.CYCLES)


def _label_table() -> pl.DataFrame:
    """Return the classes in every set of labels for every combination of crackles, wheezes and diagnosis."""
    rows = [
        {"icbhi_crackles": crackles, "icbhi_wheezes": wheezes, "diagnosis": diagnosis}
        | {name: labels.label(name, crackles=crackles, wheezes=wheezes, diagnosis=diagnosis) for name in labels.CLASSES}
        for crackles, wheezes, diagnosis in product((0, 1), (0, 1), (*labels.DIAGNOSES, None))
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _conform(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return a frame's columns in the order and types of a schema."""
    return frame.select(schema.names).to_arrow().cast(schema)
