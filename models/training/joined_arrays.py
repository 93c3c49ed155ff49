"""Several arrays of features, read as one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class JoinedArrays:
    """Arrays ``(cycles, frames, mels)`` in float16, one after the other, as memory maps that stay apart.

    Attributes:
        shape: Shape of all together.
        row_bytes: Size of a row in bytes.
        single: The only array, or None if there are several.
    """

    def __init__(self, parts: Sequence[npt.NDArray[np.float16]]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self.shape: tuple[int, ...] = (int(self._starts[-1]), *parts[0].shape[1:])
        self.row_bytes = int(np.prod(self.shape[1:])) * parts[0].dtype.itemsize
        self.single = parts[0] if len(parts) == 1 else None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        if self.single is not None:
            return self.single[rows]
        found = np.empty((len(rows), *self.shape[1:]), dtype=np.float16)
        places = np.searchsorted(self._starts, rows, side="right") - 1
        for place in np.unique(places):
            mask = places == place
            found[mask] = self._parts[place][rows[mask] - self._starts[place]]
        return found
