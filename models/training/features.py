"""Feature cache of one front end: memory-mapped, read in batches onto a device."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from models import file_names
from models.file_reading import UnreadableFileError, read_array, read_json, read_table
from models.frontends.settings import FrontEndSettings
from models.training.joined_arrays import JoinedArrays
from models.training.normalization import CycleSources, Means, Normalization, frame_means
from models.training.transfers import pinned, to_device

Rows = npt.NDArray[np.int64]
PREFETCH = 3  # batches that are read ahead
CHUNK = 256  # cycles copied to a GPU at once
INDEX = pa.schema({"cycle_id": pa.string(), "row": pa.int32()})
CLIP_KEYS = ("frontend", "sample_rate", "duration_s", "pad", "fade", "frames", "mels")


class Features:
    """Features ``(cycles, frames, mels)`` in float16 on disk, of one corpus or of several, indexed by cycle.

    Args:
        directory: Folder of a cache, or of one cache for each corpus.

    Attributes:
        frames: Number of frames of a cycle.
        mels: Number of mel bins of a frame.
        rows: Row of each cycle, by the cycle's id; rows are numbered over all corpora.
        files: Arrays and indices that are read.

    Raises:
        UnreadableFileError: A file of a cache is missing or damaged, array and index do not belong together, or the
            caches are of different front ends.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # By any of their files, so that a missing one is named.
        files = (file_names.FEATURES, file_names.INDEX, file_names.STATISTICS)
        folders = sorted({path.parent for name in files for path in directory.glob(f"*/{name}")}) or [directory]
        self.files = [folder / name for folder in folders for name in (file_names.FEATURES, file_names.INDEX)]
        arrays, self.rows = list[npt.NDArray[np.float16]](), dict[str, int]()
        for folder in folders:
            array, index = _read(folder)
            start = sum(map(len, arrays))
            self.rows |= {cycle: start + row for cycle, row in index.items()}
            arrays.append(array)
        self._array = JoinedArrays(arrays)
        if len(self.rows) != len(self._array):
            raise UnreadableFileError(directory, "two caches have features of one cycle")
        self._statistics, *others = (
            read_json(folder / file_names.STATISTICS, {"duration_s": (int, float)}) for folder in folders
        )
        for folder, other in zip(folders[1:], others, strict=True):
            if any(other.get(key) != self._statistics.get(key) for key in CLIP_KEYS):
                raise UnreadableFileError(folder / file_names.STATISTICS, f"its front end differs from {folders[0]}")
        _, self.frames, self.mels = self._array.shape
        self._device_cache: _DeviceCache | None = None
        self._offsets: Tensor | None = None  # `(cycles, mels)`; NaN for cycles that are not normalised

    @property
    def frontend(self) -> str:
        """Name of the front end that computed the features."""
        name: str = self._statistics["frontend"]
        return name

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz of the waveforms that the features were computed from.

        Raises:
            UnreadableFileError: The cache does not say it.
        """
        rate = self._statistics.get("sample_rate")
        if not isinstance(rate, int):
            raise UnreadableFileError(self.directory / file_names.STATISTICS, "`sample_rate` is missing")
        return rate

    @property
    def clip_settings(self) -> dict[str, Any]:
        """Length, padding and fades of the clips: the fields of `FrontEndSettings`, with defaults for older caches."""
        known = {field.name for field in fields(FrontEndSettings)} & self._statistics.keys()
        return asdict(FrontEndSettings(**{name: self._statistics[name] for name in known}))

    def find(self, cycles: Iterable[str]) -> Rows:
        """Return the rows of cycles in the given order.

        Raises:
            UnreadableFileError: A cycle is missing in the cache.
        """
        cycles = list(cycles)
        missing = [cycle for cycle in cycles if cycle not in self.rows]
        if missing:
            raise UnreadableFileError(
                self.directory, f"it has no features of {len(missing)} cycles, such as {missing[0]}"
            )
        return np.array([self.rows[cycle] for cycle in cycles], dtype=np.int64)

    def are_finite(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return for each row of the cache whether all its features are finite."""
        return np.asarray(np.isfinite(self._array[rows]).all(axis=(1, 2)))

    def read(self, rows: Rows) -> npt.NDArray[np.float16]:
        """Return the features ``(len(rows), frames, mels)`` of rows of the cache."""
        return self._array[rows]

    def check_shape(self, frames: int, mels: int) -> None:
        """Refuse a network that was trained on features of another shape.

        Raises:
            UnreadableFileError: The features have another number of frames or mel bins.
        """
        if (self.frames, self.mels) != (frames, mels):
            reason = f"a cycle has {self.frames} × {self.mels} values, and the model was trained on {frames} × {mels}"
            raise UnreadableFileError(self.directory / file_names.FEATURES, reason)

    def means(self, rows: Rows) -> Means:
        """Return the mean features ``(len(rows), mels)`` of rows of the cache over their frames, read one by one."""
        return np.concatenate([frame_means(self._array[row][None]) for row in rows])

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


def _read(folder: Path) -> tuple[npt.NDArray[np.float16], dict[str, int]]:
    """Return the memory-mapped features of one cache, and the row of each cycle."""
    array: npt.NDArray[np.float16] = read_array(folder / file_names.FEATURES, np.float16, dimensions=3)
    index = read_table(folder / file_names.INDEX, INDEX)
    rows: dict[str, int] = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
    if sorted(index["row"].to_pylist()) != list(range(len(array))) or len(rows) != len(array):
        reason = f"it names {index.num_rows} cycles, not each of the {len(array)} rows of the features once"
        raise UnreadableFileError(folder / file_names.INDEX, reason)
    return array, rows


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
