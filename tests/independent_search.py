"""Search for a patient by other means than Breathline's: names, bytes of samples, rows of numbers and hashes of files.

It reads any file of any folder, unpacks what is compressed, and uses no code of the project.
"""

import gzip
import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import soundfile

BLOCK = 1 << 24  # bytes that are searched at once
WINDOW = 64  # bytes of a window of samples
DISTINCT = 16  # different bytes that a window must have, so that silence is no evidence


@dataclass(frozen=True)
class Evidence:
    """Names, windows of bytes, and hashes of a patient's files."""

    names: tuple[bytes, ...]  # ids of recordings; those of cycles begin with one of them
    windows: Mapping[int, Sequence[bytes]]  # bytes of PCM, waveforms and features, by their first eight bytes
    hashes: frozenset[str]  # SHA-256 of files

    def in_bytes(self, data: bytes) -> str | None:
        """Return what bytes hold of the patient, or None."""
        if name := next((one for one in self.names if one in data), None):
            return f"the name {name.decode()}"
        if any(windows_in(data, self.windows)):
            return "samples"
        return "a whole file" if hashlib.sha256(data).hexdigest() in self.hashes else None


def windows_in(data: bytes, windows: Mapping[int, Sequence[bytes]]) -> Iterator[bytes]:
    """Yield the windows that bytes hold, at any position."""
    starts = np.array(sorted(windows), np.uint64)
    for begin in range(0, len(data) if len(starts) else 0, BLOCK):
        block = data[begin : begin + BLOCK + WINDOW]
        for offset in range(min(8, len(block) - 7)):
            numbers = np.frombuffer(block, np.uint64, (len(block) - offset) // 8, offset)
            nearest = starts[np.searchsorted(starts, numbers).clip(max=len(starts) - 1)]
            for at in np.flatnonzero(nearest == numbers):
                position = offset + 8 * int(at)
                yield from (one for one in windows[int(numbers[at])] if block.startswith(one, position))


def windows_of(row: np.ndarray) -> Iterator[bytes]:
    """Yield three windows of the bytes of a row of numbers."""
    data = np.ascontiguousarray(row).tobytes()
    for position in (len(data) // 4, len(data) // 2, 3 * len(data) // 4):
        window = data[position - position % 8 :][:WINDOW]
        if len(window) == WINDOW and len(set(window)) >= DISTINCT:
            yield window


def rows(project: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield cycle or recording, and numbers, of all recordings, waveforms and features of a project."""
    for audio in sorted(project.glob("data/raw/*/audio/*.wav")):
        yield audio.stem, soundfile.read(audio, dtype="int16")[0]
    for path in project.glob("data/waveforms/*/*.parquet"):
        table = pl.read_parquet(path)
        yield from ((cycle, row.to_numpy()) for cycle, row in zip(table["cycle_id"], table["samples"], strict=True))
    for index in project.glob("data/fbank/*/*/index.parquet"):
        features = np.load(index.with_name("features.npy"))
        table = pl.read_parquet(index)
        yield from ((cycle, features[row]) for cycle, row in zip(table["cycle_id"], table["row"], strict=True))


def evidence(project: Path, patient: str) -> Evidence:
    """Return the evidence of a patient, from the run of a project that has the patient.

    Windows that other patients share, such as those of clipped sound, are none.
    """
    files = [path for path in sorted(project.glob("data/raw/*/audio/*")) if path.name.startswith(f"{patient}_")]
    names = tuple(path.stem.encode() for path in files if path.suffix == ".wav")
    own = {window for name, row in rows(project) if name.startswith(f"{patient}_") for window in windows_of(row)}
    by_start = _by_start(own)
    for name, row in rows(project):
        if not name.startswith(f"{patient}_"):
            own.difference_update(windows_in(np.ascontiguousarray(row).tobytes(), by_start))
    assert names, "the project has no such patient"
    assert len(own) > len(names)
    hashes = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return Evidence(names, _by_start(own), frozenset(hashes))


def _by_start(windows: Iterable[bytes]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for window in windows:
        found.setdefault(int(np.frombuffer(window, np.uint64, 1)[0]), []).append(window)
    return found


def contents(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of a file, and of everything inside: members, columns, rows."""
    yield name, data
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from contents(f"{name}/{member}", archive.read(member))
    elif data[:2] == b"\x1f\x8b":
        yield from contents(f"{name}/gzip", gzip.decompress(data))
    elif data[:4] == b"PAR1" and data[-4:] == b"PAR1":
        table = pl.read_parquet(io.BytesIO(data))
        for column in table.get_columns():
            if column.dtype == pl.String:
                yield f"{name}/{column.name}", "\n".join(column.drop_nulls()).encode()
            elif isinstance(column.dtype, pl.List | pl.Array):
                for row in column.drop_nulls():
                    numbers = row.explode() if isinstance(row.dtype, pl.List) else row
                    if numbers.dtype.is_float():
                        yield f"{name}/{column.name}", numbers.to_numpy().tobytes()


def in_folder(folder: Path, sought: Evidence) -> dict[str, str]:
    """Return the files below a folder with data of the patient, by path, each with a description."""
    found = {}
    for at, _, files in os.walk(folder):
        for file in files:
            path = Path(at) / file
            if path.is_symlink() or not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            inside = [name.encode(), *(data for _, data in contents(name, path.read_bytes()))]
            what = next((what for data in inside if (what := sought.in_bytes(data))), None)
            if what:
                found[name] = what
    return found


def in_git(repository: Path, sought: Evidence) -> dict[str, str]:
    """Return the objects of Git with data of the patient, whose files are compressed; unreachable ones as well."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    data = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
    found, position = {}, 0
    while position < len(data):
        header = data[position : data.index(b"\n", position)]
        name, kind, size = header.decode().split()
        start = position + len(header) + 1
        content = data[start : start + int(size)]
        if kind in ("blob", "commit", "tag") and (what := sought.in_bytes(content)):
            found[name] = what
        position = start + int(size) + 1
    return found
