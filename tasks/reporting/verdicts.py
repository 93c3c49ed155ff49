"""Verdicts of the validation of a corpus: the part of ``results.json`` that the report shows."""

from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts import CorpusFolders, Role
from tasks.runtime.artifact_reading import parse, read_json


@dataclass(frozen=True)
class Totals:
    """Numbers of expectations."""

    expectations: int
    holding: int
    warnings: int
    errors: int


@dataclass(frozen=True)
class Expectation:
    """Verdict of one expectation: whether it holds, what it means, and what it fails for."""

    success: bool
    severity: str
    meaning: str
    fails_for: str


@dataclass(frozen=True)
class Verdicts:
    """Verdicts of all expectations of a corpus."""

    success: bool
    totals: Totals
    expectations: list[Expectation]


def read(root: Path, role: Role, corpus: str) -> Verdicts:
    """Return the verdicts of a corpus of the project at `root`.

    Raises:
        BreathlineError: The file is missing or damaged.
    """
    path = root / CorpusFolders(role, corpus).verdicts
    return parse(Verdicts, read_json(path), path)
