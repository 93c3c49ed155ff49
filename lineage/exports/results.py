"""Models, pretrained weights and figures for the exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lineage import files
from lineage.project import Project
from models import file_names
from tasks import artifacts
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError

NAMES = {
    "score_strict": ("icbhi_score", "ICBHI Score (strict)"),
    "sp": ("specificity", "Specificity"),
    "se_strict": ("sensitivity", "Sensitivity (strict)"),
    "score_lenient": ("icbhi_score_lenient", "ICBHI Score (lenient)"),
    "se_lenient": ("sensitivity_lenient", "Sensitivity (lenient)"),
}
LIMITS = ("low", "high", "sd", "low_seeds", "high_seeds")


@dataclass(frozen=True)
class Figure:
    """One figure of the student in percent: the mean over its seeds."""

    selection: str  # rule by which the epoch was chosen (`val` or `paper`)
    type: str  # short name without spaces
    name: str  # name for readers
    value: float
    low: float | None  # lower limit over test patients with networks fixed, where it is defined
    high: float | None  # upper limit
    sd: float | None  # standard deviation over seeds, where there are several
    low_seeds: float | None = None  # lower limit over patients and seeds, where there are several seeds
    high_seeds: float | None = None  # upper limit

    @property
    def interval(self) -> str:
        """The interval over patients in words; empty if it is not defined."""
        return _range(self.low, self.high)

    @property
    def interval_over_seeds(self) -> str:
        """The interval over patients and seeds in words; empty if it is not defined."""
        return _range(self.low_seeds, self.high_seeds)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


@dataclass(frozen=True)
class Model:
    """A trained student or teacher."""

    role: Literal["student", "teacher"]
    item: str  # seed of a student, name of a teacher
    stage: str  # stage that trained it
    network: Mapping[str, Any]  # its `model.json`
    weights: Mapping[str, str]  # SHA-256 of each file of weights, by path

    def figures(self, metrics: Mapping[str, Any], selection: str) -> Mapping[str, Any]:
        """Return the figures of the model in metrics of one test set; empty where it was not tested."""
        found: Mapping[str, Any] = metrics[f"{self.role}s"].get(self.item, {}).get(selection, {})
        return found


def students(project: Project) -> list[Model]:
    """Return the students that have a record, in the order of their stages.

    Raises:
        BreathlineError: No student is trained yet.
    """
    found = _models(project, "student", artifacts.STUDENTS)
    if not found:
        raise BreathlineError(
            "No student is trained yet.",
            where=project.root / artifacts.STUDENTS,
            hint="`breathline run`, or `dvc repro`",
        )
    return found


def teachers(project: Project) -> list[Model]:
    """Return the teachers that have a record, in the order of their stages."""
    return _models(project, "teacher", artifacts.TEACHERS)


def _models(project: Project, role: Literal["student", "teacher"], folder: Path) -> list[Model]:
    found = []
    for stage, made in project.records.items():
        group, _, item = stage.partition("@")
        if group == f"train_{role}":
            outs = files.by_path(made["outputs"])
            weights = {path: file["sha256"] for path, file in outs.items() if path.endswith(".safetensors")}
            card = read_json(project.root / folder / item / file_names.CARD)
            found.append(Model(role, item, stage, card, weights))
    return found


def pretrained(project: Project) -> dict[str, dict[str, Any]]:
    """Return the `source.json` of all initial weights by name; random weights have no SHA-256."""
    names = (stage.partition("@")[2] for stage in project.records if stage.startswith("weights@"))
    return {name: read_json(project.root / artifacts.WEIGHTS / name / file_names.SOURCE) for name in names}


def metrics(project: Project) -> dict[str, Any]:
    """Return the metrics of the evaluation.

    Raises:
        BreathlineError: Nothing has been evaluated yet.
    """
    path = project.root / artifacts.METRICS
    if not path.is_file():
        raise BreathlineError("Nothing has been evaluated yet.", where=path, hint="`breathline run`, or `dvc repro`")
    return read_json(path)


def tests(found: Mapping[str, Any]) -> dict[str | None, Mapping[str, Any]]:
    """Return the figures on all test cycles (None), on those of each training corpus, and on external corpora.

    The keys are words such as ``corpus second``, ``corpus second, own classes`` and ``external corpus hospital``.
    """
    parts: dict[str | None, Mapping[str, Any]] = {None: found}
    parts |= {f"corpus {name}": part for name, part in found.get("corpora", {}).items()}
    parts |= {f"corpus {name}, own classes": part for name, part in found.get("native", {}).items()}
    parts |= {f"external corpus {name}": part for name, part in found.get("external", {}).items()}
    return parts


def degenerate(found: Mapping[str, Any]) -> dict[str, str]:
    """Return how the student is degenerate, such as ``always normal``, by the selections in which it is."""
    flags = {selection: found["student"][selection].get("degenerate") for selection in found["selections"]}
    return {selection: flag for selection, flag in flags.items() if flag}


def figures(found: Mapping[str, Any]) -> list[Figure]:
    """Return the defined figures of the student, Scores first."""
    return [
        Figure(selection, kind, name, one["mean"], **{key: one[key] for key in LIMITS if key in one})
        for selection in found["selections"]
        for key, (kind, name) in NAMES.items()
        if (one := found["student"][selection][key])["mean"] is not None
    ]
