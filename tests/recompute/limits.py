"""Intervals and p-values of predictions, by nothing but NumPy, polars and SciPy."""

from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import binomtest, t

from tests.recompute.scores import networks

LEAST_PATIENTS = 3  # with normal, and with abnormal, cycles; with fewer there is no interval
LEAST_VARIANCE = 1e-22  # of shares; smaller ones are rounding errors
SWAPS = 100_000  # random swaps of this module, where the page does not count all
ERRORS = 4  # standard errors of the difference of two shares of random swaps that are allowed
NONE = [np.nan, np.nan]


class Drawn(float):
    """A number that the page estimates by random draws: it may differ by the margin."""

    margin: float

    def __new__(cls, value: float, margin: float) -> "Drawn":
        """Return the number with its margin."""
        found = super().__new__(cls, value)
        found.margin = margin
        return found


def hits(rows: pl.DataFrame, definition: str) -> pl.Series:
    """Return which predictions count as right."""
    lenient = (rows["predicted"] > 0) == (rows["label"] > 0)
    return rows["label"] == rows["predicted"] if definition == "strict" else lenient


def p_by_patient(one: pl.DataFrame, other: pl.DataFrame, definition: str, resamples: int) -> float:
    """Return the p-value of a Score when both sides swap whole patients.

    The page counts all swaps, if there are at most `resamples`; so does this function. Otherwise the page draws
    `resamples` swaps and counts its own difference among them. This function draws others, `SWAPS` of them. The two
    estimates may differ by 4 standard errors of their difference.

    Args:
        one: Predictions of one side.
        other: Predictions of the other side.
        definition: Definition of the Score.
        resamples: Largest number of swaps that the page counts.
    """
    parts = []
    for rows in (one, other):
        known = rows.with_columns(hit=hits(rows, definition), ill=pl.col("label") > 0)
        sums = known.group_by("patient_id", "ill").agg(pl.col("hit").sum()).rows()
        sizes = dict(known.group_by("ill").len().rows())
        parts.append({(patient, ill): 50 * right / sizes[ill] for patient, ill, right in sums})
    people = sorted({patient for patient, _ in parts[0]})
    if len(people) < 2 or len({ill for _, ill in parts[0]}) < 2:
        return np.nan
    apart = [sum(parts[0].get((who, ill), 0) - parts[1].get((who, ill), 0) for ill in (False, True)) for who in people]
    if 2 ** len(people) <= resamples:
        null = np.array([np.dot(signs, apart) for signs in product([1, -1], repeat=len(people))])
        return min(1.0, 2 * _smaller_share(null, sum(apart)))
    signs = np.random.default_rng(len(people)).integers(0, 2, size=(SWAPS, len(people)), dtype=np.int8) * 2 - 1
    share = _smaller_share(signs @ np.array(apart), sum(apart))
    error = np.sqrt(max(share * (1 - share), 1 / resamples) * (1 / resamples + 1 / SWAPS))
    value = (resamples * share + 1) / (resamples + 1)
    return Drawn(min(1.0, 2 * value), 2 * ERRORS * error)


def _smaller_share(null: np.ndarray, value: float) -> float:
    """Return the share of differences at least as large, or as small, as one: the smaller of both shares."""
    return float(min((null >= value - 1e-9).mean(), (null <= value + 1e-9).mean()))


def mcnemar(one: pl.DataFrame, other: pl.DataFrame, definition: str) -> list[float]:
    """Return the p-value of each pair of networks, sorted."""
    found = []
    for mine in networks(one):
        for theirs in networks(other):
            right, also = (hits(side.sort("cycle_id"), definition) for side in (mine, theirs))
            number = (right != also).sum()
            found.append(binomtest((right & ~also).sum(), number).pvalue if number else 1.0)
    return sorted(found)


def effective(cycles: np.ndarray) -> float:
    """Return the effective number of patients by their numbers of cycles."""
    return cycles.sum() ** 2 / (cycles**2).sum() if cycles.any() else np.nan


class Share(NamedTuple):
    """Sp or Se as a share, its change without each patient, that of each seed, and its numbers of cycles."""

    value: float
    changes: np.ndarray
    seeds: np.ndarray
    cycles: np.ndarray

    def minus(self, other: "Share", paired: bool) -> "Share":
        seeds = self.seeds - other.seeds if paired else self.seeds
        cycles = min(self.cycles, other.cycles, key=effective)
        return Share(self.value - other.value, self.changes - other.changes, seeds, cycles)


def shares(rows: pl.DataFrame, definition: str, people: list[str] | None = None) -> list[Share]:
    """Return Sp and Se, leaving out one patient after the other; with fewer than 3 patients, changes are NaN."""
    found, people, number = [], people or sorted(rows["patient_id"].unique()), rows["model"].n_unique()
    known = rows.select("model", "patient_id", hit=hits(rows, definition), ill=pl.col("label") > 0)
    of_patients = known.group_by("ill", "patient_id").agg(pl.sum("hit"), pl.len()).rows()
    of_models = known.group_by("ill", "model", maintain_order=True).agg(pl.mean("hit")).rows()
    for abnormal in (False, True):
        sums = {who: (right, all_) for ill, who, right, all_ in of_patients if ill == abnormal}
        right, cycles = np.array([sums.get(who, (0, 0)) for who in people], dtype=float).T
        with np.errstate(invalid="ignore", divide="ignore"):
            value = right.sum() / cycles.sum()
            changes = (right.sum() - right) / (cycles.sum() - cycles) - value
        seeds = [mean for ill, _, mean in of_models if ill == abnormal]
        of_seeds = np.array(seeds or [np.nan] * number)
        patients = np.count_nonzero(cycles)
        factor = np.sqrt(1 - 1 / patients) if patients >= LEAST_PATIENTS else np.nan
        found.append(Share(value, changes * factor, of_seeds, cycles / number))
    return found


