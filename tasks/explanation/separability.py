"""Separability of embeddings: purity of the nearest neighbours, and a linear probe, each against chance.

Both are means over the values of a colouring, so that a frequent value counts as much as a rare one. Chance is then
about 1 / number of values for both.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tasks.explanation.colourings import Codes, Colouring
from tasks.explanation.patient_means import MIN_PATIENTS

FOLDS = 5
PENALTY = 0.1  # inverse strength C of the probe's L2 penalty, for standardised embeddings

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure in percent, its chance level, and its interval over patients, if there are enough and these differ."""

    value: float
    chance: float
    low: float | None
    high: float | None


def purity(points: Array, colouring: Colouring, patients: Codes, *, neighbours: int, confidence: float) -> Figure:
    """Return the share of the nearest neighbours that have the cycle's own value, as the mean over the values.

    Neighbours are cycles of other units, by Euclidean distance. Chance is the share of the own value among all cycles
    of other units: what neighbours drawn at random would give.

    Args:
        points: Standardised embeddings ``(cycles, features)``.
        colouring: Values of the cycles, of which two can be compared.
        patients: Index of each cycle's patient.
        neighbours: Number of neighbours; that of the cycles of other units with the own value, if these are fewer.
        confidence: Level of the interval.
    """
    points, values, units, patients = _comparable(points, colouring, patients)
    squares = (points**2).sum(1)
    distances = squares[:, None] + squares[None, :] - 2 * points @ points.T
    others = units[:, None] != units[None, :]
    same = (values[:, None] == values[None, :]) & others
    # So many that enough are left without any one patient.
    reach = neighbours + int(np.bincount(patients).max())
    order = np.argsort(np.where(others, distances, np.inf), axis=1, kind="stable")[:, :reach]
    near = _Nearest(
        patients=patients[order],
        usable=np.take_along_axis(others, order, axis=1),
        same=np.take_along_axis(same, order, axis=1),
    )
    own, present = same.sum(1), np.unique(patients)
    own_of = np.stack([same[:, patients == patient].sum(1) for patient in present])
    value = _mean_over_values(near.shares(np.minimum(neighbours, own)), values)
    without = []
    for patient, fewer in zip(present, np.minimum(neighbours, own - own_of), strict=True):
        kept = patients != patient
        without.append(_mean_over_values(near.shares(fewer, patient)[kept], values[kept]))
    # The jackknife: a patient counts by its own cycles and as a neighbour of others.
    deviations = (np.array(without) - np.mean(without)) * np.sqrt((len(without) - 1) / len(without))
    chance = _mean_over_values(own / others.sum(1), values)
    return Figure(value, chance, *_limits(value, deviations, confidence))


@dataclass(frozen=True)
class _Nearest:
    """Nearest cycles of each cycle, sorted by distance: ``(cycles, candidates)``."""

    patients: Codes
    usable: npt.NDArray[np.bool_]
    same: npt.NDArray[np.bool_]

    def shares(self, numbers: Codes, without: int | None = None) -> Array:
        """Return the share of the nearest usable cycles that have the cycle's own value; NaN without any.

        Args:
            numbers: Number of neighbours of each cycle.
            without: Patient who is left out.
        """
        usable = self.usable if without is None else self.usable & (self.patients != without)
        counted = usable & (usable.cumsum(1) <= numbers[:, None])
        found, hits = counted.sum(1), (self.same & counted).sum(1)
        return np.asarray(np.divide(hits, found, out=np.full(len(found), np.nan), where=found > 0))


def probe(points: Array, colouring: Colouring, patients: Codes, *, confidence: float) -> Figure:
    """Return the balanced accuracy of a logistic regression from embeddings to the values, cross-validated.

    The units are divided into folds, and the values of a fold are predicted from the others. There are `FOLDS` folds,
    or fewer if no value has that many cycles. Chance is what any guess without the embedding gives: 1 / number of
    values.

    Args:
        points: Standardised embeddings ``(cycles, features)``.
        colouring: Values of the cycles, of which two can be compared.
        patients: Index of each cycle's patient.
        confidence: Level of the interval.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    points, values, units, patients = _comparable(points, colouring, patients)
    # Each value has two units at least, so that there are two folds.
    folds = StratifiedGroupKFold(min(FOLDS, len(np.unique(units)), int(np.bincount(values).max())))
    hits = np.zeros(len(values))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # its units are in fewer folds than there are
        divided = list(folds.split(points, values, units))
    for learned, tested in divided:
        if not len(tested):  # scikit-learn may leave a fold empty where units are as few as folds
            continue
        known = np.unique(values[learned])
        if len(known) == 1:
            hits[tested] = values[tested] == known[0]
            continue
        regression = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000)
        regression.fit(points[learned], values[learned])
        hits[tested] = regression.predict(points[tested]) == values[tested]
    value = _mean_over_values(hits, values)
    return Figure(value, 100 / len(np.unique(values)), *_limits(value, _deviations(hits, values, patients), confidence))


def _comparable(points: Array, colouring: Colouring, patients: Codes) -> tuple[Array, Codes, Codes, Codes]:
    kept = colouring.comparable
    return points[kept], colouring.values[kept], colouring.units[kept], patients[kept]


def _mean_over_values(shares: Array, values: Codes) -> float:
    """Return the mean over the values of the mean share of their cycles, in percent, without shares that are NaN."""
    known = ~np.isnan(shares)
    if not known.any():
        return float("nan")
    _, strata = np.unique(values[known], return_inverse=True)
    return 100 * float((np.bincount(strata, shares[known]) / np.bincount(strata)).mean())


def _deviations(hits: Array, values: Codes, patients: Codes) -> Array:
    """Return by how much each patient moves the balanced accuracy from its expectation, to the first order."""
    _, strata = np.unique(values, return_inverse=True)
    _, patients = np.unique(patients, return_inverse=True)
    sizes = np.bincount(strata)
    means = np.bincount(strata, hits) / sizes
    # Patients as values are a sample themselves, and vary around the mean over all.
    expected = np.full(len(hits), means.mean()) if np.array_equal(strata, patients) else means[strata]
    found = 100 * np.bincount(patients, (hits - expected) / sizes[strata]) / len(sizes)
    return np.asarray(found * np.sqrt(len(found) / max(len(found) - 1, 1)))


def _limits(value: float, deviations: Array, confidence: float) -> tuple[float | None, float | None]:
    """Return the t interval of a figure in percent; the squares of the deviations add up to its variance.

    There is none if no patient moves the figure, because its variance is then unknown, not 0.
    """
    number = len(deviations)
    if number < MIN_PATIENTS or np.isnan(deviations).any() or np.allclose(deviations, 0):
        return None, None
    half = float(stdtrit(number - 1, (1 + confidence) / 2) * np.sqrt((deviations**2).sum()))
    return max(0.0, value - half), min(100.0, value + half)
