"""Formats of weight files, checked from their headers before a tensor is read."""

import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import torch
from safetensors import SafetensorError, safe_open

from tasks.pretrained.pickle_outline import Outline, PickleError, Storage, TensorOutline, outline
from tasks.runtime.errors import BreathlineError
from tasks.sources import archive

Format = Literal["safetensors", "torch"]

MAX_HEADER = 16 << 20  # bytes of the header of safetensors; 1,000 tensors take 0.1 MB
MAX_PICKLE = 128 << 20  # bytes of a pickle, which may hold arrays beside the tensors
MAX_START = 32  # bytes that tell a format
HINT = "use a state dict of plain tensors (torch.save, safetensors)"
ZIP, PICKLE = b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number before torch 1.6
LEGACY_PICKLES = 5  # magic number, version, sizes of numbers, the value, and the keys of the storages
OTHERS = {
    b"\x89HDF": "HDF5",
    b"\x1f\x8b": "gzip",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
    b"{": "JSON",
    b"<": "a page of HTML or XML",
    b"\x80": "a pickle, but not one of torch.save",
}


class FormatError(BreathlineError):
    """File that is not one of the formats of weights, or whose header announces what the file cannot hold."""


def check(file: Path) -> Format:
    """Return the format of a weight file; its memory is bounded, and nothing in the file is run.

    Raises:
        FormatError: The file has another format, is cut off, or would need more memory than its size explains. Or it
            holds no mapping with tensors, or calls functions that weights do not need.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(MAX_START)
        opened.seek(0)
        try:
            if start.startswith(ZIP):
                _check_zip(opened, size)
            elif start.startswith(PICKLE):
                _check_legacy(opened, size)
            elif start[8:9] == b"{":
                _check_safetensors(file, int.from_bytes(start[:8], "little"), size)
                return "safetensors"
            else:
                raise _refused(file, _other(start, size))
        except PickleError as error:
            raise _refused(file, f"The weights cannot be read: {error}.") from error
        except (*archive.DAMAGE, OSError) as error:
            if not archive.is_damage(error):
                raise
            raise _refused(file, f"The weights are damaged or cut off: {error}.") from error
    return "torch"


def _other(start: bytes, size: int) -> str:
    """Return the description of a file in another format."""
    if not size:
        return "The file of the weights is empty."
    unknown = f"an unknown format that begins with {start[:16]!r}"
    found = next((name for mark, name in OTHERS.items() if start.lstrip().startswith(mark)), unknown)
    return f"The file holds no weights: it is {found}."


def _check_safetensors(file: Path, header: int, size: int) -> None:
    """Check the header of a safetensors file; the library compares it with the size of the file."""
    if header > min(MAX_HEADER, size - 8):
        raise _refused(file, f"The header states {header:,} bytes for itself; the file has {size:,} bytes.")
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
    except (SafetensorError, ValueError) as error:
        raise _refused(file, f"The weights are damaged or cut off: {error}.") from error
    if not names:
        raise _refused(file, "The file holds no tensors.")


def _check_zip(opened: BinaryIO, size: int) -> None:
    """Check a file of torch.save since torch 1.6: a zip of a pickle and the bytes of each storage."""
    with zipfile.ZipFile(opened) as checkpoint:
        members = {info.filename: info for info in checkpoint.infolist()}
        if len(members) != len(checkpoint.infolist()):
            raise PickleError("two members of the zip have the same name")
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
            raise PickleError("members of the zip are compressed, and torch.save compresses none")
        if sum(info.file_size for info in members.values()) > size:
            raise PickleError("the members of the zip are larger than the zip")
        pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1 or any(name.endswith("/constants.pkl") for name in members):
            raise PickleError("it is no state dict (a program of TorchScript, or another zip)")
        if members[pickles[0]].file_size > MAX_PICKLE:
            raise PickleError(f"its pickle has more than {MAX_PICKLE:,} bytes")
        found = outline(io.BytesIO(checkpoint.read(pickles[0])))
        folder = pickles[0].removesuffix("data.pkl")
        stored = {name.removeprefix(f"{folder}data/"): info.file_size for name, info in members.items()}
        _check_tensors(found, stored, size)


def _check_legacy(opened: BinaryIO, size: int) -> None:
    """Check a file of torch.save before torch 1.6: pickles, then the bytes of all storages."""
    head = io.BytesIO(opened.read(MAX_PICKLE))
    outlines = [outline(head) for _ in range(LEGACY_PICKLES)]
    stored = dict.fromkeys(_keys(outlines[-1].value), size - head.tell())
    _check_tensors(outlines[3], stored, size)


def _keys(value: Any) -> Iterable[str]:
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise PickleError("the list of its storages is damaged")
    return value


def _check_tensors(found: Outline, stored: Mapping[str, int], size: int) -> None:
    """Compare the tensors with the bytes that the file holds.

    Args:
        found: Outline of the pickle.
        stored: Largest size of each storage in bytes, by its key.
        size: Size of the file in bytes.
    """
    if not isinstance(found.value, dict):
        kind = "tensor" if isinstance(found.value, TensorOutline) else type(found.value).__name__
        raise PickleError(f"it holds a {kind}, not a mapping of names to tensors")
    announced: dict[str, int] = {}
    for storage in found.storages:
        taken = storage.elements * _item_size(storage)
        if taken > stored.get(storage.key, 0):
            raise PickleError("a tensor announces more bytes than are stored for it")
        announced[storage.key] = max(taken, announced.get(storage.key, 0))
    if sum(announced.values()) > size:
        raise PickleError(f"its tensors announce more bytes than the file has ({size:,})")
    for tensor in found.tensors:
        elements, available = math.prod(tensor.size), tensor.storage.elements
        reach = tensor.offset + 1 + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
        if elements and max(reach, elements) > available:
            raise PickleError(f"a tensor of the shape {tensor.size} has more numbers than are stored ({available:,})")


def _item_size(storage: Storage) -> int:
    """Return the size of one element of a storage in bytes."""
    try:
        kind = torch.serialization.StorageType(storage.kind.rpartition(".")[2])  # type: ignore[no-untyped-call]
        return int(kind.dtype.itemsize)
    except KeyError as error:
        raise PickleError(f"a storage has an unknown type of numbers ({storage.kind})") from error


def _refused(file: Path, what: str) -> FormatError:
    return FormatError(what, where=file, hint=HINT)
