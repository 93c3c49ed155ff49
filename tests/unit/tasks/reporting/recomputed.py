"""Figures of the report, computed again from ``predictions.parquet`` by nothing but NumPy, polars and scikit-learn."""

from itertools import product

import numpy as np
import polars as pl
from scipy.stats import binomtest
from sklearn import metrics as sk


def scores(rows: pl.DataFrame) -> dict[str, float]:
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    normal = true == 0
    sp, strict, lenient = (
        100 * hits.mean() if len(hits) else np.nan
        for hits in (called[normal] == 0, called[~normal] == true[~normal], called[~normal] > 0)
    )
    means = {"strict": (sp + strict) / 2, "lenient": (sp + lenient) / 2}
    return {"sp": sp, "se": strict, "any": lenient} | means


def further(rows: pl.DataFrame) -> list[float]:
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
