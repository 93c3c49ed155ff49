"""Search for a patient by other means than Breathline's: names, bytes of samples, rows of numbers and hashes of files.

It reads any file of any folder, unpacks what is compressed, and uses no code of the project.
"""

import gzip
import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import soundfile

WINDOW = 64  # bytes of a window of samples
DISTINCT = 16  # different bytes that a window must have, so that silence is no evidence


@dataclass(frozen=True)
class Evidence:
    """Names, windows of bytes, and hashes of a patient's files and rows."""

    names: tuple[bytes, ...]  # ids of recordings and cycles begin with one of them
    windows: tuple[bytes, ...]  # bytes of PCM, waveforms and features
    hashes: frozenset[str]  # SHA-256 of files and rows

    def in_bytes(self, data: bytes) -> str | None:
        """Return what bytes hold of the patient, or None."""
        if name := next((one for one in self.names if one in data), None):
            return f"the name {name.decode()}"
        if any(one in data for one in self.windows):
            return "samples"
        return "a whole file" if hashlib.sha256(data).hexdigest() in self.hashes else None


def windows_of(row: np.ndarray) -> Iterator[bytes]:
    """Yield three windows of the bytes of a row of numbers."""
    data = np.ascontiguousarray(row).tobytes()
    for position in (len(data) // 4, len(data) // 2, 3 * len(data) // 4):
        window = data[position - position % 8 :][:WINDOW]
        if len(set(window)) >= DISTINCT:
            yield window


def evidence(project: Path, patient: str) -> Evidence:
    """Return the evidence of a patient, from the run of a project that has the patient."""
    names, windows, hashes = [], [], set()
    for audio in sorted(project.glob(f"data/raw/*/audio/{patient}_*.wav")):
        names.append(audio.stem.encode())
        samples, _ = soundfile.read(audio, dtype="int16")
        windows += windows_of(samples)
        hashes |= {hashlib.sha256(path.read_bytes()).hexdigest() for path in (audio, audio.with_suffix(".txt"))}
    for table in project.glob("data/waveforms/*/*.parquet"):
        for cycle, row in pl.read_parquet(table).select("cycle_id", "samples").iter_rows():
            if cycle.startswith(f"{patient}_"):
                windows += windows_of(np.array(row, np.float32))
    for index in project.glob("data/fbank/*/*/index.parquet"):
        features = np.load(index.with_name("features.npy"))
        for cycle, row in pl.read_parquet(index).select("cycle_id", "row").iter_rows():
            if cycle.startswith(f"{patient}_"):
                windows += windows_of(features[row])
    assert names, "the project has no such patient"
    assert len(windows) > len(names)
    return Evidence(tuple(names), tuple(windows), frozenset(hashes))


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
                kind = np.float64 if "Float64" in str(column.dtype) else np.float32
                for row in column.drop_nulls().to_list():
                    if row and all(isinstance(value, float) for value in row[:2]):
                        yield f"{name}/{column.name}", np.array(row, kind).tobytes()


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
