"""Intervals over patients, and over patients and seeds, for Sp, Se, both Scores and their paired differences.

Cycles of one patient resemble each other, so patients are the sampling units. The variance of Sp and Se is that of the
jackknife, which leaves out one patient at a time. Quantiles are those of Student's t, because few patients with many
cycles can make up most of the variance. Limits of Sp and Se are Wilson's, with the effective number of cycles that
this variance gives. Limits of a Score combine those of Sp and Se (Zou & Donner 2008). An interval over patients and
seeds adds the variance of the mean over seeds. `benchmarks/interval_coverage.py` measures the coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from models.metrics import SCORES, Counts

MIN_PATIENTS = 3  # with normal and with abnormal cycles; with fewer there is no interval
METHOD = "Student's t on jackknife variances over patients; Wilson limits for Sp and Se"
OVER = {"over": "patients, networks fixed", "over_seeds": "patients and seeds"}  # of `low`, and of `low_seeds`

Array = npt.NDArray[np.float64]
Pair = tuple[Array, Array]
Limits = dict[str, Array]  # `low` and `high`; where seeds count, also `low_seeds` and `high_seeds`


@dataclass(frozen=True)
class Networks:
    """Networks whose mean is judged on the same test cycles.

    Attributes:
        matrices: Confusion matrices ``(..., networks, patients, classes, classes)``, rows being labels. Leading axes
            are independent test sets.
        seeds: Whether they are seeds of one training, which then are a second source of spread.
    """

    matrices: Counts
    seeds: bool = False

    @property
    def several_seeds(self) -> bool:
        """Return whether the spread over seeds can be estimated."""
        return self.seeds and self.matrices.shape[-4] > 1


@dataclass(frozen=True)
class Estimate:
    """A figure, and deviations whose sum of squares is its variance.

    Attributes:
        value: The figure in percent ``(...)``.
        patients: Deviations ``(..., patients)`` of the jackknife; NaN with too few patients.
        seeds: Deviations ``(..., seeds)`` of each side of a difference that has seeds; none if networks are fixed.
        design: Upper bound of the degrees of freedom over patients ``(...)``, from their numbers of cycles.
    """

    value: Array
    patients: Array
    seeds: tuple[Array, ...]
    design: Array

    @property
    def variance(self) -> Array:
        """Return the variance of the figure."""
        return np.asarray(_square(self.patients) + sum(map(_square, self.seeds)))

    @property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Return whether the variance is above rounding errors."""
        return np.asarray(self.variance > 1e-18)

    def quantile(self, confidence: float) -> Array:
        """Return the quantile of Student's t; NaN with too few patients.

        Degrees of freedom are Satterthwaite's. Those over patients follow from the fourth moment of the deviations.
        Those over seeds are the number of seeds less one, for each side of a difference.
        """
        over_patients = _square(self.patients)
        kurtosis = _ratio(over_patients**2, (self.patients**4).sum(-1), np.inf)
        freedom = np.clip(3 * kurtosis - 2, 1, self.design)
        of_seeds = sum(_square(side) ** 2 / max(side.shape[-1] - 1, 1) for side in self.seeds)
        total = np.maximum(_ratio(self.variance**2, over_patients**2 / freedom + of_seeds, self.design), 1)
        return np.asarray(stdtrit(total, (1 + confidence) / 2))


@dataclass(frozen=True)
class Recall(Estimate):
    """Sp or one of the two Se.

    Attributes:
        effective: Effective number of patients ``(...)``: the lower, the more their numbers of cycles differ.
        cycles: Number of cycles ``(...)``.
    """

    effective: Array
    cycles: Array


def intervals(networks: Networks, confidence: float) -> dict[str, Limits]:
    """Return the limits of both Scores, Sp and both Se in percent, by name; NaN where they are undefined.

    A Score has no limits if no patient and no seed differs from another, as in a model that predicts one class.

    Args:
        networks: The networks whose mean is judged.
        confidence: Confidence level, such as 0.95.
    """
    fixed = _intervals(recalls(networks, seeds=False), confidence)
    both = _intervals(recalls(networks, seeds=True), confidence) if networks.several_seeds else {}
    return {name: _limits(pair, both.get(name)) for name, pair in fixed.items()}


