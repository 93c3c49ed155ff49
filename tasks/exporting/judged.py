"""Fit of conformal sets and of the limit of the distance for one student, and its outputs on held-out patients."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.decision_rules import DecisionRule
from tasks.exporting import conformal, novelty
from tasks.exporting.cycles import Cycles
from tasks.exporting.novelty import Whitening
from tasks.exporting.outputs import Outputs
from tasks.exporting.settings import ExportSettings
from tasks.prediction.calibration import calibrate
from tasks.prediction.fact_parts import Conformal, Novelty


@dataclass(frozen=True)
class Judged:
    """Limits of a student's judgement, and what they give for all cycles.

    Attributes:
        conformal: Conformal sets; None without validation cycles with a label.
        novelty: Limit of the distance; None if embeddings do not vary.
        whitening: Space of the distances, if there is a limit.
        predicted: Class of each cycle ``(cycles,)`` by the decision rule.
        probabilities: Calibrated probabilities ``(cycles, classes)``.
        distances: Distances ``(cycles,)``; empty without a limit.
    """

    conformal: Conformal | None
    novelty: Novelty | None
    whitening: Whitening | None
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]

    def decisions(self) -> list[str]:
        """Return the decision on each cycle: `unlike`, `uncertain` or `judged`."""
        sets = np.ones(len(self.probabilities))
        if self.conformal is not None:
            sets = (1 - self.probabilities <= self.conformal.quantile).sum(axis=1)
        unlike = np.zeros(len(sets), dtype=bool)
        if self.novelty is not None:
            unlike = self.distances > self.novelty.threshold
        return list(map(str, np.select([unlike, sets != 1], ["unlike", "uncertain"], "judged")))


def fit(outputs: Outputs, cycles: Cycles, *, rule: DecisionRule, settings: ExportSettings) -> Judged:
    """Fit the limits of a student's judgement: sets on validation patients, distances on training patients.

    Args:
        outputs: Outputs of the student for all cycles.
        cycles: Cycles of all subsets.
        rule: Decision rule of the student, with its temperature.
        settings: Settings of the stage.
    """
    probabilities = calibrate(outputs.probabilities, rule.temperature)
    predicted = rule.predict(outputs.probabilities)
    sets = _sets(probabilities, cycles, settings.coverage)
    space = novelty.fit(outputs.embeddings[cycles.of("train")])
    if space is None:
        return Judged(sets, None, None, predicted, probabilities, np.zeros(0))
    whitening, dimensions = space
    distances = whitening.distances(outputs.embeddings)
    limit = novelty.limit(distances[cycles.of("val")], quantile=settings.novelty_quantile, dimensions=dimensions)
    return Judged(sets, limit, whitening, predicted, probabilities, distances)


def _sets(probabilities: npt.NDArray[np.float64], cycles: Cycles, coverage: float) -> Conformal | None:
    """Return the conformal sets by the validation cycles with a label, and their coverage of the test cycles."""
    labelled = cycles.labels >= 0
    val, test = cycles.of("val") & labelled, cycles.of("test") & labelled
    if not val.any():
        return None
    patients = len(set(cycles.column("patient_id", val)))
    found = conformal.fit(cycles.labels[val], probabilities[val], patients=patients, coverage=coverage)
    covered = conformal.covered(cycles.labels[test], probabilities[test], found.quantile)
    return replace(found, covered=covered)
