"""What a verification finds: differences, each with its kind, its place and what depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "note"]
# Kinds that say only that the project has moved on since its stages ran: what would run now is not what ran. What lies
# there may be whole for all that.
MOVED_ON = frozenset(
    {"graph-changed", "params-changed", "module-changed", "module-missing", "module-added", "environment-changed"}
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference, or one thing that has to be known.

    Attributes:
        kind: A name for the sort of it, such as ``out-changed``; programs may rely on it.
        where: The path, stage, entry or key that it is about.
        what: What differs, in words.
        stages: The stages whose outs or records it is about.
        severity: ``error``: what lies there is not what was recorded; ``note``: nothing differs, but it has to be told.
        downstream: The stages that depend on these; filled in by `lineage.verify.verification`.
    """

    kind: str
    where: str
    what: str
    stages: tuple[str, ...] = ()
    severity: Severity = "error"
    downstream: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Depth:
    """What `--deep` computes anew.

    Attributes:
        sample: How many cycles of each kind.
        seed: Of their choice.
    """

    sample: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of a verification.

    Attributes:
        findings: Errors first, each in the order of the checks.
        checks: Which checks were made, and how long each took in seconds.
        files: How many files were read.
        bytes: How many bytes were read.
    """

    findings: Sequence[Finding]
    checks: dict[str, float]
    files: int
    bytes: int

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that something is not as recorded."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def damage(self) -> list[Finding]:
        """The errors that tell of more than that the project has moved on."""
        return [finding for finding in self.errors if finding.kind not in MOVED_ON]

    @property
    def moved_on(self) -> list[Finding]:
        """The errors that tell of nothing else: code, parameters, graph or packages are others than when it ran."""
        return [finding for finding in self.errors if finding.kind in MOVED_ON]

    @property
    def notes(self) -> list[Finding]:
        """The findings that have to be known."""
        return [finding for finding in self.findings if finding.severity == "note"]

    def as_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {"verified": not self.errors} | asdict(self)
