"""The cycles' waveforms as `extract` writes them, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime import schemas
from tasks.runtime.errors import BreathlineError

READ_BUFFER = 1 << 20  # bytes read ahead; without it and `pre_buffer=False`, all that was read stays in memory
HINT = "run the stage extract again"


def read(audio: Path, *, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the waveforms, up to ``rows`` cycles at a time, in the file's order.

    Raises:
        BreathlineError: The file is not there, or is broken.
    """
    with _open(audio) as file:
        yield from file.iter_batches(rows, use_threads=False)


def matching_ids(cycles: Path, audio: Path) -> pa.Array:
    """Return the cycle ids of the waveforms, once it is sure that they are those of the table, sorted, each once.

    Raises:
        BreathlineError: They are not, and the error names the first that differ; or a file is broken or not there.
    """
    with _open(audio) as file:
        if not file.schema_arrow.equals(schemas.AUDIO):
            where = f"{audio}: {', '.join(f'{field.name} {field.type}' for field in file.schema_arrow)}"
            raise BreathlineError("The waveforms have other columns than extract writes.", where=where, hint=HINT)
        found = file.read(columns=["cycle_id"]).column("cycle_id").combine_chunks()
    with _open(cycles) as file:
        wanted = file.read(columns=["cycle_id"]).column("cycle_id").to_pylist()
    ids = found.to_pylist()
    _refuse(audio, "without a waveform", sorted(set(wanted) - set(ids)))
    _refuse(cycles, "not in the table, but have a waveform", sorted(set(ids) - set(wanted)))
    for path, keys in ((audio, ids), (cycles, wanted)):
        _refuse(path, "out of order, or there twice", [later for earlier, later in pairwise(keys) if later <= earlier])
    if not ids:
        raise BreathlineError("There are no cycles.", where=cycles, hint="look at what the stage extract was given")
    return found


def _refuse(path: Path, fault: str, ids: list[str]) -> None:
    if ids:
        named = ", ".join(ids[:5]) + (", …" if ids[5:] else "")
        raise BreathlineError(f"{len(ids)} cycle(s) are {fault}: {named}.", where=path, hint=HINT)


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    """Yield a Parquet file; what is wrong with it, now or while it is read, is an error that names it."""
    try:
        with pq.ParquetFile(path, buffer_size=READ_BUFFER, pre_buffer=False) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise BreathlineError(
            f"The file cannot be read: {str(error).splitlines()[0]}", where=path, hint=HINT
        ) from error
