"""Input of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lineage.project import Project


@dataclass(frozen=True)
class Request:
    """Input of an export.

    Attributes:
        project: Project whose lineage is exported.
        out: Folder of the files.
        key: Ed25519 private key (PEM) that signs the in-toto statement, if any.
    """

    project: Project
    out: Path
    key: Path | None = None
