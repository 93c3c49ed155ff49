"""Reading of JSON, tables, arrays and tensors: a missing or damaged file is an error that names the file.

Libraries are imported at the first use, so that a prediction, which reads JSON alone, starts at once.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.parquet as pq
    from torch import Tensor

# Faults of the machine, not of the file: they are not told as a damaged file.
OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.EIO)
READ_BUFFER = 1 << 20  # bytes read ahead; without it and `pre_buffer=False`, all data read so far stays in memory


class UnreadableFileError(ValueError):
    """File that is missing, damaged, or has other content than expected.

    Attributes:
        path: Path of the file.
        reason: Clause that says what is wrong, such as ``the file is empty``.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}.")


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Raise an `UnreadableFileError` if the block cannot read a file.

    Args:
        path: Path of the file.
        kind: Name of its format, such as ``Parquet``.

    Raises:
        UnreadableFileError: The file is missing or damaged.
        OSError: The process or the machine has too many open files, or the disk reports an input/output error.
    """
    try:
        if path.stat().st_size == 0:
            raise UnreadableFileError(path, "the file is empty")
        yield
    except (UnreadableFileError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise UnreadableFileError(path, "the file is missing") from error
    except Exception as error:  # libraries raise errors of many kinds for a damaged file
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise
        detail = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if isinstance(error, OSError) and error.strerror:
            raise UnreadableFileError(path, f"the file cannot be read: {error.strerror}") from error
        raise UnreadableFileError(path, f"this is not a complete {kind} file ({detail.rstrip('.')[:200]})") from error


def read_json(path: Path, keys: Mapping[str, type | tuple[type, ...]] | None = None) -> dict[str, Any]:
    """Return the object of a JSON file.

    Args:
        path: Path of the file.
        keys: Type of the value of each dotted key that the object must have.

    Raises:
        UnreadableFileError: The file is missing or damaged, or a key is missing or has a value of another type.
    """
    with reading(path, "JSON"):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise UnreadableFileError(path, "the file holds no JSON object")
    for key, kind in (keys or {}).items():
        value: Any = found
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise UnreadableFileError(path, f"`{key}` is missing")
            value = value[part]
        if not isinstance(value, kind):
            raise UnreadableFileError(path, f"`{key}` has a value of another type, {type(value).__name__}")
    return found


@contextmanager
def open_table(path: Path) -> Iterator[pq.ParquetFile]:
    """Yield an open Parquet file, to be read in parts within the block.

    Raises:
        UnreadableFileError: The file is missing or damaged.
    """
    with reading(path, "Parquet"), streamed_table(path) as file:
        yield file


def streamed_table(path: Path) -> pq.ParquetFile:
    """Return an open Parquet file whose parts do not stay in memory after they were read; errors are Arrow's."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, buffer_size=READ_BUFFER, pre_buffer=False)


def read_table(path: Path, columns: Sequence[str] | pa.Schema | None = None) -> pa.Table:
    """Return a Parquet table; `pyarrow.parquet.read_table` would import pandas.

    Args:
        path: Path of the file.
        columns: Names of the wanted columns, or a schema with their types; all columns by default.

    Raises:
        UnreadableFileError: The file is missing or damaged, or a column is missing or of another type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = columns if isinstance(columns, pa.Schema) else None
    names = schema.names if schema is not None else columns
    with reading(path, "Parquet"), pq.ParquetFile(path) as file:
        found = file.schema_arrow
        if missing := [name for name in names or () if name not in found.names]:
            raise UnreadableFileError(path, f"the table has no column {', '.join(missing)}")
        for field in schema or ():
            data_type = found.field(field.name).type
            if not pa.types.is_null(data_type) and _kind(data_type) != _kind(field.type):
                what = f"the column {field.name} has the type {data_type}, not {field.type}"
                raise UnreadableFileError(path, what)
        return file.read(names)


def _kind(data_type: pa.DataType) -> str:
    """Return the kind of a column; libraries write strings and lists in several types of one kind."""
    import pyarrow as pa

    if pa.types.is_string(data_type) or pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type):
        return "string"
    if pa.types.is_list(data_type) or pa.types.is_large_list(data_type):
        return f"list of {_kind(data_type.value_type)}"
    if pa.types.is_integer(data_type):
        return "integer"
    return "number" if pa.types.is_floating(data_type) else str(data_type)


def read_array(path: Path, dtype: npt.DTypeLike, dimensions: int) -> npt.NDArray[Any]:
    """Return an array in memory that is mapped to an .npy file; changes are not written.

    Args:
        path: Path of the file.
        dtype: Type of the values.
        dimensions: Number of dimensions.

    Raises:
        UnreadableFileError: The file is missing or damaged, or holds another type or number of dimensions.
    """
    import numpy as np

    with reading(path, ".npy"):
        # Copy-on-write, since torch requires writable memory.
        found: npt.NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    if found.dtype != dtype or found.ndim != dimensions:
        wanted = f"{np.dtype(dtype)} in {dimensions} dimensions"
        raise UnreadableFileError(path, f"the array has the type {found.dtype} and shape {found.shape}, not {wanted}")
    return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name.

    Raises:
        UnreadableFileError: The file is missing or damaged.
    """
    from safetensors.torch import load_file

    tensors: dict[str, Tensor]
    with reading(path, "safetensors"):
        tensors = load_file(path)
    return tensors
