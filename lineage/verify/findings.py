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


@dataclass(frozen=True)
class Finding:
    """One difference, or one fact that a reader of the results has to know."""

    kind: str  # stable name of the kind, such as ``out-changed``; programs may rely on it
    where: str  # path, stage, entry or key of the finding
    what: str  # description of the difference
    stages: tuple[str, ...] = ()  # stages whose outs or records the finding is about
    # ``error`` for a difference from the records; ``note`` for a fact that contradicts nothing
    severity: Severity = "error"
    downstream: tuple[str, ...] = ()  # stages that depend on these; set by `lineage.verify.verification`


def recomputed(where: str, what: str, largest: float | None) -> Finding:
    """Return the note of a recomputation, with its largest difference from the artifact."""
    return note("computed-anew", where, what if largest is None else f"{what}; largest difference {largest:.2g}")


def note(kind: str, where: str, what: str, stages: Sequence[str] = ()) -> Finding:
    """Return a finding that contradicts nothing."""
    return Finding(kind, where, what, tuple(stages), "note")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Random sample that `--deep` recomputes."""

    sample: int  # number of cycles of each kind
    seed: int  # random seed of the choice
    retrain: int = 0  # number of trainings that are repeated

    def choose(self, items: Iterable[Any]) -> list[Any]:
        """Return a sorted random sample of items; all of them where there are fewer."""
        known = sorted(items)
        chance = random.Random(self.seed)  # noqa: S311 - a sample that the same seed draws again
        return sorted(chance.sample(known, min(self.sample, len(known))))

    def trainings(self, stages: Iterable[str]) -> list[str]:
        """Return the stages of trainings to repeat: consecutive seeds take turns, until each had its turn."""
        known, first = sorted(stages), self.seed * self.retrain
        return [known[(first + place) % len(known)] for place in range(min(self.retrain, len(known)))]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of a verification."""

    findings: Sequence[Finding]  # findings, errors first, in the order of the checks
    checks: dict[str, float]  # duration of each check in seconds, by name
    files: int  # number of files that were read
    bytes: int  # number of bytes that were read

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
