"""Findings and report of a verification."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "note"]
# Kinds that only say that code, parameters, graph or packages have changed since the run. Artifacts may be intact.
OUTDATED = frozenset(
    {"graph-changed", "params-changed", "module-changed", "module-missing", "module-added", "environment-changed"}
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference, or one fact that a reader of the results has to know.

    Attributes:
        kind: Stable name of the kind, such as ``out-changed``; programs may rely on it.
        where: Path, stage, entry or key of the finding.
        what: Description of the difference.
        stages: Stages whose outs or records the finding is about.
        severity: ``error`` for a difference from the records; ``note`` for a fact that contradicts nothing.
        downstream: Stages that depend on these; set by `lineage.verify.verification`.
    """

    kind: str
    where: str
    what: str
    stages: tuple[str, ...] = ()
    severity: Severity = "error"
    downstream: tuple[str, ...] = ()


def recomputed(where: str, what: str, largest: float | None) -> Finding:
    """Return the note of a recomputation, with its largest difference from the artifact."""
    return note("computed-anew", where, what if largest is None else f"{what}; largest difference {largest:.2g}")


def note(kind: str, where: str, what: str, stages: Sequence[str] = ()) -> Finding:
    """Return a finding that contradicts nothing."""
    return Finding(kind=kind, where=where, what=what, stages=tuple(stages), severity="note")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Random sample that `--deep` recomputes.

    Attributes:
        sample: Number of cycles of each kind.
        seed: Random seed of the choice.
    """

    sample: int
    seed: int

    def choose(self, items: Iterable[Any]) -> list[Any]:
        """Return a sorted random sample of items; all of them where there are fewer."""
        known = sorted(items)
        return sorted(random.Random(self.seed).sample(known, min(self.sample, len(known))))


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of a verification.

    Attributes:
        findings: Findings, errors first, in the order of the checks.
        checks: Duration of each check in seconds, by name.
        files: Number of files that were read.
        bytes: Number of bytes that were read.
    """

    findings: Sequence[Finding]
    checks: dict[str, float]
    files: int
    bytes: int

    @property
    def errors(self) -> list[Finding]:
        """The findings of severity ``error``."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def damage(self) -> list[Finding]:
        """The errors that concern artifacts, records, log or history."""
        return [finding for finding in self.errors if finding.kind not in OUTDATED]

    @property
    def outdated(self) -> list[Finding]:
        """The errors that concern only code, parameters, graph or packages."""
        return [finding for finding in self.errors if finding.kind in OUTDATED]

    @property
    def notes(self) -> list[Finding]:
        """The findings of severity ``note``."""
        return [finding for finding in self.findings if finding.severity == "note"]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"verified": not self.errors} | asdict(self)
