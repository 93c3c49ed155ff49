"""Input of every export."""

from dataclasses import dataclass
from pathlib import Path

from lineage.project import Project


@dataclass(frozen=True)
class Request:
    """Input of an export."""

    project: Project
    out: Path  # folder of the files
    key: Path | None = None  # Ed25519 private key (PEM) that signs the in-toto statement, if any
