"""Cells of a spectrogram: blocks of frames and mel bins that maps are shown and tested by."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

FRAMES, MELS = 10, 8  # frames (0.1 s with hops of 10 ms) and mel bins of a cell


def mean(maps: Tensor) -> Tensor:
    """Return the mean of maps ``(batch, frames, mels)`` in each cell, ``(batch, rows, columns)``.

    Rows follow time and columns frequency. The last cells may be smaller.
    """
    return F.avg_pool2d(maps[:, None], (FRAMES, MELS), ceil_mode=True, count_include_pad=False)[:, 0]


def centres(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Return the mean position of each cell along an axis.

    Args:
        values: Positions of the frames or mel bins.
        size: Number of frames or mel bins of a cell.
    """
    return np.array([values[start : start + size].mean() for start in range(0, len(values), size)])


def expand(values: Tensor, *, frames: int, mels: int) -> Tensor:
    """Return values of cells ``(batch, rows, columns)`` as values of all frames and mel bins."""
    return values.repeat_interleave(FRAMES, 1).repeat_interleave(MELS, 2)[:, :frames, :mels]


def ranks(values: Tensor) -> Tensor:
    """Return the rank of each cell ``(batch, rows, columns)`` in its map, 0 for the largest value.

    Of equal values, the earlier frame and the lower frequency comes first.
    """
    order = values.flatten(1).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1).reshape(values.shape)


def random_ranks(values: Tensor, generator: torch.Generator) -> Tensor:
    """Return random ranks of cells, of the shape of values ``(batch, rows, columns)``.

    Args:
        values: Values of the cells, for their shape.
        generator: Random generator on the CPU.
    """
    return ranks(torch.rand(values.shape, generator=generator)).to(values.device)
