"""Figures of the report, computed again from ``predictions.parquet`` by nothing but NumPy, polars and scikit-learn."""

from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, t
from sklearn import metrics as sk


def number(text: str) -> float:
    """Return the first number of a cell."""
    return float(text.split(maxsplit=1)[0].strip("†").replace("−", "-"))


def close(cells, values, digits=1):
    tolerance = 0.56 * 10**-digits  # figures are rounded twice
    assert [number(cell) for cell in cells] == pytest.approx([float(value) for value in values], abs=tolerance)


def scores(rows: pl.DataFrame) -> dict[str, float]:
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    normal = true == 0
    sp, strict, lenient = (
        100 * hits.mean() if len(hits) else np.nan
        for hits in (called[normal] == 0, called[~normal] == true[~normal], called[~normal] > 0)
    )
    means = {"strict": (sp + strict) / 2, "lenient": (sp + lenient) / 2}
    return {"sp": sp, "se": strict, "any": lenient} | means


def further_metrics(rows: pl.DataFrame) -> list[float]:
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    f1 = sk.f1_score(true, called, average="macro", labels=sorted(set(true)), zero_division=0)
    agreement = [sk.matthews_corrcoef(true, called), sk.cohen_kappa_score(true, called)]
    return [100 * f1, 100 * sk.balanced_accuracy_score(true, called), *agreement]


def of_classes(rows: pl.DataFrame, classes: list[str], at: int) -> list[float]:
    true, called = rows["label"].to_numpy() == at, rows["predicted"].to_numpy() == at
    shares = [metric(true, called, zero_division=0) for metric in (sk.recall_score, sk.precision_score, sk.f1_score)]
    seeds = [(part["label"] == at, part[f"p_{classes[at]}"]) for _, part in rows.group_by("model")]
    areas = [np.mean([area(*part) for part in seeds]) for area in (sk.roc_auc_score, sk.average_precision_score)]
    return [true.sum() / len(seeds), *(100 * share for share in shares), *areas]


def joined(rows: pl.DataFrame, unit: str, rule: str, classes: list[str]) -> pl.DataFrame:
    """Return a row for each recording or patient: its label, and the majority or the largest probability."""
    found = []
    for (one,), part in rows.group_by(unit):
        ill = [label for label in part["label"] if label > 0]
        sums, largest = ([part[f"p_{name}"].sum() for name in classes], [part[f"p_{name}"].max() for name in classes])
        votes = [(part["predicted"] == at).sum() for at in range(len(classes))]
        best = max(range(len(classes)), key=lambda at: largest[at] if rule == "max" else (votes[at], sums[at]))
        label = max(range(1, len(classes)), key=ill.count) if ill else 0
        found.append({unit: one, "label": label, "predicted": best})
    return pl.DataFrame(found)


