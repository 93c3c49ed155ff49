"""The cache of one front end, memory-mapped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from torch import Tensor


class Features:
    """Features ``(cycles, frames, mels)`` in float16 on disk, found by cycle.

    Attributes:
        frames: Frames of a cycle.
        mels: Mel bins of a frame.
        rows: The row of each cycle.

    Raises:
        ValueError: There is no cache in the folder.
    """

    def __init__(self, directory: Path) -> None:
        if not (directory / "features.npy").exists():
            raise ValueError(f"There is no feature cache in {directory}.")
        self.directory = directory
        self._array: npt.NDArray[np.float16] = np.load(directory / "features.npy", mmap_mode="r")
        index = pq.read_table(directory / "index.parquet")
        self.rows: dict[str, int] = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
        _, self.frames, self.mels = self._array.shape

    def find(self, cycles: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the rows of cycles, in their order.

        Raises:
            ValueError: A cycle is not in the cache.
        """
        cycles = list(cycles)
        missing = [cycle for cycle in cycles if cycle not in self.rows]
        if missing:
            raise ValueError(f"{self.directory} has no features of {len(missing)} cycles, such as {missing[0]}.")
        return np.array([self.rows[cycle] for cycle in cycles], dtype=np.int64)

    def batch(self, rows: npt.NDArray[np.int64], device: torch.device) -> Tensor:
        """Return the features ``(len(rows), frames, mels)`` of rows in float32 on a device."""
        return torch.from_numpy(self._array[rows]).to(device).float()