def difference(one: Networks, other: Networks, confidence: float, *, same_seeds: bool = False) -> dict[str, Limits]:
    """Return both mean Scores of `one` minus those of `other` in points as `difference`, with paired limits.

    Limits are NaN with too few patients, and if no patient and no seed differs from another. Those over patients and
    seeds are absent if no side has seeds, or if a side has a single one.

    Args:
        one: The first networks, with the same test cycles as `other`.
        other: The other networks.
        confidence: Confidence level, such as 0.95.
        same_seeds: Whether both sides are the same seeds in the same order, such as with two decision rules: they then
            are paired, too.
    """
    fixed = _differences(one, other, seeds=False)
    both = _differences(one, other, seeds=True, same_seeds=same_seeds) if _both_sources(one, other) else {}
    return {
        name: {
            "difference": found.value,
            **_limits(_symmetric(found, confidence), _symmetric(both[name], confidence) if both else None),
        }
        for name, found in fixed.items()
    }


def recall_difference(one: Networks, other: Networks, confidence: float) -> Limits:
    """Return the Sp of the mean of `one` minus that of `other` in points as `difference`, with limits as `difference`.

    The Sp is the recall of the first class: with its classes in another order, it is the recall of any class.
    """
    left, right = (recalls(side, seeds=True)["sp"] for side in (one, other))
    fixed = _minus(*(recalls(side, seeds=False)["sp"] for side in (one, other)))
    both = _symmetric(_minus(left, right), confidence) if _both_sources(one, other) else None
    return {"difference": fixed.value, **_limits(_symmetric(fixed, confidence), both)}


def recalls(networks: Networks, *, seeds: bool) -> dict[str, Recall]:
    """Return Sp and both Se of the mean of networks.

    Args:
        networks: The networks.
        seeds: Whether the spread over seeds counts, where the networks are seeds.
    """
    normal, abnormal = networks.matrices[..., 0, :], networks.matrices[..., 1:, :]
    found = abnormal[..., 1:]
    hits = {"sp": normal[..., 0], "se_strict": np.trace(found, axis1=-2, axis2=-1), "se_lenient": found.sum((-2, -1))}
    cycles = {"sp": normal.sum(-1)} | dict.fromkeys(("se_strict", "se_lenient"), abnormal.sum((-2, -1)))
    return {name: _recall(hits[name], cycles[name], seeds and networks.seeds) for name in hits}


def _recall(hits: Counts, cycles: Counts, seeds: bool) -> Recall:
    """Return a recall from hits and cycles ``(..., networks, patients)``."""
    of_patient, total = cycles[..., 0, :], cycles[..., 0, :].sum(-1)
    each = 100 * _ratio(hits.sum(-1), cycles.sum(-1), np.nan)
    value = each.mean(-1)
    residuals = 100 * hits.mean(-2) - value[..., np.newaxis] * of_patient
    deviations = _ratio(residuals, total[..., np.newaxis] - of_patient, np.nan)
    known = (of_patient > 0).sum(-1)
    deviations = deviations * np.sqrt(1 - 1 / np.maximum(known, 1))[..., np.newaxis]
    number = each.shape[-1]
    of_seeds = (each - value[..., np.newaxis]) / np.sqrt(max(number * (number - 1), 1))
    effective = _ratio(total.astype(float) ** 2, (of_patient**2).sum(-1), np.nan)
    patients, design = (
        np.where(known[..., np.newaxis] >= MIN_PATIENTS, deviations, np.nan),
        np.maximum(effective - 1, 1),
    )
    spread = (of_seeds,) if seeds else ()
    return Recall(value, patients, spread, design, effective=effective, cycles=total.astype(float))


def _intervals(found: dict[str, Recall], confidence: float) -> dict[str, Pair]:
    """Return the limits of Sp, both Se and both Scores."""
    limits = {name: _wilson(recall, recall.quantile(confidence)) for name, recall in found.items()}
    return limits | {name: _of_score([found[key] for key in _parts(name)], confidence) for name in SCORES}


def _both_sources(one: Networks, other: Networks) -> bool:
    """Return whether the spread over seeds is known on each side that has seeds, and one side has."""
    trained = [side for side in (one, other) if side.seeds]
    return bool(trained) and all(side.several_seeds for side in trained)


