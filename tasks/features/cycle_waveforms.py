"""Streamed reading of the waveforms of cycles."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from models.file_reading import open_table
from tasks.runtime import schemas
from tasks.runtime.artifact_reading import as_artifact_error, read_table
from tasks.runtime.errors import BreathlineError

HINT = "run the stage extract again"


def read(audio: Path, *, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the waveforms in the order of the file.

    Args:
        audio: Path of the waveforms of one sample rate.
        rows: Number of cycles in a batch.

    Raises:
        BreathlineError: The file is missing or broken.
    """
    with as_artifact_error(), open_table(audio) as file:
        yield from file.iter_batches(rows, use_threads=False)


def matching_ids(cycles: Path, audio: Path) -> pa.Array:
    """Return the cycle ids of the waveforms, after a check that they are those of the table of cycles.

    Args:
        cycles: Path of the table of cycles.
        audio: Path of the waveforms of one sample rate.

    Raises:
        BreathlineError: The ids differ, are not sorted or not unique, or a file is missing or broken.
    """
    with as_artifact_error(), open_table(audio) as file:
        columns = file.schema_arrow
    if not columns.equals(schemas.AUDIO):
        where = f"{audio}: {', '.join(f'{field.name} {field.type}' for field in columns)}"
        raise BreathlineError("The waveforms have other columns than extract writes.", where=where, hint=HINT)
    found = read_table(audio, ["cycle_id"]).column("cycle_id").combine_chunks()
    wanted = read_table(cycles, ["cycle_id"]).column("cycle_id").to_pylist()
    ids = found.to_pylist()
    _require_none(audio, "without a waveform", sorted(set(wanted) - set(ids)))
    _require_none(cycles, "not in the table, but have a waveform", sorted(set(ids) - set(wanted)))
    for path, keys in ((audio, ids), (cycles, wanted)):
        _require_none(
            path, "out of order or duplicated", [later for earlier, later in pairwise(keys) if later <= earlier]
        )
    if not ids:
        raise BreathlineError("There are no cycles.", where=cycles, hint="check the recordings in data/raw")
    return found


def _require_none(path: Path, fault: str, ids: list[str]) -> None:
    if ids:
        named = ", ".join(ids[:5]) + (", …" if ids[5:] else "")
        raise BreathlineError(f"{len(ids)} cycle(s) are {fault}: {named}.", where=path, hint=HINT)
