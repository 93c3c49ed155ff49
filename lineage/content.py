"""Hashes of what a file says, whichever version of a library wrote it.

The bytes of a Parquet file change with its writer (compression, row groups, statistics) while the table stays the same.
A content hash is taken of types and values alone. It is streamed: memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK = 1 << 22  # bytes read at a time


def content_hash(path: Path) -> str | None:
    """Return the SHA-256 of a file's content, or none where the bytes themselves are the content (JSON, CSV, wav …).

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not of the format that its name promises.
    """
    of = _OF.get(path.suffix)
    return of(path) if of else None


def table_hash(path: Path) -> str:
    """Return the hash of a Parquet table: names, types, order and values of its columns, in the order of its rows."""
    with pq.ParquetFile(path) as file:
        columns = {field.name: _Column(field.type) for field in file.schema_arrow}
        for batch in file.iter_batches(batch_size=_rows(file.metadata)):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                columns[name].add(column)
    whole = hashlib.sha256()
    for name, column in columns.items():
        whole.update(json.dumps([name, column.kind]).encode())
        whole.update(column.digest())
    return whole.hexdigest()


def _rows(of: pq.FileMetaData) -> int:
    """Return how many rows hold about a chunk of data: batches that are far larger take ten times as long to read."""
    size = sum(of.row_group(number).total_byte_size for number in range(of.num_row_groups))
    rows: int = CHUNK * of.num_rows // max(size, 1)
    return max(1, rows)


class _Column:
    """The running hash of a column, or of what a column's lists hold; how it is cut into batches does not matter."""

    def __init__(self, kind: pa.DataType) -> None:
        self._valid, self._lengths, self._values = (hashlib.sha256() for _ in range(3))
        self._inner = _Column(kind.value_type) if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None
        # Arrow's own name of a list's type holds the name of its items, which writers choose as they like.
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
    # Of zeros as they lie in memory: the making of a scalar imports pandas where it finds it.
    zeros = pa.py_buffer(bytes(len(column) * column.type.bit_width // 8))
    return pc.coalesce(column, pa.Array.from_buffers(column.type, len(column), [None, zeros]))


def _bytes(column: pa.Array) -> memoryview:
    """Return the values of a column of fixed width without nulls, as they lie in memory."""
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
    """Return the hash of a safetensors file: name, type, shape and bytes of each tensor, by name.

    The format (huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the header, the data.
    """
    whole = hashlib.sha256()
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name in sorted(set(header) - {"__metadata__"}):
            tensor = header[name]
            whole.update(json.dumps([name, tensor["dtype"], tensor["shape"]]).encode())
            start, end = tensor["data_offsets"]
            file.seek(8 + length + start)
            for part in _parts(file.read, end - start):
                whole.update(part)
    return whole.hexdigest()


def _parts(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size:
        part = read(min(CHUNK, size))
        if not part:
            raise ValueError("The file ends before its tensors do.")
        size -= len(part)
        yield part


_OF: dict[str, Callable[[Path], str]] = {
    ".parquet": table_hash,
    ".npy": array_hash,
    ".safetensors": tensors_hash,
}
