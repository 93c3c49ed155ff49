"""Feature cache of one front end: features of all cycles, their index and their statistics.

Cycles are streamed: one thread reads and writes, and a few workers compute (`tasks.runtime.parallel`). Threads are the
default, because the heavy steps release Python's lock. The bytes that are written do
not depend on the kind or the number of workers.
"""

import math
import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from models import file_names
from tasks.features import cycle_features, cycle_waveforms
from tasks.features.arrays import CacheFrontEnd, Statistics
from tasks.runtime import arrow_columns, files, parallel, progress_bars

CYCLES_PER_BATCH = 16
MAX_WORKERS = 4  # more workers would wait for the thread that reads and writes
BATCHES_PER_SHARD = 2  # batches in one Dask task: about 10 MB over the network


def build(front_end: CacheFrontEnd, cycles: Path, audio: Path, out: Path, *, duration_s: float, workers: int) -> None:
    """Write the cache of one front end: ``features.npy``, ``index.parquet`` and ``statistics.json``.

    The old contents of ``out`` are removed first, so that array and index always belong together.

    Args:
        front_end: Front end that computes the features.
        cycles: Path of the table of cycles.
        audio: Path of the cycles' waveforms at the front end's sample rate.
        out: Folder of the cache.
        duration_s: Length of the clips in seconds, written to the statistics.
        workers: Number of threads or processes.

    Raises:
        BreathlineError: The waveforms are not those of the table's cycles, a front end fails on a cycle, or the disk
            is full.
    """
    ids = cycle_waveforms.matching_ids(cycles, audio)
    if out.exists():
        shutil.rmtree(out)
    shape = (len(ids), front_end.frames, front_end.mels)
    work, batches = partial(cycle_features.features, front_end), cycle_waveforms.read(audio, rows=CYCLES_PER_BATCH)
    computed = parallel.in_order(work, batches, workers=workers, ahead=2, shard=BATCHES_PER_SHARD)
    needed = math.prod(shape) * np.dtype(np.float16).itemsize
    with files.replacing(out / file_names.FEATURES, needed=needed) as temporary, closing(computed) as parts:
        statistics, not_finite = _write(temporary, shape, parts, f"fbank {front_end.name}")
        cycle_features.require_finite(not_finite, len(ids), audio)
    rows = arrow_columns.numbers(np.arange(len(ids), dtype=np.int32), pa.int32())
    files.write_table(out / file_names.INDEX, pa.Table.from_arrays([ids, rows], names=["cycle_id", "row"]))
    about = {"frontend": front_end.name, "sample_rate": front_end.sample_rate, "duration_s": duration_s}
    about |= {"pad": front_end.pad, "fade": front_end.fade}
    sizes = dict(zip(("cycles", "frames", "mels"), shape, strict=True))
    files.write_json(out / file_names.STATISTICS, {**about, **sizes, **statistics.card()})


def _write(
    path: Path, shape: tuple[int, int, int], parts: Iterator[cycle_features.Part], title: str
) -> tuple[Statistics, list[str]]:
    """Write an .npy file of float16 part by part; return its statistics and the cycles whose values are not finite."""
    statistics, not_finite = Statistics.none(shape[-1]), list[str]()
    # With "wb", ext4 would write the whole file to the disk before it is closed.
    with path.open("r+b") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for part in progress_bars.track(parts, title, shape[0], size=lambda part: len(part.features)):
            file.write(part.features.data)
            statistics += part.statistics
            not_finite += part.not_finite
    return statistics, not_finite
