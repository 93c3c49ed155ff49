"""The stage `fbank`: the features of every cycle by one front end, as a memory-mapped cache.

``python -m tasks.fbank FRONTEND`` reads ``frontends.FRONTEND`` of params.yaml and writes ``data/fbank/FRONTEND/``.

Cycles are streamed: one thread reads and writes, a few compute, and no more are under way than keep these busy.
(Threads, for torch works outside Python's lock, and each process more would hold torch once more.) The bytes that are
written do not depend on how many there are.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from models.frontends.base import FrontEnd
from models.frontends.cache import Statistics, compute
from models.frontends.registry import SAMPLE_RATES, create
from tasks import cycle_audio, files, params
from tasks.errors import BreathlineError
from tasks.stage import console, stage

CYCLES = Path("data/cycles/cycles.parquet")
AUDIO = Path("data/cycles/audio")
OUT = Path("data/fbank")
CYCLES_AT_ONCE = 4  # that a thread takes: some 3 MB of waveforms and features
MOST_WORKERS = 4  # more would wait for the thread that reads and writes

Part = tuple[Tensor, Statistics]


@dataclass(frozen=True, kw_only=True)
class FrontEndSettings:
    """How long the clips are that stand for the cycles, in seconds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]


def build(front_end: FrontEnd, cycles: Path, audio: Path, out: Path, *, duration_s: float, workers: int) -> None:
    """Write the cache of one front end: ``features.npy``, ``index.parquet`` and ``statistics.json``.

    What ``out`` held before goes first, so that array and index always belong together.

    Args:
        front_end: Computes the features.
        cycles: The table of cycles.
        audio: The cycles' waveforms at the front end's sample rate.
        out: The folder of the cache.
        duration_s: Length of the clips, for the record.
        workers: How many threads compute.

    Raises:
        BreathlineError: The waveforms are not exactly the table's cycles, no features can be had of one, or the disk
            is full.
    """
    ids = cycle_audio.matching_ids(cycles, audio)
    if out.exists():
        shutil.rmtree(out)
    shape = (len(ids), front_end.frames, front_end.mels)
    try:
        with files.replacing(out / "features.npy") as temporary:
            statistics = _write(temporary, shape, _computed(front_end, audio, workers), f"fbank {front_end.name}")
    except OSError as error:
        size = math.prod(shape) * 2 / 1e9
        raise BreathlineError(
            f"The features cannot be written: {error.strerror}.", where=out, hint=f"make room for {size:.2f} GB"
        ) from error
    files.write_table(out / "index.parquet", pa.table({"cycle_id": ids, "row": pa.array(range(len(ids)), pa.int32())}))
    about = {"frontend": front_end.name, "sample_rate": front_end.sample_rate, "duration_s": duration_s}
    sizes = dict(zip(("cycles", "frames", "mels"), shape, strict=True))
    files.write_json(out / "statistics.json", {**about, **sizes, **statistics.card()})


def _write(path: Path, shape: tuple[int, int, int], parts: Iterator[Part], title: str) -> Statistics:
    """Write an .npy file of float16 part by part, and return the statistics of what was written."""
    statistics = Statistics.none(shape[-1])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with path.open("wb") as file, Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=shape[0])
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for features, part in parts:
            file.write(features.numpy().data)
            statistics += part
            progress.advance(bar, len(features))
    return statistics


def _computed(front_end: FrontEnd, audio: Path, workers: int) -> Iterator[Part]:
    """Yield features and their statistics in the order of the waveforms, computed by several threads."""
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    under_way: deque[Future[Part]] = deque()
    try:
        for batch in cycle_audio.read(audio, rows=CYCLES_AT_ONCE):
            under_way.append(pool.submit(_features, front_end, batch))
            if len(under_way) > workers + 1:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _features(front_end: FrontEnd, batch: pa.RecordBatch) -> Part:
    """Return the features of a few cycles and their statistics.

    Raises:
        BreathlineError: A cycle has no samples, or has some that make features which float16 cannot hold.
    """
    ids, samples = batch.column("cycle_id").to_pylist(), batch.column("samples")
    values = samples.flatten()
    values = from_dlpack(values.fill_null(math.nan) if values.null_count else values)
    ends = np.cumsum(samples.value_lengths().fill_null(0))
    cycles = [values[start:end] for start, end in pairwise([0, *ends.tolist()])]
    for cycle_id, cycle in zip(ids, cycles, strict=True):
        if len(cycle) == 0:
            raise BreathlineError(
                f"The cycle {cycle_id} has no samples.", where=cycle_id, hint="look at its times in the annotation file"
            )
    features = compute(front_end, cycles)
    statistics = sum(map(Statistics.of, features), Statistics.none(front_end.mels))
    if not statistics.total.isfinite().all():
        cycle_id = ids[int(features.isfinite().flatten(1).all(dim=1).logical_not().nonzero()[0])]
        raise BreathlineError(
            f"The features of the cycle {cycle_id} are not finite numbers within float16.",
            where=cycle_id,
            hint="look for samples of its recording that are not numbers, or far beyond full scale",
        )
    return features, statistics


def main() -> None:
    """Run the stage for the front end that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tasks.fbank", description="Compute one front end's feature cache.")
    parser.add_argument("frontend", choices=sorted(SAMPLE_RATES))
    name = parser.parse_args().frontend
    with stage(f"fbank@{name}") as log:
        key = f"frontends.{name}"
        settings = params.parse(FrontEndSettings, params.section(params.read(), key), key)
        try:
            front_end = create(name, settings.duration_s)
        except ValueError as error:
            raise BreathlineError(str(error), where=f"params.yaml: {key}", hint="make duration_s longer") from error
        audio = AUDIO / f"{front_end.sample_rate}.parquet"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        build(front_end, CYCLES, audio, OUT / name, duration_s=settings.duration_s, workers=min(cores, MOST_WORKERS))
        log.info("features of %s: %s", name, OUT / name)


if __name__ == "__main__":
    main()
