"""Features of one front end for networks: normalised, and read in batches onto a device."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.training.feature_cache import FeatureCache, Rows
from models.training.joined_arrays import JoinedArrays
from models.training.normalization import CycleSources, Normalization
from models.training.transfers import pinned, to_device

PREFETCH = 3  # batches that are read ahead
CHUNK = 256  # cycles copied to a GPU at once


class Features(FeatureCache):
    """Features of a cache, normalised and read in batches onto a device.

    Args:
        directory: Folder of a cache, or of one cache for each corpus.

    Raises:
        UnreadableFileError: See `FeatureCache`.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._device_cache: _DeviceCache | None = None
        self._offsets: Tensor | None = None  # `(cycles, mels)`; NaN for cycles that are not normalised

    def normalize(self, normalization: Normalization | None, sources: Iterable[CycleSources]) -> None:
        """Normalise all features that are read from now on.

        Args:
            normalization: Normalisation of the network; None for features as they are.
            sources: Recordings and devices of all cycles that will be read. Each item is normalised by itself, such as
                the training and the test side.

        Raises:
            ValueError: A cycle is missing in the cache.
        """
        self._offsets = None
        if normalization is None:
            return
        offsets = torch.full((len(self._array), self.mels), torch.nan)
        for some in sources:
            rows = self.find(some.cycles)
            found = normalization.offsets(self.means(rows), some.recordings, some.devices)
            offsets[torch.from_numpy(rows)] = torch.from_numpy(found)
        self._offsets = offsets

    def _normalized(self, features: Tensor, rows: Rows) -> Tensor:
        """Return features ``(len(rows), frames, mels)`` with the offsets of their rows.

        Raises:
            ValueError: A row is of a cycle that `normalize` was not given.
        """
        if self._offsets is None:
            return features
        offsets = self._offsets[torch.from_numpy(rows)]
        if offsets.isnan().any():
            raise ValueError(f"{self.directory}: features are read of cycles without recording and device.")
        return features + to_device(offsets, features.device)[:, None, :]

    def batch(self, rows: Rows, device: torch.device) -> Tensor:
        """Return the features ``(len(rows), frames, mels)`` of rows of the cache as float32 on a device."""
        return self._normalized(to_device(torch.from_numpy(self._array[rows]), device).float(), rows)

    def batches(self, rows: Iterable[Rows], device: torch.device) -> Iterator[Tensor]:
        """Yield the `batch` of each array of rows.

        Within `on_device`, batches come from the memory of the device. Otherwise `PREFETCH` batches are read ahead.
        """
        if self._device_cache is not None:
            for batch_rows in rows:
                yield self._normalized(self._device_cache.batch(batch_rows), batch_rows)
            return
        pool, pending = ThreadPoolExecutor(1, thread_name_prefix="features"), deque[tuple[Rows, Future[Tensor]]]()
        try:
            for batch_rows in rows:
                pending.append((batch_rows, pool.submit(self._read_ahead, batch_rows, device)))
                if len(pending) > PREFETCH:
                    first, read = pending.popleft()
                    yield self._normalized(to_device(read.result(), device).float(), first)
            for last, read in pending:
                yield self._normalized(to_device(read.result(), device).float(), last)
        finally:
            pool.shutdown(cancel_futures=True)

    def _read_ahead(self, rows: Rows, device: torch.device) -> Tensor:
        """Return rows in float16, ready for the copy to a device; called by the reading thread."""
        return pinned(torch.from_numpy(self._array[rows]), device)

    @contextmanager
    def on_device(self, rows: Rows, device: torch.device, *, gigabytes: float) -> Iterator[None]:
        """Keep rows in the device's memory within the block, if they fit into it.

        On a CPU the memory map is used: the system keeps the file in memory once for all processes. Within the block
        only these rows may be read.

        Args:
            rows: Rows of the cache that the block will read.
            device: Device of the training.
            gigabytes: Memory limit in GB (1e9 bytes); larger features are read from disk.
        """
        rows = np.unique(rows)
        if len(rows) * self._array.row_bytes <= gigabytes * 1e9:
            self._device_cache = _DeviceCache(self._array, rows, device)
        try:
            yield
        finally:
            self._device_cache = None


class _DeviceCache:
    """Rows of a feature cache in the memory of a device, in float16."""

    def __init__(self, array: JoinedArrays, rows: Rows, device: torch.device) -> None:
        self._device = device
        if device.type == "cpu" and array.single is not None:
            self._tensor, self._positions = torch.from_numpy(array.single), np.arange(len(array))
            return
        self._tensor = torch.empty((len(rows), *array.shape[1:]), dtype=torch.float16, device=device)
        for start in range(0, len(rows), CHUNK):
            self._tensor[start : start + CHUNK].copy_(torch.from_numpy(array[rows[start : start + CHUNK]]))
        self._positions = np.full(len(array), len(array))  # other rows get an invalid position: an index error
        self._positions[rows] = np.arange(len(rows))

    def batch(self, rows: Rows) -> Tensor:
        index = to_device(torch.from_numpy(self._positions[rows]), self._device)
        return self._tensor.index_select(0, index).float()
