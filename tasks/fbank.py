"""The stage `fbank`: the features of every cycle by one front end, as a memory-mapped cache.

``python -m tasks.fbank FRONTEND`` reads ``frontends.FRONTEND`` of params.yaml and writes ``data/fbank/FRONTEND/``.

Cycles are streamed: one thread reads and writes, a few compute (or processes, or a Dask cluster:
`tasks.runtime.parallel`), and no more are under way than keep these busy. Threads are the default, since torch works
outside Python's lock, and each process more would hold torch once more. The bytes that are written do not depend on
what computes, nor on how many.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models import file_names
from models.frontends.base import FrontEnd
from models.frontends.registry import create
from models.frontends.settings import FrontEndSettings
from tasks import artifacts
from tasks.features import cycle_features, cycle_waveforms
from tasks.features.arrays import Statistics
from tasks.runtime import files, parallel, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console, stage

CYCLES_AT_ONCE = 4  # that a thread takes: some 3 MB of waveforms and features
MAX_WORKERS = 4  # more would wait for the thread that reads and writes
SHARD = 8  # times so many for a task of Dask: some 10 MB over the network


def build(front_end: FrontEnd, cycles: Path, audio: Path, out: Path, *, duration_s: float, workers: int) -> None:
    """Write the cache of one front end: ``features.npy``, ``index.parquet`` and ``statistics.json``.

    What ``out`` held before goes first, so that array and index always belong together.

    Args:
        front_end: Computes the features.
        cycles: The table of cycles.
        audio: The cycles' waveforms at the front end's sample rate.
        out: The folder of the cache.
        duration_s: Length of the clips, for the record.
        workers: How many threads compute, or processes.

    Raises:
        BreathlineError: The waveforms are not exactly the table's cycles, no features can be had of one, or the disk
            is full.
    """
    ids = cycle_waveforms.matching_ids(cycles, audio)
    if out.exists():
        shutil.rmtree(out)
    shape = (len(ids), front_end.frames, front_end.mels)
    work, batches = partial(cycle_features.features, front_end), cycle_waveforms.read(audio, rows=CYCLES_AT_ONCE)
    computed = parallel.in_order(work, batches, workers=workers, ahead=2, shard=SHARD)
    try:
        with files.replacing(out / file_names.FEATURES) as temporary, closing(computed) as parts:
            statistics = _write(temporary, shape, parts, f"fbank {front_end.name}")
    except OSError as error:
        size = math.prod(shape) * 2 / 1e9
        raise BreathlineError(
            f"The features cannot be written: {error.strerror}.", where=out, hint=f"make room for {size:.2f} GB"
        ) from error
    files.write_table(out / file_names.INDEX, pa.table({"cycle_id": ids, "row": pa.array(range(len(ids)), pa.int32())}))
    about = {"frontend": front_end.name, "sample_rate": front_end.sample_rate, "duration_s": duration_s}
    about |= {"pad": front_end.pad, "fade": front_end.fade}
    sizes = dict(zip(("cycles", "frames", "mels"), shape, strict=True))
    files.write_json(out / file_names.STATISTICS, {**about, **sizes, **statistics.card()})


def _write(path: Path, shape: tuple[int, int, int], parts: Iterator[cycle_features.Part], title: str) -> Statistics:
    """Write an .npy file of float16 part by part, and return the statistics of what was written."""
    statistics = Statistics.none(shape[-1])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with path.open("wb") as file, Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=shape[0])
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for features, part in parts:
            file.write(features.data)
            statistics += part
            progress.advance(bar, len(features))
    return statistics


def main(name: str) -> None:
    """Run the stage for the front end that the command line names."""
    with stage(f"fbank@{name}") as log:
        key = f"frontends.{name}"
        settings = params.parse(FrontEndSettings, params.section(params.read(), key), key)
        try:
            front_end = create(name, **asdict(settings))
        except ValueError as error:
            raise BreathlineError(
                str(error), where=f"params.yaml: {key}", hint="correct the name, or make duration_s longer"
            ) from error
        audio = artifacts.WAVEFORMS / f"{front_end.sample_rate}.parquet"
        out, workers = artifacts.FEATURE_CACHES / name, min(parallel.usable_cores(), MAX_WORKERS)
        build(front_end, artifacts.CYCLES, audio, out, duration_s=settings.duration_s, workers=workers)
        log.info("Features of the front end %s written to %s", name, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
