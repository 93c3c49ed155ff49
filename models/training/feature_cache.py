"""Feature cache of one front end as arrays in memory that is mapped to files; importing it needs no torch."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models import file_names
from models.file_reading import UnreadableFileError, read_array, read_json, read_table
from models.frontends.settings import FrontEndSettings
from models.training.joined_arrays import JoinedArrays
from models.training.normalization import Means, frame_means

Rows = npt.NDArray[np.int64]
INDEX = pa.schema({"cycle_id": pa.string(), "row": pa.int32()})
CLIP_KEYS = ("frontend", "sample_rate", "duration_s", "pad", "fade", "frames", "mels")


class FeatureCache:
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


def _read(folder: Path) -> tuple[npt.NDArray[np.float16], dict[str, int]]:
    """Return the memory-mapped features of one cache, and the row of each cycle."""
    array: npt.NDArray[np.float16] = read_array(folder / file_names.FEATURES, np.float16, dimensions=3)
    index = read_table(folder / file_names.INDEX, INDEX)
    rows: dict[str, int] = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
    if sorted(index["row"].to_pylist()) != list(range(len(array))) or len(rows) != len(array):
        reason = f"it names {index.num_rows} cycles, not each of the {len(array)} rows of the features once"
        raise UnreadableFileError(folder / file_names.INDEX, reason)
    return array, rows
