"""Recordings that a command names: files, folders, patterns and standard input."""

import glob
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tasks.artifacts import OWN_AUDIO
from tasks.prediction.excerpts import ANNOTATIONS
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources import folder_walk

SUFFIXES = (".wav", *OWN_AUDIO)  # of recordings in folders
STANDARD_INPUT = "-"
MAX_INPUT = 2**31  # bytes of standard input


@dataclass
class Found:
    """Recordings that were named.

    Attributes:
        recordings: Paths of the recordings, each once.
        left_out: Number of files in the folders that are no recordings by their names, by suffix.
    """

    recordings: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def note(self) -> str | None:
        """Return what was left out; None for nothing."""
        if not self.left_out:
            return None
        kinds = [f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(self.left_out.items())]
        return (
            f"In the folders, {counted(self.left_out.total(), 'file')} of other kinds are not read: {listed(kinds)}. "
            "A recording among them is read if its file itself is named."
        )


def find(names: Iterable[str]) -> Found:
    """Return the named files, and the recordings in the named folders and below, sorted within each folder.

    Args:
        names: Paths of files and folders, or patterns such as ``night/*.wav`` and ``**/*.flac``.

    Raises:
        BreathlineError: A file or folder does not exist, a pattern names nothing, or a folder holds no recording.
    """
    found = Found()
    recordings: dict[Path, None] = {}
    for name in names:
        for path in _matching(name):
            if path.is_dir():
                recordings |= dict.fromkeys(_in_folder(path, found.left_out))
            elif path.is_file():
                recordings[path] = None
            elif path.exists():
                raise BreathlineError("This is no file and no folder.", where=path, hint="name a wav file, or a folder")
            else:
                what = "There is no such file or folder."
                raise BreathlineError(what, where=path, hint="name a recording, or a folder")
    found.recordings = list(recordings)
    return found


def _matching(name: str) -> Sequence[Path]:
    """Return the paths that a name or pattern means.

    Raises:
        BreathlineError: A pattern names nothing.
    """
    path = Path(name)
    if path.exists() or not glob.has_magic(name):
        return [path]
    matching = sorted(glob.glob(name, recursive=True))
    if not matching:
        raise BreathlineError("The pattern matches no file.", where=name, hint="name a recording, a folder or another")
    return list(map(Path, matching))


def _in_folder(folder: Path, left_out: Counter[str]) -> list[Path]:
    """Return the recordings in a folder and below, and count the files of other kinds.

    Raises:
        BreathlineError: There is no recording.
    """
    known = folder_walk.files(folder)
    recordings = [path for path in known if path.suffix.lower() in SUFFIXES]
    stems = {(path.parent, path.stem) for path in recordings}
    lengths = {len(stem) for _, stem in stems}
    if not recordings:
        raise BreathlineError(
            f"There is no audio file in the folder ({', '.join(SUFFIXES)}).", where=folder, hint="name another"
        )
    for path in known:
        suffix = path.suffix.lower()
        annotates = suffix in ANNOTATIONS and any((path.parent, path.name[:length]) in stems for length in lengths)
        if suffix not in SUFFIXES and not annotates:
            left_out[suffix] += 1
    return recordings


@contextmanager
def standard_input() -> Iterator[Path]:
    """Yield a temporary file with the bytes of standard input.

    Raises:
        BreathlineError: Standard input is a terminal, is empty, or has more bytes than are read.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise BreathlineError(
            "Standard input is a terminal, and should be a recording.",
            where=STANDARD_INPUT,
            hint="write `breathline predict - < recording.wav`",
        )
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        path = Path(folder) / "standard_input"
        with path.open("wb") as file:
            shutil.copyfileobj(_Limited(sys.stdin.buffer), file)
            if not file.tell():
                hint = "check the command before the pipe; or write `breathline predict - < recording.wav`"
                raise BreathlineError("Standard input is empty.", where=STANDARD_INPUT, hint=hint)
        yield path


class _Limited:
    """Standard input up to `MAX_INPUT` bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._read = stream, 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            BreathlineError: There are too many.
        """
        block = self._stream.read(size)
        self._read += len(block)
        if self._read > MAX_INPUT:
            what = f"Standard input has more than {MAX_INPUT:,} bytes."
            raise BreathlineError(what, where=STANDARD_INPUT, hint="write it to a file, and name that")
        return block