def _differences(one: Networks, other: Networks, *, seeds: bool, same_seeds: bool = False) -> dict[str, Estimate]:
    """Return the paired differences of both Scores."""
    left, right = (recalls(side, seeds=seeds) for side in (one, other))
    return {
        name: _mean([_minus(left[key], right[key], same_seeds=same_seeds) for key in _parts(name)]) for name in SCORES
    }


def _minus(one: Estimate, other: Estimate, *, same_seeds: bool = False) -> Estimate:
    """Return a paired difference: deviations of the same patient are subtracted, those of seeds only if they are equal.

    The sides may have different cycles, as groups have. The smaller of their degrees of freedom then counts.
    """
    paired = tuple(a - b for a, b in zip(one.seeds, other.seeds, strict=True)) if same_seeds else None
    seeds = (*one.seeds, *other.seeds) if paired is None else paired
    design = np.minimum(one.design, other.design)
    return Estimate(one.value - other.value, one.patients - other.patients, seeds, design)


def _mean(parts: Sequence[Estimate]) -> Estimate:
    """Return the mean of two figures of the same patients and seeds: a Score or its difference."""
    one, other = parts
    squares = [_square(part.patients) for part in parts]
    error = squares[0] ** 2 / one.design + squares[1] ** 2 / other.design
    design = np.maximum(_ratio((squares[0] + squares[1]) ** 2, error, one.design), 1)
    value, patients = (one.value + other.value) / 2, (one.patients + other.patients) / 2
    seeds = tuple((a + b) / 2 for a, b in zip(one.seeds, other.seeds, strict=True))
    return Estimate(value, patients, seeds, design)


def _wilson(recall: Recall, quantile: Array) -> Pair:
    """Return Wilson's limits in percent, with the effective number of cycles that the variance gives.

    If every cycle is right, or none is, there is no variance over patients. Each patient then is one observation.
    """
    p = recall.value / 100
    number = np.minimum(_ratio(p * (1 - p), recall.variance / 1e4, np.inf), recall.cycles)
    number = np.where((p == 0) | (p == 1), recall.effective, number)
    weight = quantile**2 / number
    centre, half = p + weight / 2, np.sqrt(weight * p * (1 - p) + weight**2 / 4)
    return 100 * (centre - half) / (1 + weight), 100 * (centre + half) / (1 + weight)


def _of_score(parts: Sequence[Recall], confidence: float) -> Pair:
    """Return the limits of a Score from the distances of Sp and Se to their limits (Zou & Donner 2008)."""
    score, (one, other) = _mean(parts), parts
    pairs = [_wilson(part, score.quantile(confidence)) for part in parts]
    sources = zip((one.patients, *one.seeds), (other.patients, *other.seeds), strict=True)
    covariance = sum((a * b).sum(-1) for a, b in sources)
    correlation = np.clip(_ratio(covariance, np.sqrt(one.variance * other.variance), 0.0), -1, 1)
    halves = []
    for limit in (0, 1):
        a, b = (np.abs(part.value - pair[limit]) for part, pair in zip(parts, pairs, strict=True))
        halves.append(np.where(score.varies, np.sqrt(np.maximum(a**2 + b**2 + 2 * correlation * a * b, 0)) / 2, np.nan))
    return score.value - halves[0], score.value + halves[1]


def _symmetric(found: Estimate, confidence: float) -> Pair:
    """Return the limits of a difference, at most 100 points."""
    half = np.where(found.varies, found.quantile(confidence) * np.sqrt(found.variance), np.nan)
    return np.maximum(found.value - half, -100), np.minimum(found.value + half, 100)


def _limits(fixed: Pair, both: Pair | None) -> Limits:
    """Return limits by key. Those over patients and seeds are never inside those with networks fixed."""
    found = {"low": fixed[0], "high": fixed[1]}
    if both is None:
        return found
    return found | {"low_seeds": np.fmin(fixed[0], both[0]), "high_seeds": np.fmax(fixed[1], both[1])}


def _parts(score: str) -> tuple[str, str]:
    """Return the names of the Sp and the Se of a Score."""
    return "sp", score.replace("score", "se")


def _square(deviations: Array) -> Array:
    return np.asarray((deviations**2).sum(-1))


def _ratio(one: Any, other: Any, undefined: Any) -> Array:
    """Return a quotient, with another value where the denominator is 0."""
    return np.asarray(np.where(other == 0, undefined, one / np.where(other == 0, 1, other)), dtype=np.float64)