def margin(parts: list[Share], level: float, *, seeds: bool = False) -> tuple[float, float]:
    """Return the standard error of the mean of shares, and its quantile of Student's t."""
    squares = np.array([(part.changes**2).sum() for part in parts])
    bounds = np.array([max(effective(part.cycles) - 1, 1) for part in parts])
    changes, of_seeds = (np.mean([getattr(part, name) for part in parts], axis=0) for name in ("changes", "seeds"))
    square = (changes**2).sum()
    most = max(squares.sum() ** 2 / (squares**2 / bounds).sum(), 1) if squares.any() else bounds[0]
    freedom = np.clip(3 * square**2 / (changes**4).sum() - 2, 1, most) if square else most
    also = of_seeds.var(ddof=1) / len(of_seeds) if seeds and len(of_seeds) > 1 else 0.0
    known = square**2 / freedom + also**2 / max(len(of_seeds) - 1, 1)
    total = max((square + also) ** 2 / known, 1) if known else most
    return np.sqrt(square + also), t.ppf((1 + level) / 2, total)


def covariance(one: Share, other: Share, seeds: bool) -> float:
    """Return the covariance of two shares over patients, and with several seeds also over seeds, if these count."""
    also = np.cov(one.seeds, other.seeds)[0, 1] / len(one.seeds) if seeds and len(one.seeds) > 1 else 0.0
    return (one.changes * other.changes).sum() + also


def wilson(part: Share, quantile: float, *, seeds: bool = False) -> np.ndarray:
    """Return the limits of a share: the roots of Wilson's equation, with as many cycles as its variance is worth.

    If all cycles are right, or none is, each patient counts as one cycle.
    """
    p, variance = part.value, covariance(part, part, seeds)
    if np.isnan([p, variance, quantile]).any():
        return np.array(NONE)
    number = min(p * (1 - p) / variance, part.cycles.sum()) if variance else part.cycles.sum()
    weight = quantile**2 / (effective(part.cycles) if p in (0, 1) else number)
    return np.sort(np.roots([1 + weight, -2 * p - weight, p**2]))


def of_shares(rows: pl.DataFrame, definition: str, level: float) -> list[list[float]]:
    """Return the limits of Sp and of Se in percent."""
    return [[100 * one for one in wilson(part, margin([part], level)[1])] for part in shares(rows, definition)]


def interval(rows: pl.DataFrame, definition: str, level: float, *, seeds: bool = False) -> list[float]:
    """Return the limits of a Score in percent: those of Sp and Se are the roots of Wilson's equation.

    Limits are NaN with fewer than 3 patients with normal, or with abnormal, cycles, and if no patient and no seed
    differs from another.

    Args:
        rows: Predictions of one network or of several seeds.
        definition: Definition of the Score.
        level: Confidence level.
        seeds: Whether the limits are over patients and seeds; they then contain those over patients.
    """
    parts = shares(rows, definition)
    error, quantile = margin(parts, level, seeds=seeds)
    if not error**2 > LEAST_VARIANCE:
        return interval(rows, definition, level) if seeds else NONE
    spread = np.prod([covariance(part, part, seeds) for part in parts])
    correlation = np.clip(covariance(*parts, seeds) / np.sqrt(spread), -1, 1) if spread else 0.0
    (low, high), (lower, higher) = (wilson(part, quantile, seeds=seeds) - part.value for part in parts)
    halves = [np.sqrt(max(a**2 + b**2 + 2 * correlation * a * b, 0)) for a, b in ((low, lower), (high, higher))]
    middle = parts[0].value + parts[1].value
    found = [50 * (middle - halves[0]), 50 * (middle + halves[1])]
    fixed = interval(rows, definition, level) if seeds else found
    return [np.fmin(found[0], fixed[0]), np.fmax(found[1], fixed[1])]


def difference(
    one: pl.DataFrame, other: pl.DataFrame, definition: str, level: float, *, paired: bool = False
) -> list[float]:
    """Return a Score minus another one in points, its limits over patients, and those over patients and seeds.

    Args:
        one: Predictions of one side, of one network or of several seeds.
        other: Predictions of the other side.
        definition: Definition of the Score.
        level: Confidence level.
        paired: Whether both sides are the same networks, so that each seed is compared with itself.
    """
    people = sorted({*one["patient_id"], *other["patient_id"]})
    sides = (shares(side, definition, people) for side in (one, other))
    parts = [left.minus(right, paired) for left, right in zip(*sides, strict=True)]
    value = np.mean([part.value for part in parts])
    fixed, both = (_around(value, *margin(parts, level, seeds=seeds)) for seeds in (False, True))
    return [100 * one for one in (value, *fixed, np.fmin(fixed[0], both[0]), np.fmax(fixed[1], both[1]))]


def _around(value: float, error: float, quantile: float) -> list[float]:
    """Return the limits of a difference, at most 100 points; NaN without variance."""
    if not error**2 > LEAST_VARIANCE:
        return NONE
    return [max(value - quantile * error, -1.0), min(value + quantile * error, 1.0)]
