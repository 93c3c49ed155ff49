"""Effect of decision rules, a temperature and test-time augmentation on the students of a project.

    python -m benchmarks.decision_rules PROJECT [SHIFTS]

Thresholds and temperature are chosen on the validation patients, as a training does it, and applied to the test cycles.
Nothing in the project is written. Networks with a head for each corpus are refused.
"""

import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.decision_rules import Chosen
from models.metrics import FIGURES, SCORES, confusion_by_patient, figures
from models.training.decision_fitting import fit
from models.training.settings import ComputeSettings, DecisionSettings
from tasks import artifacts
from tasks.distillation.soft_labels import combine
from tasks.evaluation import calibration, degeneracy, words
from tasks.evaluation.inference import predict_all
from tasks.evaluation.intervals import Networks, difference
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.rounding import rounded
from tasks.runtime import params
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.subsets.patients import number
from tasks.subsets.splits import Subset
from tasks.training.torch_setup import set_up

BINS, CONFIDENCE, SHIFTS = 15, 0.95, 4
COMPUTE = ComputeSettings(device="auto", precision="fp32", threads=1)
RULES: tuple[Chosen | None, ...] = (None, "strict", "lenient")

Indices = npt.NDArray[np.int64]
Logits = Mapping[str, npt.NDArray[np.float32]]


def main() -> None:
    """Print a table of figures as mean and standard deviation over the students, and the differences to the first."""
    os.chdir(sys.argv[1])
    shifts = int(sys.argv[2]) if len(sys.argv) > 2 else SHIFTS
    set_up(COMPUTE)
    assigned = assignment.from_params(params.read())
    if assigned.heads is not None:
        raise SystemExit(
            "params.yaml: heads: this benchmark judges networks with one head; with several, the classes of their "
            "logits differ by corpus. Give a project without heads."
        )
    names = sorted((path.name for path in artifacts.STUDENTS.iterdir()), key=int)
    validation, patients = _labels(assigned, "val")
    labels, tested = _labels(assigned, "test")
    rows: dict[str, list[Predictions]] = {}
    rules = {}
    for name, logits in _logits(assigned, names, "val", 1).items():
        rules[name], losses = fit(logits, validation, patients, DecisionSettings())
        print(f"seed {name}: {rules[name]}, {losses}")
    for augmented in (1, shifts):
        given = _logits(assigned, names, "test", augmented)
        for name, rule in rules.items():
            model = Predictions(name, "val", combine([given[name]])[None], (rule,))
            for score in RULES:
                title = (
                    f"{'argmax' if score is None else f'threshold, {score}'}, {augmented} clip{'s' * (augmented > 1)}"
                )
                rows.setdefault(title, []).append(model.with_threshold(score))
    _print_figures(rows, labels)
    _print_calibration(rows, labels)
    _print_differences(rows, labels, tested, assigned.classes)


def _labels(assigned: Assignment, subset: Subset) -> tuple[Indices, Indices]:
    """Return the labels of the cycles of a subset, and the index of the patient of each."""
    cycles = assigned.cycles(subset)
    _, patients = number([assigned.patients[cycle] for cycle in cycles])
    return np.array([assigned.targets[cycle] for cycle in cycles]), patients


def _logits(assigned: Assignment, names: Sequence[str], subset: Subset, shifts: int) -> Logits:
    return predict_all(
        {name: artifacts.STUDENTS / name for name in names},
        assigned.cycles(subset),
        assigned.sources(subset),
        selections=["val"],
        compute=COMPUTE,
        features_root=artifacts.FEATURE_CACHES,
        shifts=shifts,
    )["val"]


def _matrices(model: Predictions, labels: Indices, patients: Indices) -> Indices:
    classes = model.probabilities.shape[2]
    return confusion_by_patient(labels, model.predicted, patients, size=int(patients.max()) + 1, classes=classes)


def _print_figures(rows: Mapping[str, Sequence[Predictions]], labels: Indices) -> None:
    print(f"\n| | {' | '.join(FIGURES)} |")
    everyone = np.zeros(len(labels), dtype=np.int64)
    for title, models in rows.items():
        found = [figures(_matrices(model, labels, everyone).sum(axis=0)) for model in models]
        print(f"| {title} | {' | '.join(_spread([float(one[name]) for one in found]) for name in FIGURES)} |")


def _print_calibration(rows: Mapping[str, Sequence[Predictions]], labels: Indices) -> None:
    print("\n| | ECE | Brier | loss |")
    for title, models in rows.items():
        if not title.startswith("argmax"):
            continue
        plain = [model.probabilities for model in models]
        scaled = [found for model in models if (found := calibration.scaled(model)) is not None]
        for name, given in ((title, plain), (f"{title}, temperature", scaled)):
            columns = (
                [calibration.ece(labels, one, BINS) for one in given],
                [calibration.brier(labels, one) for one in given],
                [calibration.loss(labels, one) for one in given],
            )
            print(f"| {name} | {' | '.join(_spread(column, 3) for column in columns)} |")


def _print_differences(
    rows: Mapping[str, Sequence[Predictions]], labels: Indices, patients: Indices, classes: Sequence[str]
) -> None:
    """Print both Scores of each row minus those of the first, with intervals over the test patients.

    A row with degenerate networks has the word degenerate. So have all rows if networks of the first are degenerate.
    """
    networks, titles = {}, {}
    for title, models in rows.items():
        matrices = np.stack([_matrices(model, labels, patients) for model in models])
        pairs = zip(models, matrices, strict=True)
        kinds = {model.model: degeneracy.kind(one.sum(axis=0), classes) for model, one in pairs}
        networks[title], titles[title] = Networks(matrices), words.flagged(title, degeneracy.of_several(kinds))
    first, *others = networks
    print(f"\n| minus {titles[first]} | {' | '.join(SCORES)} |")
    for title in others:
        found = difference(networks[title], networks[first], CONFIDENCE).values()
        cells = [words.difference({key: rounded(value) for key, value in one.items()}) for one in found]
        print(f"| {titles[title]} | {' | '.join(cells)} |")


def _spread(values: Sequence[float], digits: int = 1) -> str:
    return words.spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None, digits)


if __name__ == "__main__":
    main()
