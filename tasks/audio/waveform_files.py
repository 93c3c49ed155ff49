"""Streamed writing of the waveforms of cycles as Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime import arrow_columns
from tasks.runtime.files import replacing
from tasks.runtime.schemas import AUDIO

ROW_GROUP_SAMPLES = 1_000_000  # 4 MB: written while the workers are busy, and large enough for reading at full speed
FASTER = -5  # level of zstd; level 1 takes a quarter longer for files that are 3 % smaller


class WaveformWriter:
    """Writer of the file of one sample rate."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._cycle_ids: list[str] = []
        self._samples: list[npt.NDArray[np.float32]] = []
        self._collected = 0

    def write(self, cycle_id: str, samples: npt.NDArray[np.float32]) -> None:
        """Add the waveform (samples,) float32 of one cycle."""
        self._cycle_ids.append(cycle_id)
        self._samples.append(samples)
        self._collected += len(samples)
        if self._collected >= ROW_GROUP_SAMPLES:
            self.flush()

    def flush(self) -> None:
        """Write the collected cycles as one row group."""
        if not self._cycle_ids:
            return
        offsets = np.cumsum([0, *map(len, self._samples)], dtype=np.int32)
        kind = AUDIO.field("samples").type
        values = arrow_columns.numbers(np.concatenate(self._samples), kind.value_type)
        samples = pa.ListArray.from_arrays(arrow_columns.numbers(offsets, pa.int32()), values, type=kind)
        ids = arrow_columns.column(self._cycle_ids, pa.string())
        self._writer.write_table(pa.Table.from_arrays([ids, samples], schema=AUDIO))
        self._cycle_ids, self._samples, self._collected = [], [], 0


@contextmanager
def writing(path: Path) -> Iterator[WaveformWriter]:
    """Yield a writer of `data/cycles/audio/<rate>.parquet`; the file appears when the block ends without an error.

    Rows keep the order of writing, in row groups of about 4 MB, so that memory does not grow with the corpus. The
    encoding BYTE_STREAM_SPLIT before zstd saves a quarter of the size.
    """
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "ab") as file,  # ext4 would write a file that was cut to no bytes before it is closed
        pq.ParquetWriter(
            file,
            AUDIO,
            compression="zstd",
            compression_level=FASTER,
            use_dictionary=False,
            use_byte_stream_split=["samples.list.element"],
            write_statistics=["cycle_id"],
        ) as writer,
    ):
        audio = WaveformWriter(writer)
        yield audio
        audio.flush()
