"""Recorded run of a stage, and the error of a run that cannot be made again here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.files import by_path
from lineage.verify.audited_project import AuditedProject
from tasks.runtime.errors import BreathlineError


class NotReproducibleError(BreathlineError):
    """Error of a run whose code, inputs or environment are not here."""


@dataclass(frozen=True)
class RecordedRun:
    """Recorded run of a stage."""

    audited: AuditedProject  # project, with DVC's cache, Git repository and event log
    folder: Path  # folder with the outs of the run: the project, or the files of a revision
    stage: str  # name of the stage in DVC
    record: Mapping[str, Any]  # record of the run

    @property
    def root(self) -> Path:
        """Root of the project."""
        return self.audited.root

    def files(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield path and SHA-256 of each recorded file; ``kind`` is ``inputs``, ``outputs`` or ``code``."""
        for path, file in by_path(self.record[kind]).items():
            yield path, file["sha256"]
