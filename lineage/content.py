"""Content hashes of tables, arrays, tensors and reports, independent of the library that wrote the file.

The bytes of a Parquet file depend on its writer (compression, row groups, statistics). A content hash depends on types
and values alone. It is streamed, so memory does not grow with the file. That of the report leaves out its provenance
(`lineage.report_content`).
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineage.report_content import report_hash
from models.file_reading import reading, streamed_table

CHUNK = 1 << 22  # bytes read at a time


def content_hash(path: Path, suffix: str | None = None) -> str | None:
    """Return the SHA-256 of a file's content, or None if the bytes are the content (JSON, CSV, wav …).

    Args:
        path: Path of the file.
        suffix: Suffix of its format; None for that of the path. An object of DVC's cache has none.

    Raises:
        UnreadableFileError: The file is missing, or not valid in the format of its suffix.
    """
    suffix = path.suffix if suffix is None else suffix
    hash_file = _BY_SUFFIX.get(suffix)
    if hash_file is None:
        return None
    with reading(path, suffix):
        return hash_file(path)


def table_hash(path: Path) -> str:
    """Return the hash of a Parquet table: names, types, order and values of its columns, in the order of its rows."""
    # The next rows are read while some are hashed: both release Python's lock.
    with streamed_table(path) as file, ThreadPoolExecutor(1) as hashing:
        columns = {field.name: _Column(field.type) for field in file.schema_arrow}
        hashed: Future[None] | None = None
        for batch in file.iter_batches(batch_size=_rows(file.metadata), use_threads=False):
            if hashed:
                hashed.result()
            hashed = hashing.submit(_add, columns, batch)
        if hashed:
            hashed.result()
    whole = hashlib.sha256()
    for name, column in columns.items():
        whole.update(json.dumps([name, column.kind]).encode())
        whole.update(column.digest())
    return whole.hexdigest()


def _add(columns: Mapping[str, _Column], batch: pa.RecordBatch) -> None:
    """Add the next rows to the hashes of all columns."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        columns[name].add(column)


def _rows(metadata: pq.FileMetaData) -> int:
    """Return the number of rows that hold about a chunk of data; far larger batches take ten times as long to read."""
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    rows: int = CHUNK * metadata.num_rows // max(size, 1)
    return max(1, rows)


class _Column:
    """Running hash of a column, or of the items of a column of lists; the cut into batches does not change it."""

    def __init__(self, kind: pa.DataType) -> None:
        self._valid, self._lengths, self._values = (hashlib.sha256() for _ in range(3))
        self._inner = _Column(kind.value_type) if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None
        # Arrow's name of a list type contains the name of the items, which depends on the writer.
        self.kind: str = f"list<{self._inner.kind}>" if self._inner is not None else str(kind)

    def add(self, column: pa.Array) -> None:
        self._valid.update(_bytes(column.is_valid().cast(pa.uint8())))
        if self._inner is not None:
            self._lengths.update(_bytes(_filled(pc.list_value_length(column)).cast(pa.int64())))
            self._inner.add(column.flatten())
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self._lengths.update(_bytes(_filled(pc.binary_length(column)).cast(pa.int64())))
            self._values.update("".join(value or "" for value in column.to_pylist()).encode())
        elif pa.types.is_boolean(column.type):
            self._values.update(_bytes(_filled(column.cast(pa.uint8()))))
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            self._values.update(_bytes(_filled(column)))
        else:
            raise ValueError(f"Columns of the type {column.type} have no content hash.")

    def digest(self) -> bytes:
        inner = self._inner.digest() if self._inner is not None else b""
        parts = (self._valid.digest(), self._lengths.digest(), self._values.digest(), inner)
        return hashlib.sha256(b"".join(parts)).digest()


def _filled(column: pa.Array) -> pa.Array:
    """Return a column of numbers with zeros in place of nulls."""
    if not column.null_count:
        return column
    # Zeros from a buffer, because a scalar of pyarrow imports pandas where it is installed.
    zeros = pa.py_buffer(bytes(len(column) * column.type.bit_width // 8))
    return pc.coalesce(column, pa.Array.from_buffers(column.type, len(column), [None, zeros]))


def _bytes(column: pa.Array) -> memoryview:
    """Return the memory of a column of fixed width without nulls."""
    width, values = column.type.bit_width // 8, column.buffers()[1]
    return memoryview(values or b"")[column.offset * width : (column.offset + len(column)) * width]


def array_hash(path: Path) -> str:
    """Return the hash of an .npy array: its type, shape and values in C order."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    whole = hashlib.sha256(json.dumps([array.dtype.str, array.shape]).encode())
    rows = max(1, CHUNK // max(1, array[:1].nbytes)) if array.ndim else 1
    for start in range(0, len(array) if array.ndim else 1, rows):
        part = np.ascontiguousarray(array[start : start + rows] if array.ndim else array)
        whole.update(part.reshape(-1).view(np.uint8).data)
    return whole.hexdigest()


def tensors_hash(path: Path) -> str:
    """Return the hash of a safetensors file: name, type, shape and bytes of each tensor, by name."""
    whole = hashlib.sha256()
    for name, dtype, shape, parts in tensors(path):
        whole.update(json.dumps([name, dtype, shape]).encode())
        for part in parts:
            whole.update(part)
    return whole.hexdigest()


def tensors(path: Path) -> Iterator[tuple[str, str, list[int], Iterator[bytes]]]:
    """Yield name, type, shape and the bytes, in parts, of each tensor of a safetensors file, by name.

    The format (huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the header, the data.

    Raises:
        ValueError: The file ends before its tensors do.
    """
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name in sorted(set(header) - {"__metadata__"}):
            start, end = header[name]["data_offsets"]
            file.seek(8 + length + start)
            yield name, header[name]["dtype"], header[name]["shape"], _parts(file.read, end - start)


def _parts(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size:
        part = read(min(CHUNK, size))
        if not part:
            raise ValueError("The file ends before its tensors do.")
        size -= len(part)
        yield part


_BY_SUFFIX: dict[str, Callable[[Path], str | None]] = {
    ".parquet": table_hash,
    ".html": report_hash,
    ".npy": array_hash,
    ".safetensors": tensors_hash,
}
