"""Features and statistics of a few cycles: the work of one of the parallel workers of `fbank`."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.features import arrays
from tasks.features.arrays import CacheFrontEnd, Statistics
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed


class Part(NamedTuple):
    """Features of a few cycles.

    Attributes:
        features: Array (cycles, frames, mels).
        statistics: Statistics of its values.
        not_finite: Ids of the cycles with values that are not finite.
    """

    features: npt.NDArray[np.float16]
    statistics: Statistics
    not_finite: list[str]


def features(front_end: CacheFrontEnd, batch: pa.RecordBatch) -> Part:
    """Return the features (cycles, frames, mels) of a few cycles, and their statistics.

    Args:
        front_end: Front end that computes the features.
        batch: Rows of the cycles' waveforms, as `extract` writes them.

    Raises:
        BreathlineError: A cycle has no samples.
    """
    ids, samples = batch.column("cycle_id").to_pylist(), batch.column("samples")
    values: Any = np.from_dlpack(samples.values)
    offsets = np.from_dlpack(samples.offsets)  # `to_numpy` imports pandas
    cycles: list[npt.NDArray[np.float32]] = [values[start:end] for start, end in pairwise(offsets.tolist())]
    for cycle_id, cycle in zip(ids, cycles, strict=True):
        if len(cycle) == 0:
            raise BreathlineError(
                f"The cycle {cycle_id} has no samples.", where=cycle_id, hint="check its times in the annotation file"
            )
    found, statistics = arrays.compute(front_end, cycles)
    not_finite: list[str] = []
    if not np.isfinite(statistics.total).all():
        finite = [bool(np.isfinite(one).all()) for one in found]
        not_finite = [cycle_id for cycle_id, good in zip(ids, finite, strict=True) if not good]
    return Part(found, statistics, not_finite)


def require_finite(not_finite: Sequence[str], cycles: int, where: object) -> None:
    """Refuse features that are not finite.

    Args:
        not_finite: Ids of the cycles with such features.
        cycles: Number of all cycles.
        where: File of the waveforms, for the error message.

    Raises:
        BreathlineError: There is such a cycle; the error names the first few and their number.
    """
    if not_finite:
        raise BreathlineError(
            f"The features of {len(not_finite)} of {cycles} cycles are not finite numbers within float16: "
            f"{listed(not_finite)}.",
            where=where,
            hint="check their recordings for samples that are not finite or far beyond full scale",
        )
