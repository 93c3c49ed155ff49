"""Cycles' waveforms as Parquet, written as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.files import replacing
from tasks.runtime.schemas import AUDIO

ROW_GROUP_SAMPLES = 4_000_000  # 16 MB: little to hold in memory, enough to read at full speed


class CycleAudio:
    """The file of one rate while it is being written."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._cycle_ids: list[str] = []
        self._samples: list[npt.NDArray[np.float32]] = []
        self._waiting = 0

    def write(self, cycle_id: str, samples: npt.NDArray[np.float32]) -> None:
        """Add one cycle: (samples,) float32."""
        self._cycle_ids.append(cycle_id)
        self._samples.append(samples)
        self._waiting += len(samples)
        if self._waiting >= ROW_GROUP_SAMPLES:
            self.flush()

    def flush(self) -> None:
        """Write the cycles that wait as one row group."""
        if not self._cycle_ids:
            return
        offsets = np.cumsum([0, *map(len, self._samples)], dtype=np.int32)
        samples = pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(self._samples)))
        self._writer.write_table(pa.table([self._cycle_ids, samples], schema=AUDIO))
        self._cycle_ids, self._samples, self._waiting = [], [], 0


@contextmanager
def writing(path: Path) -> Iterator[CycleAudio]:
    """Yield a writer of `data/cycles/audio/<rate>.parquet`, which is there when the block ends without an error.

    Rows keep the order in which they come, in row groups of about 16 MB, so that memory does not grow with the corpus.
    The bytes of a float are parted by their place before zstd, which leaves two thirds of the size.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            AUDIO,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            use_byte_stream_split=["samples.list.element"],
            write_statistics=["cycle_id"],
        ) as writer,
    ):
        audio = CycleAudio(writer)
        yield audio
        audio.flush()
