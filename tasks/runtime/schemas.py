"""Arrow schemas of the tables that `extract` writes; docs/reference/artifacts.md describes the columns."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

QUALITY = (
    "peak",
    "dc_offset",
    "clipped_fraction",
    "longest_constant_s",
    "silent_fraction",
    "rms_dbfs",
    "mix_loss_db",
    "centroid_hz",
)

# Columns that the tables of every corpus have.
RECORDINGS = pa.schema(
    {
        "corpus": pa.string(),
        "recording_id": pa.string(),
        "patient_id": pa.string(),
        "location": pa.string(),
        "device": pa.string(),
        "sample_rate": pa.int32(),
        "subtype": pa.string(),
        "bit_depth": pa.int32(),
        "channels": pa.int32(),
        "frames": pa.int64(),
        "duration_s": pa.float64(),
        "cycles": pa.int32(),
        "age": pa.float64(),
        "sex": pa.string(),
        "diagnosis": pa.string(),
        "split": pa.string(),
        "fold": pa.int8(),
        "recording_sha256": pa.string(),
        "annotation_sha256": pa.string(),
        **dict.fromkeys(QUALITY, pa.float64()),
    }
)
CYCLES = pa.schema(
    {
        "corpus": pa.string(),
        "cycle_id": pa.string(),
        "recording_id": pa.string(),
        "patient_id": pa.string(),
        "device": pa.string(),
        "cycle_index": pa.int32(),
        "start_s": pa.float64(),
        "end_s": pa.float64(),
        "duration_s": pa.float64(),
        "split": pa.string(),
        "fold": pa.int8(),
        "audio_sha256": pa.string(),
    }
)
AUDIO = pa.schema(
    {
        "cycle_id": pa.string(),
        "samples": pa.list_(pa.field("element", pa.float32(), nullable=False)),  # without nulls: read in half the time
    }
)


def recordings(own: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a table of recordings, with the columns that only its corpus has."""
    return pa.schema([*RECORDINGS, *_own(own)])


def cycles(labels: Iterable[str], own: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a table of cycles, with the columns of its label sets and those that only its corpus has."""
    return pa.schema([*CYCLES, *pa.schema(dict.fromkeys(labels, pa.int8())), *_own(own)])


def _own(types: Mapping[str, str]) -> pa.Schema:
    """Return the columns whose Arrow types are given by name, such as ``int8``."""
    return pa.schema({name: pa.type_for_alias(kind) for name, kind in types.items()})
