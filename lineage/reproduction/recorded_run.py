"""Recorded run of a stage, and the error of a run that cannot be made again here."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lineage.dvc_storage import Cache
from lineage.files import by_path
from tasks.runtime.errors import BreathlineError


class NotReproducibleError(BreathlineError):
    """Error of a run whose code, inputs or environment are not here."""


class Digests(Protocol):
    """Hashes of a file."""

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal."""


class Hashes(Protocol):
    """Hashes of files, each file read once."""

    def of(self, path: Path | str) -> Digests | None:
        """Return the hashes of a file; None if the file is missing."""


class Evidence(Protocol):
    """A project with its cache and its event log, such as an audited one (`lineage.verify`)."""

    root: Path

    @property
    def hashes(self) -> Hashes:
        """Hashes of its files."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The entries of its event log."""

    @property
    def cache(self) -> Cache:
        """DVC's local cache."""

    def original(self, path: str, sha256: str, size: int | None = None) -> AbstractContextManager[Path | None]:
        """Yield a file with the recorded content of a path; None if neither a cache nor Git has it."""


@dataclass(frozen=True)
class RecordedRun:
    """Recorded run of a stage."""

    evidence: Evidence  # project, with DVC's cache and event log
    folder: Path  # folder with the outs of the run: the project, or the files of a revision
    stage: str  # name of the stage in DVC
    record: Mapping[str, Any]  # record of the run

    @property
    def root(self) -> Path:
        """Root of the project."""
        return self.evidence.root

    def files(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield path and SHA-256 of each recorded file; ``kind`` is ``inputs``, ``outputs`` or ``code``."""
        for path, file in by_path(self.record[kind]).items():
            yield path, file["sha256"]
