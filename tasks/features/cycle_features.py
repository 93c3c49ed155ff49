"""The features of a few cycles, and what is counted over them: the part of `fbank` that many workers do at once."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch.utils.dlpack import from_dlpack

from models.frontends.base import FrontEnd
from tasks.features.arrays import Statistics, compute
from tasks.runtime.errors import BreathlineError

Part = tuple[npt.NDArray[np.float16], Statistics]


def features(front_end: FrontEnd, batch: pa.RecordBatch) -> Part:
    """Return the features (cycles, frames, mels) of a few cycles, and their statistics.

    Torch works with one thread from then on in the thread that calls: there are as many of these as cores.

    Args:
        front_end: Computes the features.
        batch: Rows of the cycles' waveforms, as `extract` writes them.

    Raises:
        BreathlineError: A cycle has no samples, or has some that make features which float16 cannot hold.
    """
    torch.set_num_threads(1)
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
    found = compute(front_end, cycles)
    statistics = sum(map(Statistics.of, found), Statistics.none(front_end.mels))
    if not statistics.total.isfinite().all():
        cycle_id = ids[int(found.isfinite().flatten(1).all(dim=1).logical_not().nonzero()[0])]
        raise BreathlineError(
            f"The features of the cycle {cycle_id} are not finite numbers within float16.",
            where=cycle_id,
            hint="look for samples of its recording that are not numbers, or far beyond full scale",
        )
    return found.numpy(), statistics