def p_by_patient(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """Return the p-value of the strict Score when both sides swap whole patients, over all swaps."""
    parts = []
    for rows in (one, other):
        known = rows.with_columns(hit=pl.col("label") == pl.col("predicted"), ill=pl.col("label") > 0)
        sums = known.group_by("patient_id", "ill").agg(pl.col("hit").sum()).rows()
        sizes = dict(known.group_by("ill").len().rows())
        parts.append({(patient, ill): 50 * hits / sizes[ill] for patient, ill, hits in sums})
    people = sorted({patient for patient, _ in parts[0]})
    apart = [sum(parts[0].get((who, ill), 0) - parts[1].get((who, ill), 0) for ill in (False, True)) for who in people]
    null = np.array([np.dot(signs, apart) for signs in product([1, -1], repeat=len(people))])
    return min(1.0, 2 * min((null >= sum(apart) - 1e-9).mean(), (null <= sum(apart) + 1e-9).mean()))


def mcnemar(one: pl.DataFrame, other: pl.DataFrame) -> float:
    both = one.join(other, on="cycle_id", suffix="_other")
    right, also = (both["label"] == both["predicted"], both["label"] == both["predicted_other"])
    return binomtest((right & ~also).sum(), (right != also).sum()).pvalue


def calibration(rows: pl.DataFrame, classes: list[str], bins: int) -> list[float]:
    """Return ECE, Brier score and loss, as means over seeds."""
    seeds = [_calibration(seed, classes, bins) for _, seed in rows.group_by("model")]
    return [float(mean) for mean in np.mean(seeds, axis=0)]


def _calibration(rows: pl.DataFrame, classes: list[str], bins: int) -> list[float]:
    given, true = rows.select(f"p_{name}" for name in classes).to_numpy().astype(float), rows["label"].to_numpy()
    sure, right = given.max(axis=1), given.argmax(axis=1) == true
    found = np.digitize(sure, np.linspace(0, 1, bins + 1), right=True)
    gaps = [abs((sure - right)[found == at].sum()) for at in np.unique(found)]
    brier = ((given - np.eye(len(classes))[true]) ** 2).sum() / len(true)
    loss = sk.log_loss(true, given / given.sum(axis=1, keepdims=True), labels=range(len(classes)))
    return [sum(gaps) / len(true), brier, loss]


class Share(NamedTuple):
    """Sp or Se as a share, its change without each patient, that of each seed, and its numbers of cycles."""

    value: float
    changes: np.ndarray
    seeds: np.ndarray
    cycles: np.ndarray

    def minus(self, other: "Share") -> "Share":
        return Share(self.value - other.value, self.changes - other.changes, self.seeds, self.cycles)


def shares(rows: pl.DataFrame, definition: str) -> list[Share]:
    """Return Sp and Se, leaving out one patient after the other."""
    found, ill = [], rows["label"] > 0
    hits = (rows["label"] == rows["predicted"]) if definition == "strict" else ((rows["predicted"] > 0) == ill)
    people = sorted(rows["patient_id"].unique())
    for abnormal in (False, True):
        part = rows.with_columns(hit=hits).filter(ill == abnormal)
        value, who = part["hit"].mean(), pl.col("patient_id")
        seeds = np.array([seed["hit"].mean() for _, seed in part.group_by("model", maintain_order=True)])
        cycles = np.array([part.filter(who == one).height for one in people]) / len(seeds)
        changes = np.array([part.filter(who != one)["hit"].mean() - value for one in people])
        found.append(Share(value, changes * np.sqrt(1 - 1 / np.count_nonzero(cycles)), seeds, cycles))
    return found


def margin(parts: list[Share], *, seeds: bool = False) -> tuple[float, float]:
    """Return the standard error of the mean of two shares, and its quantile of Student's t."""
    squares = np.array([(part.changes**2).sum() for part in parts])
    bounds = np.array([part.cycles.sum() ** 2 / (part.cycles**2).sum() - 1 for part in parts])
    changes, of_seeds = (np.mean([getattr(part, name) for part in parts], axis=0) for name in ("changes", "seeds"))
    square = (changes**2).sum()
    freedom = np.clip(3 * square**2 / (changes**4).sum() - 2, 1, squares.sum() ** 2 / (squares**2 / bounds).sum())
    also = of_seeds.var(ddof=1) / len(of_seeds) if seeds else 0.0
    total = (square + also) ** 2 / (square**2 / freedom + also**2 / max(len(of_seeds) - 1, 1))
    return np.sqrt(square + also), t.ppf(0.975, total)


def interval(rows: pl.DataFrame, definition: str) -> list[float]:
    """Return the limits of a Score in percent: those of Sp and Se are the roots of Wilson's equation."""
    parts = shares(rows, definition)
    quantile = margin(parts)[1]
    spread = [(part.changes**2).sum() for part in parts]
    correlation = (parts[0].changes * parts[1].changes).sum() / np.sqrt(np.prod(spread))
    ends = []
    for (p, _, _, cycles), square in zip(parts, spread, strict=True):
        weight = quantile**2 / min(p * (1 - p) / square, cycles.sum())
        ends.append(np.sort(np.roots([1 + weight, -2 * p - weight, p**2])) - p)
    (low, high), (lower, higher) = ends
    halves = [np.sqrt(a**2 + b**2 + 2 * correlation * a * b) for a, b in ((low, lower), (high, higher))]
    middle = parts[0].value + parts[1].value
    return [50 * (middle - halves[0]), 50 * (middle + halves[1])]


def difference(one: pl.DataFrame, other: pl.DataFrame, definition: str, *, seeds: bool) -> list[float]:
    """Return a Score minus another one in points, and its limits, over the seeds of the first side if `seeds`."""
    sides = (shares(side, definition) for side in (one, other))
    parts = [left.minus(right) for left, right in zip(*sides, strict=True)]
    error, quantile = margin(parts, seeds=seeds)
    value = np.mean([part.value for part in parts])
    return [100 * value, *(100 * (value + sign * error * quantile) for sign in (-1, 1))]
