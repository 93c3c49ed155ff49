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

MIN_PATIENTS = 3  # with fewer there is no interval
FOLDS = 5
PENALTY = 0.1  # inverse strength C of the probe's L2 penalty, for standardised embeddings

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure in percent, its chance level, and its interval over patients if there are enough."""

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
        neighbours: Number of neighbours; all cycles of other units if these are fewer.
        confidence: Level of the interval.
    """
    points, values, units, patients = _comparable(points, colouring, patients)
    squares = (points**2).sum(1)
    distances = squares[:, None] + squares[None, :] - 2 * points @ points.T
    others = units[:, None] != units[None, :]
    same = (values[:, None] == values[None, :]) & others
    order = np.argsort(np.where(others, distances, np.inf), axis=1, kind="stable")[:, :neighbours]
    counted = np.take_along_axis(others, order, axis=1)
    shares = np.take_along_axis(same, order, axis=1).sum(1) / counted.sum(1)
    return _figure(shares, same.sum(1) / others.sum(1), values, patients, confidence)


def probe(points: Array, colouring: Colouring, patients: Codes, *, confidence: float) -> Figure:
    """Return the balanced accuracy of a logistic regression from embeddings to the values, cross-validated.

    The units are divided into folds, and the values of a fold are predicted from the others. Chance is what any guess
    without the embedding gives: 1 / number of values.

    Args:
        points: Standardised embeddings ``(cycles, features)``.
        colouring: Values of the cycles, of which two can be compared.
        patients: Index of each cycle's patient.
        confidence: Level of the interval.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    points, values, units, patients = _comparable(points, colouring, patients)
    folds = StratifiedGroupKFold(min(FOLDS, len(np.unique(units))))
    hits = np.zeros(len(values))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # its units are in fewer folds than there are
        divided = list(folds.split(points, values, units))
    for learned, tested in divided:
        known = np.unique(values[learned])
        if len(known) == 1:
            hits[tested] = values[tested] == known[0]
            continue
        regression = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000)
        regression.fit(points[learned], values[learned])
        hits[tested] = regression.predict(points[tested]) == values[tested]
    chance = np.full(len(values), 1 / len(np.unique(values)))
    return _figure(hits, chance, values, patients, confidence)


def _comparable(points: Array, colouring: Colouring, patients: Codes) -> tuple[Array, Codes, Codes, Codes]:
    kept = colouring.comparable
    return points[kept], colouring.values[kept], colouring.units[kept], patients[kept]


def _figure(shares: Array, chances: Array, values: Codes, patients: Codes, confidence: float) -> Figure:
    """Return the means over the values in percent, with a t interval over patients."""
    _, strata = np.unique(values, return_inverse=True)
    _, patients = np.unique(patients, return_inverse=True)
    sizes = np.bincount(strata)
    means = np.bincount(strata, shares) / sizes
    value = 100 * float(means.mean())
    chance = 100 * float((np.bincount(strata, chances) / sizes).mean())
    # Deviation of the figure that each patient causes, to the first order. Patients as values are a sample themselves.
    expected = np.full(len(shares), means.mean()) if np.array_equal(values, patients) else means[strata]
    deviations = np.bincount(patients, (shares - expected) / sizes[strata]) * 100 / len(sizes)
    number = len(deviations)
    if number < MIN_PATIENTS:
        return Figure(value, chance, None, None)
    error = float(np.sqrt(number / (number - 1) * (deviations**2).sum()))
    half = float(stdtrit(number - 1, (1 + confidence) / 2)) * error
    return Figure(value, chance, max(0.0, value - half), min(100.0, value + half))
