"""Intervals and p-values of the report, computed again from predictions by nothing but NumPy, polars and SciPy."""

from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import binomtest, t


def hits(rows: pl.DataFrame, definition: str) -> pl.Series:
    """Return which predictions count as right."""
    lenient = (rows["predicted"] > 0) == (rows["label"] > 0)
    return rows["label"] == rows["predicted"] if definition == "strict" else lenient


def p_by_patient(one: pl.DataFrame, other: pl.DataFrame, definition: str) -> float:
    """Return the p-value of a Score when both sides swap whole patients, over all swaps."""
    parts = []
    for rows in (one, other):
        known = rows.with_columns(hit=hits(rows, definition), ill=pl.col("label") > 0)
        sums = known.group_by("patient_id", "ill").agg(pl.col("hit").sum()).rows()
        sizes = dict(known.group_by("ill").len().rows())
        parts.append({(patient, ill): 50 * right / sizes[ill] for patient, ill, right in sums})
    people = sorted({patient for patient, _ in parts[0]})
    apart = [sum(parts[0].get((who, ill), 0) - parts[1].get((who, ill), 0) for ill in (False, True)) for who in people]
    null = np.array([np.dot(signs, apart) for signs in product([1, -1], repeat=len(people))])
    return min(1.0, 2 * min((null >= sum(apart) - 1e-9).mean(), (null <= sum(apart) + 1e-9).mean()))


def mcnemar(one: pl.DataFrame, other: pl.DataFrame, definition: str) -> list[float]:
    """Return the p-value of each pair of networks, sorted."""
    found = []
    for _, mine in one.group_by("model"):
        for _, theirs in other.group_by("model"):
            right, also = (hits(side.sort("cycle_id"), definition) for side in (mine, theirs))
            found.append(binomtest((right & ~also).sum(), (right != also).sum()).pvalue)
    return sorted(found)


def effective(cycles: np.ndarray) -> float:
    """Return the effective number of patients by their numbers of cycles."""
    return cycles.sum() ** 2 / (cycles**2).sum()


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
    """Return Sp and Se, leaving out one patient after the other."""
    found, ill = [], rows["label"] > 0
    right, people = hits(rows, definition), people or sorted(rows["patient_id"].unique())
    for abnormal in (False, True):
        part = rows.with_columns(hit=right).filter(ill == abnormal)
        value, who = part["hit"].mean(), pl.col("patient_id")
        seeds = np.array([seed["hit"].mean() for _, seed in part.group_by("model", maintain_order=True)])
        cycles = np.array([part.filter(who == one).height for one in people]) / len(seeds)
        changes = np.array([part.filter(who != one)["hit"].mean() - value for one in people])
        found.append(Share(value, changes * np.sqrt(1 - 1 / np.count_nonzero(cycles)), seeds, cycles))
    return found


def margin(parts: list[Share], *, seeds: bool = False) -> tuple[float, float]:
    """Return the standard error of the mean of two shares, and its quantile of Student's t."""
    squares = np.array([(part.changes**2).sum() for part in parts])
    bounds = np.array([effective(part.cycles) - 1 for part in parts])
    changes, of_seeds = (np.mean([getattr(part, name) for part in parts], axis=0) for name in ("changes", "seeds"))
    square = (changes**2).sum()
    freedom = np.clip(3 * square**2 / (changes**4).sum() - 2, 1, squares.sum() ** 2 / (squares**2 / bounds).sum())
    also = of_seeds.var(ddof=1) / len(of_seeds) if seeds and len(of_seeds) > 1 else 0.0
    total = (square + also) ** 2 / (square**2 / freedom + also**2 / max(len(of_seeds) - 1, 1))
    return np.sqrt(square + also), t.ppf(0.975, total)


def covariance(one: Share, other: Share, seeds: bool) -> float:
    """Return the covariance of two shares over patients, and with several seeds also over seeds, if these count."""
    also = np.cov(one.seeds, other.seeds)[0, 1] / len(one.seeds) if seeds else 0.0
    return (one.changes * other.changes).sum() + also


def wilson(part: Share, quantile: float, *, seeds: bool = False) -> np.ndarray:
    """Return the limits of a share: the roots of Wilson's equation, with as many cycles as its variance is worth."""
    p = part.value
    weight = quantile**2 / min(p * (1 - p) / covariance(part, part, seeds), part.cycles.sum())
    return np.sort(np.roots([1 + weight, -2 * p - weight, p**2]))


def of_shares(rows: pl.DataFrame, definition: str) -> list[list[float]]:
    """Return the limits of Sp and of Se in percent."""
    return [[100 * one for one in wilson(part, margin([part])[1])] for part in shares(rows, definition)]


def interval(rows: pl.DataFrame, definition: str, *, seeds: bool = False) -> list[float]:
    """Return the limits of a Score in percent: those of Sp and Se are the roots of Wilson's equation.

    Args:
        rows: Predictions of one network or of several seeds.
        definition: Definition of the Score.
        seeds: Whether the limits are over patients and seeds; they then contain those over patients.
    """
    parts = shares(rows, definition)
    spread = np.prod([covariance(part, part, seeds) for part in parts])
    correlation = covariance(*parts, seeds) / np.sqrt(spread)
    quantile = margin(parts, seeds=seeds)[1]
    (low, high), (lower, higher) = (wilson(part, quantile, seeds=seeds) - part.value for part in parts)
    halves = [np.sqrt(a**2 + b**2 + 2 * correlation * a * b) for a, b in ((low, lower), (high, higher))]
    middle = parts[0].value + parts[1].value
    found = [50 * (middle - halves[0]), 50 * (middle + halves[1])]
    fixed = interval(rows, definition) if seeds else found
    return [min(found[0], fixed[0]), max(found[1], fixed[1])]


def difference(one: pl.DataFrame, other: pl.DataFrame, definition: str, *, paired: bool = False) -> list[float]:
    """Return a Score minus another one in points, its limits over patients, and those over patients and seeds.

    Args:
        one: Predictions of one side, of one network or of several seeds.
        other: Predictions of the other side.
        definition: Definition of the Score.
        paired: Whether both sides are the same networks, so that each seed is compared with itself.
    """
    people = sorted({*one["patient_id"], *other["patient_id"]})
    sides = (shares(side, definition, people) for side in (one, other))
    parts = [left.minus(right, paired) for left, right in zip(*sides, strict=True)]
    value = np.mean([part.value for part in parts])
    fixed, both = ([value + sign * np.prod(margin(parts, seeds=seeds)) for sign in (-1, 1)] for seeds in (False, True))
    return [100 * one for one in (value, *fixed, min(fixed[0], both[0]), max(fixed[1], both[1]))]
