"""The cache of one front end: memory-mapped, and in batches on the device that needs them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from torch import Tensor

from models import file_names
from models.frontends.settings import FrontEndSettings
from models.training.transfers import send, staged

Rows = npt.NDArray[np.int64]
AHEAD = 3  # batches that are read before they are needed
PIECE = 256  # cycles that go to a GPU at once


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
        if not (directory / file_names.FEATURES).exists():
            raise ValueError(f"There is no feature cache in {directory}.")
        self.directory = directory
        # Copy-on-write, for torch wants memory that may be written; the file stays as it is.
        self._array: npt.NDArray[np.float16] = np.load(directory / file_names.FEATURES, mmap_mode="c")
        index = pq.read_table(directory / file_names.INDEX)
        self.rows: dict[str, int] = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
        _, self.frames, self.mels = self._array.shape
        self._held: _Held | None = None

    @property
    def frontend(self) -> str:
        """The front end that made the features."""
        name: str = self._statistics["frontend"]
        return name

    @property
    def clips(self) -> dict[str, Any]:
        """How cycles became clips: the fields of `FrontEndSettings`; what an earlier cache lacks is as it was."""
        told = {field.name for field in fields(FrontEndSettings)} & self._statistics.keys()
        return asdict(FrontEndSettings(**{name: self._statistics[name] for name in told}))

    @cached_property
    def _statistics(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.directory / file_names.STATISTICS).read_text(encoding="utf-8"))
        return read

    def find(self, cycles: Iterable[str]) -> Rows:
        """Return the rows of cycles, in their order.

        Raises:
            ValueError: A cycle is not in the cache.
        """
        cycles = list(cycles)
        missing = [cycle for cycle in cycles if cycle not in self.rows]
        if missing:
            raise ValueError(f"{self.directory} has no features of {len(missing)} cycles, such as {missing[0]}.")
        return np.array([self.rows[cycle] for cycle in cycles], dtype=np.int64)

    def batch(self, rows: Rows, device: torch.device) -> Tensor:
        """Return the features ``(len(rows), frames, mels)`` of rows in float32 on a device."""
        return send(torch.from_numpy(self._array[rows]), device).float()

    def batches(self, rows: Iterable[Rows], device: torch.device) -> Iterator[Tensor]:
        """Yield what `batch` returns for each of ``rows``: from memory if they are `held`, else read ahead."""
        if self._held is not None:
            yield from map(self._held.batch, rows)
            return
        pool, waiting = ThreadPoolExecutor(1, thread_name_prefix="features"), deque[Future[Tensor]]()
        try:
            for some in rows:
                waiting.append(pool.submit(self._read, some, device))
                if len(waiting) > AHEAD:
                    yield send(waiting.popleft().result(), device).float()
            for read in waiting:
                yield send(read.result(), device).float()
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, rows: Rows, device: torch.device) -> Tensor:
        """Return rows as they are on disk, ready to be sent; what a thread does ahead of the training."""
        return staged(torch.from_numpy(self._array[rows]), device)

    @contextmanager
    def held(self, rows: Rows, device: torch.device, *, gigabytes: float) -> Iterator[None]:
        """Hold rows in the device's memory within the block, if they need no more than so many gigabytes.

        On a CPU the memory map is that already: the system keeps the file in memory, once for all processes. Within the
        block only these rows may be asked for.
        """
        rows = np.unique(rows)
        if len(rows) * self._array[:1].nbytes <= gigabytes * 1e9:
            self._held = _Held(self._array, rows, device)
        try:
            yield
        finally:
            self._held = None


class _Held:
    """Rows of a cache in the memory of a device, in float16."""

    def __init__(self, array: npt.NDArray[np.float16], rows: Rows, device: torch.device) -> None:
        self._device = device
        if device.type == "cpu":
            self._tensor, self._places = torch.from_numpy(array), np.arange(len(array))
            return
        self._tensor = torch.empty((len(rows), *array.shape[1:]), dtype=torch.float16, device=device)
        for start in range(0, len(rows), PIECE):
            self._tensor[start : start + PIECE].copy_(torch.from_numpy(array[rows[start : start + PIECE]]))
        self._places = np.full(len(array), len(array))  # of rows that are not here: an error where they are asked for
        self._places[rows] = np.arange(len(rows))

    def batch(self, rows: Rows) -> Tensor:
        index = send(torch.from_numpy(self._places[rows]), self._device)
        return self._tensor.index_select(0, index).float()
