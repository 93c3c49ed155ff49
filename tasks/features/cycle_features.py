"""Features and statistics of a few cycles: the work of one of the parallel workers of `fbank`."""

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

    It sets torch to one thread, because there is one worker for each core.

    Args:
        front_end: Front end that computes the features.
        batch: Rows of the cycles' waveforms, as `extract` writes them.

    Raises:
        BreathlineError: A cycle has no samples, or its features are beyond the range of float16.
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
                f"The cycle {cycle_id} has no samples.", where=cycle_id, hint="check its times in the annotation file"
            )
    found = compute(front_end, cycles)
    statistics = sum(map(Statistics.of, found), Statistics.none(front_end.mels))
    if not statistics.total.isfinite().all():
        cycle_id = ids[int(found.isfinite().flatten(1).all(dim=1).logical_not().nonzero()[0])]
        raise BreathlineError(
            f"The features of the cycle {cycle_id} are not finite numbers within float16.",
            where=cycle_id,
            hint="check its recording for samples that are not finite or far beyond full scale",
        )
    return found.numpy(), statistics
