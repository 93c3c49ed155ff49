"""Lengths of the runs of True in masks that come in blocks."""

import numpy as np
import numpy.typing as npt

CLIPPED_RUN = 3  # samples; a normalised recording may reach full scale with one or two samples

TAIL = 4096  # elements at the end that are looked at first: a search backwards is slow

Mask = npt.NDArray[np.bool_]


class ClippedRuns:
    """Number of elements in runs of at least `CLIPPED_RUN`."""

    def __init__(self) -> None:
        self._counted = self._open = 0

    def add(self, mask: Mask) -> None:
        """Add a block of the mask."""
        if mask.all():
            self._open += len(mask)
            return
        edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
        runs = edges[1::2] - edges[::2]
        if mask[0]:
            runs[0] += self._open
        else:
            self.end()
        self._open = int(runs[-1]) if mask[-1] else 0
        closed = runs[:-1] if mask[-1] else runs
        self._counted += int(closed[closed >= CLIPPED_RUN].sum())

    def end(self) -> None:
        """End an open run."""
        self._counted, self._open = self.clipped, 0

    @property
    def clipped(self) -> int:
        """Number of elements in runs of at least `CLIPPED_RUN`."""
        return self._counted + (self._open if self._open >= CLIPPED_RUN else 0)


class LongestRun:
    """Length of the longest run, also across blocks."""

    def __init__(self) -> None:
        self._longest = self._open = 0

    def add(self, mask: Mask) -> None:
        """Add a block of the mask."""
        if mask.all():
            self._open += len(mask)
            return
        self._longest = max(self._longest, self._open + int(mask.argmin()), longest(mask))
        tail = mask[-TAIL:]
        self._open = int((mask if tail.all() else tail)[::-1].argmin())

    @property
    def longest(self) -> int:
        """Length of the longest run."""
        return max(self._longest, self._open)


def longest(mask: Mask) -> int:
    """Return the length of the longest run in a mask.

    The mask, as the bits of one integer, is combined with itself, moved by 1, 2, 4 …, as long as a run is left. A
    search between the last two lengths follows. The number of steps grows with the logarithm of the length.
    """
    bits = int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
    starts = []  # of runs of 1, 2, 4 … elements
    while bits:
        starts.append(bits)
        bits &= bits >> (1 << (len(starts) - 1))
    if not starts:
        return 0
    found = starts.pop()
    length = 1 << len(starts)
    for power, step in reversed(list(enumerate(starts))):
        if longer := found & (step >> length):
            found, length = longer, length + (1 << power)
    return length
