"""Audio files of a user's folder: their names, and a complete reading of each before anything else runs."""

import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from tasks.audio import quality, reading
from tasks.checks import usability
from tasks.checks.settings import CheckSettings
from tasks.corpora.table.facts import SUFFIXES
from tasks.own_data.problems import Problems
from tasks.runtime import hardware, parallel, progress_bars
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tasks.runtime.words import listed
from tasks.sources import folder_walk, pointers

MAX_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Audio file that was read.

    Attributes:
        rate: Sample rate in Hz.
        bit_depth: Bits of a sample; None for encodings without a fixed depth.
        duration_s: Length in seconds.
        sha256: Hash of the file.
        unusable: Reasons why the recording is unusable; empty for a usable one.
    """

    rate: int
    bit_depth: int | None
    duration_s: float
    sha256: str
    unusable: tuple[str, ...]


class Folder:
    """Audio files of a folder and its subfolders, by path within it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        everything = [path.relative_to(root).as_posix() for path in folder_walk.files(root)]
        self.audio = [name for name in everything if PurePosixPath(name).suffix.lower() in SUFFIXES]
        self.others = [name for name in everything if PurePosixPath(name).suffix.lower() not in SUFFIXES]
        self._by_end: dict[str, list[str]] = {}
        for name in self.audio:
            for end in _ends(name):
                self._by_end.setdefault(end, []).append(name)
                self._by_end.setdefault(str(PurePosixPath(end).with_suffix("")), []).append(name)

    def check(self, problems: Problems) -> None:
        """Add files whose names differ only in suffix, case or form of accents to the problems."""
        if not self.audio:
            problems.add(self.root, "the folder holds no audio file", f"--audio: a folder of {', '.join(SUFFIXES)}")
        seen: dict[str, str] = {}
        for name in self.audio:
            key = _folded(str(PurePosixPath(name).with_suffix("")))
            if (other := seen.setdefault(key, name)) != name:
                problems.add(
                    self.root / name,
                    f"the name differs from {other} only in suffix, case or form of accents",
                    "remove one of the two files",
                )

    def match(self, cell: str) -> list[str]:
        """Return the audio files that a cell of a table can mean: by path, name, or name without suffix."""
        wanted = PurePosixPath(cell.replace("\\", "/"))
        for end in _ends(str(wanted)):  # the cell may have folders that are not below the root
            if found := self._by_end.get(end):
                exact = [name for name in found if _folded(name) == end]
                return exact or found
        return []


class Reader:
    """Reader of audio files that reads each once, though a draft is made again after each answer of the user."""

    def __init__(self) -> None:
        self._results: dict[str, Heard | BreathlineError] = {}

    def read(self, root: Path, names: Iterable[str], limits: CheckSettings, problems: Problems) -> dict[str, Heard]:
        """Return what audio files hold; files that cannot be used are problems.

        Args:
            root: Folder of the files.
            names: Paths within the folder.
            limits: Limits of `validate`.
            problems: Collection of the problems, which grows.
        """
        wanted = sorted(names)
        self._read_new(root, [name for name in wanted if name not in self._results], limits)
        found: dict[str, Heard] = {}
        for name in wanted:
            heard = self._results[name]
            if isinstance(heard, BreathlineError):
                problems.add_error(heard, root / name)
            else:
                found[name] = heard
                _judge(root / name, heard, limits, problems)
        return found

    def _read_new(self, root: Path, names: list[str], limits: CheckSettings) -> None:
        """Read the files that were not read before."""
        workers = min(hardware.usable_cores(), MAX_WORKERS)
        results = parallel.in_order(partial(_hear, root, limits), names, workers=workers, ahead=workers, shard=8)
        with closing(results) as ordered:
            shown = progress_bars.track(ordered, "reading audio", len(names), transient=True)
            self._results.update(zip(names, shown, strict=True))


def check_copies(root: Path, heard: Mapping[str, Heard], problems: Problems) -> None:
    """Add audio files with equal content to the problems: one sound must not be learned from and tested on."""
    same: dict[str, list[str]] = {}
    for name, one in heard.items():
        same.setdefault(one.sha256, []).append(name)
    for first, *others in same.values():
        if others:
            problems.add(root / first, f"{listed(others)} has the same content", "keep one of them, also in the table")


def _hear(root: Path, limits: CheckSettings, name: str) -> Heard | BreathlineError:
    """Read an audio file; an error is returned, so that the other files are read as well."""
    path = root / name
    try:
        with path.open("rb") as file:
            if tool := pointers.tool(file.read(1024)):
                raise pointers.refusal(tool, "The recording was", path)
        stored = reading.read(path)
        measures = asdict(quality.measure(stored.normalised(), stored.rate))
    except OSError as error:
        return BreathlineError(f"the file cannot be read: {error.strerror}", where=path, hint="check its permissions")
    except BreathlineError as error:
        return error
    seconds = len(stored.samples) / stored.rate
    return Heard(
        rate=stored.rate,
        bit_depth=stored.bit_depth,
        duration_s=seconds,
        sha256=sha256(path),
        unusable=usability.unusable(measures | {"duration_s": seconds}, limits.unusable),
    )


def _judge(path: Path, heard: Heard, limits: CheckSettings, problems: Problems) -> None:
    """Add the reasons for which `validate` would refuse a recording to the problems."""
    if limits.severity.unusable == "error":
        for reason in heard.unusable:
            problems.add(path, f"the recording is unusable: {reason}", "remove it, also from the table")
    if limits.severity.ranges != "error":
        return
    values = {"sample_rate": heard.rate, "bit_depth": heard.bit_depth, "duration_s": heard.duration_s}
    for name, value in values.items():
        low, high = getattr(limits.ranges, name)
        if value is not None and not low <= value <= high:
            what = f"{name} is {value:g}, outside of {low:g} to {high:g}"
            problems.add(path, what, f"leave the recording out, or widen validate.ranges.{name} in params.yaml")


def _ends(name: str) -> list[str]:
    """Return a path and its ends, from the longest to the file's name, in one form of case and accents."""
    parts = [part for part in _folded(name).split("/") if part not in ("", ".")]
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
