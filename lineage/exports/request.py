"""Input of every export."""

from dataclasses import dataclass
from pathlib import Path

from lineage.project import Project


@dataclass(frozen=True)
class ChangeProtocol:
    """Rule by which `breathline watch` promotes a model that was trained on new recordings."""

    metric: str  # key of the metric in `reports/scores.json`
    margin: float  # maximum loss compared with the version in production, in points
    stage: str  # registry stage whose version is compared and replaced
    comparable: tuple[str, ...]  # keys of the metrics that must be equal for both models
    objections: tuple[str, ...]  # objections for which a model is refused, in words


@dataclass(frozen=True)
class Request:
    """Input of an export."""

    project: Project
    out: Path  # folder of the files
    key: Path | None = None  # Ed25519 private key (PEM) that signs the in-toto statement, if any
    protocol: ChangeProtocol | None = None  # rule of the promotion, for the change control plan
