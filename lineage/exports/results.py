"""The figures of the student as exports tell them: what reports/metrics.json holds, by name and with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.project import Project
from tasks.runtime.errors import BreathlineError

METRICS = Path("reports/metrics.json")
NAMES = {
    "score_strict": ("icbhi_score", "ICBHI Score (strict)"),
    "sp": ("specificity", "Specificity"),
    "se_strict": ("sensitivity", "Sensitivity (strict)"),
    "score_lenient": ("icbhi_score_lenient", "ICBHI Score (lenient)"),
    "se_lenient": ("sensitivity_lenient", "Sensitivity (lenient)"),
}
SELECTIONS = {
    "val": "epoch chosen on validation patients",
    "paper": "epoch chosen on the test set, as publications do: too high for new patients",
}


@dataclass(frozen=True)
class Figure:
    """One figure of the student, in percent; of several seeds, their mean.

    Attributes:
        selection: How the epoch was chosen (``val`` or ``paper``).
        type: A short name without spaces.
        name: For people.
        value: In percent.
        low: The lower end of the bootstrap interval over test patients, where it is defined.
        high: Its upper end.
        sd: Over seeds, where there are several.
    """

    selection: str
    type: str
    name: str
    value: float
    low: float | None
    high: float | None
    sd: float | None

    @property
    def interval(self) -> str:
        """The interval in words, empty where it is not defined."""
        return "" if self.low is None or self.high is None else f"{self.low:.2f} to {self.high:.2f}"


def metrics(project: Project) -> dict[str, Any]:
    """Return what the evaluation found.

    Raises:
        BreathlineError: Nothing has been evaluated yet.
    """
    path = project.root / METRICS
    if not path.is_file():
        raise BreathlineError("Nothing has been evaluated yet.", where=path, hint="`breathline run`, or `dvc repro`")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def figures(found: Mapping[str, Any]) -> list[Figure]:
    """Return the student's figures that are defined, Scores first."""
    return [
        Figure(selection, kind, name, one["mean"], one["low"], one["high"], one["sd"])
        for selection in found["selections"]
        for key, (kind, name) in NAMES.items()
        if (one := found["student"][selection][key])["mean"] is not None
    ]
